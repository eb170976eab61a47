"""Square's order: what was sold at a till, what is to be sent or collected, what came back. Pure.

An order without a fulfilment is a sale over the counter: handed over once it is completed, and nothing before. One with
fulfilments is ours to send or to hand out. An order with `returns` was made for what came back: its money and units
belong to the order they were sold with.

How the figures add up (developer.squareup.com, Orders API: how it works): lines (`gross_sales_money`) - discounts +
service charges + tax that comes on top + tips + rounding = `total_money`. Tax a price holds counts in `total_tax_money`
as well; how much of it the prices hold is what the figures leave over. Where only some prices hold their tax, all
prices are stated without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal, cast

from integrations.channels import marketplaces, remarks
from integrations.channels.marketplaces import added, word
from integrations.channels.meaning import Act, GoodsLine, MoveGoods, PlaceOrder, RecordRefund
from integrations.channels.shop_documents import piece, whole
from integrations.channels.square import money
from integrations.channels.square.money import amount, needed, signed
from integrations.reading import EPOCH, ZERO, Node, checked
from orders.canonical import (
    Address,
    Buyer,
    IncomingLine,
    IncomingOrder,
    IncomingPayment,
    IncomingRefund,
    PaymentState,
    RefundLine,
    microseconds,
)

STATES = {"OPEN": "open", "COMPLETED": "completed", "CANCELED": "cancelled", "DRAFT": "draft"}
ITEMS = {"ITEM": "item", "CUSTOM_AMOUNT": "amount", "GIFT_CARD": "gift_card"}
_FULFILMENTS = {"SHIPMENT": "SHIP", "DELIVERY": "SHIP", "PICKUP": "PICKUP", "IN_STORE": "PICKUP"}
_PROGRESS = {
    "PROPOSED": "open",
    "RESERVED": "open",
    "PREPARED": "open",
    "COMPLETED": "gone",
    "CANCELED": "not",
    "FAILED": "not",
}
_DETAILS = {"SHIPMENT": "shipment_details", "DELIVERY": "delivery_details", "PICKUP": "pickup_details"}


@dataclass(frozen=True, slots=True)
class _Sold:
    """A line and how much of its tax its price holds."""

    line: IncomingLine
    gross: Decimal
    held: Decimal


def acts(doc: Node) -> list[Act] | str:
    """What one order asks for, or why it asks for nothing."""
    ref = doc.line("id")
    if not ref:
        return "a calculation: it names no order"
    state = word(doc, "state", STATES, "a state of an order")
    returned = _returned(doc, ref)
    if state == "draft":
        return "a draft: nothing is sold yet"
    if not any(doc.items("line_items")):
        return returned or "it sells nothing: an order made for a payment or a refund of an amount"
    if not any(doc.items("fulfillments")) and state != "completed":
        open_ticket = state == "open"
        return returned or (
            "an open ticket: nothing is handed over before it is completed"
            if open_ticket
            else "a ticket that was cancelled before anything was handed over"
        )
    return [PlaceOrder(order(doc, ref, state or "open")), *returned]


def code_of(node: Node) -> str:
    """What our articles are called there: by the id of their variation, as in Square's stock."""
    variation = node.line("catalog_object_id", 100)
    return f"variation:{variation}" if variation else ""


# --- The order


def order(doc: Node, ref: str, state: str) -> IncomingOrder:
    currency = money.currency_of(doc, "total_money", "net_amount_due_money")
    till = not any(doc.items("fulfillments"))
    gone, dropped = _fulfilled(doc, till=till)
    sold = [each for each in (_line(node, currency, gone, dropped) for node in doc.items("line_items")) if each]
    if not sold:
        doc.at("line_items").fault("holds no line with a quantity")
    parts = {
        **_figures(doc, sold, currency),
        **_delivery(doc, till=till),
        "payments": tuple(money.tenders(doc, currency)),
        "refunds": tuple(_own_refunds(doc, ref, currency)),
        "number": doc.line("ticket_name") or doc.line("reference_id"),
        "card_ref": money.card_ref(doc),
        "note": remarks.noted("", _remarks(doc)),
    }
    updated = doc.moment("updated_at") or doc.moment("created_at", needed=True)
    doc.faults.raise_if_any()
    cancelled = state == "cancelled"
    return checked(
        IncomingOrder(
            channel_ref=ref,
            placed_at=doc.moment("created_at", needed=True) or EPOCH,
            currency=currency,
            version=microseconds(updated or EPOCH),
            status="cancelled" if cancelled else "open",
            cancelled_at=(doc.moment("closed_at") or updated) if cancelled else None,
            payment_state=_payment_state(doc, state, currency, parts["payments"]),
            **parts,
        )
    )


