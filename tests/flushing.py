"""Emptying a test database although some of its tables refuse TRUNCATE.

`@pytest.mark.django_db(transaction=True)` empties every table afterwards. Append-only tables (core/append_only.py) say
no, except to a session whose replication role is `replica`; only a superuser may set that, which the owner of a test
database is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.postgresql.operations import DatabaseOperations


@contextmanager
def past_append_only_triggers() -> Iterator[None]:
    """While this lasts, Django's flush of a database gets past the append-only triggers."""
    original = DatabaseOperations.execute_sql_flush

    def flush(self: DatabaseOperations, sql_list: Any) -> Any:
        with self.connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            try:
                return original(self, sql_list)
            finally:
                cursor.execute("SET session_replication_role = origin")

    DatabaseOperations.execute_sql_flush = flush  # type: ignore[method-assign]
    try:
        yield
    finally:
        DatabaseOperations.execute_sql_flush = original  # type: ignore[method-assign]
