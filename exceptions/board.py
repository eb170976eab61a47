"""What the queue screen reads: rows of one page, and every number on it in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from core import formats
from core.htmx import CAP, Capped
from core.models import User
from exceptions.filters import clock_state
from exceptions.models import PAUSED_RANK, Case, Queue, microseconds

COLUMNS = (
    "id",
    "version",
    "reason",
    "title",
    "summary",
    "queue_id",
    "severity",
    "subject_kind",
    "subject_uid",
    "subject_label",
    "site__name",
    "value",
    "currency",
    "status",
    "waiting_on",
    "waiting_since",
    "started_at",
    "due_at",
    "rank",
    "acknowledge_by",
    "acknowledged_at",
    "resolve_by",
    "promise_by",
    "resolved_at",
    "outcome",
    "occurrences",
    "owner_id",
    "owner__name",
    "owner__email",
)
GROUPS = ("overdue", "soon", "later", "paused")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Every number of the screen. Counts stop at 1 001; `value` adds up the cases nearest their time, up to as many."""

    counts: Mapping[str, Capped]
    value: Decimal
    currency: str
    currencies: int
    value_capped: bool
    newest: int

    @property
    def worth(self) -> str:
        """The value in the currency most of those cases have, without its small change; a plus where there is more."""
        whole = formats.money(self.value.to_integral_value(), self.currency).partition(".")[0]
        return f"{whole}+" if self.value_capped or self.currencies > 1 else whole

    def __getitem__(self, name: str) -> Capped:
        return self.counts[name]


class Reads:
    """Collects capped counts and answers them all in one round trip."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.parts: list[str] = []
        self.parameters: list[Any] = []

    def count(self, name: str, rows: QuerySet[Case]) -> None:
        sql, parameters = rows.order_by().values("pk")[:CAP].query.sql_with_params()
        self.add(name, f"(SELECT count(*) FROM ({sql}) AS capped)", parameters)  # noqa: S608

    def add(self, name: str, sql: str, parameters: tuple[Any, ...] = ()) -> None:
        self.names.append(name)
        self.parts.append(sql)
        self.parameters += parameters

    def read(self) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT " + ", ".join(self.parts), self.parameters)
            return dict(zip(self.names, cursor.fetchone(), strict=True))


def numbers(
    scope: QuerySet[Case],
    listed: QuerySet[Case],
    user: User,
    teams: list[Queue],
    now: datetime,
    *,
    resolved: bool = False,
) -> Numbers:
    """The tallies and tabs of what this person may see, and the groups of the list as filtered.

    Resolved cases have no clock, so a list of them has no groups (and no index to look for one in).
    """
    reads = Reads()
    still_open = scope.still_open()
    for group in () if resolved else GROUPS:
        reads.count(f"list:{group}", listed.filter(clock_state(group, now), is_open=True))
    reads.count("list", listed)
    for group in ("overdue", "soon"):
        reads.count(group, still_open.filter(clock_state(group, now)))
    reads.count("open", still_open)
    reads.count("unassigned", still_open.filter(owner=None))
    reads.count("mine", still_open.filter(owner=user))
    for team in teams:
        reads.count(f"queue:{team.pk}", still_open.filter(queue=team))
    reads.add("newest", "(SELECT coalesce(max(id), 0) FROM exceptions_case)")
    reads.add(*_worth(still_open))
    found = reads.read()
    worth = sorted(found.pop("worth") or [], key=lambda row: -row[1])
    newest = found.pop("newest")
    counts = {name: Capped(value) for name, value in found.items()}
    currency, most = (worth[0][2], Decimal(str(worth[0][0]))) if worth else ("", Decimal())
    return Numbers(counts, most, currency, len(worth), counts["open"].over, newest)


def _worth(rows: QuerySet[Case]) -> tuple[str, str, tuple[Any, ...]]:
    """Value per currency of the cases nearest their time, as [[sum, how many, currency], …]."""
    nearest = rows.order_by("rank", "id").values("value", "currency")[: CAP - 1]
    sql, parameters = nearest.query.sql_with_params()
    each = (
        f"SELECT sum(value) AS s, count(*) AS n, currency FROM ({sql}) AS near WHERE currency <> '' GROUP BY currency"  # noqa: S608
    )
    return "worth", f"(SELECT json_agg(json_build_array(s::text, n, currency)) FROM ({each}) AS per)", parameters  # noqa: S608


def group_of(row: Mapping[str, Any], now: datetime) -> str:
    """The group of the queue a row stands in."""
    rank = row["rank"]
    if rank >= PAUSED_RANK:
        return "paused"
    at = microseconds(now)
    return "overdue" if rank <= at else "soon" if rank <= at + 3_600_000_000 else "later"