def _line(node: Node, currency: str, gone: dict[str, int], dropped: dict[str, int]) -> _Sold | None:
    ref = node.line("uid")
    if not ref:
        node.at("uid").fault("is missing")
    kind = word(node, "item_type", ITEMS, "a kind of line") if node.has("item_type") else "item"
    quantity = whole(node, "quantity")
    if not quantity:
        return None
    gross = amount(node, "gross_sales_money", currency)
    if gross is None:
        gross = needed(node, "base_price_money", currency) * quantity
    off, tax, charge = (
        amount(node, key, currency) for key in ("total_discount_money", "total_tax_money", "total_service_charge_money")
    )
    total = amount(node, "total_money", currency)
    held = ZERO if total is None else gross - (off or ZERO) + (tax or ZERO) + (charge or ZERO) - total
    price = piece(gross, quantity)
    line = IncomingLine(
        ref=ref,
        sku=code_of(node),
        title=_title(node),
        quantity=quantity,
        unit_price=price,
        discount_total=(off or ZERO) + price * quantity - gross,
        tax_total=tax,
        requires_shipping=kind == "item",
        gift_card=kind == "gift_card",
        fulfilled_elsewhere=min(quantity, gone.get(ref, gone.get("", 0) and quantity)),
        cancelled_quantity=min(quantity, dropped.get(ref, dropped.get("", 0) and quantity)),
    )
    return _Sold(line, gross, held)


def _title(node: Node) -> str:
    name = ", ".join(part for part in (node.text("name"), node.text("variation_name")) if part)
    extras = [part for part in (each.text("name") for each in node.items("modifiers")) if part]
    return " + ".join([name or node.text("note"), *extras])[:255]


def _figures(doc: Node, sold: list[_Sold], currency: str) -> dict[str, Any]:
    charges = list(doc.items("service_charges"))
    on_top = amount(doc, "total_service_charge_money", currency)
    if on_top is None:
        on_top = added(amount(each, "applied_money", currency) for each in charges)
    held_by_charges = sum((_held(each, currency) for each in charges), ZERO)
    tax_of_charges = sum((_charge_tax(each, currency) for each in charges), ZERO)
    tax = amount(doc, "total_tax_money", currency)
    if tax is None:
        tax = added(each.line.tax_total for each in sold)
    tip = amount(doc, "total_tip_money", currency)
    net = doc.object("net_amounts")
    if tip is None and net is not None and not any(doc.items("returns")):
        tip = amount(net, "tip_money", currency)
    rounding = doc.object("rounding_adjustment")
    rounded = signed(rounding, "amount_money", currency) if rounding else None
    held = sum((each.held for each in sold), ZERO) + held_by_charges
    included = bool(tax) and held == tax
    if held and not included:
        sold = [_without_tax(each) for each in sold]
        on_top = (on_top or ZERO) - held_by_charges
    others = added((on_top, tip, rounded if rounded and rounded > 0 else None))
    off = added([each.line.discount_total for each in sold] + [-rounded if rounded and rounded < 0 else None])
    return {
        "lines": tuple(each.line for each in sold),
        "total": amount(doc, "total_money", currency),
        "discount_total": off,
        "tax_total": tax,
        "shipping_tax_total": tax_of_charges or None,  # what isn't the lines' own
        "other_total": others,
        "tax_included": included,
    }


def _held(charge: Node, currency: str) -> Decimal:
    """How much of a service charge's tax the charge itself holds. One spread over the lines is in their figures."""
    if charge.text("treatment_type", 40).upper() == "APPORTIONED_TREATMENT":
        return ZERO
    total = amount(charge, "total_money", currency)
    if total is None:
        return ZERO
    return needed(charge, "applied_money", currency) + _charge_tax(charge, currency) - total


