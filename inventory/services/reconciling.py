"""What is unexplained between the books and the systems around them: per place, per currency, and over time.

Everything is summed from the same rows (the differences that stand), so the table, the trend's last point, the list
and its export tie out to the unit and the penny.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

DAYS = 30


@dataclass(slots=True)
class Row:
    """One place (or all of them): how much was compared and what of it is unexplained."""

    code: str
    name: str
    compared: int = 0
    differing: int = 0
    beyond: int = 0
    more: int = 0  # units others have and the books don't
    less: int = 0  # units the books have and others don't
    gross: int = 0
    unvalued: int = 0  # differences of items without a cost
    value: dict[str, Decimal] = field(default_factory=dict)  # net, by currency

    @property
    def net(self) -> int:
        return self.more - self.less

    def add(self, other: Row) -> None:
        for name in ("compared", "differing", "beyond", "more", "less", "gross", "unvalued"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for currency, amount in other.value.items():
            self.value[currency] = self.value.get(currency, Decimal(0)) + amount


@dataclass(frozen=True, slots=True)
class Point:
    """What stood unexplained at the end of a day."""

    day: date
    units: int
    differences: int


def by_place(sites: Collection[int] | None) -> tuple[list[Row], Row]:
    """One row per place somebody reported about, the most units in question first, and their sum. Two queries.

    `sites` limits it to what a person may see; None is all.
    """
    rows = {row[0]: Row(row[1], row[2], compared=row[3]) for row in _query(_COMPARED, sites)}
    for place, code, name, currency, *figures in _query(_STANDING, sites):
        found = rows.setdefault(place, Row(code, name))
        differing, beyond, more, less, gross, unvalued, value = figures
        part = Row(code, name, 0, differing, beyond, int(more), int(less), int(gross), unvalued)
        if value is not None:
            part.value[currency] = value
        found.add(part)
    total = Row("", "All places")
    for row in rows.values():
        total.add(row)
    return sorted(rows.values(), key=lambda row: (-row.gross, row.code)), total


def trend(sites: Collection[int] | None, *, now: datetime | None = None, days: int = DAYS) -> list[Point]:
    """Units in question at the end of each of the last days; the last point is this moment. One query."""
    now = now or timezone.now()
    zone = timezone.get_current_timezone()
    today = now.astimezone(zone).date()
    ends = [datetime.combine(today - timedelta(days=back - 1), time(), zone) for back in range(days - 1, 0, -1)] + [now]
    with connection.cursor() as cursor:
        cursor.execute(_TREND, {"ends": ends, "first": ends[0], "sites": _ids(sites)})
        found = {moment: (int(units), count) for moment, units, count in cursor.fetchall()}
    return [Point(today - timedelta(days=days - 1 - n), *found.get(end, (0, 0))) for n, end in enumerate(ends)]


def _query(sql: str, sites: Collection[int] | None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"sites": _ids(sites)})
        return list(cursor.fetchall())


def _ids(sites: Collection[int] | None) -> list[int] | None:
    return None if sites is None else sorted(sites)


_COMPARED = """
SELECT location.id, location.code, location.name, count(*)
FROM inventory_reportedstock said JOIN inventory_location location ON location.id = said.location_id
WHERE %(sites)s::bigint[] IS NULL OR location.site_id = ANY(%(sites)s::bigint[])
GROUP BY location.id
"""

_STANDING = """
SELECT location.id, location.code, location.name, difference.currency, count(*),
    count(*) FILTER (WHERE beyond),
    coalesce(sum(units) FILTER (WHERE units > 0), 0), coalesce(-sum(units) FILTER (WHERE units < 0), 0),
    sum(gross), count(*) FILTER (WHERE value IS NULL), sum(value)
FROM inventory_stockdifference difference JOIN inventory_location location ON location.id = difference.location_id
WHERE ended_at IS NULL
    AND (%(sites)s::bigint[] IS NULL OR location.site_id = ANY(%(sites)s::bigint[]))
GROUP BY location.id, difference.currency
"""

_TREND = """
SELECT moment, coalesce(sum(gross), 0), count(difference.id)
FROM unnest(%(ends)s::timestamptz[]) AS moment
LEFT JOIN (
    SELECT difference.id, gross, began_at, ended_at
    FROM inventory_stockdifference difference JOIN inventory_location location ON location.id = difference.location_id
    WHERE (ended_at IS NULL OR ended_at > %(first)s)
        AND (%(sites)s::bigint[] IS NULL OR location.site_id = ANY(%(sites)s::bigint[]))
) difference ON began_at <= moment AND (ended_at IS NULL OR ended_at > moment)
GROUP BY moment
"""
