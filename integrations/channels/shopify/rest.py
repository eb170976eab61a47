"""Shopify's REST and webhook form: snake_case, money as text in the shop's currency, ids as numbers. Pure.

Figures are the original ones (`total_price`, `total_discounts`, `quantity` …), which agree with each other for ever;
the `current_*` set is what is left after edits and refunds, and reaches Backroom as cancelled quantities and refunds.
`total_shipping_price` is before discounts and `total_discounts` includes those on shipping, as in canonical.py.
Sources: shopify.dev REST Admin resources Order, Refund, Transaction; `admin_graphql_api_id` is not used for identity,
because every reference between documents (`order_id`, `line_item_id`) is numeric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.channels import listings, remarks
from integrations.channels.shopify import beyond, money
from integrations.channels.shopify.terms import Terms, business, collected
from integrations.reading import EPOCH, ZERO, Node, checked
from orders import currencies
from orders.canonical import (
    Address,
    Buyer,
    IncomingLine,
    IncomingOrder,
    IncomingPayment,
    IncomingRefund,
    RefundLine,
    microseconds,
)

# Fulfilments that took units out of our hands; cancelled, error and failure gave them back.
_GONE = {"success", "open", "pending"}
_NOT_GONE = {"cancelled", "error", "failure"}


def order(doc: Node, terms: Terms = Terms()) -> IncomingOrder:  # noqa: B008  (never changed)
    """The order of orders/create, orders/updated, orders/cancelled and GET orders.json."""
    ref = doc.number_id("id", needed=True)
    currency = doc.currency("currency", needed=True)
    goods = _goods(doc, currency)
    if not goods.lines:
        doc.at("line_items").fault("holds no line with a quantity")
    placed_at = doc.moment("processed_at") or doc.moment("created_at", needed=True)
    version = doc.moment("updated_at") or _latest(doc)
    figures = _figures(doc, goods, currency)
    parts = {
        **figures,
        **beyond.of(doc, beyond.REST, goods.lines, currency, figures["other_total"]),
        **_state(doc),
        **_people(doc, terms),
        "payments": tuple(p for p in (payment(node, currency) for node in doc.items("transactions")) if p),
        "refunds": tuple(refund(node, currency=currency, order_ref=ref) for node in doc.items("refunds")),
        "number": doc.line("name") or doc.line("order_number"),
        "language": doc.language("customer_locale"),
        "note": remarks.noted(doc.text("note", 5000), _remarks(doc)),
        "po_number": doc.line("po_number"),
        "tags": _tags(doc),
        "test": doc.flag("test"),
    }
    doc.faults.raise_if_any()
    return checked(
        IncomingOrder(
            channel_ref=ref,
            placed_at=placed_at or EPOCH,
            currency=currency,
            lines=goods.lines,
            version=microseconds(version or EPOCH),
            **parts,
        )
    )


def _figures(doc: Node, goods: _Goods, currency: str) -> dict[str, Any]:
    """The money of the order as it states it; what it doesn't state, its lines do."""
    shipping = list(doc.items("shipping_lines"))
    subtotal = _figure(doc, "total_line_items_price", currency)
    if goods.tips and subtotal is not None and subtotal == goods.total_with_tips:
        subtotal -= goods.tips
    discounts = _figure(doc, "total_discounts", currency)
    if discounts is None:
        discounts = money.added(
            [*(line.discount_total for line in goods.lines), *(_discount(each) for each in shipping)]
        )
    return {
        "total": _figure(doc, "total_price", currency),
        "subtotal": subtotal,
        "discount_total": discounts,
        "shipping_total": _shipping_total(doc, shipping, currency),
        "shipping_tax_total": money.added(_taxes(each) for each in shipping),
        "tax_total": _figure(doc, "total_tax", currency),
        "other_total": _other_total(doc, goods, currency),
        "tax_included": doc.flag("taxes_included"),
    }


def _state(doc: Node) -> dict[str, Any]:
    cancelled_at = doc.moment("cancelled_at")
    return {
        "status": "cancelled" if cancelled_at else "open",
        "cancelled_at": cancelled_at,
        "cancel_reason": doc.text("cancel_reason"),
        "payment_state": money.payment_state(doc, "financial_status"),
    }


