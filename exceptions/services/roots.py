"""One root cause and its symptoms: cases stand under the case they come from, and end with it once no longer true."""

from __future__ import annotations

import logging
from contextlib import suppress

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from core import actors
from core.actors import Actor
from core.errors import Refusal
from exceptions import events as facts
from exceptions.models import Case, Outcome
from exceptions.services import causes, handling, opening

BATCH = 50
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


def after(root_id: int, *, actor: Actor) -> None:
    """A case has just ended, its lock still held: ask its first symptoms again here, and the rest after the commit.

    The task is only a wake-up: `settle_all` finds what it leaves.
    """
    if _settle_some(root_id, actor, BATCH) is not None and _symptoms(root_id).exists():
        from exceptions import tasks

        transaction.on_commit(lambda: tasks.settle.delay(root_id))


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
    cleared = sum(_ask(case_id, cause, actor) for case_id in ids)
    return cleared, len(ids) - cleared


def _ask(case_id: int, cause: str, actor: Actor) -> bool:
    """Clear one symptom, or take it off its root if it is still true or can't be asked."""
    try:
        with transaction.atomic():
            if opening.recheck_case(case_id, cause=cause, actor=actor):
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
