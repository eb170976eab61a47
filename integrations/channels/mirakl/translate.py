"""From a document of a Mirakl marketplace's seller API (OR11, OR12) to what it means for Backroom: pure and total.

A line's `price` is for all its units, without shipping; `price_unit` is one unit before volume prices and promotions,
so what it is more is the discount. With `order_tax_mode` TAX_INCLUDED all prices hold the taxes, those of refunds too;
with TAX_EXCLUDED the taxes come on top. The address is given once the order is to be shipped; before that the order
only waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.channels import marketplaces, remarks
from integrations.channels.marketplaces import added, word
from integrations.channels.meaning import Act, Meaning, PlaceOrder, ignored
from integrations.reading import EPOCH, ZERO, Node, checked
from orders.canonical import (
    Address,
    Buyer,
    IncomingLine,
    IncomingOrder,
    IncomingRefund,
    PaymentState,
    RefundLine,
    microseconds,
)

VERSION = "mirakl/1"

_WAITS, _OPEN, _GONE, _OFF = "waits", "open", "gone", "off"
STATES = {
    "STAGING": _WAITS,
    "WAITING_ACCEPTANCE": _WAITS,
    "WAITING_DEBIT": _WAITS,
    "WAITING_DEBIT_PAYMENT": _WAITS,
    "SHIPPING": _OPEN,
    "TO_COLLECT": _GONE,
    "SHIPPED": _GONE,
    "RECEIVED": _GONE,
    "CLOSED": _GONE,
    "INCIDENT_OPEN": _GONE,
    "INCIDENT_CLOSED": _GONE,
    "WAITING_REFUND": _GONE,
    "WAITING_REFUND_PAYMENT": _GONE,
    "REFUNDED": _GONE,
    "REFUSED": _OFF,
    "CANCELED": _OFF,
}
_TAX_MODES = {"TAX_INCLUDED": True, "TAX_EXCLUDED": False}
_REFUNDS = {"REFUNDED": True, "WAITING_REFUND": False, "WAITING_REFUND_PAYMENT": False}
_NOT_TAKEN: tuple[tuple[str, str], ...] = (
    ("offers", "the quantity an offer shows is what was published to it, not what anybody has"),
    ("shipments", "what has left is read from the order itself"),
    ("invoices", "money is reconciled from the settlement, not from this list"),
    ("lines", "money is reconciled from the settlement, not from this list"),
    ("returns", "returns asked for there are followed there; their refund comes with the order"),
    ("order_documents", "documents of an order are kept there"),
    ("messages", "messages of buyers are answered there"),
    ("import_id", "it says how an import stands, and no order or stock"),
    ("carriers", "carriers are set up in Backroom"),
)


def understand(topic: str, body: bytes) -> Meaning:
    """What this message asks of Backroom. Raises Unreadable; never anything else."""
    return marketplaces.understood(body, "Mirakl", _translate)


def _translate(node: Node) -> Meaning | None:
    for key in ("orders", ""):
        if isinstance(node.raw(key), list):
            listed = list(node.items(key))
            known = all(each.has("order_lines") or each.has("order_id") for each in listed)
            return marketplaces.each(listed, order_acts, empty="no order changed") if known else None
    if node.has("order_lines"):
        return marketplaces.each([node], order_acts)
    for keys, reason in _NOT_TAKEN:
        if all(key in node.value for key in keys.split()):
            return ignored(reason)
    return None


# --- The order -----------------------------------------------------------------------------------------------------


def order_acts(doc: Node) -> Sequence[Act] | str:
    ref = doc.line("order_id")
    if not ref:
        doc.at("order_id").fault("is missing")
    state = word(doc, "order_state", STATES, "an order state")
    if state == _WAITS:
        doc.faults.raise_if_any()
        return f"the order is {doc.text('order_state', 40)}: it comes again, with its address, once it may be shipped"
    return [PlaceOrder(_order(doc, ref, state))]


def _order(doc: Node, ref: str, state: str | None) -> IncomingOrder:
    currency = doc.currency("currency_iso_code", needed=True)
    included = bool(word(doc, "order_tax_mode", _TAX_MODES, "a tax mode")) if doc.has("order_tax_mode") else True
    nodes = list(doc.items("order_lines"))
    lines = tuple(line for line in (_line(node) for node in nodes) if line)
    if not lines:
        doc.at("order_lines").fault("holds no line with a quantity")
    placed, updated = _moment(doc, "created_date"), _moment(doc, "last_updated_date")
    if placed is None:
        doc.at("created_date").fault("is missing")
    moments = [updated, *(_moment(node, "last_updated_date") for node in nodes), placed]
    version = updated or max((moment for moment in moments if moment), default=None)
    figures = _figures(doc, nodes, lines, included=included)
    refunds = tuple(refund for node in nodes for refund in _refunds(node, ref, currency, included=included))
    people = _people(doc)
    number, paid, reason = doc.line("commercial_id"), _paid(doc), doc.text("order_state_reason_label")
    note = remarks.noted("", _remarks(doc, nodes))
    doc.faults.raise_if_any()
    off = state == _OFF
    return checked(
        IncomingOrder(
            channel_ref=ref,
            number=number or ref,
            placed_at=placed or EPOCH,
            currency=currency,
            lines=lines,
            version=microseconds(version or EPOCH),
            status="cancelled" if off else "open",
            cancelled_at=version if off else None,
            cancel_reason=reason if off else "",
            note=note,
            payment_state=paid,
            tax_included=included,
            refunds=refunds,
            **figures,
            **people,
        )
    )


def _remarks(doc: Node, nodes: Iterable[Node]) -> Iterator[remarks.Remark]:
    """The operator's own fields, by when and how it is to leave, and whom a business's invoice names."""
    yield from remarks.named(doc.raw("order_additional_fields"), "code")
    for node in nodes:
        about = node.text("product_title")
        yield from remarks.named(node.raw("order_line_additional_fields"), "code", of=about)
        yield f"{about}, additional information", remarks.part(node, "price_additional_info")
    yield remarks.ship_by(_moment(doc, "shipping_deadline"))
    yield remarks.delivery(doc.text("shipping_type_label") or doc.text("shipping_type_code"))
    yield "Pickup point", doc.text("shipping_pudo_id")
    company = ("customer", "organization")
    yield "Company", remarks.part(doc, *company, "name")
    yield "Tax number", remarks.part(doc, *company, "tax_identification_number")


def _moment(node: Node, key: str) -> datetime | None:
    return node.moment(key)


def _paid(doc: Node) -> PaymentState:
    if doc.flag("fully_refunded"):
        return "refunded"
    return "paid" if doc.has("customer_debited_date") else "authorised" if doc.has("payment_workflow") else "unknown"


def _line(node: Node) -> IncomingLine | None:
    ref, quantity = node.line("order_line_id"), node.count("quantity")
    for key in ("order_line_id", "quantity"):
        if not node.has(key):
            node.at(key).fault("is missing")
    state = word(node, "order_line_state", STATES, "a line state")
    price, unit = node.money("price"), node.money("price_unit")
    taxes = added(tax.money("amount") for tax in node.items("taxes"))
    if price is None and not node.has("price"):
        node.at("price").fault("is missing")
    off = sum(each.count("quantity") or 0 for each in node.items("cancelations"))
    if not ref or not quantity or price is None:
        return None
    if unit is None or unit * quantity < price:
        unit = marketplaces.unit_price(price, quantity)
    off = quantity if state == _OFF else min(off, quantity)
    return IncomingLine(
        ref=ref,
        sku=node.text("offer_sku", 400),
        title=node.text("product_title"),
        quantity=quantity,
        unit_price=unit,
        discount_total=max(unit * quantity - price, ZERO).quantize(Decimal("0.01")) or None,
        tax_total=taxes,
        marketplace_tax_total=_kept(node.items("taxes")),
        cancelled_quantity=off,
        fulfilled_elsewhere=quantity - off if state == _GONE else 0,
    )


def _figures(doc: Node, nodes: list[Node], lines: Sequence[IncomingLine], *, included: bool) -> dict[str, Any]:
    shipping_taxes = added(tax.money("amount") for node in nodes for tax in node.items("shipping_taxes"))
    taxes = added([*(line.tax_total for line in lines), shipping_taxes])
    total = doc.money("total_price")
    shipping = doc.money("shipping_price") if doc.has("shipping_price") else added(_each(nodes, "shipping_price"))
    if total is None:
        total = added(_each(nodes, "total_price"))
    return {
        "total": total if included or total is None else total + (taxes or ZERO),
        "discount_total": added(line.discount_total for line in lines),
        "shipping_total": shipping,
        "shipping_tax_total": shipping_taxes,
        "marketplace_shipping_tax_total": _kept(tax for node in nodes for tax in node.items("shipping_taxes")),
        "tax_total": taxes,
    }


def _kept(taxes: Iterable[Node]) -> Decimal | None:
    """What of the taxes isn't paid to the shop (`payable_to_shop` of their parts): the operator hands that on."""
    parts = [part for tax in taxes for part in tax.at("amount_breakdown").items("parts")]
    return added(part.money("amount") for part in parts if not part.flag("payable_to_shop", default=True))