def _charge_tax(charge: Node, currency: str) -> Decimal:
    if charge.text("treatment_type", 40).upper() == "APPORTIONED_TREATMENT":
        return ZERO
    return amount(charge, "total_tax_money", currency) or ZERO


def _without_tax(sold: _Sold) -> _Sold:
    """The line at its price before the tax it holds."""
    line, net = sold.line, sold.gross - sold.held
    price = piece(net, line.quantity)
    extra = (price - line.unit_price) * line.quantity + sold.held
    return replace(sold, line=replace(line, unit_price=price, discount_total=(line.discount_total or ZERO) + extra))


def _payment_state(doc: Node, state: str, currency: str, paid: tuple[IncomingPayment, ...]) -> PaymentState:
    """A completed order is paid in full, a cancelled one isn't paid; of an open one its tenders tell."""
    if state == "completed":
        return "paid"
    if state == "cancelled":
        return "voided"
    captured = sum((each.amount for each in paid if each.kind == "captured"), ZERO)
    total = amount(doc, "total_money", currency) or ZERO
    if captured and captured >= total:
        return "paid"
    if captured:
        return "partially_paid"
    return "authorised" if any(each.kind == "authorised" for each in paid) else "pending"


# --- Fulfilment


def _fulfilled(doc: Node, *, till: bool) -> tuple[dict[str, int], dict[str, int]]:
    """Units by line that have left, and that won't be delivered; "" stands for all of all lines."""
    gone: dict[str, int] = {"": 1} if till else {}
    dropped: dict[str, int] = {}
    for each in doc.items("fulfillments"):
        progress = word(each, "state", _PROGRESS, "a state of a fulfilment")
        into = {"gone": gone, "not": dropped}.get(progress or "")
        if into is None:
            continue
        entries = list(each.items("entries"))
        for entry in entries:
            ref = entry.line("line_item_uid")
            into[ref] = into.get(ref, 0) + whole(entry, "quantity")
        if not entries:
            into[""] = 1
    return gone, dropped


def _delivery(doc: Node, *, till: bool) -> dict[str, Any]:
    place = doc.line("location_id")
    if not place:
        doc.at("location_id").fault("is missing")
    method: Literal["SHIP", "PICKUP"] = "PICKUP"
    person: Node | None = None
    for each in doc.items("fulfillments"):
        kind = word(each, "type", _FULFILMENTS, "a kind of fulfilment")
        if each.text("state", 20).upper() in {"CANCELED", "FAILED"} and person is not None:
            continue
        method = cast(Literal["SHIP", "PICKUP"], kind or "PICKUP")
        details = each.object(_DETAILS.get(each.text("type", 20).upper(), ""))
        person = details.object("recipient") if details else None
    return {
        "method": method,
        "pickup_location_code": place if method == "PICKUP" else None,
        "buyer": _buyer(doc, person),
        "ship_to": _address(person) if method == "SHIP" else None,
    }


def _remarks(doc: Node) -> Iterator[remarks.Remark]:
    """Notes on lines and fulfilments, and when it is to be collected, brought or sent."""
    for node in doc.items("line_items"):
        yield node.text("name"), node.text("note", 2000) if node.has("name") else ""
    for each in doc.items("fulfillments"):
        details = each.object(_DETAILS.get(each.text("type", 20).upper(), ""))
        if details is None:
            continue
        for key in ("note", "shipping_note", "dropoff_notes"):
            yield "", details.text(key, 1000)
        for key, name in (
            ("pickup_at", "To be collected"), ("deliver_at", "To be brought"), ("expected_shipped_at", "To be sent"),
        ):  # fmt: skip
            at = details.moment(key)
            yield name, f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
        yield remarks.delivery(details.text("shipping_type"))


def _buyer(doc: Node, person: Node | None) -> Buyer | None:
    ref = doc.line("customer_id") or (person.line("customer_id") if person else "")
    parts = {
        "name": person.text("display_name") if person else "",
        "email": person.text("email_address") if person else "",
        "phone": person.text("phone_number") if person else "",
    }
    return Buyer(ref=ref, **parts) if ref or any(parts.values()) else None


