"""What comes back: the credit memo of each refund and the stock receipt of each return, linked where they are one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from core.actors import SYSTEM, Actor
from finance import documents, sides
from finance.documents import Amount, Amounts, rounded
from finance.ledger import Refunded, RefundedLine
from finance.models import GONE, OF_SALES, Charge, ChargeKind, Kind, Posting
from finance.services import charges, entities, making, postings
from finance.services.making import LETTERS, Cause
from orders.models import Order, OrderLine, PaymentInstruction
from returns.models import RefundDecision, ReturnLine, ReturnRequest
from returns.services import rejected

ZERO = Decimal(0)
NOTHING = Amounts("EUR", False, ())
OF_MEMO, OF_KEPT = "return", "return_kept"  # what stock receipts are of: units a memo speaks of, or none ever will


def follow(order: Order, *, actor: Actor = SYSTEM) -> list[Posting]:
    """A memo for every refund of goods that were invoiced; what changes of one makes another. Safe to repeat.

    Refunds of units that never left are in no invoice, so they need no memo. Needs the order's lock.
    """
    if order.test or not order.postings.filter(kind__in=OF_SALES).exclude(status__in=GONE).exists():
        return []
    rows = Charge.objects.of_the_buyer().filter(order=order, kind=ChargeKind.REFUND, key__startswith="refund:")
    wanted = dict(rows.values_list("refund_ref").annotate(Sum("amount")))
    booked = dict(
        Posting.objects.filter(order=order, kind=Kind.RETURN_MEMO, cause_kind="refund")
        .exclude(status__in=GONE)
        .values_list("cause_uid")
        .annotate(Sum("total"))
    )
    made = [
        _memo(order, ref, amount - booked.get(ref[:64], ZERO), first=ref[:64] not in booked, actor=actor)
        for ref, amount in wanted.items()
        if amount != booked.get(ref[:64], ZERO)
    ]
    return [*made, *_chargebacks(order, actor)]


def _memo(order: Order, ref: str, total: Decimal, *, first: bool, actor: Actor) -> Posting:
    lines = list(order.lines.select_related("item").order_by("position"))
    told = next((each for each in charges.facts_of(order, lines, ()).refunds if each.ref == ref), None)
    amounts = _amounts(order, lines, told) if told is not None and first else NOTHING
    amounts = replace(amounts, currency=order.currency, tax_included=order.tax_included)
    amounts = replace(amounts, adjustment=amounts.adjustment + total - amounts.total)
    sequence, reference = making.next_reference(order, (Kind.RETURN_MEMO,), LETTERS[Kind.RETURN_MEMO])
    entity = entities.of(order)
    at = told.at if told is not None and first else timezone.now()
    heading = replace(
        postings.heading(order, reference), key=f"memo:{reference}", shipped_at=at.isoformat(),
        booked_on=entities.local_day(entity, at).isoformat(),
    )  # fmt: skip
    rma = _return_of(order, ref)
    made = making.make(
        Kind.RETURN_MEMO, key=f"memo:{reference}", reference=reference, entity=entity, currency=order.currency,
        total=amounts.total, day=entities.local_day(entity, at),
        sides=sides.of_sale(amounts, postings.named(order), returned=True),
        document={
            **documents.document(heading, amounts), "refund": ref, "return": rma.number if rma else "",
            "return_id": rma.pk if rma else None,
        },
        order=order, sequence=sequence, cause=Cause("refund", ref), note=f"Return {rma.number}" if rma else "",
        actor=actor,
    )  # fmt: skip
    if rma is not None:
        receipts = Posting.objects.filter(kind=Kind.STOCK_RECEIPT, cause_kind=OF_MEMO, cause_uid=str(rma.pk))
        receipts.filter(linked__isnull=True).update(linked=made)
    return made


def _return_of(order: Order, ref: str) -> ReturnRequest | None:
    """The return a refund is of. A channel that carried it out has its own name for it."""
    told = PaymentInstruction.objects.filter(order=order, refund_ref=ref).exclude(refund_ref="").first()
    number = str(told.document.get("ref") or "") if told else ref
    decision = RefundDecision.objects.filter(order=order, number=number).select_related("request").first()
    return decision.request if decision else None


def _amounts(order: Order, lines: Sequence[OrderLine], told: Refunded) -> Amounts:
    """The refund as a document's amounts, below zero."""
    by_ref = {line.ref: line for line in lines}
    uncut = set(
        Charge.objects.filter(order=order, refund_ref=told.ref, key__startswith="uncut:").values_list(
            "line__ref", flat=True
        )
    )
    made = [
        _amount(order, by_ref[part.line], part)
        for part in told.lines
        if part.line in by_ref and not (part.restock == "cancel" and part.line in uncut)
    ]
    shipping = told.shipping or ZERO
    share = order.shipping_total + (ZERO if order.tax_included else _shipping_tax(order, lines))
    tax = rounded(shipping * _shipping_tax(order, lines) / share, order.currency) if share else ZERO
    return Amounts(
        order.currency, order.tax_included, tuple(made), shipping=-(shipping if order.tax_included else shipping - tax),
        shipping_tax=-tax, other=told.fees,
    )  # fmt: skip


def _shipping_tax(order: Order, lines: Sequence[OrderLine]) -> Decimal:
    return max(ZERO, order.tax_total - sum((line.tax_total for line in lines), ZERO))


