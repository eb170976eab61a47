"""Magento's orders, invoices and credit memos as Backroom's. Pure.

Amounts are those of `order_currency_code`; their `base_` twins are the shop's books. Rows are without tax; times are
UTC without saying so, and `state` is Magento's own word where `status` may be the shop's. A configurable article has
two rows, of which the outer is bought and shipped; a bundle's inner rows are shipped, and priced where they say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from integrations.channels import remarks
from integrations.channels import shop_documents as shops
from integrations.channels.shop_documents import Terms
from integrations.documents import read_json
from integrations.failures import Unreadable
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
    Risk,
    microseconds,
)

STATES = {"new", "pending_payment", "payment_review", "processing", "complete", "closed", "canceled", "holded"}
# The state Magento's own statuses belong to, for a document that only names its status.
_STATUSES = {
    "pending": "new",
    "pending_payment": "pending_payment",
    "pending_paypal": "pending_payment",
    "payment_review": "payment_review",
    "fraud": "payment_review",
    "processing": "processing",
    "complete": "complete",
    "closed": "closed",
    "canceled": "canceled",
    "holded": "holded",
}
# What a row may be: the kinds of Magento itself, and a subscription as extensions name it. Goods unless they say so.
_WITHOUT_GOODS = {"virtual", "downloadable", "giftcard"}
_KINDS = {"simple", "configurable", "bundle", "grouped", "subscription", *_WITHOUT_GOODS}
_PAID, _OPEN, _CANCELLED = "2", "1", "3"


def order(doc: Node, terms: Terms) -> IncomingOrder:
    ref = doc.number_id("entity_id", needed=True)
    currency = doc.currency("order_currency_code", needed=True)
    state = _state(doc, terms)
    placed_at = shops.utc(doc, "created_at", must=True)
    changed_at = shops.utc(doc, "updated_at") or placed_at
    lines, surplus = _lines(doc)
    if not lines:
        doc.at("items").fault("holds no line with a quantity")
    figures, payment_state, people = _figures(doc, surplus), _payment_state(doc, state), _people(doc)
    doc.faults.raise_if_any()
    steps = sum(line.fulfilled_elsewhere + line.cancelled_quantity for line in lines)
    return checked(
        IncomingOrder(
            channel_ref=ref,
            number=doc.line("increment_id"),
            placed_at=placed_at or EPOCH,
            version=microseconds(changed_at or EPOCH) + min(steps, 999_999),
            currency=currency,
            lines=lines,
            status="cancelled" if state == "canceled" else "open",
            cancelled_at=changed_at if state == "canceled" else None,
            payment_state=payment_state,
            risk=Risk(level="high", provider="magento") if doc.text("status").lower() == "fraud" else None,
            note=remarks.noted(doc.text("customer_note", 5000), _remarks(doc)),
            po_number=remarks.part(doc, "payment", "po_number")[:120],
            **figures,
            **people,
        )
    )


def _state(doc: Node, terms: Terms) -> str:
    word, said = doc.text("state", 60).lower(), doc.text("status", 60).lower()
    if word in STATES:
        return word
    found = str(terms.statuses.get(word or said) or ("" if word else _STATUSES.get(said, "")))
    if found not in STATES:
        key = "state" if word or not said else "status"
        if word or said:
            doc.at(key).unknown(word or said, f"a {key}", sorted(STATES))
        else:
            doc.at(key).fault("is missing")
    return found


# --- Lines and figures


def _sold(doc: Node) -> Iterator[tuple[Node, str, list[Node]]]:
    """The rows that bear their price: each with its kind of product and, of a bundle, its parts."""
    nodes = list(shops.listed(doc, "items"))
    types = {node.number_id("item_id"): _kind(node) for node in nodes}
    inner: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        inner[node.number_id("parent_item_id")].append(node)
    for node in nodes:
        ref, parent = node.number_id("item_id", needed=True), node.number_id("parent_item_id")
        if parent and types.get(parent) != "bundle":
            continue  # the article chosen of a configurable one, which stands for both
        parts = inner[ref] if types[ref] == "bundle" else []
        if parts and any(part.amount("row_total") for part in parts):
            continue  # its parts bear the price
        yield node, types[ref], parts


def _lines(doc: Node) -> tuple[tuple[IncomingLine, ...], Decimal]:
    """The lines, and how much more they are worth at the prices of their pieces than Magento's rows."""
    lines: list[IncomingLine] = []
    surplus = ZERO
    nodes = list(shops.listed(doc, "items"))
    for node, kind, parts in _sold(doc):
        outer = _by_ref(nodes, node.number_id("parent_item_id"))
        line, more = _line(node, node.number_id("item_id"), kind, bundle=bool(parts), outer=outer)
        if line:
            lines.append(line)
            surplus += more
    return tuple(lines), surplus


def _product_taxes(doc: Node) -> tuple[Decimal, Decimal]:
    """Magento's fixed product taxes (on waste, on deposits): their sum, and the tax on them that is in the order's.

    No row's total has them in it, whether the subtotal shows them or not.
    """
    amounts, taxes = ZERO, ZERO
    for node, _, _ in _sold(doc):
        net = node.money("weee_tax_applied_row_amount") or ZERO
        amounts += net
        if gross := _gross(node):
            taxes += max(gross - net, ZERO)
    return amounts, taxes


