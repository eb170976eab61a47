"""Ending a case, whoever ends it; and telling of clocks that ran out before a sweep could."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from core import actors, events, live
from core.actors import Actor
from core.events import EventDraft
from core.subjects import Subject
from exceptions import events as facts
from exceptions.models import Case, CasePause, Outcome, Status
from exceptions.services import escalation, watching
from exceptions.services.clearing import Cleared

_END = {facts.RESOLVED: "Resolved", facts.CLEARED: "Cleared by itself", facts.WAIVED: "Waived"}
TOPIC = facts.TOPIC


def subject_of(case: Case) -> Subject:
    return Subject("case", str(case.pk), case.number)


def about(case: Case) -> tuple[tuple[Subject, str], ...]:
    return ((Subject(case.subject_kind, case.subject_uid, case.subject_label), "about"),)


def close(
    case: Case,
    outcome: Outcome,
    *,
    note: str,
    actor: Actor,
    fact: str,
    by: Cleared | None = None,
    **fields: Any,
) -> None:
    """Resolve a case that the caller has locked, tell any breach no sweep has told yet, and record it.

    `by` is the fact that cleared it, where nobody ended it.
    """
    now = timezone.now()
    _end_overdue_wait(case, now)
    breached, drafts = tell_breaches(case, now)
    if case.escalation_id:
        escalation.end([case.pk], now)
    CasePause.objects.filter(case=case, ended_at__isnull=True).update(ended_at=now)
    Case.objects.filter(pk=case.pk).update(
        status=Status.RESOLVED,
        outcome=outcome,
        outcome_note=note,
        resolved_at=now,
        waiting_on="",
        waiting_since=None,
        wait_until=None,
        snoozed_at=None,
        snoozed_until=None,
        wake_on="",
        wake_after=None,
        version=F("version") + 1,
        updated_at=now,
        **breached,
        **fields,
    )
    data = {"outcome": outcome.value, "note": note, "seconds_open": int((now - case.started_at).total_seconds())}
    touched = about(case)
    if by is not None:
        data["by"] = by.data
        touched = (*touched, (by.subject, "cleared_by"))
    drafts.append(EventDraft(fact, subject_of(case), actor, data, touched))
    events.record_many(drafts)
    live.poke(TOPIC)
    watching.tell(
        case, _END[fact] + (f": {note[:280]}" if note else "."), key=f"end:{case.pk}:{case.version}", actor=actor
    )
    from exceptions.services import roots  # it asks the symptoms again, which may close them here

    roots.after(case.pk, actor=actor)


def _end_overdue_wait(case: Case, now: datetime) -> None:
    """A wait that was over before this, and that no sweep has ended yet, ends when it was over: clocks ran since."""
    if case.status != Status.WAITING or case.wait_until is None or case.wait_until > now:
        return
    from exceptions.services import handling  # it closes cases through this module

    handling.resume(case.pk, actor=actors.SYSTEM, at=case.wait_until)
    case.refresh_from_db()


def tell_breaches(case: Case, now: datetime) -> tuple[dict[str, datetime], list[EventDraft]]:
    """Columns and facts for every clock that has run out untold, for a change about to stop or meet that clock.

    The fact's own time is when the clock ran out, however late it is told.
    """
    found = _untold(case, now)
    drafts = [
        EventDraft(
            facts.BREACHED,
            subject_of(case),
            actors.SYSTEM,
            {"clock": clock, "due_at": due.isoformat()},
            about(case),
            due,
        )
        for clock, _, due in found
    ]
    return {column: now for _, column, _ in found}, drafts


def _untold(case: Case, now: datetime) -> list[tuple[str, str, datetime]]:
    found = []
    if case.status == Status.OPEN or (case.status == Status.WAITING and not case.paused):
        if case.acknowledged_at is None and not case.acknowledge_breached_at and case.acknowledge_by <= now:
            found.append(("acknowledge", "acknowledge_breached_at", case.acknowledge_by))
        if not case.breached_at and case.resolve_by <= now:
            found.append(("resolve", "breached_at", case.resolve_by))
    if case.promise_by and not case.promise_breached_at and case.promise_by <= now and case.status != Status.RESOLVED:
        found.append(("promise", "promise_breached_at", case.promise_by))
    return found