def _each(nodes: list[Node], key: str) -> Iterator[Decimal | None]:
    return (node.money(key) for node in nodes)


def _refunds(node: Node, ref: str, currency: str, *, included: bool) -> Iterator[IncomingRefund]:
    line = node.line("order_line_id")
    for each in node.items("refunds"):
        done = word(each, "state", _REFUNDS, "a refund state") if each.has("state") else True
        own, at = each.line("id"), _moment(each, "transaction_date") or _moment(each, "created_date")
        amount, shipping = each.money("amount"), each.money("shipping_amount")
        tax, shipping_tax = (added(t.money("amount") for t in each.items(key)) for key in ("taxes", "shipping_taxes"))
        if not included:
            amount, shipping = added([amount, tax]), added([shipping, shipping_tax])
        units = each.count("quantity")
        if not done:
            continue
        if not own or at is None:
            each.fault("names no id or no date")
            continue
        lines = (
            (RefundLine(line_ref=line, quantity=units, restock="none", amount=amount, tax=tax),)
            if units and line
            else ()
        )
        yield IncomingRefund(
            ref=own,
            order_ref=ref,
            at=at,
            currency=currency,
            lines=lines,
            amount=added([amount, shipping]),
            shipping_amount=shipping,
            note=each.text("reason_label", 2000),
        )


