"""What the queue screen reads: rows of one page, and every number on it in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet, Sum

from core import formats
from core.htmx import CAP, Capped
from core.models import User
from exceptions.filters import SOON, clock_state
from exceptions.models import PAUSED_RANK, Case, microseconds

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
    "units",
    "tier",
    "status",
    "waiting_on",
    "waiting_since",
    "wait_until",
    "snoozed_at",
    "snoozed_until",
    "wake_on",
    "parent_id",
    "started_at",
    "due_at",
    "rank",
    "priority",
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
    teams: list[tuple[str, str, Capped]]  # code, name, how many are open
    value: Decimal
    currency: str
    currencies: int
    newest: int

    @property
    def worth(self) -> str:
        """The value in the currency most of those cases have, without its small change; a plus where there is more."""
        whole = formats.money(self.value.to_integral_value(), self.currency).partition(".")[0]
        return f"{whole}+" if self["open"].over or self.currencies > 1 else whole

    def __getitem__(self, name: str) -> Capped:
        return self.counts[name]


# Written out rather than composed by the ORM: twenty counts are one statement, and composing them would take longer
# than PostgreSQL takes to answer. {scope} is true, or the person's sites.
_OPEN = "FROM exceptions_case WHERE is_open AND {scope}"
_GROUP_SQL = {
    # Two indexes, and no case is in both: what is paused has a rank beyond every instant.
    "overdue": f"rank <= %(now)s UNION ALL SELECT 1 {_OPEN} AND status = 'WAITING' AND promise_by <= %(at)s"
    f" AND rank >= {PAUSED_RANK}",
    "soon": "rank > %(now)s AND rank <= %(soon)s",
    "later": f"rank > %(soon)s AND rank < {PAUSED_RANK}",
    "paused": f"rank >= {PAUSED_RANK}",
    "open": "true",
    "unassigned": "owner_id IS NULL",
    "mine": "owner_id = %(user)s",
}
_TEAMS_SQL = f"""(
    SELECT json_agg(json_build_array(code, name, (
        SELECT count(*) FROM (SELECT 1 {_OPEN} AND queue_id = q.code LIMIT {CAP}) AS some_of_it
    )) ORDER BY position, code) FROM exceptions_queue AS q
)"""  # noqa: S608
_WORTH_SQL = f"""(
    SELECT json_agg(json_build_array(total::text, cases, currency) ORDER BY cases DESC) FROM (
        SELECT sum(value) AS total, count(*) AS cases, currency
        FROM (SELECT value, currency {_OPEN} ORDER BY rank, id LIMIT {CAP - 1}) AS nearest
        WHERE currency <> '' GROUP BY currency
    ) AS per_currency
)"""  # noqa: S608
_NUMBERS_SQL = ", ".join(
    [
        *(
            f"(SELECT count(*) FROM (SELECT 1 {_OPEN} AND {rule} LIMIT {CAP}) AS some_of_it)"  # noqa: S608
            for rule in _GROUP_SQL.values()
        ),
        _TEAMS_SQL,
        _WORTH_SQL,
        "(SELECT max(id) FROM exceptions_case)",
    ]
)


def numbers(user: User, site_ids: frozenset[int] | None, now: datetime) -> Numbers:
    """The tallies and tabs of everything this person may see, in one round trip."""
    scope = "true" if site_ids is None else "site_id = ANY(%(sites)s)"
    at = microseconds(now)
    parameters: dict[str, Any] = {
        "now": at,
        "soon": at + int(SOON / timedelta(microseconds=1)),
        "at": now,
        "user": user.pk,
        "sites": list(site_ids or ()),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + _NUMBERS_SQL.replace("{scope}", scope), parameters)
        *counts, teams, worth, newest = cursor.fetchone()
    worth = worth or [("0", 0, "")]
    return Numbers(
        counts={name: Capped(count) for name, count in zip(_GROUP_SQL, counts, strict=True)},
        teams=[(code, name, Capped(count)) for code, name, count in teams or ()],
        value=Decimal(worth[0][0]),
        currency=worth[0][2],
        currencies=len(worth),
        newest=newest or 0,
    )


def listed(rows: QuerySet[Case], now: datetime, *, groups: bool) -> dict[str, Capped]:
    """How many a filtered list holds ("open"), and how many in each group of the clock. One round trip.

    Resolved cases have no clock, so a list of them has no groups (and no index to look for one in).
    """
    wanted = {"open": rows}
    if groups:
        wanted |= {group: rows.filter(clock_state(group, now), is_open=True) for group in GROUPS}
    return {name: Capped(count) for name, count in capped_counts(wanted).items()}


def capped_counts(wanted: Mapping[str, QuerySet[Case]]) -> dict[str, int]:
    """Counts that stop at the cap, all in one round trip."""
    parts: list[str] = []
    parameters: list[Any] = []
    for rows in wanted.values():
        sql, values = rows.order_by().values("pk")[:CAP].query.sql_with_params()
        parts.append(f"(SELECT count(*) FROM ({sql}) AS some_of_it)")  # noqa: S608
        parameters += values
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(parts), parameters)
        return dict(zip(wanted, cursor.fetchone(), strict=True))


def group_of(rank: int, now: datetime) -> str:
    """The group of the queue a rank falls in."""
    if rank >= PAUSED_RANK:
        return "paused"
    at = microseconds(now)
    return "overdue" if rank <= at else "soon" if rank <= at + int(SOON / timedelta(microseconds=1)) else "later"


@dataclass(slots=True)
class Symptoms:
    """The open cases under one root, added up."""

    count: int = 0
    units: int = 0
    values: dict[str, Decimal] = field(default_factory=dict)


def symptoms(roots: Sequence[int], site_ids: frozenset[int] | None) -> dict[int, Symptoms]:
    """What stands under each of these cases, as far as the person may see it. One query, answered by an index."""
    # Asked of an empty page, too: every page takes the same statements.
    rows = Case.objects.for_sites(site_ids).filter(parent__in=roots or [0], is_open=True).order_by()
    found: dict[int, Symptoms] = {}
    added = rows.values_list("parent_id", "currency").annotate(Count("pk"), Sum("units"), Sum("value"))
    for root, currency, count, units, value in added:
        under = found.setdefault(root, Symptoms())
        under.count, under.units = under.count + count, under.units + units
        if currency:
            under.values[currency] = value
    return found
