"""Money that was counted on and did not come, or that was given back and came back: by how much, by now."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db.models import QuerySet, Sum

from orders import currencies
from orders.models import InstructionKind, Order, OrderLine, OrderStatus, Payment, PaymentInstruction, PaymentKind
from orders.services import instructions, refunds_due

ZERO = Decimal(0)
FELL_THROUGH, CAME_BACK = "orders.payment_fell_through", "orders.refund_came_back"


def short(order_id: int, reason: str) -> Decimal:
    return missing(order_id) if reason == FELL_THROUGH else came_back(order_id)


def missing(order_id: int) -> Decimal:
    """What the units that are not cancelled are worth, less what was captured and what is still held."""
    order = Order.objects.filter(pk=order_id).first()
    if order is None or order.status == OrderStatus.CANCELLED or order.test or order.total is None:
        return ZERO
    told = Payment.objects.filter(order=order, currency=order.currency)
    if not told.filter(kind__in=(PaymentKind.FAILED, PaymentKind.CAPTURE_FAILED, PaymentKind.VOIDED)).exists():
        return ZERO
    worth = kept_worth(order, list(order.lines.all())) or ZERO
    if not worth:
        return ZERO
    held = sum((left for paid, left in instructions.held(order_id) if paid.currency == order.currency), ZERO)
    taken = _sum(told, PaymentKind.CAPTURED) - _sum(told, PaymentKind.CAPTURE_FAILED)
    return max(worth - taken - held - _going(order), ZERO)


def kept_worth(order: Order, lines: Sequence[OrderLine]) -> Decimal | None:
    """What the customer pays for the units that are not cancelled; None where no total was stated."""
    if order.total is None:
        return None
    included = order.tax_included
    whole = sum((refunds_due.value(line, line.ordered, included=included) for line in lines), ZERO)
    kept = sum((refunds_due.value(line, line.ordered - line.cancelled, included=included) for line in lines), ZERO)
    return currencies.rounded(kept + order.total - whole, order.currency) if kept else ZERO


def came_back(order_id: int) -> Decimal:
    """Refunds that didn't reach the customer and were not given again since; those of ours have their own case."""
    rows = Payment.objects.filter(order=order_id)
    ours = PaymentInstruction.objects.filter(order=order_id, kind=InstructionKind.REFUND).exclude(provider_ref="")
    fallen = rows.filter(kind=PaymentKind.REFUND_FAILED).exclude(provider_ref__in=ours.values("provider_ref"))
    first = fallen.order_by("at").first()
    if first is None:
        return ZERO
    again = rows.filter(kind=PaymentKind.REFUNDED, at__gt=first.at)
    return max((fallen.aggregate(n=Sum("amount"))["n"] or ZERO) - _sum(again, PaymentKind.REFUNDED), ZERO)


def _going(order: Order) -> Decimal:
    """On its way: a capture of ours, or a new hold."""
    rows = PaymentInstruction.objects.under_way().filter(order=order, currency=order.currency)
    wanted = rows.filter(kind__in=(InstructionKind.CAPTURE, InstructionKind.AUTHORISE))
    return wanted.aggregate(n=Sum("amount"))["n"] or ZERO


def _sum(rows: QuerySet[Payment], kind: str) -> Decimal:
    return rows.filter(kind=kind).aggregate(n=Sum("amount"))["n"] or ZERO
