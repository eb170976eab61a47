"""One root cause and its symptoms: cases stand under the case they come from, and end with it once no longer true."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone

from core import actors, events, live, wake
from core.actors import Actor
from core.errors import Refusal
from core.models import Event
from exceptions import events as facts
from exceptions import origins, reasons
from exceptions.models import Case, Outcome
from exceptions.reasons import Root
from exceptions.services import causes, handling, opening

BATCH = 50
ADOPTED = 5_000
LATELY = timedelta(minutes=15)
_ENDED = {
    Outcome.FIXED: "was resolved",
    Outcome.CLEARED: "cleared itself",
    Outcome.WAIVED: "was waived",
    Outcome.DUPLICATE: "was the same as another case",
}
log = logging.getLogger(__name__)


@transaction.atomic
def link(case_id: int, parent: int, *, version: int | None = None, actor: Actor) -> int:
    """Say that this case is a symptom of another: it ends with its root. Returns the version.

    Refusal no_such_root (400) unless the other is open and nobody's symptom, and this one has no symptoms itself.
    """
    case = handling.locked(case_id, version)
    handling.must_be_open(case)
    if case.parent_id == parent:
        return case.version
    root = Case.objects.filter(pk=parent, is_open=True, parent__isnull=True).exclude(pk=case.pk).first()
    if root is None or Case.objects.filter(parent=case, is_open=True).exists():
        raise Refusal("no_such_root", "Name an open case that is nobody's symptom itself.", status=400)
    return handling.change(case, [causes.linked(case, root, actor)], timezone.now(), parent_id=root.pk)


@transaction.atomic
def unlink(case_id: int, *, why: str = "", version: int | None = None, actor: Actor) -> int:
    """Say that this case stands for itself. Safe to repeat. Returns the version."""
    case = handling.locked(case_id, version)
    handling.must_be_open(case)
    if case.parent_id is None:
        return case.version
    draft = handling.fact(case, facts.UNLINKED, actor, root=f"EX-{case.parent_id}", why=why)
    return handling.change(case, [draft], timezone.now(), parent_id=None)


def adopt(root_id: int, *, actor: Actor = actors.SYSTEM) -> int:
    """Let what was open before its root stand under it; returns how many. Safe to repeat.

    Leaves alone what somebody took off a root and what stands under another. What has symptoms brings them along.
    """
    root = Case.objects.filter(pk=root_id, is_open=True).select_related("parent").first()
    if root is None or (root.parent is not None and not root.parent.is_open):
        return 0
    adopted = 0
    for origin in origins.to(root.reason):
        reason = reasons.find(origin.symptom)
        if reason is None:
            continue
        rows = _free(origin.symptom).filter(pk__lt=root.pk).exclude(pk=root.parent_id)
        ids = dict(rows.values_list("subject_uid", "pk")[:ADOPTED])
        named = causes.named(reason, ids)
        wanted = [pk for uid, pk in ids.items() if Root(root.reason, root.subject_uid) in named[uid]]
        for start in range(0, len(wanted), BATCH):
            adopted += _adopt_some(wanted[start : start + BATCH], root.parent or root, actor)
    return adopted


def _free(reason: str) -> QuerySet[Case]:
    """Open cases of a reason that stand for themselves and that nobody has taken off a root."""
    taken_off = Event.objects.filter(
        subject_kind="case", subject_uid=Cast(OuterRef("pk"), CharField()), type=facts.UNLINKED
    )
    rows = Case.objects.still_open().filter(reason=reason, parent__isnull=True)
    return rows.filter(~Exists(taken_off)).order_by("-pk")


@transaction.atomic
def _adopt_some(ids: list[int], root: Case, actor: Actor) -> int:
    rows = Case.objects.select_for_update(no_key=True, skip_locked=True).filter(
        Q(pk__in=ids, parent__isnull=True) | Q(parent__in=ids), is_open=True
    )
    some = list(rows.exclude(pk=root.pk).order_by("pk"))
    if not Case.objects.filter(pk=root.pk, is_open=True).exists():
        return 0
    Case.objects.filter(pk__in=[case.pk for case in some]).update(
        parent=root.pk, version=F("version") + 1, updated_at=timezone.now()
    )
    events.record_many([causes.linked(case, root, actor, by_itself=True) for case in some])
    live.poke(facts.TOPIC)
    return len(some)


def adopt_all() -> int:
    """The net: let roots that opened lately have what was open before them; returns how many were adopted."""
    lately = timezone.now() - LATELY
    rows = Case.objects.still_open().filter(reason__in=origins.roots(), opened_at__gte=lately).order_by("-pk")
    return sum(adopt(root_id) for root_id in list(rows.values_list("pk", flat=True)[:200]))


def after(root_id: int, *, actor: Actor) -> None:
    """A case has just ended, its lock still held: ask its first symptoms again here, and the rest after the commit.

    The task is only a wake-up: `settle_all` finds what it leaves.
    """
    if _settle_some(root_id, actor, BATCH) is not None and _symptoms(root_id).exists():
        from exceptions import tasks

        wake.task(tasks.settle, root_id)


def settle(root_id: int, *, actor: Actor = actors.SYSTEM, batch: int = BATCH) -> tuple[int, int]:
    """Ask every symptom of an ended root again: (cleared, still true). What is still true stands for itself from then.

    In batches, each its own transaction; safe to repeat and to stop anywhere. Nothing while the root is open.
    """
    cleared = kept = 0
    while (done := _settle_some(root_id, actor, batch)) is not None:
        cleared, kept = cleared + done[0], kept + done[1]
    return cleared, kept


def _symptoms(root_id: int) -> QuerySet[Case]:
    return Case.objects.filter(parent_id=root_id, is_open=True).order_by("pk")


@transaction.atomic
def _settle_some(root_id: int, actor: Actor, batch: int) -> tuple[int, int] | None:
    """One batch: (cleared, still true), or None where there is nothing to do."""
    ids = list(_symptoms(root_id).values_list("pk", flat=True)[:batch])
    root = Case.objects.filter(pk=root_id, is_open=False).first() if ids else None
    if root is None:
        return None
    cause = f"{root.number} {_ENDED[root.outcome]}."
    cleared = sum(_ask(case_id, root, cause, actor) for case_id in ids)
    return cleared, len(ids) - cleared


def _ask(case_id: int, root: Case, cause: str, actor: Actor) -> bool:
    """Clear one symptom, or take it off its root if it is still true or can't be asked."""
    try:
        with transaction.atomic():
            if opening.recheck_case(case_id, cause=cause, root=root, actor=actor):
                return True
    except Exception:
        log.exception("case.recheck_failed", extra={"case": case_id})
    with suppress(Refusal):  # a person resolved it meanwhile
        unlink(case_id, why=f"{cause} This is still true.", actor=actor)
    return False


def settle_all(limit: int = 200) -> int:
    """The net: settle whatever still stands under a root that has ended; returns how many roots."""
    under = Case.objects.filter(parent=OuterRef("pk"), is_open=True)
    parents = Case.objects.filter(is_open=True, parent__isnull=False).order_by().values("parent").distinct()
    ended = Case.objects.filter(Exists(under), pk__in=parents, is_open=False).values_list("pk", flat=True)[:limit]
    done = list(ended)
    for root_id in done:
        settle(root_id)
    return len(done)
