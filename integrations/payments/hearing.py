"""What a provider says of money: of an instruction of ours, or of an order's payment. Nothing is decided here.

One payment has several names (an intent, its charge, a channel's own number), so what is known under any of them is not
written down again under another.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from core import events
from core.actors import Actor
from core.errors import NotYet
from core.formats import money
from core.subjects import Subject
from exceptions.services import cases
from integrations.arrivals import payment_key
from integrations.channels.meaning import Asked, Heard, HearOfMoney
from integrations.models import InboundMessage
from orders import events as facts
from orders.canonical import IncomingPayment
from orders.models import InstructionKind, Order, Payment, PaymentInstruction, PaymentKind
from orders.services import falling, instruction_answers, notices, payments

FAILS = {"failed", "refund_failed", "capture_failed"}
DISPUTES = {"disputed", "chargeback"}
# What nobody here asked for and a person should see: the case says whether anything is missing for it.
FELL_THROUGH = {
    "failed": falling.FELL_THROUGH, "capture_failed": falling.FELL_THROUGH, "voided": falling.FELL_THROUGH,
    "refund_failed": falling.CAME_BACK,
}  # fmt: skip
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
    left: bool = False  # it concerns nothing here


def hear(act: HearOfMoney, message: InboundMessage) -> Result:
    """All of it, inside the caller's transaction. NotYet while nobody knows an order it could be of."""
    result = Result()
    for heard in act.events:
        _one(heard, message, result)
    for asked in act.asked:
        _ask(asked, message, result)
    return result


def _ask(asked: Asked, message: InboundMessage, result: Result) -> None:
    order = _order(asked.names, asked.order)
    result.order_id, result.number = order.pk, order.number
    if notices.keep(order.pk, asked.notice, actor=message.connection.actor):
        result.changed = True
    else:
        result.left = result.left or not asked.notice.kind
        result.known = result.known or f"order {order.number} already says so, or knows nothing of it"


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
    try:
        order = _order(heard.names, heard.order)
    except NotYet:
        if heard.payment.kind != "failed":
            raise
        # Customers fail to pay every minute, most of them before there is an order.
        result.known, result.left = "a try to pay that failed, of no order known here", True
        return
    result.order_id, result.number = order.pk, order.number
    told = _as_known(order, heard)
    if _taken_already(order, told):
        result.known = f"order {order.number} already says so"
        return
    placed = payments.record(order.channel_ref, [told], channel=order.channel, actor=actor, source=message.subject)
    if placed.outcome != "changed":
        result.known = f"order {order.number} already says so"
        return
    result.changed = True
    if told.kind in DISPUTES:
        _disputed(order, heard, actor)
        return
    subject = Subject("order", str(order.pk), order.number)
    cases.recheck(subject, actor=actor)
    wanted = FELL_THROUGH.get(told.kind)
    if wanted is not None and falling.short(order.pk, wanted) > 0:
        cases.open_(wanted, subject, actor=actor, summary=_said(told, heard.failure))


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


def _order(known: Sequence[str], number: str) -> Order:
    names = [name for name in known if name]
    paid = (
        Payment.objects.filter(Q(provider_ref__in=names))
        .exclude(kind="refunded")
        .select_related("order__channel")
        .order_by("pk")
        .first()
    )
    if paid is not None:
        return paid.order
    if number:
        found = list(
            Order.objects.select_related("channel").filter(
                Q(number=number) | Q(channel_ref=number) | Q(channel_number=number)
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


def _taken_already(order: Order, told: IncomingPayment) -> bool:
    """A second round takes only what the first gave back; what was never given back is gone already."""
    if told.kind != "chargeback" or ":" not in told.ref:
        return False
    rows = Payment.objects.filter(order=order, parent_ref=told.parent_ref, kind__in=("chargeback", "reinstated"))
    out = sum((row.amount if row.kind == "chargeback" else -row.amount for row in rows), Decimal(0))
    return out >= told.amount


def _said(told: IncomingPayment, why: str) -> str:
    words = PaymentKind(told.kind).label
    return f"{words}: {money(told.amount, told.currency)}, {told.gateway} {told.ref}" + (f" ({why})" if why else "")


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
