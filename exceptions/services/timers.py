"""The sweeper: tells what the clocks already say. Late sweeps are late news, never different news."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from core import actors, events, live
from core.errors import Refusal
from core.events import EventDraft
from core.subjects import Subject
from exceptions import events as facts
from exceptions.models import Case, Status
from exceptions.services import escalation, handling, opening
from exceptions.services.closing import TOPIC

BATCH = 2_000


@dataclass
class Swept:
    """What one pass told: cases warned, clocks breached by name, cases whose wait was over, steps fired."""

    warned: int = 0
    breached: dict[str, int] = field(default_factory=dict)
    resumed: int = 0
    escalated: int = 0

    @property
    def total(self) -> int:
        return self.warned + sum(self.breached.values()) + self.resumed + self.escalated


# By the database's clock. Rows another sweeper holds are skipped and each column is set once, so nothing is told twice.
# What is due is judged on the locked row itself: a join to the same table would still see the row as it was before the
# wait. A paused case runs only against its promise; a resolve clock that has run out needs no warning any more.
_SWEEP = """
WITH due AS (
    SELECT id,
        runs AND acknowledged_at IS NULL AND acknowledge_breached_at IS NULL
            AND acknowledge_by <= %(now)s AS acknowledge,
        runs AND breached_at IS NULL AND resolve_by <= %(now)s AS resolve,
        promise_breached_at IS NULL AND coalesce(promise_by <= %(now)s, false) AS promise,
        runs AND warned_at IS NULL AND breached_at IS NULL
            AND warn_at <= %(now)s AND resolve_by > %(now)s AS warn
    FROM exceptions_case, LATERAL (SELECT status = 'OPEN' OR waiting_on IN ('store', 'colleague') AS runs) AS clock
    WHERE next_tick <= %(now)s
        AND (runs AND wait_until IS DISTINCT FROM next_tick OR (promise_breached_at IS NULL AND promise_by <= %(now)s))
    ORDER BY next_tick LIMIT %(batch)s
    FOR NO KEY UPDATE OF exceptions_case SKIP LOCKED
)
UPDATE exceptions_case c SET
    acknowledge_breached_at = CASE WHEN due.acknowledge THEN %(now)s ELSE c.acknowledge_breached_at END,
    breached_at = CASE WHEN due.resolve THEN %(now)s ELSE c.breached_at END,
    promise_breached_at = CASE WHEN due.promise THEN %(now)s ELSE c.promise_breached_at END,
    warned_at = CASE WHEN due.warn THEN %(now)s ELSE c.warned_at END
FROM due WHERE due.id = c.id
RETURNING c.id, c.subject_kind, c.subject_uid, c.subject_label, due.acknowledge, due.resolve, due.promise, due.warn,
    c.acknowledge_by, c.resolve_by, c.promise_by, c.warn_at
"""


def sweep(*, now: datetime | None = None, batch: int = BATCH) -> Swept:
    """Tell every warning and breach and fire every step that is due, each exactly once; end waits that are over.

    Any number may run at once. Each batch is one statement and its facts, in one transaction. `now` stands in for the
    database's clock in tests.
    """
    swept = Swept()
    while (ended := _end_waits(now or _database_time(), batch)) == batch:
        swept.resumed += ended
    swept.resumed += ended
    while _tell(swept, now or _database_time(), batch) == batch:
        pass
    swept.escalated = escalation.sweep(now=now or _database_time(), batch=batch)
    return swept


def _database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@transaction.atomic
def _tell(swept: Swept, now: datetime, batch: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_SWEEP, {"now": now, "batch": batch})
        rows = cursor.fetchall()
    drafts: list[EventDraft] = []
    for row in rows:
        drafts += _drafts(row, swept)
    events.record_many(drafts)
    if drafts:
        live.poke(TOPIC)
    return len(rows)


def _drafts(row: tuple[Any, ...], swept: Swept) -> Iterable[EventDraft]:
    case_id, kind, uid, label, acknowledge, resolve, promise, warn, acknowledge_by, resolve_by, promise_by, warn_at = (
        row
    )
    subject = Subject("case", str(case_id), f"EX-{case_id}")
    related = ((Subject(kind, uid, label), "about"),)
    clocks = (
        ("acknowledge", acknowledge, acknowledge_by),
        ("resolve", resolve, resolve_by),
        ("promise", promise, promise_by),
    )
    for clock, breached, due in clocks:
        if breached:
            swept.breached[clock] = swept.breached.get(clock, 0) + 1
            data = {"clock": clock, "due_at": due.astimezone(UTC).isoformat()}
            yield EventDraft(facts.BREACHED, subject, actors.SYSTEM, data, related, due)
    if warn:
        swept.warned += 1
        data = {"clock": "resolve", "due_at": resolve_by.astimezone(UTC).isoformat()}
        yield EventDraft(facts.WARNED, subject, actors.SYSTEM, data, related, warn_at)


def _end_waits(now: datetime, batch: int) -> int:
    """Resume cases whose wait is over, from the moment it was over, however late this comes."""
    over = Case.objects.filter(status=Status.WAITING, wait_until__lte=now, next_tick__lte=now).order_by("next_tick")
    ended = 0
    for case_id, until in list(over.values_list("pk", "wait_until")[:batch]):
        try:
            handling.resume(case_id, actor=actors.SYSTEM, at=until)
            ended += 1
        except Refusal:
            continue  # a person was quicker
    return ended


def recheck_standing(*, after: int = 0, limit: int = 5_000) -> tuple[int, int]:
    """Clear what is open and no longer true, the net under the events: (how many cleared, where to go on).

    Looks at up to `limit` open cases with ids beyond `after`; the second figure is 0 once the end is reached.
    """
    ids = list(Case.objects.still_open().filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit])
    cleared = sum(opening.recheck_case(case_id) for case_id in ids)
    return cleared, ids[-1] if len(ids) == limit else 0
