"""What a newer version, a refund or a cancellation does to an order we already have."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from core.subjects import Subject
from orders import addressing, agreed, canonical, quantities
from orders import events as facts
from orders.canonical import Address, IncomingLine, IncomingOrder, Presentment
from orders.models import Order, OrderLine
from orders.services import allocation, backorders, effects, elsewhere, holds, lifecycle, refunds_due
from orders.services.desk import Desk
from orders.services.lookups import Seen

_ZERO = Decimal(0)
_ADDRESS_PARTS = tuple(part.name for part in fields(Address))
# Shown in the timeline when they change; the rest is in the message itself.
_TOLD = (
    "channel_number", "method", "pickup_location_code", "ship_to", "bill_to", "currency", "discount_total",
    "shipping_total", "tax_total", "total", "payment_state", "source_cancelled", "note", "tags", "account_code",
    "po_number", "payment_terms", "requested_ship_on", "language", "figures",
)  # fmt: skip
_TOLD_OF_LINES = ("ordered", "cancelled", "fulfilled", "sku", "unit_price")


def describe(order: Order, incoming: IncomingOrder, digest: bytes, seen: Seen) -> None:
    """Copy everything the source says about the order as a whole."""
    order.source_version, order.source_digest = incoming.version, digest
    order.source_cancelled = incoming.status == "cancelled"
    order.cancelled_at = incoming.cancelled_at if order.source_cancelled else order.cancelled_at
    order.cancel_reason = incoming.cancel_reason if order.source_cancelled else order.cancel_reason
    order.channel_number = incoming.number
    order.placed_at = incoming.placed_at
    place = [incoming.method, incoming.pickup_location_code or "", seen.pickup_location_id]
    order.agreed, place = agreed.hear(order.agreed, "method", place)
    order.method, order.pickup_location_code, order.pickup_location_id = place
    buyer = incoming.buyer
    order.buyer_ref = buyer.ref if buyer else ""
    order.buyer_name = buyer.name if buyer else ""
    order.buyer_email = buyer.email if buyer else ""
    order.buyer_phone = buyer.phone if buyer else ""
    order.agreed, order.ship_to = agreed.hear(order.agreed, "ship_to", parts(incoming.ship_to))
    order.bill_to = parts(incoming.bill_to)
    order.address_key = _address_key(order.ship_to)
    order.card_ref = incoming.card_ref
    order.risk = _risk(order.risk, incoming)
    order.currency, order.tax_included = incoming.currency, incoming.tax_included
    order.subtotal = sum((line.unit_price * line.quantity for line in incoming.lines), _ZERO)
    order.discount_total = incoming.discount_total or _ZERO
    order.shipping_total = incoming.shipping_total or _ZERO
    order.tax_total = incoming.tax_total or _ZERO
    order.other_total = incoming.other_total or _ZERO
    order.total = incoming.total
    order.figures = money_figures(incoming)
    order.disagreements = canonical.totals_problem(incoming)
    order.payment_state = incoming.payment_state
    order.account_code, order.account_id = incoming.account, seen.account_id
    order.po_number, order.requested_ship_on = incoming.po_number, incoming.requested_ship_on
    order.payment_terms = incoming.payment_terms or seen.payment_terms
    order.language = incoming.language
    order.note, order.tags, order.test = incoming.note, list(incoming.tags), incoming.test


def money_figures(incoming: IncomingOrder) -> dict[str, Any]:
    """What the source says of its money beyond the totals; only what is there. Read by the ledger of the books."""
    said: dict[str, Any] = {}
    if incoming.discounts:
        said["discounts"] = [
            {
                "line": "shipping" if each.on_shipping else each.line_ref,
                "amount": str(each.amount),
                "code": each.code,
                "title": each.title,
                "funded_by": each.funded_by,
            }
            for each in incoming.discounts
        ]
    theirs = {line.ref: line.marketplace_tax_total for line in incoming.lines}
    theirs[""] = incoming.marketplace_shipping_tax_total
    if any(theirs.values()):
        said["marketplace_tax"] = {ref: str(tax) for ref, tax in theirs.items() if tax}
    if incoming.presentment and incoming.presentment.currency != incoming.currency:
        said["presentment"] = _presentment(incoming.presentment)
    return said


def _presentment(seen: Presentment) -> dict[str, Any]:
    def stated(**amounts: Decimal | None) -> dict[str, str]:
        return {name: str(amount) for name, amount in amounts.items() if amount is not None}

    return {
        "currency": seen.currency,
        **stated(
            total=seen.total, discount=seen.discount_total, shipping=seen.shipping_total, tax=seen.tax_total,
            other=seen.other_total,
        ),
        "lines": {
            line.line_ref: stated(unit_price=line.unit_price, discount=line.discount_total, tax=line.tax_total)
            for line in seen.lines
        },
    }  # fmt: skip


def describe_line(line: OrderLine, incoming: IncomingLine, position: int, items: dict[str, int]) -> OrderLine:
    """Copy what the source says about a line. A person's mapping stays while the SKU stays the same and unknown."""
    found = items.get(incoming.sku)
    if found is not None or incoming.sku != line.sku:
        line.item_id = found
    line.position, line.sku, line.title = position, incoming.sku, incoming.title
    line.requires_shipping, line.gift_card = incoming.requires_shipping, incoming.gift_card
    line.unit_price = incoming.unit_price
    line.discount_total = incoming.discount_total or _ZERO
    line.tax_total = incoming.tax_total or _ZERO
    line.source_quantity = incoming.quantity
    line.source_cancelled = incoming.cancelled_quantity
    line.source_fulfilled = incoming.fulfilled_elsewhere
    return line


