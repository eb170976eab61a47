"""Putting a case aside, and what brings it back: a time, a fact, or a clock that runs out.

A case put aside keeps its clocks running, because nobody else is due to act; it only leaves the head of the queue.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from core import actors
from core.actors import Actor
from core.errors import Refusal
from exceptions import events as facts
from exceptions import wakes
from exceptions.models import Case, Status
from exceptions.services import handling

BATCH = 2_000

# The patterns of every wake there is come along as parameters: (kind, code) -> LIKE patterns. A fact counts whether it
# is about the case's subject itself or only touched it.
_BACK = """
SELECT c.id, c.status,
    CASE WHEN c.snoozed_until <= %(now)s THEN 'time' WHEN c.snoozed_at IS NOT NULL AND c.due_at <= %(now)s THEN 'clock'
        ELSE 'fact' END AS because,
    f.type
FROM exceptions_case AS c
LEFT JOIN LATERAL (
    SELECT e.type FROM (
        SELECT id, type FROM core_event
        WHERE subject_kind = c.subject_kind AND subject_uid = c.subject_uid AND id > c.wake_after
        UNION ALL
        SELECT e.id, e.type FROM core_eventobject AS o JOIN core_event AS e ON e.id = o.event_id
        WHERE o.kind = c.subject_kind AND o.uid = c.subject_uid AND o.event_id > c.wake_after
    ) AS e
    JOIN unnest(%(kinds)s::text[], %(codes)s::text[], %(patterns)s::text[]) AS w(kind, code, pattern)
        ON w.kind = c.subject_kind AND w.code = c.wake_on AND e.type LIKE w.pattern
    -- What people do to cases isn't something that happened to their subject.
    WHERE e.type NOT LIKE 'case.%%'
    ORDER BY e.id LIMIT 1
) AS f ON true
WHERE (c.snoozed_at IS NOT NULL OR c.wake_after IS NOT NULL)
    AND (c.snoozed_until <= %(now)s OR (c.snoozed_at IS NOT NULL AND c.due_at <= %(now)s) OR f.type IS NOT NULL)
ORDER BY c.id LIMIT %(batch)s
"""


@transaction.atomic
def snooze(
    case_id: int,
    *,
    until: datetime | None = None,
    wake_on: str = "",
    note: str = "",
    version: int | None = None,
    actor: Actor,
) -> int:
    """Put a case aside until a time, a fact, or whichever is first. A clock that runs out brings it back, too.

    Its clocks run on. Again: the new end counts. Returns the version.
    """
    now = timezone.now()
    if until is None and not wake_on:
        raise Refusal("until_when", "Say until when, or until what happens.", status=422)
    if until is not None and until <= now:
        raise Refusal("until_is_past", "Put it aside until a time that is still to come.", status=400)
    case = handling.locked(case_id, version)
    if case.status != Status.OPEN:
        raise Refusal("bad_move", f"{case.number} is not open, so it can't be put aside.", **handling.current(case))
    if case.due_at and case.due_at <= now:
        raise Refusal(
            "already_late", f"{case.number} is past its time, so it can't be put aside.", **handling.current(case)
        )
    data = {"until": until.isoformat() if until else None, "wake_on": wake_on, "note": note[:500]}
    data["words"] = wakes.words(case.subject_kind, wake_on)
    drafts = [handling.fact(case, facts.SNOOZED, actor, **data)]
    return handling.change(
        case, drafts, now, snoozed_at=now, snoozed_until=until, **wakes.marks(case.subject_kind, wake_on)
    )


@transaction.atomic
def wake(case_id: int, *, version: int | None = None, because: str = "", actor: Actor = actors.SYSTEM) -> int:
    """Bring a case back to where its clocks put it. Safe to repeat. Returns the version."""
    case = handling.locked(case_id, version)
    if case.snoozed_at is None:
        return case.version
    drafts = [handling.fact(case, facts.WOKEN, actor, because=because)]
    return handling.change(case, drafts, timezone.now(), **handling.AWAKE)


def bring_back(*, now: datetime | None = None, batch: int = BATCH) -> int:
    """Bring back every case whose time, fact or clock has come; resumes those that waited for a fact. How many.

    A missed beat is only lateness: what happened meanwhile stands in the facts.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BACK, {"now": now or timezone.now(), "batch": batch, **_patterns()})
        rows = cursor.fetchall()
    brought = 0
    for case_id, status, because, type_ in rows:
        words = type_.replace(".", " ").replace("_", " ").capitalize() if because == "fact" else because
        try:
            if status == Status.WAITING:
                handling.resume(case_id, because=words, actor=actors.SYSTEM)
            else:
                wake(case_id, because=words)
            brought += 1
        except Refusal:
            continue  # a person was quicker
    return brought


def _patterns() -> dict[str, list[str]]:
    kinds = Case.objects.filter(wake_after__isnull=False).order_by().values_list("subject_kind", flat=True).distinct()
    known = [(kind, wake.code, like) for kind in kinds for wake in wakes.offered(kind) for like in wake.like]
    return {
        "kinds": [kind for kind, _, _ in known],
        "codes": [code for _, code, _ in known],
        "patterns": [pattern for _, _, pattern in known],
    }