def _people(doc: Node, terms: Terms) -> dict[str, Any]:
    ship_to = _address(doc.object("shipping_address"))
    till = _till(doc, ship_to) or collected(list(doc.items("shipping_lines")), terms, category="delivery_category")
    company = doc.object("company")
    ref = company.number_id("id") if company else ""
    return {
        **business(ref, terms, doc.object("payment_terms"), kind="payment_terms_type", days="due_in_days"),
        "buyer": _buyer(doc),
        "ship_to": ship_to,
        "bill_to": _address(doc.object("billing_address")),
        "method": "PICKUP" if till else "SHIP",
        "pickup_location_code": till or None,
    }


def refund(doc: Node, *, currency: str = "", order_ref: str = "") -> IncomingRefund:
    """The refund of refunds/create, or one inside an order (which then gives its own ref and currency).

    The amount is what its successful refund transactions say; a refund that lists none gave no money back.
    """
    inside = bool(order_ref)
    order_ref = doc.number_id("order_id", needed=not inside) or order_ref
    currency = _refund_currency(doc) or currency
    payments = tuple(p for p in (payment(node, currency) for node in doc.items("transactions")) if p)
    currency = currency or next((p.currency for p in payments), "")
    if not currency:
        doc.at("transactions").fault("neither they nor the refunded lines name a currency")
    lines = tuple(line for line in (_refund_line(node) for node in doc.items("refund_line_items")) if line)
    ref = doc.number_id("id", needed=True)
    at = doc.moment("processed_at") or doc.moment("created_at", needed=True)
    shipping = _refunded_shipping(doc)
    note = doc.text("note", 5000)
    doc.faults.raise_if_any()
    return checked(
        IncomingRefund(
            ref=ref,
            order_ref=order_ref,
            at=at or EPOCH,
            currency=currency,
            lines=lines,
            payments=payments,
            amount=money.refunded(payments) if isinstance(doc.raw("transactions"), list) else None,
            shipping_amount=shipping,
            note=note,
        )
    )


def payment(node: Node, currency: str = "") -> IncomingPayment | None:
    """One transaction as a money event, None when it moved nothing."""
    kind = money.payment_kind(node)
    ref = node.number_id("id", needed=True)
    amount = node.money("amount")
    if amount is None:
        node.at("amount").fault("is missing")
    at = node.moment("processed_at") or node.moment("created_at", needed=True)
    found = node.currency("currency", needed=not currency) or currency
    gateway, parent = node.text("gateway"), node.number_id("parent_id")
    if kind is None or amount is None or at is None or not ref or not found:
        return None
    return IncomingPayment(ref=ref, kind=kind, amount=amount, currency=found, at=at, gateway=gateway, parent_ref=parent)


# --- Lines ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Goods:
    lines: tuple[IncomingLine, ...]
    tips: Decimal
    duties: Decimal | None

    @property
    def total_with_tips(self) -> Decimal:
        return self.tips + sum((line.unit_price * line.quantity for line in self.lines), ZERO)


def _goods(doc: Node, currency: str) -> _Goods:
    """The lines to deliver; tips, which Shopify lists among them, apart."""
    gone, cancelled = _fulfilled(doc), _cancelled(doc)
    lines: list[IncomingLine] = []
    tips, duties = ZERO, []
    for node in doc.items("line_items"):
        price = _stated(node, "price", currency)
        quantity = node.count("quantity")
        if price is None and not node.has("price"):
            node.at("price").fault("is missing")
        if quantity is None and not node.has("quantity"):
            node.at("quantity").fault("is missing")
        ref = node.number_id("id", needed=True)
        # Read even for a tip or an emptied line, so that nothing wrong in them passes unseen.
        discount, taxes = _discount(node), _taxes(node)
        line_duties = [_shop_money(each, currency) for each in node.items("duties")]
        duty_taxes = [_taxes(each) for each in node.items("duties")]
        duties.extend(line_duties)
        if price is None or not quantity:
            continue
        if node.has("tip"):
            tips += price * quantity
            continue
        left, off = _left_and_off(node, quantity, gone[ref], cancelled[ref])
        gift_card = node.flag("gift_card")
        lines.append(
            IncomingLine(
                ref=ref,
                sku=listings.sold_as(node, ("variant", "variant_id")),
                title=node.text("name") or node.text("title"),
                quantity=quantity,
                unit_price=price,
                discount_total=discount,
                tax_total=money.added([taxes, *duty_taxes]),
                marketplace_tax_total=beyond.collected(node, beyond.REST),
                requires_shipping=node.flag("requires_shipping", default=True) and not gift_card,
                gift_card=gift_card,
                fulfilled_elsewhere=left,
                cancelled_quantity=off,
            )
        )
    return _Goods(tuple(lines), tips, money.added(duties))


