"""The cases a refund can open: it waits for somebody's word, or its money did not get there."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import localtime

from core.formats import money
from core.screens import Count
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Column, Context, Evidence, Impact, Opening, Reason, Row
from orders.models import PaymentInstruction
from orders.reasons import weights
from orders.services import agreeing
from returns.models import RefundDecision, RefundStatus
from returns.services import refund_approval, refunds

SWEPT = 5_000
AMOUNT = Column("Amount", numeric=True)


def _waiting() -> QuerySet[RefundDecision]:
    return RefundDecision.objects.filter(status=RefundStatus.WAITING)


def _still(uid: str) -> bool:
    return uid.isdigit() and _waiting().filter(pk=int(uid)).exists()


def _standing() -> Iterable[str]:
    return [str(pk) for pk in _waiting().order_by("pk").values_list("pk", flat=True)[:SWEPT]]


def _value(uid: str) -> tuple[Decimal, str] | None:
    found = refund_approval.known(uid)
    return (found.amount, found.currency) if found else None


def _evidence(uid: str) -> list[Evidence]:
    found = refund_approval.known(uid)
    if found is None:
        return []
    sums = [
        ("Goods", found.goods), ("Carriage", found.shipping), ("Fees kept", -found.fees), ("Goes back", found.amount),
        ("of it tax", found.tax),
    ]  # fmt: skip
    lines = [
        Row(
            (
                part["sku"],
                str(part["quantity"]),
                money(part["amount"], found.currency),
                money(part["tax"], found.currency),
            )
        )
        for part in found.lines
    ]
    rows = PaymentInstruction.objects.filter(cause=refunds.cause_of(found)).order_by("pk")
    went = [
        Row((str(row), row.get_via_display(), row.get_status_display(), row.failure or row.provider_ref))
        for row in rows
    ]
    ways = [
        Row((f"{way['gateway']} {way['ref']}".strip(), money(way["amount"], found.currency))) for way in found.tenders
    ]
    return [
        Evidence(
            "What goes back", ("Part", AMOUNT), [Row((what, money(n, found.currency))) for what, n in sums if n]
        ),
        Evidence(
            "For which lines", ("SKU", Column("Units", numeric=True), AMOUNT, Column("of it tax", numeric=True)), lines,
            empty="For none: money alone.",
        ),
        Evidence("To which tenders", ("Tender", AMOUNT), ways, empty="Not known."),
        Evidence("What became of it", ("Instruction", "By", "Stands", "Says"), went, empty="Nothing was sent yet."),
    ]  # fmt: skip


def _context(uid: str) -> Context | None:
    found = refund_approval.known(uid)
    if found is None:
        return None
    facts = [("Entered by", f"{found.entered_label}, {localtime(found.created_at):%d %b %H:%M}")]
    if found.why:
        facts.append(("Why", found.why))
    order = found.order
    subject = Subject("order", str(order.pk), order.number) if order else found.request and found.request.subject
    return Context(order.number if order else found.number, subject or None, facts)


def _describe(uid: str) -> Opening | None:
    found = refund_approval.known(uid)
    if found is None:
        return None
    return Opening(
        label=found.number, summary=f"{found.amount} {found.currency}, entered by {found.entered_label}",
        value=found.amount, currency=found.currency, started_at=found.created_at,
    )  # fmt: skip


def _impact(uid: str) -> Impact | None:
    found = refund_approval.known(uid)
    return weights.of_money(str(found.order_id)) if found and found.order_id else Impact()


def _preview(uid: str) -> list[tuple[str, str]]:
    found = refund_approval.known(uid)
    if found is None:
        return []
    to = [(f"to {way['gateway'] or 'the channel'} {way['ref']}".strip(), way["amount"]) for way in found.tenders]
    return [(words, money(amount, found.currency)) for words, amount in [("Goes back", found.amount), *to]]


REASONS = (
    Reason(
        code=refund_approval.REASON,
        title="A refund waits for approval",
        queue=agreeing.QUEUE,
        subject_kind="refund",
        icon="credit-card",
        acknowledge_minutes=4 * 60,
        resolve_minutes=8 * 60,
        description="It is above the limit: somebody else than whoever entered it has to agree before money moves.",
        clears="It is approved or declined.",
        predicate=_still,
        standing=_standing,
        evidence=_evidence,
        context=_context,
        describe=_describe,
        value=_value,
        impact=_impact,
        actions=(
            Action(
                code=refund_approval.ACTION,
                title="Approve and pay it",
                detail="The money goes out at once.",
                permission="returns.decide_refund",
                run=refund_approval.pay,
                preview=_preview,
                amount=_value,
                stake="what goes back to the customer",
                lasting="Money that went back is asked for again from the customer.",
                primary=True,
                countersigned=True,
            ),
        ),
    ),
)


def waiting(user: Any) -> Count | None:
    """For the navigation: how many wait for somebody's word, up to a hundred."""
    found = RefundDecision.objects.for_user(user).filter(status=RefundStatus.WAITING)[:100].count()
    return Count(min(found, 99), capped=found > 99) if found else None


def register() -> None:
    """Called once when the app is ready."""
    for reason in REASONS:
        reasons.register(reason)
