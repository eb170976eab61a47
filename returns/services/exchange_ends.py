"""How an exchange ends: settled when its goods are accepted, called off, or charged where they never come.

Under the desk of its return; whoever calls saves it. Money of the first order that pays for the second leaves the one
and comes to the other under one reference (gateway `exchange`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from core.errors import Refusal
from core.subjects import Subject
from orders import canonical
from orders.canonical import IncomingPayment, IncomingRefund, RefundLine
from orders.models import HoldType, Order, OrderLine, Payment
from orders.services import changing, holds, instructions, intake, payments
from orders.services.money import refundable
from returns import events as facts
from returns.exchanging import Sum
from returns.models import Exchange, ExchangeStatus, RefundTo, ReturnLine
from returns.services import exchange_holds
from returns.services.exchange_holds import cause
from returns.services.lifecycle import ReturnDesk

GATEWAY = instructions.EXCHANGE
ZERO = Decimal(0)


def due(made: Exchange) -> Decimal:
    """What the customer still has to pay of the new order, beyond the money of what came back."""
    own = Payment.objects.filter(order=made.order_id, kind="captured").exclude(gateway=GATEWAY, provider_ref=_ref(made))
    return max(made.worth - made.credit - (own.aggregate(paid=models.Sum("amount"))["paid"] or ZERO), ZERO)


def unpaid(made: Exchange) -> Decimal:
    """What of the new order nobody has paid yet, in whatever way."""
    paid = Payment.objects.filter(order=made.order_id, kind="captured").aggregate(n=models.Sum("amount"))["n"] or ZERO
    return max(made.worth - paid, ZERO)


def settle(desk: ReturnDesk, made: Exchange) -> None:
    """The goods are accepted: their money moves to the new order, what is left over goes back, the hold is let go.

    Money of the first order that went back another way meanwhile can't move: then that much is left to pay. A new order
    that was charged already takes none of it: all of it goes back.
    """
    rma, order, new = desk.rma, desk.rma.order, Order.objects.select_related("channel").get(pk=made.order_id)
    assert order is not None  # noqa: S101  (an exchange has one)
    was_charged = made.status == ExchangeStatus.CHARGED
    made.credit = min(made.credit, max(refundable(order.pk, made.currency), ZERO))
    made.save(update_fields=("credit",))
    sums = Sum(made.credit, ZERO if was_charged else made.worth)
    if sums.moved:
        _move_credit(desk, made, order, new, sums.moved)
    if made.advance and not was_charged and not _take_rest(desk, made):
        exchange_holds.let_go(made, why=f"{rma} came back", actor=desk.actor)
    if sums.to_refund:
        instructions.refund(
            order.pk, sums.to_refund, cause=cause(made, "rest"), why=f"{rma} was exchanged for less", actor=desk.actor
        )
    end(desk, made, ExchangeStatus.SETTLED, "The goods were accepted.")
    let_go(desk, made)


def _move_credit(desk: ReturnDesk, made: Exchange, order: Order, new: Order, amount: Decimal) -> None:
    """What was paid for the returned units pays for the new order: a refund here, a payment there, under one name."""
    now, ref, source = timezone.now(), _ref(made), desk.rma.subject
    told: dict[str, Any] = {"amount": amount, "currency": made.currency, "at": now, "gateway": GATEWAY}
    refund = IncomingRefund(
        ref=ref, order_ref=order.channel_ref, at=now, currency=made.currency, lines=_refund_lines(made),
        payments=(IncomingPayment(ref=ref, kind="refunded", **told),), amount=amount, note=f"Moved to {new.number}",
    )  # fmt: skip
    intake.refund(canonical.check(refund), channel=order.channel, actor=desk.actor, source=source)
    paid = canonical.check(IncomingPayment(ref=ref, kind="captured", **told))
    payments.record(new.channel_ref, (paid,), channel=new.channel, actor=desk.actor, source=source)


def move_charge(desk: ReturnDesk, made: Exchange, *, ref: str, amount: Decimal) -> None:
    """What was taken on the first order's payment for the new order is the new order's money. Once per `ref`."""
    order, new = desk.rma.order, made.order
    assert order is not None  # noqa: S101
    told: dict[str, Any] = {
        "ref": f"exchange:{made.pk}:{ref}"[:120], "amount": amount, "currency": made.currency, "at": timezone.now(),
        "gateway": GATEWAY,
    }  # fmt: skip
    for kind, about in (("refunded", order), ("captured", new)):
        payment = canonical.check(IncomingPayment(kind=kind, **told))  # type: ignore[arg-type]
        payments.record(about.channel_ref, (payment,), channel=about.channel, actor=desk.actor, source=desk.rma.subject)


def _take_rest(desk: ReturnDesk, made: Exchange) -> bool:
    """What the goods don't cover is taken from the hold. False where nothing is left to take, or nothing is held."""
    left = due(made)
    return bool(left) and take(desk, made, left, "short", f"{desk.rma} brings less")


