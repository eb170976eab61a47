"""Writing a new order with everything it brings in one statement: the ORM would need one round trip a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection, models
from psycopg.types.json import Jsonb

from orders.models import Hold, Order, OrderLine, Payment, Refund
from orders.services.desk import Desk


def insert(desk: Desk, holds: Sequence[Hold], payments: Sequence[Payment], refunds: Sequence[Refund]) -> None:
    """Write the desk's new order. A unique violation means that a twin arrived a moment earlier: try again."""
    groups: list[Sequence[models.Model]] = [
        [desk.order],
        desk.lines,
        desk.new_promises,
        desk.decisions,
        holds,
        payments,
        refunds,
    ]
    parts, values = [], []
    for group in groups:
        if not group:
            continue
        model = type(group[0])
        head, row, names = _shape(model, with_id=model in {Order, OrderLine})
        parts.append(f"{model._meta.db_table}_rows AS ({head}{', '.join([row] * len(group))})")
        for instance in group:
            values += [read(getattr(instance, name)) for name, read in names]
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} SELECT", values)


@cache
def _shape(model: type[models.Model], *, with_id: bool) -> tuple[str, str, list[tuple[str, Any]]]:
    """The INSERT's head, one row of placeholders, and how to read each column off an instance."""
    fields = [f for f in model._meta.concrete_fields if with_id or not f.primary_key]
    columns = ", ".join(f'"{f.column}"' for f in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    readers = [(f.attname, _json if isinstance(f, models.JSONField) else _plain) for f in fields]
    return f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ", row, readers  # noqa: S608  (names of our own)


def _json(value: Any) -> Any:
    return None if value is None else Jsonb(value)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value