def _left_and_off(node: Node, quantity: int, gone: int, cancelled: int) -> tuple[int, int]:
    """(units that left, units taken off) of a line.

    `fulfillable_quantity` is documented as quantity - max(refunded, fulfilled) - pending, so what is neither gone nor
    fulfillable was taken off before it left. Payloads without it say what was taken off by their refunds.
    """
    gone = min(gone, quantity)
    if not gone and not node.has("fulfillable_quantity") and node.text("fulfillment_status") == "fulfilled":
        gone = quantity - min(cancelled, quantity)
    fulfillable = node.count("fulfillable_quantity")
    if fulfillable is None:
        return gone, min(cancelled, quantity - gone)
    if not gone and fulfillable == 0 and node.text("fulfillment_status") == "fulfilled":
        return quantity - min(cancelled, quantity), min(cancelled, quantity)
    return gone, max(0, quantity - gone - fulfillable)


def _fulfilled(doc: Node) -> Counter[str]:
    units: Counter[str] = Counter()
    for fulfilment in doc.items("fulfillments"):
        status = fulfilment.text("status").lower()
        if status and status not in _GONE | _NOT_GONE:
            fulfilment.at("status").unknown(status, "a fulfilment status", sorted(_GONE | _NOT_GONE))
        if status in _GONE:
            for line in fulfilment.items("line_items"):
                units[line.number_id("id")] += line.count("quantity") or 0
    return units


def _cancelled(doc: Node) -> Counter[str]:
    units: Counter[str] = Counter()
    for each in doc.items("refunds"):
        for line in each.items("refund_line_items"):
            if line.text("restock_type").lower() == "cancel":
                units[line.number_id("line_item_id")] += line.count("quantity") or 0
    return units


def _remarks(doc: Node) -> Iterator[remarks.Remark]:
    """What was put on the order and its lines in words. A line's properties come as a list of name/value or as one
    object (a bug of some apps)."""
    for node in doc.items("line_items"):
        given = node.raw("properties")
        if given not in (None, "") and not isinstance(given, (list, dict)):
            node.at("properties").fault("should be a list or an object")
        yield from remarks.named(given, of=node.text("title") or node.text("name"))
    yield from remarks.named(doc.raw("note_attributes"))
    yield remarks.delivery(*(node.text("title") for node in doc.items("shipping_lines")))


# --- Money ---------------------------------------------------------------------------------------------------------


def _stated(node: Node, key: str, currency: str) -> Decimal | None:
    """An amount in the shop's currency: the flat figure, held against its set's shop money where both are there."""
    flat = node.money(key)
    money_set = node.object(f"{key}_set")
    shop = _shop_money(money_set, currency) if money_set else None
    if flat is not None and shop is not None and flat != shop:
        node.at(key).fault(f"is {flat}, but its shop money is {shop}")
    return shop if flat is None else flat


def _bag(node: Node, key: str, currency: str) -> Decimal | None:
    """The shop money of a set that has no flat figure beside it."""
    money_set = node.object(key)
    return _shop_money(money_set, currency) if money_set else None


def _shop_money(node: Node, currency: str) -> Decimal | None:
    """What the shop's books say; the presentment money beside it is what the buyer was shown."""
    shop = node.object("shop_money")
    if shop is None:
        return None
    named = shop.currency("currency_code")
    if named and currency and named != currency:
        shop.at("currency_code").fault(f"is {named} in an order of {currency}")
    return shop.money("amount")


def _figure(doc: Node, key: str, currency: str) -> Decimal | None:
    """A total of the order, which can't be finer than its currency (1 999 yen is no 19.99)."""
    amount = _stated(doc, key, currency)
    if amount is not None and currency and amount != currencies.rounded(amount, currency):
        doc.at(key).fault(f"is {amount}, finer than {currency} goes")
    return amount


def _discount(node: Node) -> Decimal | None:
    """What was taken off a line: its allocations, or `total_discount` in payloads older than those."""
    allocated = money.added(each.money("amount") for each in node.items("discount_allocations"))
    if allocated is not None:
        return allocated
    if node.has("total_discount"):
        return node.money("total_discount")
    price, discounted = node.money("price"), node.money("discounted_price")
    if node.has("discounted_price") and price is not None and discounted is not None and discounted <= price:
        return price - discounted
    return None


def _taxes(node: Node) -> Decimal | None:
    return money.added(each.money("price") for each in node.items("tax_lines"))


