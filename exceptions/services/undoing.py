"""Taking an action back: by compensation, within its time, once."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Refusal
from exceptions import effects, reasons
from exceptions import events as facts
from exceptions.models import ActionRun, Case
from exceptions.services import opening
from exceptions.services.acting import snapshot
from exceptions.services.closing import about, subject_of


def why_not(run: ActionRun) -> Refusal | None:
    """Why this run can't be taken back, apart from what its own undo would say."""
    if not run.ok or run.undoes_id:
        return Refusal("nothing_to_undo", "This run changed nothing that could be taken back.")
    if ActionRun.objects.filter(undoes=run).exists():
        return Refusal("already_undone", "This was taken back already.")
    reason = reasons.find(run.reason)
    action = next((each for each in reason.actions if each.code == run.action), None) if reason else None
    if action is None or action.undo is None or run.undo_until is None:
        why = (action.lasting if action else "") or "Put it right with another action."
        return Refusal("cannot_undo", f"“{run.title}” can't be taken back. {why}")
    if timezone.now() > run.undo_until:
        return Refusal("too_late", f"It could be taken back for {action.undo_minutes} minutes.", status=410)
    return None


def undo(run_id: int, *, actor: Actor) -> ActionRun:
    """Compensate a run; that is a run of its own. Two at once: the database lets one through.

    Refusal 404 unknown, 409 already_undone or cannot_undo, 410 too_late, and whatever the compensation refuses. The
    case opens again where its reason is true again.
    """
    run = ActionRun.objects.select_related("case").filter(pk=run_id).first()
    if run is None:
        raise Refusal("no_such_run", "There is no such run.", status=404)
    if refusal := why_not(run):
        raise refusal
    reason = reasons.get(run.reason)
    compensate: Any = reason.action(run.action).undo
    case = run.case

    def work() -> ActionRun:
        with transaction.atomic():
            # The same lock for every undo of this run, before anything is compensated: the second finds the first.
            ActionRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
            if refusal := why_not(run):
                raise refusal
            before = snapshot(reason, case.subject_uid)
            watch = effects.Watch(case.subject_kind, case.subject_uid)
            said = compensate(run, actor=actor) or f"{run.title} was taken back."
            after = snapshot(reason, case.subject_uid)
            made = ActionRun.objects.create(
                case=case, reason=run.reason, action=run.action, title=f"Undo: {run.title}"[:200], params=run.params,
                undoes=run, actor_kind=actor.kind, actor_uid=actor.uid, actor_label=actor.label[:200], ok=True,
                said=said[:1000], before=before, after=after, holds=after["holds"],
                delta=effects.Delta(watch.changes()).as_json(), amount=run.amount, currency=run.currency,
            )  # fmt: skip
            data = {
                "action": run.action,
                "title": made.title,
                "ok": True,
                "said": said,
                "run": made.pk,
                "undoes": run.pk,
            }
            events.record(facts.ACTED, subject_of(case), actor=actor, data=data, related=about(case))
            return made

    try:
        made = effects.again_if_passing(work)
    except IntegrityError as error:
        raise Refusal("already_undone", "This was taken back already.") from error
    if made.holds:
        _open_again(case, made, actor)
    return made


def _open_again(case: Case, made: ActionRun, actor: Actor) -> None:
    """Its reason is true again: the case that the run cleared is open again, or its subject has a new one."""
    from exceptions.services import handling

    if Case.objects.filter(pk=case.pk, is_open=True).exists():
        return
    try:
        with transaction.atomic():
            handling.reopen(case.pk, note=made.title, actor=actor)
    except Refusal:
        opening.open_(case.reason, about(case)[0][0], site_id=case.site_id, actor=actor)