def _people(doc: Node) -> dict[str, Any]:
    customer = doc.object("customer")
    if customer is None:
        return {}
    to, bill = customer.object("shipping_address"), customer.object("billing_address")
    return {
        "ship_to": _address(to) if to else None,
        "bill_to": _address(bill) if bill else None,
        "language": customer.language("locale"),
        "buyer": Buyer(
            ref=customer.line("customer_id"),
            name=f"{customer.text('firstname', 120)} {customer.text('lastname', 120)}".strip(),
            email=doc.text("customer_notification_email"),
        ),
    }


def _address(node: Node) -> Address | None:
    """`country` may be a name in any language; the code beside it counts."""
    code = marketplaces.country(node, "country_iso_code") or _code(node)
    return marketplaces.address(
        name=f"{node.text('firstname', 120)} {node.text('lastname', 120)}".strip(),
        company=marketplaces.joined(node.text("company"), node.text("company_2")),
        line1=node.text("street_1"),
        line2=marketplaces.joined(node.text("street_2"), node.text("additional_info")),
        city=node.text("city"),
        region=node.text("state"),
        postal_code=node.text("zip_code"),
        country=code,
        phone=node.text("phone") or node.text("phone_secondary"),
    )


def _code(node: Node) -> str:
    said = node.text("country", 80)
    return marketplaces.country(node, "country") if len(said) in {2, 3} else ""
