"""The books, proven: invariants every app states as a query for the rows that break them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from django.db import connection, transaction

SHOWN = 20  # broken rows named per invariant; the count is always complete


@dataclass(frozen=True, slots=True)
class Invariant:
    """`sql` selects the rows that break the rule; its columns are shown as they are.

    A function is asked for it when the audit runs, for what isn't known earlier (such as who hears which event).
    """

    name: str
    description: str
    sql: str | Callable[[], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one invariant said: how many rows break it, and the first of them; and how long it took to ask."""

    invariant: Invariant
    broken: int
    examples: list[dict[str, Any]]
    seconds: float = 0.0


_invariants: dict[str, Invariant] = {}


def register(name: str, description: str, sql: str | Callable[[], str]) -> None:
    """State an invariant ("inventory.stock_is_its_movements"). Called from AppConfig.ready(), in <app>/audit.py."""
    if name in _invariants:
        raise ValueError(f"invariant {name} is registered twice")
    _invariants[name] = Invariant(name, description, sql)


def invariants(prefix: str = "") -> list[Invariant]:
    return [known for name, known in sorted(_invariants.items()) if name.startswith(prefix)]


def audit(prefix: str = "") -> Iterator[Finding]:
    """Check every invariant over the whole database, all of them against one snapshot, while work goes on."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for invariant in invariants(prefix):
            yield _check(invariant)


def _check(invariant: Invariant) -> Finding:
    sql = invariant.sql() if callable(invariant.sql) else invariant.sql
    sql = sql.strip().rstrip(";")
    started = perf_counter()
    with connection.cursor() as cursor:
        # No parameters, so a literal % in an invariant stays one.
        cursor.execute(f"SELECT *, count(*) OVER () AS broken_rows FROM ({sql}) AS broken LIMIT {SHOWN}")  # noqa: S608
        columns = [column.name for column in cursor.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    broken = rows[0]["broken_rows"] if rows else 0
    seconds = perf_counter() - started
    return Finding(invariant, broken, [{k: v for k, v in row.items() if k != "broken_rows"} for row in rows], seconds)
