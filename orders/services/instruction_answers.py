"""What became of a payment instruction. Called from the outside floor, after the call was made or a webhook came.

Each verb is safe to repeat and to race: the state under the order's lock decides. What is done stands among the order's
payments under the provider's own reference, so the answer and the webhook of one refund are never two.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from core.events import EventDraft
from core.subjects import Subject
from exceptions.services import cases
from inventory.services.locking import retrying
from orders import events as facts
from orders.canonical import IncomingPayment, IncomingRefund, RefundLine
from orders.models import (
    InstructionKind,
    InstructionStatus,
    Payment,
    PaymentInstruction,
    Refund,
    StoreCredit,
    StoreCreditEntry,
    Via,
)
from orders.services import lifecycle, money
from orders.services.desk import Desk, open_desk

K, S = InstructionKind, InstructionStatus
FAILED, BY_HAND = "orders.payment_failed", "orders.payment_by_hand"
# What a finished instruction is among the order's money events, and what it is when it was taken back afterwards.
TOLD: dict[str, Any] = {
    K.AUTHORISE: "authorised", K.CAPTURE: "captured", K.VOID: "voided", K.REFUND: "refunded",
}  # fmt: skip
TAKEN_BACK: dict[str, Any] = {K.CAPTURE: "capture_failed", K.REFUND: "refund_failed"}


def open_instruction(instruction_id: int, *, actor: Actor) -> tuple[Desk, PaymentInstruction]:
    """Lock the order of an instruction and read both. Must run inside a transaction."""
    order_id = PaymentInstruction.objects.filter(pk=instruction_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise Refusal("not_found", "No such instruction.", status=404)
    desk = open_desk(order_id, actor=actor)
    return desk, PaymentInstruction.objects.select_related("tender").get(pk=instruction_id)


def sending(instruction_id: int, *, actor: Actor) -> bool:
    """About to be sent: False where it is no longer wanted. From here on it may have happened, and is looked for.

    The law is asked once more: money that went back by another way meanwhile leaves this one nothing to give.
    """

    def work() -> bool:
        desk, row = open_instruction(instruction_id, actor=actor)
        if row.status == S.SENT:
            return True
        if row.status != S.WANTED:
            return False
        if row.kind == K.REFUND and money.refundable(row.order_id, row.currency) < 0:
            _fail(desk, row, "more_than_captured", "The money went back by another way meanwhile.")
            return False
        row.move(S.SENT, sent_at=timezone.now())
        return True

    return retrying(work)


def accepted(instruction_id: int, *, ref: str) -> None:
    """The provider took it and will say later what came of it; its own reference is kept."""
    PaymentInstruction.objects.filter(pk=instruction_id, provider_ref="", status=S.SENT).update(
        provider_ref=ref[:120], updated_at=timezone.now()
    )


def by_hand(instruction_id: int, *, actor: Actor) -> None:
    """Nobody outside can be told to do it: a person does, and its case says so."""

    def work() -> None:
        desk, row = open_instruction(instruction_id, actor=actor)
        if row.status != S.WANTED or row.via == Via.HAND:
            return
        PaymentInstruction.objects.filter(pk=row.pk).update(via=Via.HAND, updated_at=timezone.now())
        row.via = Via.HAND
        tell(desk, row)
        cases.open_(
            BY_HAND, row.subject, actor=actor, summary=f"{row} of {desk.order.number}: {row.why}"[:255],
            value=row.amount, currency=row.currency,
        )  # fmt: skip

    retrying(work)


def done(
    instruction_id: int,
    *,
    ref: str,
    at: datetime,
    amount: Decimal | None = None,
    gateway: str = "",
    parent_ref: str = "",
    expires_at: datetime | None = None,
    refund_ref: str = "",
    released: Decimal | None = None,
    actor: Actor,
) -> bool:
    """It happened. True where that was news. `released` is what a last capture let go of the authorisation."""

    def work() -> bool:
        desk, row = open_instruction(instruction_id, actor=actor)
        if row.status in {S.DONE, S.CANCELLED}:
            return False
        row.refund_ref = refund_ref[:120]
        finish(desk, row, ref=ref, at=at, amount=amount, gateway=gateway, parent_ref=parent_ref, expires_at=expires_at)
        if released:
            rest = _event(row, "voided", f"{ref[:110]}:rest", at, amount=released, gateway=gateway)
            money.add(desk, [rest], ())
        tell(desk, row)
        return True

    return retrying(work)


def failed(instruction_id: int, *, code: str, reason: str, ref: str = "", actor: Actor) -> bool:
    """It did not happen, or was taken back after it had. True where that was news; its case opens."""

    def work() -> bool:
        desk, row = open_instruction(instruction_id, actor=actor)
        if row.status not in {S.WANTED, S.SENT, S.DONE}:
            return False
        if row.status == S.DONE:
            if row.kind not in TAKEN_BACK:
                return False
            told = _event(row, TAKEN_BACK[row.kind], row.provider_ref, timezone.now())
            money.add(desk, [told], ())
        _fail(desk, row, code, reason, ref=ref)
        return True

    return retrying(work)


def finish(
    desk: Desk,
    row: PaymentInstruction,
    *,
    ref: str,
    at: datetime,
    amount: Decimal | None = None,
    gateway: str = "",
    parent_ref: str = "",
    expires_at: datetime | None = None,
    sums_up: bool = True,
) -> None:
    """Under the order's lock: the instruction, then the money event. Another amount than asked for is kept as told."""
    event = _event(
        row, TOLD[row.kind], ref, at, amount=amount, gateway=gateway, parent_ref=parent_ref, expires_at=expires_at
    )
    row.move(S.DONE, provider_ref=ref[:120], refund_ref=row.refund_ref, done_at=at, failure="", failure_code="")
    money.add(desk, [event], ())
    tender = row.tender.provider_ref if row.tender else ""
    note(desk, facts.PAYMENT_DONE, row, ref=ref, tender=tender, amount=str(event.amount))
    if sums_up:
        sum_up(desk, row.cause)


