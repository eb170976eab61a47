"""The net under the events: open what a reason finds true and nobody has opened. One reason's trouble stays its own."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core import actors
from core.actors import Actor
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import Case, Outcome, StandingCheck
from exceptions.reasons import Reason
from exceptions.services import opening

CODE = "exceptions.standing_failed"
log = logging.getLogger(__name__)


def open_standing(codes: Iterable[str] | None = None, *, actor: Actor = actors.SYSTEM) -> int:
    """Open a case for every subject a reason finds true and nobody has opened or waived; returns how many.

    This is the net under the events: it opens what an event missed. A reason whose query fails, or that can't word one
    of its cases, is logged and becomes a case itself; every other reason is asked all the same.
    """
    wanted = set(codes) if codes is not None else None
    opened = 0
    for reason in reasons.every():
        if reason.standing is None or (wanted is not None and reason.code not in wanted):
            continue
        count, error = _ask(reason, actor)
        opened += count
        _remember(reason, error)
    return opened


def _ask(reason: Reason, actor: Actor) -> tuple[int, Exception | None]:
    """How many it opened, and the last thing that went wrong."""
    try:
        with transaction.atomic():  # a failed statement must not spoil a transaction around the sweep
            uids = list((reason.standing and reason.standing()) or ())
            answered = _answered(reason, uids)
    except Exception as failure:
        log.exception("reason.standing_failed", extra={"reason": reason.code})
        return 0, failure
    opened, error = 0, None
    for uid in uids:
        if uid in answered:
            continue
        try:
            with transaction.atomic():
                _open(reason, uid, actor)
            opened += 1
        except Exception as failure:
            log.exception("reason.opening_failed", extra={"reason": reason.code, "uid": uid})
            error = failure
    return opened, error


def _open(reason: Reason, uid: str, actor: Actor) -> None:
    said = (reason.describe(uid) if reason.describe else None) or reasons.Opening()
    opening.open_(
        reason.code,
        Subject(reason.subject_kind, uid, said.label),
        title=said.title,
        summary=said.summary,
        site_id=said.site_id,
        value=said.value,
        currency=said.currency,
        promise_by=said.promise_by,
        started_at=said.started_at,
        units=said.units or None,
        tier=said.tier or None,
        data=said.data,
        actor=actor,
    )


def _answered(reason: Reason, uids: list[str]) -> set[str]:
    """Subjects that need no new case: one is open, its last one was waived, or it is a duplicate of an open one."""
    if not uids:
        return set()
    rows = (
        Case.objects.filter(reason=reason.code, subject_kind=reason.subject_kind, subject_uid__in=uids)
        .order_by("subject_uid", "-pk")
        .distinct("subject_uid")
        .values_list("subject_uid", "is_open", "outcome", "parent__is_open")
    )
    return {
        uid
        for uid, still_open, outcome, parent_open in rows
        if still_open or outcome == Outcome.WAIVED or (outcome == Outcome.DUPLICATE and parent_open)
    }


def _remember(reason: Reason, error: Exception | None) -> None:
    """Keep the reason's last answer; the first failure opens a case, the next good answer clears it."""
    now = timezone.now()
    subject = Subject("reason", reason.code, reason.title[:200])
    if error is None:
        if StandingCheck.objects.filter(reason=reason.code, failing=True).update(failing=False, since=now, error=""):
            opening.recheck(subject, cause="Its query answers again.")
        return
    text = f"{type(error).__name__}: {error}"[:500].replace("\0", "")
    changed = StandingCheck.objects.filter(reason=reason.code, failing=True).update(
        failures=F("failures") + 1, error=text
    )
    if not changed:
        StandingCheck.objects.update_or_create(
            reason=reason.code, defaults={"failing": True, "since": now, "failures": 1, "error": text}
        )
        opening.open_(CODE, subject, summary=text, actor=actors.SYSTEM)


def failing(code: str) -> bool:
    return StandingCheck.objects.filter(reason=code, failing=True).exists()
