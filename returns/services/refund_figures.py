"""What an order's refunds are reckoned from: its money, and what went back or was decided to go back already."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from orders.models import Order, OrderLine, Refund
from returns.models import RefundDecision, RefundStatus
from returns.refunding import LineFigures, OrderFigures

ZERO = Decimal(0)
# What is decided and not among the order's refunds yet.
PENDING = (RefundStatus.WAITING, RefundStatus.APPROVED, RefundStatus.FAILED)


def of_order(order: Order, *, leave_out: int | None = None) -> OrderFigures:
    """The order as `refunding` sees it. `leave_out` is the decision that is looked at itself."""
    lines = list(OrderLine.objects.filter(order=order, ordered__gt=0).order_by("position", "pk"))
    told = list(Refund.objects.filter(order=order, currency=order.currency))
    decided = list(
        RefundDecision.objects.filter(order=order, status__in=PENDING)
        .exclude(pk=leave_out)
        .exclude(number__in=[refund.ref for refund in told])
    )
    back = _told_back(told, included=order.tax_included)
    for decision in decided:
        for part in decision.lines:
            _add(back, part["ref"], part["quantity"], Decimal(part["amount"]), Decimal(part["tax"]))
    carriage = sum((refund.shipping_amount or ZERO for refund in told), ZERO)
    return OrderFigures(
        currency=order.currency,
        tax_included=order.tax_included,
        lines=tuple(_line(line, *back.get(line.ref, (0, ZERO, ZERO))) for line in lines),
        discount=order.discount_total,
        shipping=order.shipping_total,
        tax=order.tax_total,
        other=order.other_total,
        total=order.total,
        refunded_shipping=carriage + sum((decision.shipping for decision in decided), ZERO),
    )


def waiting(order: Order, *, leave_out: int | None = None) -> Decimal:
    """What is decided and has no instructions yet: it waits for approval."""
    rows = RefundDecision.objects.filter(order=order, status=RefundStatus.WAITING).exclude(pk=leave_out)
    return sum((row.amount for row in rows), ZERO)


def _line(line: OrderLine, units: int, amount: Decimal, tax: Decimal) -> LineFigures:
    return LineFigures(
        id=line.pk,
        ordered=line.ordered,
        unit_price=line.unit_price,
        discount=line.discount_total,
        tax=line.tax_total,
        refunded_units=min(units, line.ordered),
        refunded=amount,
        refunded_tax=tax,
    )


def _told_back(told: Iterable[Refund], *, included: bool) -> dict[str, tuple[int, Decimal, Decimal]]:
    """By line ref: units, money with its tax, tax. A refund's lines state money without the tax that is added to it."""
    back: dict[str, tuple[int, Decimal, Decimal]] = {}
    for refund in told:
        for line in refund.lines:
            tax = Decimal(line.get("tax") or 0)
            amount = Decimal(line.get("amount") or 0)
            _add(back, line["line_ref"], int(line["quantity"]), amount + (ZERO if included else tax), tax)
    return back


def _add(back: dict[str, tuple[int, Decimal, Decimal]], ref: str, units: int, amount: Decimal, tax: Decimal) -> None:
    before = back.get(ref, (0, ZERO, ZERO))
    back[ref] = (before[0] + units, before[1] + amount, before[2] + tax)
