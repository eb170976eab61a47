"""Emptying a test database although some of its tables refuse TRUNCATE.

`@pytest.mark.django_db(transaction=True)` empties every table afterwards. Append-only tables (core/append_only.py) say
no by trigger. The owner of a table may switch its triggers off, and that is all a test database's user has to be.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError
from django.db.backends.postgresql.operations import DatabaseOperations
from psycopg.errors import DeadlockDetected

PATIENCE = 10.0
_BUSY = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend' AND state <> 'idle'"
)
_REFUSING = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 32 <> 0"


def switches(cursor: Any) -> tuple[list[str], list[str]]:
    """The statements that switch the triggers of append-only tables off and on again."""
    cursor.execute(_REFUSING)  # 32: a trigger on TRUNCATE
    tables = [row[0] for row in cursor.fetchall()]
    return [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables], [
        f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables
    ]


def _wait_for_others(cursor: Any) -> None:
    """A page that was left still asks for its panels: what the live server is about would deadlock with the emptying."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        cursor.execute(_BUSY)
        if not cursor.fetchone()[0]:
            return
        time.sleep(0.02)


@contextmanager
def past_append_only_triggers() -> Iterator[None]:
    """While this lasts, Django's flush of a database gets past the append-only triggers, in its own transaction."""
    original = DatabaseOperations.execute_sql_flush

    def flush(self: DatabaseOperations, sql_list: Any) -> Any:
        with self.connection.cursor() as cursor:
            off, on = switches(cursor)
            _wait_for_others(cursor)
        try:
            return original(self, [*off, *sql_list, *on])
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
            _wait_for_others(self.connection.cursor())
            return original(self, [*off, *sql_list, *on])

    DatabaseOperations.execute_sql_flush = flush  # type: ignore[method-assign]
    try:
        yield
    finally:
        DatabaseOperations.execute_sql_flush = original  # type: ignore[method-assign]
