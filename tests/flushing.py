"""Emptying a test database although some of its tables refuse TRUNCATE.

`@pytest.mark.django_db(transaction=True)` empties every table afterwards. Few have had rows by then, and making several
hundred files anew costs more than most tests: the few are emptied by DELETE, and all are truncated once they are large.
Append-only tables (core/append_only.py) say no by trigger. The owner of a table may switch its triggers off, and that
is all a test database's user has to be.
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
_WITH_PAGES = (
    "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relname = ANY(%s) AND pg_relation_size(oid) > 0"
)
LARGE = 4 * 1024 * 1024


def switches(cursor: Any) -> tuple[list[str], list[str]]:
    """The statements that switch the triggers of append-only tables off and on again."""
    cursor.execute(_REFUSING)  # 32: a trigger on TRUNCATE
    return _switches([row[0] for row in cursor.fetchall()])


def _switches(tables: list[str]) -> tuple[list[str], list[str]]:
    return [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables], [
        f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables
    ]


def _statements(operations: DatabaseOperations, truncate: list[str]) -> list[str]:
    tables = operations.connection.introspection.django_table_names(only_existing=True)
    with operations.connection.cursor() as cursor:
        _wait_for_others(cursor)
        cursor.execute(_WITH_PAGES, [tables])
        sizes = dict(cursor.fetchall())
        if sum(sizes.values()) > LARGE:
            off, on = switches(cursor)
            return [*off, *truncate, *on]
    off, on = _switches(list(sizes))
    if not sizes:
        return []
    # One statement, so that what refers to what is looked at once all are empty.
    emptied = ", ".join(f'_{n} AS (DELETE FROM "{table}")' for n, table in enumerate(sizes))
    # A table with checks still to come can't have its triggers back.
    return [*off, f"WITH {emptied} SELECT", "SET CONSTRAINTS ALL IMMEDIATE", *on]


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
        try:
            return original(self, _statements(self, sql_list))
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
            return original(self, _statements(self, sql_list))

    DatabaseOperations.execute_sql_flush = flush  # type: ignore[method-assign]
    try:
        yield
    finally:
        DatabaseOperations.execute_sql_flush = original  # type: ignore[method-assign]
