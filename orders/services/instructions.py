"""Telling whoever holds an order's money what to do: authorise, capture, void, refund. Each cause counts once.

What is wanted is written under the order's lock with its fact; the outbox carries it outside. Refunds never exceed
what was captured less what went back, what is on its way back and what a bank withholds: the sum is the database's own
(`orders_refundable`), and its trigger refuses whoever doesn't ask first. What became of it is in `instruction_answers`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.ids import uuid7
from core.subjects import Subject
from inventory.services.locking import retrying
from orders import currencies, tenders
from orders import events as facts
from orders.models import (
    UNDER_WAY,
    InstructionKind,
    InstructionStatus,
    Order,
    Payment,
    PaymentInstruction,
    PaymentKind,
    PaymentRoute,
    Shipment,
    Via,
)
from orders.services import instruction_answers, lifecycle, store_credit
from orders.services.desk import Desk, open_desk
from orders.services.money import refundable
from orders.tenders import Part, Tender

K, S = InstructionKind, InstructionStatus
CREDIT = "store_credit"  # the gateway of what our own ledger holds
EXCHANGE = "exchange"  # of the worth of goods that come back for others
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ToTender:
    """So much to one tender of the order (a captured Payment's id), where it isn't simply the first that holds it."""

    payment_id: int
    amount: Decimal


# --- What there is -------------------------------------------------------------------------------------------------


def tenders_of(order_id: int, currency: str) -> list[Tender]:
    """The order's captures as they were taken, with what each can still give back."""
    rows = Payment.objects.filter(order=order_id).order_by("at", "pk")
    told = [
        tenders.Event(row.pk, row.kind, row.provider_ref, row.parent_ref, row.amount, row.currency, row.gateway)
        for row in rows
    ]
    going = PaymentInstruction.objects.under_way().filter(order=order_id, kind=K.REFUND, tender__isnull=False)
    taken = dict(going.values_list("tender").annotate(Sum("amount")))
    loose = going.model.objects.under_way().filter(order=order_id, kind=K.REFUND, tender=None, currency=currency)
    found = tenders.rooms(told, taken, currency)
    return tenders.less(found, loose.aggregate(n=Sum("amount"))["n"] or ZERO)


def held(order_id: int) -> list[tuple[Payment, Decimal]]:
    """The order's authorisations that stand, each with what of it can still be captured; what was told after it."""
    return held_of(list(Payment.objects.filter(order=order_id).order_by("at", "pk"))).get(order_id, [])


def held_of(payments: Sequence[Payment]) -> dict[int, list[tuple[Payment, Decimal]]]:
    """The same of several orders, by order, from all of their payments in the order they happened: two queries."""
    by_order: dict[int, list[Payment]] = {}
    for row in payments:
        by_order.setdefault(row.order_id, []).append(row)
    tenders = [row.pk for row in payments if row.kind == PaymentKind.AUTHORISED]
    if not tenders:
        return {}
    going = PaymentInstruction.objects.under_way().filter(tender__in=tenders, kind=K.CAPTURE)
    taken: dict[int | None, Decimal] = dict(going.values_list("tender").annotate(Sum("amount")))
    ended = PaymentInstruction.objects.filter(tender__in=tenders, kind=K.VOID, status__in=[*UNDER_WAY, S.DONE])
    voids = set(ended.values_list("tender_id", flat=True))
    return {order: _still_held(rows, taken, voids) for order, rows in by_order.items()}


def _still_held(
    rows: Sequence[Payment], taken: Mapping[int | None, Decimal], voids: Collection[int | None]
) -> list[tuple[Payment, Decimal]]:
    standing = []
    for row in rows:
        if row.kind != PaymentKind.AUTHORISED or row.pk in voids:
            continue
        names = {row.provider_ref, row.parent_ref} - {""}
        about = [r for r in rows if {r.parent_ref, r.provider_ref} & names and r.pk != row.pk]
        if any(r.kind == PaymentKind.VOIDED for r in about):
            continue
        gone = sum((r.amount for r in about if r.kind == PaymentKind.CAPTURED), ZERO)
        back = sum((r.amount for r in about if r.kind == PaymentKind.CAPTURE_FAILED), ZERO)
        left = row.amount - gone + back - taken.get(row.pk, ZERO)
        if left > 0:
            standing.append((row, left))
    return standing


def held_tenders(order_id: int, currency: str = "") -> list[Tender]:
    """The same as tenders whose room is what can still be captured, in one currency where it is named."""
    return [
        Tender(p.pk, p.provider_ref, p.parent_ref, p.gateway, p.amount, p.currency, left)
        for p, left in held(order_id)
        if currency in {"", p.currency}
    ]


def route(order: Order, gateway: str) -> PaymentRoute:
    """Who acts on money that came through this gateway: its own route, the channel's general one, else the channel."""
    if gateway == CREDIT:
        return PaymentRoute(channel=order.channel, gateway=gateway, via=Via.LEDGER)
    routes = {row.gateway: row for row in PaymentRoute.objects.filter(channel=order.channel_id)}
    return routes.get(gateway) or routes.get("") or PaymentRoute(channel=order.channel, gateway=gateway)


# --- What is asked for ---------------------------------------------------------------------------------------------


def refund(
    order_id: int,
    amount: Decimal,
    *,
    cause: str,
    why: str,
    tenders: Sequence[ToTender] | None = None,
    to_credit: bool = False,
    document: Mapping[str, Any] | None = None,
    actor: Actor,
) -> list[PaymentInstruction]:
    """Give so much back, once per cause: to the tenders named, else to those it was paid with, in order; or as credit.

    `document` says what for: {ref, lines: [{line_ref, quantity, restock, amount, tax}], shipping, fees, note}; once all
    of it went back it stands among the order's refunds. Without one it is a refund of money alone.

    Locks the order. Returns what was made, or what the cause had made before. Refusal("more_than_captured") with what
    is left, ("tender_holds_less"), ("no_tender"), ("cause_used"); Invalid for an amount its currency doesn't know.
    """

    def work() -> list[PaymentInstruction]:
        desk = open_desk(order_id, actor=actor)
        order = desk.order
        known = _known(cause, order_id, amount)
        if known:
            return known
        _sane(amount, order.currency)
        room = refundable(order_id, order.currency)
        if amount > room:
            raise Refusal(
                "more_than_captured",
                f"{order.number} has {max(room, ZERO)} {order.currency} left to give back, not {amount}.",
                left=str(max(room, ZERO)), asked=str(amount), currency=order.currency,
            )  # fmt: skip
        told = {"ref": cause, "note": why, **(document or {})}
        if to_credit:
            made = [_credit(desk, amount, cause, why, told)]
        else:
            made = _to_tenders(desk, amount, tenders, cause, why, told)
        # What our own ledger did at once may be all there is to wait for.
        instruction_answers.sum_up(desk, cause)
        lifecycle.announce(desk)
        return made

    return retrying(work)


def capture(
    order_id: int,
    amount: Decimal,
    *,
    cause: str,
    shipment: int | None = None,
    why: str = "",
    only: Collection[str] | None = None,
    actor: Actor,
) -> list[PaymentInstruction]:
    """Take so much of what is authorised, once per cause, from the authorisation that ends first on; `only` of those
    with these references, where they are named.

    Locks the order. Refusal("more_than_authorised") with what is left, ("capture_held") while a hold blocks captures.
    """

    def work() -> list[PaymentInstruction]:
        desk = open_desk(order_id, actor=actor)
        order = desk.order
        known = _known(cause, order_id, amount)
        if known:
            return known
        _sane(amount, order.currency)
        if any("CAPTURE" in hold.blocks for hold in desk.holds):
            raise Refusal("capture_held", f"A hold of {order.number} stands: its payment is not captured.")
        standing = [tender for tender in held_tenders(order_id, order.currency) if only is None or tender.ref in only]
        parts = tenders.split(amount, standing)
        left = sum((tender.room for tender in standing), ZERO)
        if sum((part.amount for part in parts), ZERO) < amount:
            raise Refusal(
                "more_than_authorised", f"{order.number} has {left} {order.currency} authorised, not {amount}.",
                left=str(left), asked=str(amount), currency=order.currency,
            )  # fmt: skip
        made = [_want(desk, K.CAPTURE, part, cause, n, why, shipment) for n, part in enumerate(parts, 1)]
        lifecycle.announce(desk)
        return made

    return retrying(work)


def void(
    order_id: int, *, cause: str, why: str = "", only: Collection[str] | None = None, actor: Actor
) -> list[PaymentInstruction]:
    """Let go of everything that is still only authorised, or `only` of what has these references; once per cause.

    Locks the order; nothing held is nothing.
    """

    def work() -> list[PaymentInstruction]:
        desk = open_desk(order_id, actor=actor)
        known = list(PaymentInstruction.objects.filter(order=order_id, cause=cause).order_by("pk"))
        if known:
            return known
        parts = [Part(tender, tender.room) for tender in held_tenders(order_id) if only is None or tender.ref in only]
        made = [_want(desk, K.VOID, part, cause, n, why, None) for n, part in enumerate(parts, 1)]
        lifecycle.announce(desk)
        return made

    return retrying(work)


def authorise(
    order_id: int,
    amount: Decimal,
    *,
    cause: str,
    why: str = "",
    source: dict[str, Any] | None = None,
    actor: Actor,
) -> PaymentInstruction:
    """Hold so much on what the order was paid with (or on `source`, in the provider's words), once per cause.

    Locks the order. Refusal("no_tender") where nobody knows what to hold it on, ("cannot_authorise") where the channel
    takes its own payments.
    """

    def work() -> PaymentInstruction:
        desk = open_desk(order_id, actor=actor)
        order = desk.order
        known = _known(cause, order_id, amount)
        if known:
            return known[0]
        _sane(amount, order.currency)
        paid = Payment.objects.filter(order=order_id, kind__in=(PaymentKind.CAPTURED, PaymentKind.AUTHORISED)).order_by(
            "at", "pk"
        )
        tender = paid.first()
        way = route(order, tender.gateway if tender else "")
        if way.via != Via.PROVIDER:
            raise Refusal("cannot_authorise", f"Payments of {order.channel.name} are not taken by us.")
        if tender is None and not source:
            raise Refusal("no_tender", f"Nobody knows what {order.number} is paid with.")
        made = _make(
            desk, K.AUTHORISE, amount, cause, 1, why=why, via=way.via, connection=way.connection, tender=tender,
            source=source or {},
        )  # fmt: skip
        lifecycle.announce(desk)
        return made

    return retrying(work)


def cancel(instruction_id: int, *, reason: str, actor: Actor) -> PaymentInstruction:
    """Take back what was not sent yet, or what failed. Refusal("sent_already") where it may have happened."""

    def work() -> PaymentInstruction:
        desk, row = instruction_answers.open_instruction(instruction_id, actor=actor)
        if row.status == S.CANCELLED:
            return row
        if row.status not in {S.WANTED, S.FAILED}:
            raise Refusal("sent_already", f"{row} was sent: it can't be taken back any more.", status_now=row.status)
        row.move(S.CANCELLED, failure=reason[:500])
        instruction_answers.note(desk, facts.PAYMENT_CANCELLED, row, reason=reason[:300])
        instruction_answers.sum_up(desk, row.cause)
        instruction_answers.tell(desk, row)
        return row

    return retrying(work)


def retry(instruction_id: int, *, actor: Actor) -> PaymentInstruction:
    """Want what failed anew, under a key of its own at the provider. The law is asked again.

    Refusal("not_failed"), ("more_than_captured").
    """

    def work() -> PaymentInstruction:
        desk, row = instruction_answers.open_instruction(instruction_id, actor=actor)
        if row.status != S.FAILED:
            raise Refusal("not_failed", "Only what failed can be tried again.", status_now=row.status)
        if row.kind == K.REFUND and row.amount > refundable(row.order_id, row.currency):
            raise Refusal("more_than_captured", f"{desk.order.number} no longer has {row.amount} {row.currency} left.")
        row.move(S.WANTED, failure="", failure_code="", provider_ref="", tries=row.tries + 1, sent_at=None)
        instruction_answers.note(desk, facts.PAYMENT_WANTED, row)
        instruction_answers.tell(desk, row)
        return row

    return retrying(work)


def confirm(instruction_id: int, *, reference: str, actor: Actor) -> PaymentInstruction:
    """A person did it by hand (cash, or in the channel's own back office) and names its number there.

    Refusal("not_by_hand") for what a provider does, ("no_reference").
    """
    reference = reference.replace("\0", "").strip()[:100]
    if not reference:
        raise Refusal("no_reference", "Say under which number it was done.", status=422)
    row = PaymentInstruction.objects.filter(pk=instruction_id).first()
    if row is None:
        raise Refusal("not_found", "No such instruction.", status=404)
    if row.via not in {Via.HAND, Via.CHANNEL}:
        raise Refusal("not_by_hand", f"{row} is carried out by {row.get_via_display().lower()}.")
    instruction_answers.done(instruction_id, ref=reference, at=timezone.now(), actor=actor)
    return PaymentInstruction.objects.get(pk=instruction_id)


# --- The pieces ----------------------------------------------------------------------------------------------------


def _known(cause: str, order_id: int, amount: Decimal) -> list[PaymentInstruction]:
    known = list(PaymentInstruction.objects.filter(cause=cause).order_by("pk"))
    if known and (known[0].order_id != order_id or sum((row.amount for row in known), ZERO) != amount):
        raise Refusal("cause_used", "Something else was asked for in this name already.", cause=cause)
    return known


def _sane(amount: Decimal, currency: str) -> None:
    if not amount.is_finite() or amount <= 0 or amount != currencies.rounded(amount, currency):
        raise Invalid([Problem("amount", "amount", f"More than nothing, to the smallest unit of {currency}.")])


def _to_tenders(
    desk: Desk, amount: Decimal, wanted: Sequence[ToTender] | None, cause: str, why: str, told: dict[str, Any]
) -> list[PaymentInstruction]:
    order = desk.order
    there = tenders_of(order.pk, order.currency)
    parts = tenders.split(amount, there) if wanted is None else _named(order, amount, wanted, there)
    missing = amount - sum((part.amount for part in parts), ZERO)
    made = [_want(desk, K.REFUND, part, cause, n, why, None, told) for n, part in enumerate(parts, 1)]
    if missing > 0:
        # The source says it was paid and reports no money events: it, or a person, knows how.
        if there:
            raise Refusal("no_tender", f"The payments of {order.number} that are known don't hold {amount}.")
        way = route(order, "")
        via = Via.HAND if way.via == Via.PROVIDER else way.via
        made.append(_make(desk, K.REFUND, missing, cause, len(made) + 1, why=why, via=via, document=told))
    return made


def _named(order: Order, amount: Decimal, wanted: Sequence[ToTender], there: Sequence[Tender]) -> list[Part]:
    known = {tender.id: tender for tender in there}
    if sum((each.amount for each in wanted), ZERO) != amount:
        raise Invalid([Problem("tenders", "sum", f"They add up to something else than {amount} {order.currency}.")])
    parts = []
    for n, each in enumerate(wanted):
        _sane(each.amount, order.currency)
        tender = known.pop(each.payment_id, None)
        if tender is None:
            raise Invalid(
                [Problem(f"tenders[{n}]", "tender", f"{order.number} was not paid with it, or it is named twice.")]
            )
        if each.amount > tender.room:
            raise Refusal(
                "tender_holds_less", f"{tender.gateway or 'The payment'} {tender.ref} has {tender.room} left to give.",
                left=str(tender.room), asked=str(each.amount), currency=order.currency,
            )  # fmt: skip
        parts.append(Part(tender, each.amount))
    return parts


def _want(
    desk: Desk,
    kind: InstructionKind,
    part: Part,
    cause: str,
    n: int,
    why: str,
    shipment: int | None,
    told: dict[str, Any] | None = None,
) -> PaymentInstruction:
    tender = Payment.objects.get(pk=part.tender.id)
    way = route(desk.order, tender.gateway)
    if way.via == Via.LEDGER:
        return _credit(desk, part.amount, cause, why, told or {}, n=n, tender=tender)
    return _make(
        desk, kind, part.amount, cause, n, why=why, via=way.via, connection=way.connection, tender=tender,
        document=told or {},
        shipment=Shipment.objects.filter(pk=shipment).first() if shipment else None,
    )  # fmt: skip


def _make(desk: Desk, kind: InstructionKind, amount: Decimal, cause: str, n: int, **fields: Any) -> PaymentInstruction:
    fields["why"] = str(fields.get("why") or "")[:255]
    row = PaymentInstruction.objects.create(
        uid=uuid7(), order=desk.order, kind=kind, amount=amount, currency=desk.order.currency, cause=cause,
        key=f"{cause}:{n}", asked_by=desk.actor.label[:200], **fields,
    )  # fmt: skip
    instruction_answers.note(desk, facts.PAYMENT_WANTED, row)
    return row


def _credit(
    desk: Desk,
    amount: Decimal,
    cause: str,
    why: str,
    told: dict[str, Any],
    *,
    n: int = 1,
    tender: Payment | None = None,
) -> PaymentInstruction:
    """On our own ledger: done at once, in the transaction that wants it."""
    order = desk.order
    account = instruction_answers.credit_behind(tender) if tender else None
    if account is None:
        account = (
            store_credit.of_customer(order.channel, order.buyer_email, order.currency)
            if order.buyer_email
            else store_credit.open_card(order.channel, order.currency)
        )
    row = _make(desk, K.REFUND, amount, cause, n, why=why, via=Via.LEDGER, credit=account, tender=tender, document=told)
    entry = store_credit.give(
        account.pk, amount, key=row.key, why=why or f"Refund of {order.number}", actor=desk.actor, order=order
    )
    instruction_answers.finish(
        desk, row, ref=f"store-credit:{entry.pk}", at=timezone.now(), gateway=CREDIT, sums_up=False
    )
    row.refresh_from_db()
    return row


def expiring_at(payment: Payment, way: PaymentRoute) -> Any:
    """When an authorisation ends: as its provider said, else as the route reckons."""
    return payment.expires_at or payment.at + timedelta(days=way.holds_days)


def subject_of(order: Order) -> Subject:
    return Subject("order", str(order.pk), order.number)