def take(desk: ReturnDesk, made: Exchange, amount: Decimal, name: str, why: str) -> bool:
    """Take so much of what is held for it. False where that much isn't held: then a person decides (its case)."""
    if exchange_holds.room(made, timezone.now()) < amount:
        return False
    try:
        with transaction.atomic():
            instructions.capture(
                made.request.order_id or 0, amount, cause=cause(made, name), why=why, only=exchange_holds.refs(made),
                actor=desk.actor,
            )  # fmt: skip
    except Refusal as no:
        if no.status >= 500:  # busy: time heals it
            raise
        return False
    return True


def charge(desk: ReturnDesk, made: Exchange, why: str) -> bool:
    """The goods of an advance exchange are not coming: what was held is taken. False where it isn't held."""
    left = unpaid(made)
    if left and not take(desk, made, left, "charge", why):
        return False
    end(desk, made, ExchangeStatus.CHARGED, why)
    return True


def call_off(desk: ReturnDesk, made: Exchange, why: str) -> None:
    """Nothing left yet: the new order is cancelled, and the return goes back to a refund of what was accepted."""
    changing.cancel(made.order_id, actor=desk.actor, reason=why)
    desk.rma.refund_to = RefundTo.ORIGINAL
    if made.advance:
        exchange_holds.let_go(made, why=why, actor=desk.actor)
    end(desk, made, ExchangeStatus.CANCELLED, why)


def let_go(desk: ReturnDesk, made: Exchange) -> None:
    """The new order leaves once its goods are accepted and nothing of it is left to pay."""
    if not due(made):
        holds.release(made.order_id, hold_type=HoldType.MANUAL, actor=desk.actor, note=f"{desk.rma} was accepted")


def end(desk: ReturnDesk, made: Exchange, to: str, why: str) -> None:
    made.move(to, settled_at=timezone.now())
    data = {"exchange": made.pk, "order": made.order.number, "status": to, "why": why}
    desk.note(facts.EXCHANGE_ENDED, data, [(Subject("order", str(made.order_id), made.order.number), "replacement")])


def has_left(made: Exchange) -> bool:
    return OrderLine.objects.filter(order=made.order_id, fulfilled__gt=0).exists()


def _ref(made: Exchange) -> str:
    return f"exchange:{made.pk}"


def _refund_lines(made: Exchange) -> tuple[RefundLine, ...]:
    units = {int(each["line"]): int(each["quantity"]) for each in made.lines}
    rows = ReturnLine.objects.filter(pk__in=units, order_line__isnull=False)
    names = dict(OrderLine.objects.filter(return_lines__in=rows).values_list("pk", "ref"))
    return tuple(
        RefundLine(line_ref=names[row.order_line_id], quantity=units[row.pk], restock="return")
        for row in rows
        if row.order_line_id in names
    )