def parts(address: Address | None) -> dict[str, Any] | None:
    """An address as orders keep it: only what is there."""
    if address is None:
        return None
    every = ((name, getattr(address, name)) for name in _ADDRESS_PARTS)
    return {name: value for name, value in every if value not in ("", None)}


def _address_key(address: dict[str, Any] | None) -> str:
    return addressing.key(Address(**address)) if address else ""


def set_address(order: Order, address: Address) -> None:
    """An address agreed here: it stands until the source names another than it does now."""
    now = parts(address)
    order.agreed = agreed.agree(order.agreed, "ship_to", now, before=order.ship_to)
    order.ship_to, order.address_key = now, _address_key(now)


def set_method(order: Order, method: str, code: str, location_id: int | None) -> None:
    """How the order reaches the buyer, agreed here: likewise."""
    before = [order.method, order.pickup_location_code, order.pickup_location_id]
    order.agreed = agreed.agree(order.agreed, "method", [method, code, location_id], before=before)
    order.method, order.pickup_location_code, order.pickup_location_id = method, code, location_id


def _risk(known: dict[str, Any], incoming: IncomingOrder) -> dict[str, Any]:
    """What others judged, and what the source says in this version."""
    kept = {name: said for name, said in known.items() if said.get("by") != "source"}
    if incoming.risk is None:
        return kept
    said = {"level": incoming.risk.level, "score": incoming.risk.score, "reasons": list(incoming.risk.reasons)}
    return kept | {incoming.risk.provider or "source": said | {"by": "source"}}


def apply(desk: Desk, incoming: IncomingOrder, digest: bytes, seen: Seen) -> None:
    """Bring the order to this version: fields, lines, holds, stock. The desk isn't saved yet."""
    before, wanted = _said(desk), demand(desk)
    describe(desk.order, incoming, digest, seen)
    _lines(desk, incoming, seen.items)
    reconsider(desk, before=wanted)
    complain(desk)
    changes = _differences(before, _said(desk))
    if changes:
        desk.note(facts.CHANGED, {"changes": changes})


def _lines(desk: Desk, incoming: IncomingOrder, items: dict[str, int]) -> None:
    known = {line.ref: line for line in desk.lines}
    added = []
    for position, said in enumerate(incoming.lines):
        line = known.pop(said.ref, None) or _repeated(known, said)
        if line is None:
            line = describe_line(OrderLine(order=desk.order, ref=said.ref, ordered=0), said, position, items)
            added.append(line)
            continue
        item = line.item_id
        describe_line(line, said, position, items)
        if line.item_id != item:
            _start_over(desk, line)
    for line in known.values():  # the source removed it
        line.source_quantity = line.source_cancelled = line.source_fulfilled = 0
    desk.lines += OrderLine.objects.bulk_create(added)


def _repeated(known: dict[str, OrderLine], said: IncomingLine) -> OrderLine | None:
    """The line added here that the source repeats under a reference of its own; it is known by that from now on."""
    for ref, line in known.items():
        if ref.startswith(agreed.REF) and line.sku == said.sku and not line.source_quantity:
            line.ref = said.ref
            return known.pop(ref)
    return None


def _start_over(desk: Desk, line: OrderLine) -> None:
    """The line means another item now: whatever nodes hold for it is the wrong thing."""
    held = [promise for promise in desk.promises if promise.order_line_id == line.pk]
    units = sum(promise.quantity for promise in held)
    line.allocated -= units
    line.open += units + line.backordered
    line.backordered = 0
    backorders.trim(desk, [line], reason="Another item is meant")
    lifecycle.take_back(desk, [(p, p.quantity) for p in held], reason="Another item is meant")


