"""What a policy's rule wants done once it found too little: back-order, hold, a person, or cancel."""

from __future__ import annotations

from core.actors import Actor
from inventory.services.locking import retrying
from orders.models import Blocks, HoldType, SourcingDecision
from orders.services import allocation, backorders, changes, holds, lifecycle, policies
from orders.services.desk import Desk, open_desk
from orders.sourcing import Then, Want


def carry_out(order_id: int, *, sequence: int, actor: Actor) -> None:
    """Do what the rule says that ended this try. Safe to repeat, and nothing once the order was sourced again since.

    Locks the order, then stock rows or deliveries.
    """

    def work() -> None:
        desk = open_desk(order_id, actor=actor)
        decision = SourcingDecision.objects.filter(order_id=order_id, sequence=sequence).first()
        if decision is None or desk.order.sourcings != sequence or not (wanted := allocation.wants(desk)):
            return
        then = Then(decision.explanation.get("then", Then.NEXT))
        if then == Then.NEXT:
            return
        rule = decision.explanation.get("asked", "")
        why = f"Rule {rule} of {decision.ladder} {decision.ladder_version} found too little"
        if then == Then.BACKORDER:
            _back_order(desk, decision, wanted)
        elif then == Then.HOLD:
            if not any(hold.type == HoldType.MANUAL for hold in desk.holds):
                holds.raise_(desk, HoldType.MANUAL, why, blocks=Blocks.ALLOCATE)
        elif then == Then.CANCEL:
            changes.cancel_rest(desk, reason=why)
        else:
            _open_case(desk, "orders.needs_care", why)
        lifecycle.save(desk)

    retrying(work)


def _back_order(desk: Desk, decision: SourcingDecision, wanted: tuple[Want, ...]) -> None:
    """A rule that may split waits only for what is missing and sends the rest now; another waits for everything."""
    missing = _missing(decision, wanted) if _may_split(decision) else wanted
    placed = backorders.place(desk, missing)
    if placed.left:
        skus = ", ".join(sorted({desk.line(want.line_id).sku for want in placed.left}))
        _open_case(desk, "orders.unallocated", f"{skus}: no delivery on its way brings enough")
    if placed.units and missing is not wanted:
        left = {want.line_id: want.quantity for want in placed.left}
        now = tuple(
            Want(want.line_id, want.item_id, units)
            for want in allocation.wants(desk)
            if (units := want.quantity - left.get(want.line_id, 0)) > 0
        )
        allocation.source(desk, wanted=now)


def _missing(decision: SourcingDecision, wanted: tuple[Want, ...]) -> tuple[Want, ...]:
    free = {line: available for line, _, available in decision.explanation.get("short", ())}
    found = (
        Want(want.line_id, want.item_id, max(0, want.quantity - free[want.line_id]))
        for want in wanted
        if want.line_id in free
    )
    return tuple(want for want in found if want.quantity) or wanted


def _may_split(decision: SourcingDecision) -> bool:
    if decision.policy_version_id is None:
        return True
    rules = policies.ladder_of(decision.policy_version_id).rules
    return any(rule.split for rule in rules if rule.name == decision.explanation.get("asked"))


def _open_case(desk: Desk, reason: str, words: str) -> None:
    order = desk.order
    desk.case(reason, summary=words, value=order.total, currency=order.currency, promise_by=order.promise_by)
