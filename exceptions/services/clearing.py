"""Which fact cleared a case: the one that was heard, the newest about its subject since it opened, or how it stands."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import transaction
from django.db.models import Max

from core import timeline
from core.models import Event, EventObject
from core.subjects import Subject
from exceptions import events as facts
from exceptions import reasons
from exceptions.models import Case
from exceptions.reasons import Cell, Evidence, Reason, Row

LOOKED_AT = 50  # newest first; those that are about cases are left out
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cleared:
    """What made it untrue, in words, and the row they are read from."""

    words: str
    subject: Subject
    event: int | None = None

    @property
    def data(self) -> dict[str, Any]:
        return {
            "words": self.words,
            "kind": self.subject.kind,
            "uid": self.subject.uid,
            "label": self.subject.label,
            "event": self.event,
        }


def by_what(case: Case, *, cause: str = "", event: int | None = None, root: Case | None = None) -> Cleared:
    """The fact that made this case untrue; the caller holds the case. `cause` is what the one who noticed calls it.

    A symptom ends by its root. Then what the reason itself says. Then the event that was heard, or else the newest one
    about the subject or touching it since the case opened. Where nobody recorded anything (time alone, or a system that
    answers again), how its evidence reads now.
    """
    about = Subject(case.subject_kind, case.subject_uid, case.subject_label)
    if root is not None:
        return Cleared(cause, Subject("case", str(root.pk), root.number))
    reason = reasons.find(case.reason)
    said = _by_reason(reason, case.subject_uid)
    if said is not None:
        return Cleared(said[0], said[1] or about)
    found = Event.objects.filter(pk=event).first() if event else _newest(case, about)
    if found is not None:
        subject = Subject(found.subject_kind, found.subject_uid, found.subject_label)
        return Cleared(_told(found), subject, found.pk)
    return Cleared(_stands(reason, case.subject_uid), about)


def _by_reason(reason: Reason | None, uid: str) -> tuple[str, Subject | None] | None:
    question = reason.cleared if reason is not None else None
    if reason is None or question is None:
        return None
    found: tuple[str, Subject | None] | None = _asked(reason, lambda: question(uid))
    return found


def _asked(reason: Reason, question: Any) -> Any:
    """Its answer; None where it fails: a case that is no longer true must close all the same."""
    try:
        with transaction.atomic():
            return question()
    except Exception:
        log.exception("reason.cleared_failed", extra={"reason": reason.code})
        return None


def _newest(case: Case, about: Subject) -> Event | None:
    """The newest fact about the subject, or touching it, after the case opened for the last time. Cases tell none."""
    runs = Event.objects.filter(
        subject_kind="case", subject_uid=str(case.pk), type__in=(facts.OPENED, facts.REOPENED)
    ).aggregate(last=Max("pk"))
    since = runs["last"] or 0
    own = Event.objects.filter(subject_kind=about.kind, subject_uid=about.uid, pk__gt=since).order_by("-pk")
    touching = EventObject.objects.filter(kind=about.kind, uid=about.uid, event_id__gt=since).order_by("-event_id")
    ids = [
        *own.values_list("pk", flat=True)[:1],
        *touching.values_list("event_id", flat=True)[:LOOKED_AT],
    ]
    return Event.objects.filter(pk__in=ids).exclude(subject_kind="case").order_by("-pk").first()


def _told(event: Event) -> str:
    """`Order accepted (SO-1), by Amira Khan, 3 Jul 2026 09:30 UTC.`"""
    label = event.subject_label or event.subject_uid
    parts = [
        f"{timeline.words(event).text.rstrip('.')} ({label})",
        *([f"by {event.actor_label}"] if event.actor_label else []),
    ]
    return f"{', '.join(parts)}, {event.occurred_at.astimezone(UTC):%d %b %Y %H:%M} UTC."


def _stands(reason: Reason | None, uid: str) -> str:
    """How the evidence reads now, for a case no event tells of."""
    if reason is None:
        return "Its reason is not known any more."
    now = _asked(reason, lambda: reason.evidence(uid) if reason.evidence else ())
    shown: Sequence[Evidence] = [now] if isinstance(now, Evidence) else list(now or ())
    figures = "; ".join(filter(None, (_figures(each) for each in shown[:2])))
    return f"Clears when {reason.clears_when}. Now: {figures or 'its subject is gone'}."


def _figures(evidence: Evidence) -> str:
    if not evidence.rows:
        return evidence.empty.rstrip(".")
    row = evidence.rows[0]
    cells = row.cells if isinstance(row, Row) else row
    texts = [cell.text if isinstance(cell, Cell) else cell for cell in cells]
    return f"{evidence.heading} ({', '.join(text for text in texts if text)[:160]})"