def demand(desk: Desk) -> tuple[Any, ...]:
    """What sourcing depends on. When it changes, unstarted work is sourced anew as a whole.

    So the nodes of an order nobody has begun depend on what is wanted, not on the order in which we learnt it.
    """
    order, address = desk.order, desk.order.ship_to or {}
    wanted = tuple(
        sorted(
            (line.pk, line.item_id, quantities.to_deliver(line))
            for line in desk.lines
            if line.item_id and quantities.is_physical(line) and quantities.to_deliver(line)
        )
    )
    place = (address.get("country"), address.get("latitude"), address.get("longitude"))
    return (order.method, order.pickup_location_id, order.test, place, wanted)


def reconsider(desk: Desk, *, before: tuple[Any, ...], changed: frozenset[str] = frozenset()) -> None:
    """After inputs changed: settle the units, raise or resolve holds, and source what is open.

    `changed` says what a person or the source changed, in the words of rules about changes (orders.holding.Changed).
    """
    lifecycle.settle(desk, lifecycle.refunded_units(desk.order.pk))
    if demand(desk) != before:
        allocation.give_back_unstarted(desk)
    holds.sync(desk, changed=changed)
    allocation.source(desk)
    elsewhere.hand_over(desk)


def complain(desk: Desk) -> None:
    """Open the cases this order's figures and SKUs call for."""
    order = desk.order
    unknown = unknown_lines(desk.lines, handed_over=elsewhere.place(desk) is not None)
    if unknown:
        names = ", ".join(line.sku or f"“{line.title}” without a SKU" for line in unknown[:5])
        desk.case("orders.unknown_sku", summary=names, value=order.total, currency=order.currency)
    if order.disagreements:
        words = "; ".join(order.disagreements)
        desk.case("orders.totals_disagree", summary=words, value=order.total, currency=order.currency)
    if order.account_code and order.account_id is None:
        words = f"Nobody knows an account {order.account_code}."
        desk.case("orders.unknown_account", summary=words, value=order.total, currency=order.currency)
    complain_of_lateness(desk)


def complain_of_lateness(desk: Desk) -> None:
    """A cancellation can't call back what has left: a person has to."""
    cancelled = desk.order.source_cancelled or desk.order.cancelled_here
    if cancelled and (left := sum(line.shipped_here - line.returned for line in desk.lines)) > 0:
        words = f"{left} units had left before it was cancelled."
        desk.case("orders.cancelled_too_late", summary=words, value=desk.order.total, currency=desk.order.currency)


def unknown_lines(lines: list[OrderLine], *, handed_over: bool) -> list[OrderLine]:
    """Lines that need their item: units to deliver, or to take off stock where the channel hands over itself."""
    return [
        line
        for line in lines
        if line.item_id is None
        and quantities.is_physical(line)
        and (quantities.to_deliver(line) or (handed_over and line.fulfilled > line.shipped_here))
    ]


def note_mapping(desk: Desk, found: dict[int, int]) -> None:
    desk.note(
        facts.CHANGED,
        {"mapped": [{"line": line_id, "item": item_id} for line_id, item_id in found.items()]},
        [(Subject("item", str(item_id)), "item") for item_id in sorted(set(found.values()))],
    )


def _said(desk: Desk) -> dict[str, Any]:
    said = {name: getattr(desk.order, name) for name in _TOLD}
    for line in desk.lines:
        said |= {f"lines.{line.ref}.{name}": getattr(line, name) for name in _TOLD_OF_LINES}
    return said


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"field": name, "before": _plain(before.get(name)), "after": _plain(after.get(name))}
        for name in after
        if before.get(name) != after[name]
    ]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal | date) else value


# --- Cancelling ----------------------------------------------------------------------------------------------------


def cancel_rest(desk: Desk, *, reason: str, at: datetime | None = None, owe: bool = True) -> None:
    """Take every unit that has not left off the order and off the nodes; what was paid for them is due.

    Without `owe` nothing is: a channel that cancels gives the money back itself.
    """
    order, before = desk.order, effects.look(desk)
    order.cancelled_here = True
    order.cancelled_at = order.cancelled_at or at or timezone.now()
    order.cancel_reason = order.cancel_reason or reason[:255]
    units = [{"line": line.pk, "units": quantities.to_deliver(line)} for line in desk.lines]
    lifecycle.settle(desk, {})
    holds.sync(desk)
    complain_of_lateness(desk)
    if owe:
        refunds_due.owe_cut(desk, before, effects.look(desk), why=reason or "Cancelled before it left")
    desk.note(facts.CHANGED, {"cancelled": [part for part in units if part["units"]], "reason": reason})
