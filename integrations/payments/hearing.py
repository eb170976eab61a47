"""What a provider says of money: of an instruction of ours, or of an order's payment. Nothing is decided here.

One payment has several names (an intent, its charge, a channel's own number), so what is known under any of them is not
written down again under another.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import Q

from core import events
from core.actors import Actor
from core.errors import NotYet
from core.subjects import Subject
from exceptions.services import cases
from integrations.arrivals import payment_key
from integrations.channels.meaning import Heard, HearOfMoney
from integrations.models import InboundMessage
from orders import events as facts
from orders.canonical import IncomingPayment
from orders.models import InstructionKind, Order, Payment, PaymentInstruction
from orders.services import instruction_answers, payments

FAILS = {"failed", "refund_failed", "capture_failed"}
DISPUTES = {"disputed", "chargeback"}
OUR_KINDS = {
    "authorised": InstructionKind.AUTHORISE,
    "captured": InstructionKind.CAPTURE,
    "capture_failed": InstructionKind.CAPTURE,
    "voided": InstructionKind.VOID,
    "refunded": InstructionKind.REFUND,
    "refund_failed": InstructionKind.REFUND,
}


@dataclass(slots=True)
class Result:
    changed: bool = False
    order_id: int | None = None
    number: str = ""
    known: str = ""  # what it was known as already


def hear(act: HearOfMoney, message: InboundMessage) -> Result:
    """All of it, inside the caller's transaction. NotYet while nobody knows an order it could be of."""
    result = Result()
    for heard in act.events:
        _one(heard, message, result)
    return result


def _one(heard: Heard, message: InboundMessage, result: Result) -> None:
    actor = message.connection.actor
    row = _instruction(heard)
    if row is not None:
        result.order_id, result.number = row.order_id, row.order.number
        if _of_instruction(row, heard, actor):
            result.changed = True
            return
        if row.status != "CANCELLED":
            result.known = f"instruction {row.pk} says so already"
            return
    order = _order(heard)
    result.order_id, result.number = order.pk, order.number
    told = _as_known(order, heard)
    placed = payments.record(order.channel_ref, [told], channel=order.channel, actor=actor, source=message.subject)
    if placed.outcome != "changed":
        result.known = f"order {order.number} already says so"
        return
    result.changed = True
    if told.kind in DISPUTES:
        _disputed(order, heard, actor)
    else:
        cases.recheck(Subject("order", str(order.pk), order.number), actor=actor)


def _of_instruction(row: PaymentInstruction, heard: Heard, actor: Actor) -> bool:
    payment = heard.payment
    if payment.kind in FAILS:
        reason = heard.failure or "The provider refused it."
        return instruction_answers.failed(
            row.pk, code=heard.failure[:60] or "refused", reason=reason, ref=payment.ref, actor=actor
        )
    return instruction_answers.done(
        row.pk, ref=payment.ref, at=payment.at, amount=payment.amount, gateway=payment.gateway,
        parent_ref=row.tender.provider_ref if row.tender and payment.kind != "authorised" else payment.parent_ref,
        expires_at=payment.expires_at, actor=actor,
    )  # fmt: skip


def _instruction(heard: Heard) -> PaymentInstruction | None:
    """Ours by the reference we gave it, or by the provider's own of what it took."""
    named = Q(provider_ref=heard.payment.ref)
    with suppress(ValueError):
        named |= Q(uid=UUID(heard.instruction))
    rows = PaymentInstruction.objects.select_related("order", "tender").filter(named)
    kind = OUR_KINDS.get(heard.payment.kind)
    if kind is not None:
        rows = rows.filter(kind=kind)
    elif heard.payment.kind != "failed":
        return None
    return rows.order_by("pk").first()


def _order(heard: Heard) -> Order:
    names = [name for name in heard.names if name]
    paid = (
        Payment.objects.filter(Q(provider_ref__in=names))
        .exclude(kind="refunded")
        .select_related("order__channel")
        .order_by("pk")
        .first()
    )
    if paid is not None:
        return paid.order
    if heard.order:
        found = list(
            Order.objects.select_related("channel").filter(
                Q(number=heard.order) | Q(channel_ref=heard.order) | Q(channel_number=heard.order)
            )[:2]
        )
        # A number two channels use names neither.
        if len(found) == 1:
            return found[0]
    raise NotYet(payment_key("", names[0]))


def _as_known(order: Order, heard: Heard) -> IncomingPayment:
    """The payment under the name it is known by."""
    payment = heard.payment
    if payment.kind not in {"authorised", "captured", "voided", "failed"}:
        return payment
    aliases = [name for name in heard.names if name != payment.ref]
    same = Payment.objects.filter(order=order, kind=payment.kind, provider_ref__in=aliases)
    known = same.order_by("pk").first()
    # A second capture of the same charge is another.
    if known is None or ":" in payment.ref:
        return payment
    return replace(payment, ref=known.provider_ref)


def _disputed(order: Order, heard: Heard, actor: Actor) -> None:
    payment = heard.payment
    subject = Subject("order", str(order.pk), order.number)
    data = {
        "ref": payment.ref, "kind": payment.kind, "amount": str(payment.amount), "currency": payment.currency,
        "gateway": payment.gateway, "parent_ref": payment.parent_ref,
    }  # fmt: skip
    events.record(facts.PAYMENT_DISPUTED, subject, actor=actor, data=data)
    cases.open_(
        "orders.payment_disputed", subject, actor=actor, value=payment.amount, currency=payment.currency,
        summary=f"{payment.amount} {payment.currency} of {order.number}, {payment.gateway} {payment.ref}",
    )  # fmt: skip
