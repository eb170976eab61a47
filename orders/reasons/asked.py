"""Cases of what a bank or a provider asks about a payment, and of money that was counted on and did not come."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from django.utils.timezone import localtime

from core import formats
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Cell, Column, Context, Evidence, Opening, Reason, Row
from orders.models import NoticeKind, NoticeState, Order, Payment, PaymentNotice
from orders.reasons import shared, weights
from orders.services import falling, instructions


def _open(kind: str) -> Callable[[], list[str]]:
    rows = PaymentNotice.objects.filter(kind=kind, state=NoticeState.OPEN).order_by("order_id")
    return shared.standing(lambda: rows.values_list("order_id", flat=True).distinct())  # type: ignore[return-value]


def _asks(kind: str) -> Callable[[str], bool]:
    def asks(uid: str) -> bool:
        rows = PaymentNotice.objects.filter(kind=kind, state=NoticeState.OPEN)
        if not uid.isdigit() or not rows.filter(order=int(uid)).exists():
            return False
        return kind != NoticeKind.FRAUD or _at_stake(int(uid))

    return asks


def _at_stake(order_id: int) -> bool:
    """Whether money is left to give back, or to let go of: else nobody can do anything about a fraud any more."""
    currency = Order.objects.filter(pk=order_id).values_list("currency", flat=True).first() or ""
    return instructions.refundable(order_id, currency) > 0 or bool(instructions.held(order_id))


def _describe(kind: str) -> Callable[[str], Opening | None]:
    def describe(uid: str) -> Opening | None:
        rows = PaymentNotice.objects.filter(order=int(uid), kind=kind, state=NoticeState.OPEN).select_related("order")
        row = rows.order_by("due_at", "pk").first() if uid.isdigit() else None
        if row is None:
            return None
        return Opening(
            label=row.order.number, summary=row.reason or row.told_state, value=row.amount, currency=row.currency,
            promise_by=row.due_at, started_at=row.recorded_at,
        )  # fmt: skip

    return describe


def _worth(kind: str) -> Callable[[str], tuple[Decimal, str] | None]:
    def worth(uid: str) -> tuple[Decimal, str] | None:
        rows = PaymentNotice.objects.filter(order=int(uid), kind=kind, amount__isnull=False).order_by("-said_at")
        row = rows.first()
        return (row.amount, row.currency) if row and row.amount is not None else None

    return worth


def evidence(uid: str) -> list[Evidence]:
    """What is asked, until when, and what is known of the order's money."""
    asked = PaymentNotice.objects.filter(order=int(uid)).order_by("-said_at")[:20]
    told = Payment.objects.filter(order=int(uid)).order_by("-at", "-pk")[:20]
    return [
        Evidence(
            "What is asked",
            ("What", "Why", "Answer by", "State", Column("Amount", numeric=True), "Its number"),
            [
                Row(
                    (
                        row.get_kind_display(), row.reason or "Not said",
                        f"{localtime(row.due_at):%d %b %Y %H:%M}" if row.due_at else "No day was named",
                        row.told_state or row.get_state_display(),
                        formats.money(row.amount, row.currency) if row.amount is not None else "Not said",
                        Cell(row.provider_ref, code=True),
                    ),
                    hot=row.state == NoticeState.OPEN,
                )
                for row in asked
            ],
            empty="Nothing.",
        ),
        Evidence(
            "What is known of the order's money",
            ("At", "What", Column("Amount", numeric=True), "Provider", "Its number"),
            [
                Row(
                    (
                        f"{localtime(row.at):%d %b %Y %H:%M}", row.get_kind_display(),
                        formats.money(row.amount, row.currency), row.gateway, Cell(row.provider_ref, code=True),
                    )
                )
                for row in told
            ],
            empty="Nothing.",
        ),
    ]  # fmt: skip


def context(uid: str) -> Context | None:
    order = Order.objects.select_related("channel").filter(pk=uid).first()
    if order is None:
        return None
    facts = [("Channel", order.channel.name), ("Total", formats.money(order.total, order.currency))]
    return Context(
        order.number, Subject("order", str(order.pk), order.number), [*facts, ("Status", order.get_status_display())]
    )


def _of_kind(code: str, kind: NoticeKind, title: str, *, description: str, clears: str, severity: int) -> Reason:
    return Reason(
        code=code, title=title, queue="payments", subject_kind="order", icon="scale", severity=severity,
        acknowledge_minutes=4 * 60, resolve_minutes=2 * 8 * 60, description=description, clears=clears,
        impact=weights.of_money, predicate=_asks(kind), evidence=evidence, context=context, standing=_open(kind),
        describe=_describe(kind), value=_worth(kind),
    )  # fmt: skip


def _of_money(code: str, title: str, *, description: str, clears: str) -> Reason:
    def worth(uid: str) -> tuple[Decimal, str] | None:
        currency = Order.objects.filter(pk=uid).values_list("currency", flat=True).first()
        return (falling.short(int(uid), code), currency) if currency else None

    return Reason(
        code=code, title=title, queue="payments", subject_kind="order", icon="credit-card", severity=reasons.HIGH,
        acknowledge_minutes=2 * 60, resolve_minutes=8 * 60, description=description, clears=clears,
        impact=weights.of_money, predicate=lambda uid: uid.isdigit() and falling.short(int(uid), code) > 0,
        evidence=evidence, context=context, value=worth,
    )  # fmt: skip


REASONS = (
    _of_kind(
        "orders.payment_inquiry", NoticeKind.INQUIRY, "A bank asks about a payment", severity=reasons.HIGH,
        description="No money is withheld yet. Unanswered by its day, the inquiry becomes a dispute.",
        clears="It was answered, or the bank closed it.",
    ),
    _of_kind(
        "orders.payment_fraud_warning", NoticeKind.FRAUD, "A bank reports a payment as fraud", severity=reasons.HIGH,
        description="The card's holder says they did not pay. What has not left can be stopped; a refund now "
        "costs less than the dispute that usually follows.",
        clears="The money went back, or the provider says nothing can be done about it any more.",
    ),
    _of_money(
        "orders.payment_fell_through", "Money that was counted on did not come",
        description="A payment failed, its capture was taken back, or its authorisation ran out, and nothing else pays "
        "for what the customer ordered.",
        clears="It is paid another way, held again, or the units are cancelled.",
    ),
    _of_money(
        "orders.refund_came_back", "A refund did not reach the customer",
        description="The customer's bank refused money that was given back elsewhere; they still wait for it.",
        clears="It is given back another way.",
    ),
)  # fmt: skip
