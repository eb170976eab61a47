"""The case of work that would come too late and found no other node."""

from __future__ import annotations

from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from exceptions import reasons
from exceptions.models import ActionRun
from exceptions.reasons import Action, Evidence, Reason, Row
from orders import capacity, lens
from orders.reasons import shared, weights
from orders.services import giving_back, profiles, rescuing, resourcing


def _evidence(uid: str) -> Evidence:
    late = rescuing.of(int(uid))
    rows = []
    if late is not None:
        here = profiles.weeks([late.job.location_id])[late.job.location_id].known(timezone.now())
        rows = [
            Row(("Due", f"{late.job.due_at:%d %b %H:%M} UTC")),
            Row(("Latest start", f"{late.latest_start:%d %b %H:%M} UTC")),
            Row(("Done at this pace", f"{late.done_at:%d %b %H:%M} UTC"), hot=True),
            Row(("Units", str(late.job.units))),
            Row(("It can pick this hour", f"{here.units or capacity.GUESS:.0f} units")),
            Row(("Because", here.why())),
        ]
    return Evidence("Why it would be late", ("", ""), rows, empty="It would be in time now.")


def _elsewhere(uid: str, *, actor: Actor) -> str:
    moved = resourcing.move(int(uid), why=rescuing.WHY, actor=actor)
    if moved is None:
        return "No other node has it."
    return "Now at " + ", ".join(f"{code} ({units})" for code, units in moved.to) + "."


def _bring_back(run: ActionRun, *, actor: Actor) -> str:
    lines = lens.named(run, "line")
    if not lines:
        raise Refusal("nothing_to_undo", "It found no other node, so nothing moved.")
    back = giving_back.bring_back(int(run.case.subject_uid), lines, reason=f"Undo of {run.title}", actor=actor)
    return f"Back at {back}."


REASONS = (
    Reason(
        code=rescuing.REASON,
        impact=weights.of_work,
        title="A promise is about to be missed",
        queue="store",
        subject_kind="fulfilment",
        icon="hourglass",
        severity=reasons.CRITICAL,
        acknowledge_minutes=15,
        resolve_minutes=60,
        description="At the pace this node really picks, the work comes too late, and no other node has it.",
        clears="when it would be in time, is begun and done, or is somewhere else",
        predicate=lambda uid: rescuing.of(int(uid)) is not None,
        evidence=_evidence,
        context=shared.work_context,
        standing=lambda: [str(pk) for pk in rescuing.standing()[: shared.SWEPT]],
        describe=shared.describe_work,
        actions=(
            Action(
                code="elsewhere",
                title="Look for another node",
                detail="Also asks nodes that are busy themselves.",
                permission="orders.cancel_fulfilment",
                run=_elsewhere,
                rehearsed=True,
                undo=_bring_back,
                primary=True,
            ),
        ),
    ),
)