def _amount(order: Order, line: OrderLine, part: RefundedLine) -> Amount:
    share = Decimal(min(part.quantity, line.ordered or 1)) / (line.ordered or 1)
    tax = part.tax if part.tax is not None else rounded(line.tax_total * share, order.currency)
    if part.amount is not None:
        gross, discount = part.amount, ZERO
    else:
        gross = line.unit_price * min(part.quantity, line.ordered or 1)
        discount = rounded(line.discount_total * share, order.currency)
    sku = line.item.sku if line.item else line.sku
    return Amount(line.ref, sku, line.title, -part.quantity, -gross, -discount, -tax, line.gift_card)


def _chargebacks(order: Order, actor: Actor) -> list[Posting]:
    made = []
    rows = Charge.objects.of_the_buyer().filter(order=order, kind=ChargeKind.CHARGEBACK)
    booked = Posting.objects.filter(order=order, kind=Kind.CHARGEBACK).exclude(status__in=GONE)
    known = dict(booked.values_list("cause_uid").annotate(Sum("total")))
    for ref, amount in rows.values_list("provider_ref").annotate(Sum("amount")):
        missing = amount - known.get(ref[:64], ZERO)
        if not missing:
            continue
        sequence, reference = making.next_reference(order, (Kind.CHARGEBACK,), LETTERS[Kind.CHARGEBACK])
        entity = entities.of(order)
        why = "The bank took a payment back" if missing < 0 else "The bank gave a payment back again"
        made.append(
            making.make(
                Kind.CHARGEBACK, key=f"chargeback:{reference}", reference=reference, entity=entity,
                currency=order.currency, total=missing, day=entities.local_day(entity, timezone.now()),
                sides=sides.chargeback(-missing), order=order, sequence=sequence, cause=Cause("payment", ref), note=why,
                document=making.journal(reference, currency=order.currency, total=missing, why=why, order=order),
                actor=actor,
            )
        )  # fmt: skip
    return made


def waited_for(receipt: Posting) -> bool:
    """Whether the return a stock receipt is of still has units here that a memo is to speak of."""
    return any(_booked(receipt.cause_uid, OF_MEMO).values())


@transaction.atomic
def receive(return_id: int, *, actor: Actor = SYSTEM) -> list[Posting]:
    """The stock receipts of what came back of a return since the last ones. Safe to repeat. Locks the order and return.

    What is or may be credited goes with its memo, less what went to the customer again or stayed uncredited (then units
    may be below nothing). Rejected goods that stay have a receipt of their own for each place. Units, no money.
    """
    rma = ReturnRequest.objects.select_related("location").get(pk=return_id)
    if rma.order_id is None:
        return []
    order = postings.locked(rma.order_id)
    if order.test or not order.postings.filter(kind__in=OF_SALES).exclude(status__in=GONE).exists():
        return []
    lines = list(ReturnLine.objects.filter(request=rma).select_related("item").order_by("position"))
    stayed = rejected.stayed(rma.pk)
    theirs: Counter[str] = Counter()
    for (line, _), units in stayed.items():
        theirs[str(line)] += units
    here = {str(line.pk): line.received - line.sent_back - theirs[str(line.pk)] for line in lines}
    memo = Posting.objects.filter(kind=Kind.RETURN_MEMO, order=order, document__return_id=rma.pk).first()
    place = rma.location.code if rma.location else ""
    made = [_receipt(order, rma, OF_MEMO, place, _fresh(lines, here, _booked(str(rma.pk), OF_MEMO)), memo, actor)]
    for code in sorted({place for _, place in stayed}):
        kept = {str(line): units for (line, where), units in stayed.items() if where == code}
        fresh = _fresh(lines, kept, _booked(str(rma.pk), OF_KEPT, code))
        made.append(_receipt(order, rma, OF_KEPT, code, fresh, None, actor))
    return [each for each in made if each is not None]


def _booked(return_uid: str, cause: str, place: str | None = None) -> Counter[str]:
    """Units by return line that receipts of this cause speak of, at one place or wherever."""
    units: Counter[str] = Counter()
    same = Posting.objects.filter(kind=Kind.STOCK_RECEIPT, cause_kind=cause, cause_uid=return_uid)
    for each in same.exclude(status__in=GONE):
        if place in (None, each.document["location"]):
            units.update({line["ref"]: line["quantity"] for line in each.document["lines"]})
    return units


def _fresh(lines: Sequence[ReturnLine], now: Mapping[str, int], booked: Mapping[str, int]) -> list[dict[str, Any]]:
    """What there is now and no receipt speaks of yet, as a document's lines."""
    return [
        {"ref": ref, "sku": line.item.sku if line.item else line.sku, "title": line.title, "quantity": units}
        for line in lines
        if (units := now.get(ref := str(line.pk), 0) - booked.get(ref, 0))
    ]


def _receipt(
    order: Order, rma: ReturnRequest, cause: str, place: str, lines: list[dict[str, Any]], memo: Posting | None,
    actor: Actor,
) -> Posting | None:  # fmt: skip
    if not lines:
        return None
    sequence, reference = making.next_reference(order, (Kind.STOCK_RECEIPT,), LETTERS[Kind.STOCK_RECEIPT])
    entity = entities.of(order)
    why = f"Return {rma.number}" + (", rejected and kept" if cause == OF_KEPT else "")
    return making.make(
        Kind.STOCK_RECEIPT, key=f"receipt:{reference}", reference=reference, entity=entity, currency=order.currency,
        total=ZERO, day=entities.local_day(entity, timezone.now()), sides=(), order=order, sequence=sequence,
        cause=Cause(cause, str(rma.pk)), linked=memo, note=why, actor=actor,
        document={
            **making.journal(reference, currency=order.currency, total=ZERO, why=why, order=order),
            "format": making.RECEIPT, "return": rma.number, "location": place, "lines": lines,
        },
    )  # fmt: skip