def sum_up(desk: Desk, cause: str) -> None:
    """Once nothing of a refund is on its way any more, what went back of it stands among the order's refunds.

    A channel that carried it out has its own name for it, under which it may tell us of it: that is the one kept.
    """
    rows = list(PaymentInstruction.objects.filter(order=desk.order, cause=cause, kind=K.REFUND).order_by("pk"))
    went = [row for row in rows if row.status == S.DONE]
    if not went or any(row.status not in {S.DONE, S.CANCELLED} for row in rows):
        return
    document = went[0].document
    refs: dict[str, list[PaymentInstruction]] = {}
    for row in went:
        refs.setdefault(row.refund_ref or str(document.get("ref") or cause)[:120], []).append(row)
    known = set(Refund.objects.filter(order=desk.order, ref__in=refs).values_list("ref", flat=True))
    told = [
        _refund(desk, ref, group, document if n == 0 else {})
        for n, (ref, group) in enumerate(refs.items())
        if ref not in known
    ]
    money.add(desk, (), told)


def _refund(desk: Desk, ref: str, rows: list[PaymentInstruction], document: dict[str, Any]) -> IncomingRefund:
    def amount(value: Any) -> Decimal | None:
        return None if value is None else Decimal(str(value))

    return IncomingRefund(
        ref=ref,
        order_ref=desk.order.channel_ref,
        at=max(row.done_at or row.updated_at for row in rows),
        currency=rows[0].currency,
        amount=sum((row.amount for row in rows), Decimal(0)),
        shipping_amount=amount(document.get("shipping")),
        note=str(document.get("note") or "")[:1000],
        lines=tuple(
            RefundLine(
                line_ref=line["line_ref"], quantity=line["quantity"], restock=line["restock"],
                amount=amount(line.get("amount")), tax=amount(line.get("tax")),
            )
            for line in document.get("lines") or ()
        ),
    )  # fmt: skip


def note(desk: Desk, event: str, row: PaymentInstruction, **data: Any) -> None:
    told: dict[str, Any] = {
        "instruction": row.pk, "kind": row.kind, "amount": str(row.amount), "currency": row.currency, "via": row.via,
        "cause": row.cause, "order": row.order_id, "tender_id": row.tender_id,
    }  # fmt: skip
    desk.facts.append(EventDraft(event, row.subject, desk.actor, told | data, [(desk.subject, "order")]))


def tell(desk: Desk, row: PaymentInstruction) -> None:
    """Record the facts; the order itself did not change, so nobody's form of it becomes stale."""
    lifecycle.save_parts(desk)
    lifecycle.announce(desk)
    for subject in (row.subject, desk.subject):
        cases.recheck(subject, actor=desk.actor)


def credit_behind(tender: Payment) -> StoreCredit | None:
    """The store credit a tender was paid from, where it was."""
    kind, _, number = tender.provider_ref.partition(":")
    if kind != "store-credit" or not number.isdigit():
        return None
    entry = StoreCreditEntry.objects.select_related("credit").filter(pk=int(number)).first()
    return entry.credit if entry else None


def _fail(desk: Desk, row: PaymentInstruction, code: str, reason: str, *, ref: str = "") -> None:
    fields = {"provider_ref": ref[:120]} if ref else {}
    row.move(S.FAILED, failure=reason[:500], failure_code=code[:60], **fields)
    note(desk, facts.PAYMENT_FAILED, row, code=code, reason=reason[:300])
    tell(desk, row)
    cases.open_(
        FAILED, Subject("payment", str(row.pk), str(row)), actor=desk.actor, summary=f"{row}: {reason}"[:255],
        value=row.amount, currency=row.currency,
    )  # fmt: skip


def _event(
    row: PaymentInstruction,
    kind: Any,
    ref: str,
    at: datetime,
    *,
    amount: Decimal | None = None,
    gateway: str = "",
    parent_ref: str = "",
    expires_at: datetime | None = None,
) -> IncomingPayment:
    tender = row.tender
    return IncomingPayment(
        ref=ref[:120],
        kind=kind,
        amount=row.amount if amount is None else amount,
        currency=row.currency,
        at=at,
        gateway=gateway or (tender.gateway if tender and row.credit_id is None else ""),
        parent_ref=parent_ref or (tender.provider_ref if tender and row.kind != K.AUTHORISE else ""),
        expires_at=expires_at,
    )
