"""Writing a new order with everything it brings in one statement: the ORM would need one round trip a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from django.db import models
from pydantic_core import to_json

from core import prepared
from orders.models import Hold, Order, OrderLine, Payment, Refund
from orders.services.desk import Desk


def insert(desk: Desk, holds: Sequence[Hold], payments: Sequence[Payment], refunds: Sequence[Refund]) -> None:
    """Write the desk's new order. A unique violation means that a twin arrived a moment earlier: try again.

    Rows travel as JSON, one value a table, so that the statement is the same however many lines an order has.
    """
    groups: tuple[Sequence[models.Model], ...] = (
        [desk.order],
        desk.lines,
        desk.new_promises,
        desk.decisions,
        desk.shadows,
        holds,
        payments,
        refunds,
    )
    present = [group for group in groups if group]
    sql = _statement(tuple(type(group[0]) for group in present))
    prepared.fetchall(sql, [_rows(group) for group in present])


@cache
def _statement(tables: tuple[type[models.Model], ...]) -> str:
    parts = []
    for model in tables:
        table = model._meta.db_table
        columns = ", ".join(f'"{column}"' for column, _ in _columns(model))
        parts.append(
            f"{table}_rows AS (INSERT INTO {table} ({columns}) "  # noqa: S608  (names of our own)
            f"SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s))"
        )
    return f"WITH {', '.join(parts)} SELECT"


@cache
def _columns(model: type[models.Model]) -> list[tuple[str, str]]:
    """Column and attribute names. Orders and lines bring their ids, because stock was reserved under them."""
    with_id = model in {Order, OrderLine}
    return [(str(f.column), f.attname) for f in model._meta.concrete_fields if with_id or not f.primary_key]


def _rows(group: Sequence[models.Model]) -> str:
    columns = _columns(type(group[0]))
    rows = [{column: getattr(row, name) for column, name in columns} for row in group]
    for row in rows:
        if "source_digest" in row:
            row["source_digest"] = "\\x" + row["source_digest"].hex()
    return to_json(rows).decode()