def _address(person: Node | None) -> Address | None:
    at = person.object("address") if person else None
    if person is None or at is None:
        return None
    return marketplaces.address(
        name=person.text("display_name") or marketplaces.joined(at.text("first_name"), at.text("last_name")),
        line1=at.text("address_line_1"),
        line2=marketplaces.joined(at.text("address_line_2"), at.text("address_line_3")),
        city=at.text("locality"),
        region=at.text("administrative_district_level_1"),
        postal_code=at.text("postal_code"),
        country=marketplaces.country(at, "country"),
        phone=person.text("phone_number"),
    )


# --- What came back


def _own_refunds(doc: Node, ref: str, currency: str) -> Iterator[IncomingRefund]:
    """Refunds an order lists of itself; those of one made for a return belong to what was returned."""
    if any(doc.items("returns")):
        return
    for each in doc.items("refunds"):
        given = _refund_event(each, currency)
        if given is not None:
            yield IncomingRefund(
                ref=given.ref, order_ref=ref, at=given.at, currency=currency, amount=given.amount, payments=(given,)
            )


def _refund_event(node: Node, currency: str) -> IncomingPayment | None:
    ref = node.line("id")
    if not ref:
        node.at("id").fault("is missing")
    kind = word(node, "status", money.REFUNDS, "a state of a refund")
    given = needed(node, "amount_money", currency)
    at = node.moment("created_at", needed=True)
    if not kind:
        return None
    return IncomingPayment(
        ref=ref, kind="refunded", amount=given, currency=currency, at=at or EPOCH, parent_ref=node.line("tender_id")
    )


def _returned(doc: Node, ref: str) -> list[Act]:
    """What came back: onto the order it was sold with, or where nobody knows which, onto the shelf to be looked at."""
    made: list[Act] = []
    events: list[IncomingPayment] | None = None
    for index, each in enumerate(doc.items("returns")):
        amounts = each.object("return_amounts") or doc.object("return_amounts") or each.at("return_amounts")
        currency = money.currency_of(amounts, "total_money")
        if events is None:
            events = [event for event in (_refund_event(node, currency) for node in doc.items("refunds")) if event]
        at = doc.moment("created_at", needed=True) or EPOCH
        named = f"{ref}/{each.line('uid') or index}"
        source = each.line("source_order_id")
        if not source:
            made += _unlinked(doc, each, named)
            continue
        given = needed(amounts, "total_money", currency)
        lines = tuple(
            line for line in (_returned_line(node, currency) for node in each.items("return_line_items")) if line
        )
        doc.faults.raise_if_any()
        refund = IncomingRefund(
            ref=named, order_ref=source, at=at, currency=currency, lines=lines, amount=given, payments=tuple(events)
        )
        made.append(RecordRefund(checked(refund)))
        events = []  # told with the first
    return made


def _returned_line(node: Node, currency: str) -> RefundLine | None:
    quantity = whole(node, "quantity")
    ref = node.line("source_line_item_uid")
    kind = word(node, "item_type", ITEMS, "a kind of line") if node.has("item_type") else "item"
    if kind != "item" and not ref:
        return None  # an amount given back: no units
    if not ref:
        node.at("source_line_item_uid").fault("is missing")
    if not quantity:
        return None
    return RefundLine(
        line_ref=ref or "?",
        quantity=quantity,
        restock="return" if kind == "item" else "none",
        amount=amount(node, "total_money", currency),
        tax=amount(node, "total_tax_money", currency),
    )


def _unlinked(doc: Node, node: Node, named: str) -> list[Act]:
    lines = []
    for each in node.items("return_line_items"):
        quantity, sku = whole(each, "quantity"), code_of(each)
        if sku and quantity:
            lines.append(GoodsLine(sku=sku, quantity=quantity, kind="return", note=_title(each)))
    at = doc.moment("created_at", needed=True) or EPOCH
    return [MoveGoods(ref=named, at=at, lines=tuple(lines), store=doc.line("location_id"))] if lines else []
