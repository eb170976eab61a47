"""Money a customer paid for units they will not get: said once, open until a refund is known."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Min, Sum

from core.actors import Actor
from core.errors import Refusal
from inventory.services.locking import retrying
from orders import currencies
from orders import events as facts
from orders.models import (
    InstructionKind,
    OrderLine,
    Payment,
    PaymentInstruction,
    PaymentKind,
    PaymentState,
    Refund,
    RefundDue,
)
from orders.services import instructions
from orders.services.desk import Desk, open_desk
from orders.services.effects import Look

_ZERO = Decimal(0)
_PAID = {PaymentState.PAID, PaymentState.PARTIALLY_PAID, PaymentState.PARTIALLY_REFUNDED}


def owe(desk: Desk, units: Mapping[int, int], *, why: str) -> RefundDue | None:
    """`units` (by order line) will not be delivered any more: record what is due, open its case; None where nothing is.

    Call it once per change, on the desk, before the units are taken off the lines, which say what they cost. Nothing is
    due while nothing was paid, and never more than what was paid less what is refunded or due already.
    """
    lines = {line.pk: line for line in desk.lines}
    parts = [(lines[pk], n, value(lines[pk], n, included=desk.order.tax_included)) for pk, n in units.items() if n]
    currency = desk.order.currency
    amount = currencies.rounded(sum((part for _, _, part in parts), _ZERO), currency)
    lines_of_it = [
        {"line": line.pk, "quantity": n, "amount": str(currencies.rounded(part, currency))} for line, n, part in parts
    ]
    return _record(desk, min(amount, _paid(desk) - outstanding(desk.order.pk)), lines_of_it, why)


def owe_cut(desk: Desk, before: Look, after: Look, *, why: str) -> RefundDue | None:
    """An order was cut here: what was paid beyond what it is still worth is due, at most what the cut took off.

    So the sum is the one its preview shows, an order paid in part owes nothing before the rest is paid, and a
    substitute that costs the same owes nothing. Call it once per change, after it.
    """
    currency = desk.order.currency
    fewer = {pk: n for pk, units in before.wanted.items() if (n := units - after.wanted.get(pk, 0)) > 0}
    if not fewer:
        return None
    worth = currencies.rounded(after.worth, currency)
    less = currencies.rounded(before.worth, currency) - worth
    lines = [{"line": pk, "quantity": n} for pk, n in sorted(fewer.items())]
    return _record(desk, min(less, _paid(desk) - outstanding(desk.order.pk) - worth), lines, why)


def _record(desk: Desk, amount: Decimal, lines: list[dict[str, Any]], why: str) -> RefundDue | None:
    if amount <= 0:
        return None
    currency = desk.order.currency
    due = RefundDue.objects.create(
        order=desk.order, key=desk.key("refund-due"), amount=amount, currency=currency, why=why[:255], lines=lines
    )
    desk.note(facts.REFUND_DUE, {"amount": str(amount), "currency": currency, "why": why, "lines": due.lines})
    desk.case("orders.refund_due", summary=why, value=amount, currency=currency)
    return due


def value(line: OrderLine, units: int, *, included: bool) -> Decimal:
    """What the customer pays for so many of the line's units, discounts and taxes shared equally; not rounded."""
    if not line.ordered:
        return _ZERO
    whole = line.unit_price * line.ordered - line.discount_total + (_ZERO if included else line.tax_total)
    return max(whole, _ZERO) * units / line.ordered


def outstanding(order_id: int) -> Decimal:
    """What is due of this order and no refund is known of since."""
    due = RefundDue.objects.filter(order=order_id).aggregate(amount=Sum("amount"), since=Min("at"))
    if due["amount"] is None:
        return _ZERO
    since = {"order": order_id, "recorded_at__gte": due["since"]}
    paid = Payment.objects.filter(kind=PaymentKind.REFUNDED, **since).aggregate(n=Sum("amount"))["n"] or _ZERO
    told = Refund.objects.filter(**since).aggregate(n=Sum("amount"))["n"] or _ZERO
    # A refund and its payment speak of the same money; a source may send either.
    return max(_ZERO, due["amount"] - max(paid, told))


def pay(order_id: int, *, actor: Actor) -> list[PaymentInstruction]:
    """Give back what is due and not on its way yet, as it was paid. Refusal("nothing_due"), ("more_than_captured")."""

    def work() -> list[PaymentInstruction]:
        desk = open_desk(order_id, actor=actor)
        dues = list(RefundDue.objects.filter(order=order_id).order_by("pk"))
        amount = payable(order_id)
        if amount <= 0:
            raise Refusal("nothing_due", f"Nothing is due of {desk.order.number}, or it is on its way.")
        tries = PaymentInstruction.objects.filter(order=order_id, cause__startswith="due:").count()
        known = {line.pk: line.ref for line in desk.lines}
        document = {
            "ref": f"due-{dues[-1].pk}-{tries + 1}",
            "note": dues[-1].why,
            "lines": [
                {"line_ref": known[part["line"]], "quantity": part["quantity"], "restock": "none"}
                for part in dues[-1].lines
                if part["line"] in known
            ],
        }
        return instructions.refund(
            order_id, amount, cause=f"due:{dues[-1].pk}:{tries + 1}", why=dues[-1].why, document=document, actor=actor
        )

    return retrying(work)


def payable(order_id: int) -> Decimal:
    """What is due less what is on its way back."""
    going = PaymentInstruction.objects.under_way().filter(order=order_id, kind=InstructionKind.REFUND)
    return max(_ZERO, outstanding(order_id) - (going.aggregate(n=Sum("amount"))["n"] or _ZERO))


def _paid(desk: Desk) -> Decimal:
    """What we hold of the customer's money. A source that reports no payments is believed in its words."""
    sums: dict[str, Decimal] = dict(
        Payment.objects.filter(order=desk.order).values_list("kind").annotate(amount=Sum("amount"))
    )
    if not sums:
        return (desk.order.total or _ZERO) if desk.order.payment_state in _PAID else _ZERO
    return max(_ZERO, sums.get(PaymentKind.CAPTURED, _ZERO) - sums.get(PaymentKind.REFUNDED, _ZERO))
