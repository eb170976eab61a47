"""Statements worth preparing: the few big ones every order passes through.

Django's cursor sends each statement as text with its values spelled out, so the server parses and plans it anew each
time; for six CTEs over a handful of rows that costs more than running them. Here the values travel apart and the server
keeps the plan. A plan is kept for any values, so size hints must be honest: `unnest` counts as ten rows,
`json_to_recordset` as a hundred, which is enough to make it read a whole table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.conf import settings
from django.db import transaction
from psycopg.pq import Format


class _Cursor(psycopg.Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(query, params, prepare=PREPARES, **options)


# A pooler that hands each transaction another connection can't keep statements prepared; Django's own switch says so.
PREPARES = not settings.DATABASES["default"].get("DISABLE_SERVER_SIDE_CURSORS", False)


def fetchall(sql: str, parameters: Sequence[Any] | Mapping[str, Any], *, binary: bool = False) -> list[tuple[Any, ...]]:
    """Run one statement on Django's connection, in its transaction, with its instrumentation; all the rows.

    `binary` has the values come as the server holds them: long arrays are read in a third of the time.
    """
    connection = transaction.get_connection()
    connection.ensure_connection()
    if PREPARES:
        connection.connection.prepare_threshold = 1  # Django sets None, under which psycopg prepares nothing
    bare = _Cursor(connection.connection)
    bare.format = Format.BINARY if binary else Format.TEXT
    cursor = connection.make_debug_cursor(bare) if connection.queries_logged else connection.make_cursor(bare)
    with cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
