"""The cases around collecting at the store: money due back, and orders nobody fetched."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from core.actors import Actor
from core.formats import money
from exceptions import reasons
from exceptions.reasons import Action, Cell, Column, Evidence, Opening, Reason, Row
from orders import tenders
from orders.models import Order, OrderLine, Payment, PaymentKind, Refund, RefundDue
from orders.reasons import shared, weights
from orders.services import instructions, refunds_due


def _owed(uid: str) -> Decimal:
    return refunds_due.outstanding(int(uid))


def _refund_value(uid: str) -> tuple[Decimal, str] | None:
    due = RefundDue.objects.filter(order_id=uid).order_by("-pk").first()
    return (_owed(uid), due.currency) if due else None


def _refund_evidence(uid: str) -> list[Evidence]:
    dues = list(RefundDue.objects.filter(order_id=uid).order_by("pk"))
    skus = dict(OrderLine.objects.filter(order_id=uid).values_list("pk", "sku"))
    owed = Evidence(
        heading=f"{_owed(uid):.2f} {dues[0].currency if dues else ''} are due and no refund is known of",
        columns=("Why", "For", Column("Due", numeric=True), "Since"),
        rows=[
            Row(
                (
                    due.why,
                    ", ".join(f"{part['quantity']} × {skus.get(part['line'], '')}" for part in due.lines),
                    f"{due.amount:.2f} {due.currency}",
                    _day(due.at),
                ),
                hot=True,
            )
            for due in dues
        ],
    )
    since = dues[0].at if dues else None
    payments: QuerySet[Payment] = Payment.objects.filter(order_id=uid, kind=PaymentKind.REFUNDED)
    refunds: QuerySet[Refund] = Refund.objects.filter(order_id=uid)
    if since is not None:
        payments, refunds = payments.filter(recorded_at__gte=since), refunds.filter(recorded_at__gte=since)
    known = Evidence(
        heading="Refunds known of since",
        columns=("Reference", Column("Amount", numeric=True), "When"),
        rows=[
            *((Cell(p.provider_ref, code=True), f"{p.amount:.2f} {p.currency}", _day(p.at)) for p in payments),
            *(
                (Cell(r.ref, code=True), "" if r.amount is None else f"{r.amount:.2f} {r.currency}", _day(r.at))
                for r in refunds
            ),
        ],
        empty="None yet.",
    )
    return [owed, known]


def _day(moment: datetime) -> str:
    return f"{moment:%d %b %H:%M} UTC"


def _payable(uid: str) -> tuple[Decimal, str] | None:
    due = RefundDue.objects.filter(order_id=uid).order_by("-pk").first()
    return (refunds_due.payable(int(uid)), due.currency) if due else None


def _tenders(uid: str) -> list[tuple[str, str]]:
    """Where it would go."""
    found = _payable(uid)
    if found is None:
        return []
    amount, currency = found
    parts = tenders.split(amount, instructions.tenders_of(int(uid), currency))
    return [(f"{part.tender.gateway or 'Payment'} {part.tender.ref}", money(part.amount, currency)) for part in parts]


def _pay(uid: str, *, actor: Actor) -> str:
    made = refunds_due.pay(int(uid), actor=actor)
    return "; ".join(f"{row} by {row.get_via_display().lower()}" for row in made)


def _describe_refund(uid: str) -> Opening | None:
    order = Order.objects.filter(pk=uid).first()
    due = RefundDue.objects.filter(order_id=uid).order_by("-pk").first()
    if order is None or due is None:
        return None
    return Opening(label=order.number, summary=due.why, value=_owed(uid), currency=due.currency, started_at=due.at)


REASONS = (
    Reason(
        code="orders.refund_due",
        impact=weights.of_money,
        title="A refund is due",
        queue="payments",
        subject_kind="order",
        icon="credit-card",
        severity=reasons.HIGH,
        acknowledge_minutes=4 * 60,
        resolve_minutes=2 * 8 * 60,
        description="The customer paid for units they will not get: not collected, or left at the counter.",
        clears="when refunds of that amount are known",
        predicate=lambda uid: _owed(uid) > 0,
        evidence=_refund_evidence,
        context=shared.context,
        describe=_describe_refund,
        value=_refund_value,
        actions=(
            Action(
                code="refund_it",
                title="Refund it",
                detail="To what it was paid with, in order. What a provider holds goes out at once.",
                permission="orders.refund_order",
                run=_pay,
                offered=lambda uid: refunds_due.payable(int(uid)) > 0,
                preview=_tenders,
                rehearsed=True,
                amount=_payable,
                stake="what is due and not on its way yet",
                lasting="Money that went back is asked for again from the customer.",
                primary=True,
            ),
        ),
    ),
)
