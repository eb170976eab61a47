"""Cases of holds that wait too long, and of changes the channel can't be told of."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from core.formats import money
from exceptions.models import ActionRun
from exceptions.reasons import Action, Column, Evidence, Reason, Row
from orders import lens
from orders.models import ChangeStatus, Hold, HoldType, OrderChange, Told
from orders.reasons import shared, weights


def overdue() -> Any:
    """Standing holds past their own time to decide."""
    return Hold.objects.standing().filter(due_at__lte=timezone.now())


def _holds(uid: str) -> list[Evidence]:
    held = list(Hold.objects.standing().filter(order_id=uid).order_by("pk"))
    late = set(overdue().filter(order_id=uid).values_list("pk", flat=True))
    clocks = Evidence(
        heading="Holds that stand",
        columns=("Hold", "Blocks", "Reason", "Since", "Decide by"),
        rows=[
            Row(
                (
                    h.get_type_display(),
                    h.get_blocks_display(),
                    h.reason,
                    f"{h.created_at:%d %b %H:%M} UTC",
                    f"{h.due_at:%d %b %H:%M} UTC",
                ),
                hot=h.pk in late,
            )
            for h in held
        ],
        empty="No hold stands any more.",
    )
    found = Evidence(
        heading="What the rules found",
        columns=("Rule", "Finding", "What"),
        rows=[
            (entry["name"] or entry["rule"] or "A person", label, value)
            for hold in held
            for entry in hold.evidence
            for label, value in entry["rows"]
        ],
        empty="The holds bring no further evidence.",
    )
    return [clocks, found]


def _release_manual(uid: str, *, actor: Actor) -> str:
    from orders.services import holds

    holds.release(int(uid), hold_type=HoldType.MANUAL, actor=actor)
    return "The hold is lifted."


def _hold_again(run: ActionRun, *, actor: Actor) -> str:
    from orders.services import holds

    holds.place_manual(int(run.case.subject_uid), reason=f"Undo of {run.title}", actor=actor)
    return "The order is held again."


def _untold(uid: str) -> Any:
    return OrderChange.objects.filter(order_id=uid, status=ChangeStatus.CONFIRMED, channel_told=Told.CANNOT)


def _changes(uid: str) -> Evidence:
    rows = []
    for change in _untold(uid).order_by("pk"):
        amount = change.effect.get("money", {})
        told = money(amount.get("difference"), amount.get("currency", "")) if amount else ""
        rows.append(Row((change.summary, change.decided_by, told, change.channel_words), hot=True))
    return Evidence(
        heading="Changes the channel doesn't know of",
        columns=("Change", "Confirmed by", Column("Money", numeric=True), "Why it can't be told"),
        rows=rows,
    )


def _told_by_hand(uid: str, *, actor: Actor) -> str:
    from orders.services import change_log

    count = change_log.told_by_hand(int(uid), actor=actor)
    return f"{count} changes are marked as told."


def _untell(run: ActionRun, *, actor: Actor) -> str:
    from orders.services import change_log

    ids = lens.named(run, "mark")
    if not ids:
        raise Refusal("nothing_to_undo", "It had marked no change.")
    count = change_log.untell(int(run.case.subject_uid), ids, actor=actor)
    return f"{count} to be told again."


REASONS = (
    Reason(
        code="orders.hold_waiting",
        impact=weights.of_order,
        title="An order is held too long",
        queue="orders",
        subject_kind="order",
        icon="pause",
        acknowledge_minutes=60,
        resolve_minutes=8 * 60,
        description="A hold stands past the time somebody had to decide about it.",
        clears="when no hold is past its time",
        predicate=lambda uid: overdue().filter(order_id=uid).exists(),
        evidence=_holds,
        context=shared.context,
        standing=shared.standing(lambda: overdue().order_by("order_id").values_list("order_id", flat=True).distinct()),
        describe=shared.describe,
        value=shared.value,
        actions=(
            Action(
                code="release_manual",
                title="Lift the hold by hand",
                permission="orders.release_order",
                run=_release_manual,
                rehearsed=True,
                undo=_hold_again,
                amount=shared.value,
                stake="the order's total",
                offered=lambda uid: Hold.objects.standing().filter(order_id=uid, type=HoldType.MANUAL).exists(),
                primary=True,
            ),
        ),
    ),
    Reason(
        code="orders.channel_untold",
        impact=weights.of_order,
        title="The channel doesn't know of a change",
        queue="orders",
        subject_kind="order",
        icon="cloud-off",
        acknowledge_minutes=60,
        resolve_minutes=8 * 60,
        description="An order was changed here, and its channel can't be told from here: somebody has to do it there.",
        clears="when every change is told, by Backroom or by hand",
        predicate=lambda uid: _untold(uid).exists(),
        evidence=_changes,
        context=shared.context,
        describe=shared.describe,
        value=shared.value,
        standing=shared.standing(
            lambda: (
                OrderChange.objects.filter(status=ChangeStatus.CONFIRMED, channel_told=Told.CANNOT)
                .order_by("order_id")
                .values_list("order_id", flat=True)
                .distinct()
            )
        ),
        actions=(
            Action(
                code="told_by_hand",
                title="I told the channel",
                permission="orders.edit_order",
                run=_told_by_hand,
                rehearsed=True,
                undo=_untell,
                primary=True,
            ),
        ),
    ),
)
