"""Capturing what leaves and letting go of what nobody needs, for channels whose money is ours to move."""

from __future__ import annotations

from decimal import Decimal

from core.actors import Actor
from exceptions.services import cases
from inventory.services.locking import retrying
from orders import currencies
from orders.models import (
    FulfilmentOrder,
    InstructionKind,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    PaymentInstruction,
    PaymentKind,
    Shipment,
)
from orders.services import instructions, refunds_due
from orders.services.desk import open_desk

ZERO = Decimal(0)
SHORT = "orders.capture_short"


def shipped(fulfilment_id: int, *, actor: Actor) -> list[PaymentInstruction]:
    """Work has left: what the order's shipped units are worth by now is captured, less what was before. Repeat-safe."""
    order_id = FulfilmentOrder.objects.values_list("order_id", flat=True).get(pk=fulfilment_id)
    shipment = Shipment.objects.filter(fulfilment=fulfilment_id).order_by("-pk").values_list("pk", flat=True).first()
    return catch_up(order_id, cause=f"ship:{fulfilment_id}:{shipment or 0}", shipment=shipment, actor=actor)


def catch_up(order_id: int, *, cause: str, shipment: int | None = None, actor: Actor) -> list[PaymentInstruction]:
    """Bring what is captured to what has left. Nothing where the channel captures, or while a hold blocks it."""

    def work() -> list[PaymentInstruction]:
        desk = open_desk(order_id, actor=actor)
        known = list(PaymentInstruction.objects.filter(order=order_id, cause=cause))
        standing = [(paid, left) for paid, left in instructions.held(order_id) if paid.currency == desk.order.currency]
        ours = [left for paid, left in standing if instructions.route(desk.order, paid.gateway).capture_on_ship]
        if known or not ours or any("CAPTURE" in hold.blocks for hold in desk.holds):
            return known
        amount = due(desk.order, desk.lines)
        most = min(amount, sum(ours, ZERO))
        made = (
            instructions.capture(order_id, most, cause=cause, shipment=shipment, why="It left", actor=actor)
            if most > 0
            else []
        )
        if most < amount:
            cases.open_(
                SHORT, instructions.subject_of(desk.order), actor=actor, value=amount - most,
                currency=desk.order.currency, summary=f"{amount - most} {desk.order.currency} left, held by nothing",
            )  # fmt: skip
        return made

    return retrying(work)


def ended(order_id: int, *, actor: Actor) -> list[PaymentInstruction]:
    """Nothing more will leave: what is still held is let go, where that is ours to do. Repeat-safe."""

    def work() -> list[PaymentInstruction]:
        desk = open_desk(order_id, actor=actor)
        over = desk.order.status in {OrderStatus.CANCELLED, OrderStatus.COMPLETED}
        ours = [
            paid
            for paid, _ in instructions.held(order_id)
            if instructions.route(desk.order, paid.gateway).void_on_cancel
        ]
        if not over or not ours or due(desk.order, desk.lines) > 0:
            return []
        return instructions.void(
            order_id, cause=f"ended:{order_id}:{ours[-1].pk}", why=f"{desk.order.get_status_display()}", actor=actor
        )

    return retrying(work)


def due(order: Order, lines: list[OrderLine]) -> Decimal:
    """What has left is worth, less what was captured or is about to be. What no line carries (carriage, a discount of
    the order) is captured with the first units."""
    worth = shipped_worth(order, lines)
    told = Payment.objects.filter(order=order, currency=order.currency)
    captured = sum((p.amount for p in told if p.kind == PaymentKind.CAPTURED), ZERO)
    back = sum((p.amount for p in told if p.kind == PaymentKind.CAPTURE_FAILED), ZERO)
    going = PaymentInstruction.objects.under_way().filter(order=order, kind=InstructionKind.CAPTURE)
    return max(worth - captured + back - sum((row.amount for row in going), ZERO), ZERO)


def shipped_worth(order: Order, lines: list[OrderLine]) -> Decimal:
    included = order.tax_included
    gone = sum((refunds_due.value(line, line.fulfilled, included=included) for line in lines), ZERO)
    if not any(line.fulfilled for line in lines):
        return ZERO
    whole = sum((refunds_due.value(line, line.ordered, included=included) for line in lines), ZERO)
    rest = order.total - whole if order.total is not None else order.shipping_total
    return max(currencies.rounded(gone + rest, order.currency), ZERO)


def short_of(order_id: int) -> Decimal:
    """What left, was never captured, and nothing holds."""
    order = Order.objects.select_related("channel").get(pk=order_id)
    standing = instructions.held(order_id)
    routes = [instructions.route(order, paid.gateway) for paid, _ in standing]
    told = Payment.objects.filter(order=order, kind__in=(PaymentKind.AUTHORISED, PaymentKind.CAPTURED)).exists()
    if not told or (routes and not any(way.capture_on_ship for way in routes)):
        return ZERO
    missing = due(order, list(order.lines.all())) - sum((left for _, left in standing), ZERO)
    return max(missing, ZERO)