def _shipping_total(doc: Node, shipping: list[Node], currency: str) -> Decimal | None:
    """Shipping before discounts: as the order states it, else the sum of its lines."""
    stated = _bag(doc, "total_shipping_price_set", currency)
    lines = money.added(_stated(each, "price", currency) for each in shipping)
    return stated if stated is not None else lines


def _other_total(doc: Node, goods: _Goods, currency: str) -> Decimal | None:
    """Tips, duties and additional fees: all that is in the total besides goods, shipping and tax."""
    tip = doc.money("total_tip_received")
    duties = _bag(doc, "original_total_duties_set", currency)
    fees = _bag(doc, "original_total_additional_fees_set", currency)
    if doc.flag("duties_included"):
        duties = ZERO
    elif duties is None:
        duties = goods.duties
    return money.added([tip if tip is not None else goods.tips or None, duties, fees])


# --- Refunds -------------------------------------------------------------------------------------------------------


def _refund_line(node: Node) -> RefundLine | None:
    ref = node.number_id("line_item_id", needed=True)
    quantity = node.count("quantity")
    kind = money.restock(node, "restock_type")
    amount, tax = node.money("subtotal"), node.money("total_tax")
    if not quantity or not ref:
        return None
    return RefundLine(line_ref=ref, quantity=quantity, restock=kind, amount=amount, tax=tax)


def _refund_currency(doc: Node) -> str:
    """The shop's currency as the refunded lines, duties or adjustments name it."""
    for key, inner in (("refund_line_items", "subtotal_set"), ("order_adjustments", "amount_set")):
        for line in doc.items(key):
            money_set = line.object(inner)
            shop = money_set.object("shop_money") if money_set else None
            if shop and shop.has("currency_code"):
                return shop.currency("currency_code")
    money_set = doc.object("total_duties_set")
    shop = money_set.object("shop_money") if money_set else None
    return shop.currency("currency_code") if shop else ""


def _refunded_shipping(doc: Node) -> Decimal | None:
    """Shipping given back, tax included: the newer list of lines, else the adjustments of that kind (negative)."""
    amounts: list[Decimal | None] = []
    for line in doc.items("refund_shipping_lines"):
        amounts += [
            _bag(line, "subtotal_amount_set", ""),
            _bag(line, "tax_amount_set", ""),
        ]
    if not amounts:
        for each in doc.items("order_adjustments"):
            amount, tax = each.amount("amount"), each.amount("tax_amount")
            if each.text("kind").lower() == "shipping_refund":
                amounts += [-amount if amount is not None else None, -tax if tax is not None else None]
    total = money.added(amounts)
    return max(total, ZERO) if total is not None else None


# --- People and places ---------------------------------------------------------------------------------------------


def _address(node: Node | None) -> Address | None:
    if node is None:
        return None
    whole_name = f"{node.text('first_name')} {node.text('last_name')}".strip()
    found = Address(
        name=node.text("name") or whole_name,
        company=node.text("company"),
        line1=node.text("address1"),
        line2=node.text("address2"),
        city=node.text("city"),
        region=node.text("province_code") or node.text("province"),
        postal_code=node.text("zip"),
        country=money.country(node, "country_code", "country"),
        phone=node.text("phone"),
        latitude=node.degrees("latitude", 90),
        longitude=node.degrees("longitude", 180),
    )
    return found if found != Address() else None


def _buyer(doc: Node) -> Buyer | None:
    customer = doc.object("customer")
    email = doc.text("email") or doc.text("contact_email") or (customer.text("email") if customer else "")
    phone = doc.text("phone") or (customer.text("phone") if customer else "")
    name = f"{customer.text('first_name')} {customer.text('last_name')}".strip()[:255] if customer else ""
    ref = customer.number_id("id") if customer else ""
    return Buyer(ref=ref, name=name, email=email, phone=phone) if ref or name or email or phone else None


def _till(doc: Node, ship_to: Address | None) -> str:
    """The location of a sale at the till that nobody asked to have sent."""
    location = doc.number_id("location_id")
    sent = ship_to is not None or any(doc.items("shipping_lines"))
    return location if doc.text("source_name").lower() == "pos" and not sent else ""


def _tags(doc: Node) -> tuple[str, ...]:
    return tuple(tag.strip()[:255] for tag in doc.text("tags", 20_000).split(",") if tag.strip())[:250]


def _latest(doc: Node) -> datetime | None:
    """The last time the document speaks of, where it doesn't say when it changed."""
    times = [doc.moment(key) for key in ("closed_at", "cancelled_at", "processed_at", "created_at")]
    return max((time for time in times if time), default=None)
