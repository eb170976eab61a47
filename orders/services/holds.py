"""What stops an order, each with the predicate that says whether it still must."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from inventory.services.locking import retrying
from orders import canonical, quantities
from orders import events as facts
from orders.models import Blocks, Hold, HoldStatus, HoldType, Method, Order, OrderLine, PaymentState
from orders.services import credit, lifecycle
from orders.services.desk import Desk, open_desk


def _payment(order: Order, lines: list[OrderLine]) -> str:
    if order.payment_state in {PaymentState.PENDING, PaymentState.VOIDED} and not credit.on_account(order):
        return f"The payment is {order.payment_state}."
    return ""


def _address(order: Order, lines: list[OrderLine]) -> str:
    if order.method != Method.SHIP or not any(quantities.is_physical(line) for line in lines):
        return ""
    address = canonical.Address(**order.ship_to) if order.ship_to else None
    missing = canonical.missing_parts(address)
    return f"The delivery address lacks: {', '.join(missing).replace('_', ' ')}." if missing else ""


# type -> why it stands now ("" = it doesn't). What a person holds has no predicate: a person resolves it.
PREDICATES: dict[str, Callable[[Order, list[OrderLine]], str]] = {
    HoldType.PAYMENT: _payment,
    HoldType.ADDRESS: _address,
    HoldType.CREDIT: credit.credit_problem,
    HoldType.APPROVAL: credit.approval_problem,
}


def wanted(order: Order, lines: list[OrderLine]) -> dict[str, str]:
    """The holds this order needs now, each with its reason. An order with nothing to deliver needs none."""
    if not any(quantities.to_deliver(line) for line in lines):
        return {}
    found = {kind: predicate(order, lines) for kind, predicate in PREDICATES.items()}
    return {kind: why for kind, why in found.items() if why}


def sync(desk: Desk) -> list[Hold]:
    """Raise the holds whose predicate turned true and resolve those whose turned false; returns the new, unsaved ones.

    A hold by a person ends with the order, otherwise only by a person.
    """
    needed = wanted(desk.order, desk.lines)
    finished = not any(quantities.to_deliver(line) for line in desk.lines)
    for hold in list(desk.holds):
        if (hold.type in PREDICATES and hold.type not in needed) or finished:
            end(desk, hold, HoldStatus.RESOLVED, how="It is no longer true.")
    standing = {hold.type for hold in desk.holds}
    return [raise_(desk, kind, why) for kind, why in needed.items() if kind not in standing]


def raise_(desk: Desk, kind: str, why: str, *, blocks: str = Blocks.RELEASE) -> Hold:
    """Put a hold on the desk's order, not saved yet."""
    hold = Hold(order_id=desk.order.pk, type=kind, blocks=blocks, reason=why[:255], created_by=desk.actor.label[:200])
    desk.holds.append(hold)
    desk.note(facts.HELD, {"type": str(kind), "blocks": str(blocks), "reason": why})
    return hold


def end(desk: Desk, hold: Hold, status: str, *, how: str) -> None:
    hold.move(status, resolved_at=timezone.now(), resolved_by=desk.actor.label[:200])
    desk.holds.remove(hold)
    desk.note(facts.HOLD_RESOLVED, {"type": hold.type, "blocks": hold.blocks, "how": how})


def blocks(desk: Desk, what: str) -> bool:
    return any(hold.blocks == what for hold in desk.holds)


def place_manual(order_id: int, *, reason: str, actor: Actor, version: int | None = None) -> None:
    """Hold an order by hand: nothing more of it is released to a node. Refusal("already_held") when one stands."""

    def work() -> None:
        desk = open_desk(order_id, actor=actor)
        lifecycle.require_version(desk, version)
        if any(hold.type == HoldType.MANUAL for hold in desk.holds):
            raise Refusal("already_held", "This order is held already.")
        if not any(quantities.to_deliver(line) for line in desk.lines):
            raise Refusal("nothing_to_hold", f"Order {desk.order.number} has nothing left to deliver.")
        raise_(desk, HoldType.MANUAL, reason or "Held by a person").save()
        lifecycle.save(desk)

    retrying(work)


def release(order_id: int, *, hold_type: str, actor: Actor, version: int | None = None) -> None:
    """Lift one hold and let the order go on. Safe to repeat.

    Locks the order. Raises Refusal("hold_stands") while the hold's own predicate is still true.
    """

    def work() -> None:
        desk = open_desk(order_id, actor=actor)
        lifecycle.require_version(desk, version)
        hold = next((hold for hold in desk.holds if hold.type == hold_type), None)
        if hold is None:
            return
        if why := wanted(desk.order, desk.lines).get(hold.type):
            raise Refusal("hold_stands", why, hold=hold.type)
        end(desk, hold, HoldStatus.RESOLVED, how="By a person")
        lifecycle.save(desk)

    retrying(work)