def _gross(node: Node) -> Decimal:
    """What the row's fixed taxes come to with the tax on them: Magento keeps them as a document inside the row."""
    held = node.raw("weee_tax_applied")
    if not isinstance(held, str) or not held.startswith("["):
        return ZERO
    try:
        listed = read_json(held.encode())
    except (Unreadable, RecursionError):
        node.at("weee_tax_applied").fault("should be a list of taxes written as JSON")
        return ZERO
    each = Node({"": listed}, f"{node.path}.weee_tax_applied".lstrip("."), node.faults)
    return sum((tax.money("row_amount_incl_tax") or ZERO for tax in each.items("")), ZERO)


def _kind(node: Node) -> str:
    """What the row is of. A row that doesn't say is of goods; a kind nobody knows is asked about."""
    said = node.text("product_type", 40).lower()
    return node.at("product_type").explained(said, _KINDS, "a kind of product") if said else "simple"


def _by_ref(nodes: list[Node], ref: str) -> Node | None:
    return next((node for node in nodes if ref and node.number_id("item_id") == ref), None)


def _line(node: Node, ref: str, kind: str, *, bundle: bool, outer: Node | None) -> tuple[IncomingLine | None, Decimal]:
    units = shops.whole(node, "qty_ordered")
    if not node.has("qty_ordered"):
        node.at("qty_ordered").fault("is missing")
    row = node.money("row_total")
    row = shops.needed(node, "price") * units if row is None else row
    discount, tax = abs(node.amount("discount_amount") or ZERO), node.amount("tax_amount")
    hidden = node.amount("discount_tax_compensation_amount") or ZERO
    shipped, off = shops.whole(node, "qty_shipped"), shops.whole(node, "qty_canceled")
    back = shops.whole(node, "qty_refunded")
    if not units:
        return None, ZERO
    if outer is not None:
        shipped = max(shipped, units * shops.whole(outer, "qty_shipped") // (shops.whole(outer, "qty_ordered") or 1))
    gone = min(shipped, units)
    # As Magento reckons what is left to ship: what was refunded isn't, unless it had left.
    off = min(off, units - gone)
    off += min(back, units - gone - off)
    each = shops.piece(row, units)
    ours = each * units - row
    return (
        IncomingLine(
            ref=ref,
            sku=node.text("sku", 400),
            title=node.text("name"),
            quantity=units,
            unit_price=each,
            discount_total=discount + ours,
            tax_total=abs(tax + hidden) if tax is not None else None,
            requires_shipping=not bundle and _ships(node, kind),
            gift_card=kind == "giftcard",
            fulfilled_elsewhere=gone,
            cancelled_quantity=off,
        ),
        ours,
    )


def _ships(node: Node, kind: str) -> bool:
    """A gift card may be of paper, so the row's own word counts where it has one."""
    said = str(node.raw("is_virtual") if node.has("is_virtual") else "").lower()
    return said in {"0", "false"} if said else kind not in _WITHOUT_GOODS


def _figures(doc: Node, surplus: Decimal) -> dict[str, Any]:
    """The order's money. Gift cards, store credit and points are taken off Magento's total, so they are discounts."""
    more = doc.object("extension_attributes")
    cards = sum(
        (abs(node.amount(key) or ZERO) for key in _CREDITS for node in (doc, more) if node and node.has(key)), ZERO
    )
    wraps = shops.added(more.money(key) for key in ("gw_price", "gw_items_price", "gw_card_price")) if more else None
    hidden = doc.amount("discount_tax_compensation_amount") or ZERO
    shipping_hidden = doc.amount("shipping_discount_tax_compensation_amount") or ZERO
    tax, shipping_tax = doc.amount("tax_amount"), doc.amount("shipping_tax_amount")
    fixed, on_fixed = _product_taxes(doc)
    return {
        "total": doc.money("grand_total"),
        "discount_total": abs(doc.amount("discount_amount") or ZERO) + cards + surplus,
        "shipping_total": doc.money("shipping_amount"),
        "shipping_tax_total": abs(shipping_tax + shipping_hidden) if shipping_tax is not None else None,
        "tax_total": abs(tax + hidden + shipping_hidden) - on_fixed if tax is not None else None,
        "other_total": (wraps or ZERO) + fixed + on_fixed if wraps is not None or fixed else None,
    }


_CREDITS = ("gift_cards_amount", "customer_balance_amount", "reward_currency_amount")


def _payment_state(doc: Node, state: str) -> PaymentState:
    total, paid, back = (doc.money(key) or ZERO for key in ("grand_total", "total_paid", "total_refunded"))
    payment = doc.object("payment")
    held = payment.money("amount_authorized") if payment else None
    if back:
        return "refunded" if back >= paid else "partially_refunded"
    if paid >= total:
        return "paid"
    if paid:
        return "partially_paid"
    if state == "canceled":
        return "voided"
    return "authorised" if held else "pending"


def _remarks(doc: Node) -> Iterator[remarks.Remark]:
    for node, about in [(doc, ""), *((each, each.text("name")) for each in shops.listed(doc, "items"))]:
        gift = ("extension_attributes", "gift_message")
        people = " to ".join(filter(None, (remarks.part(node, *gift, key) for key in ("sender", "recipient"))))
        name = f"{about}, gift message" if about else "Gift message"
        yield (f"{name} from {people}" if people else name), remarks.part(node, *gift, "message")
    yield remarks.delivery(doc.text("shipping_description"))
    yield "VAT number", remarks.part(doc, "billing_address", "vat_id") or doc.text("customer_taxvat")


# --- Invoices and credit memos


def invoice(doc: Node) -> tuple[IncomingPayment | None, str]:
    """What an invoice says was captured, or why nothing was."""
    state = _document_state(doc)
    at, ref = shops.utc(doc, "created_at", must=True), doc.number_id("entity_id", needed=True)
    total, currency = shops.needed(doc, "grand_total"), doc.currency("order_currency_code", needed=True)
    if state == _OPEN:
        return None, "an open invoice: nothing was paid yet"
    if state == _CANCELLED:
        return None, "a cancelled invoice: nothing was paid"
    if at is None or not ref or not currency:
        return None, ""
    return IncomingPayment(ref=f"invoice-{ref}", kind="captured", amount=total, currency=currency, at=at), ""


def credit_memo_is_idle(doc: Node) -> str:
    state = _document_state(doc)
    reasons = {_OPEN: "an open credit memo: nothing was given back yet", _CANCELLED: "a cancelled credit memo"}
    return reasons.get(state, "")


def _document_state(doc: Node) -> str:
    state = doc.number_id("state", needed=True)
    if state and state not in {_OPEN, _PAID, _CANCELLED}:
        doc.at("state").fault(f"is a state Backroom has no word for: {state}")
    return state


def credit_memo(doc: Node) -> IncomingRefund:
    """The money given back. Which units are not delivered any more the order itself says."""
    ref, order_ref = doc.number_id("entity_id", needed=True), doc.number_id("order_id", needed=True)
    at, currency = shops.utc(doc, "created_at", must=True), doc.currency("order_currency_code", needed=True)
    amount = shops.needed(doc, "grand_total")
    shipping = doc.money("shipping_incl_tax") or doc.money("shipping_amount")
    lines = tuple(line for line in map(_credited, shops.listed(doc, "items")) if line)
    doc.faults.raise_if_any()
    return checked(
        IncomingRefund(
            ref=ref, order_ref=order_ref, at=at or EPOCH, currency=currency, lines=lines, amount=amount,
            shipping_amount=shipping,
        )
    )  # fmt: skip


def _credited(node: Node) -> RefundLine | None:
    """A row of its own price; the inner row of a configurable article has none."""
    units, row = shops.whole(node, "qty"), node.money("row_total")
    discount, tax = abs(node.amount("discount_amount") or ZERO), node.money("tax_amount")
    if not units or not row:
        return None
    ref = node.number_id("order_item_id", needed=True)
    if not ref:
        return None
    return RefundLine(line_ref=ref, quantity=units, restock="none", amount=max(row - discount, ZERO), tax=tax)


# --- People and places


def _people(doc: Node) -> dict[str, Any]:
    bill_to = _address(doc.object("billing_address"))
    buyer = Buyer(
        ref=doc.number_id("customer_id"),
        name=f"{doc.text('customer_firstname')} {doc.text('customer_lastname')}".strip()[:255]
        or (bill_to.name if bill_to else ""),
        email=doc.text("customer_email"),
        phone=bill_to.phone if bill_to else "",
    )
    more = doc.object("extension_attributes")
    found: dict[str, Any] = {"buyer": buyer if buyer != Buyer() else None, "bill_to": bill_to, "ship_to": bill_to}
    if more is None:
        return found
    for assigned in shops.listed(more, "shipping_assignments"):
        shipping = assigned.object("shipping")
        address = _address(shipping.object("address")) if shipping else None
        if address:
            found["ship_to"] = address
            break
    if place := more.line("pickup_location_code"):
        found |= {"method": "PICKUP", "pickup_location_code": place}
    return found


def _address(node: Node | None) -> Address | None:
    if node is None:
        return None
    street = node.raw("street")
    lines = [str(part).strip() for part in street] if isinstance(street, list) else [node.text("street")]
    found = Address(
        name=" ".join(filter(None, (node.text(k) for k in ("firstname", "middlename", "lastname"))))[:255],
        company=node.text("company"),
        line1=lines[0][:255] if lines else "",
        line2=", ".join(part for part in lines[1:] if part)[:255],
        city=node.text("city"),
        region=node.text("region_code") or (node.text("region") if isinstance(node.raw("region"), str) else ""),
        postal_code=node.text("postcode"),
        country=shops.country(node, "country_id"),
        phone=node.text("telephone"),
    )
    return found if found != Address() else None
