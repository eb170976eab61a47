"""From Vendure's webhooks and admin API orders to what they mean for Backroom: pure and total.

The webhook names the order; the order itself is asked for (`client.ORDER` says which fields). Amounts are whole numbers
of the smallest part of money (`money_decimals` in the settings, two by default), and are read with their tax.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from integrations.channels import listings, remarks
from integrations.channels import shop_documents as shops
from integrations.channels.meaning import Act, Meaning, PlaceOrder, ignored
from integrations.channels.shop_documents import Terms, kind
from integrations.failures import unparsable
from integrations.models import Connection
from integrations.reading import EPOCH, ZERO, Node, checked
from orders.canonical import (
    Address,
    Buyer,
    IncomingLine,
    IncomingOrder,
    IncomingPayment,
    IncomingRefund,
    PaymentKind,
    PaymentState,
    RefundLine,
    microseconds,
)

VERSION = "vendure/1"
TITLE = "Vendure"
_NO_ORDER = {"Created", "Draft", "AddingItems", "ArrangingPayment"}
_STATES = {
    "PaymentAuthorized", "PaymentSettled", "PartiallyShipped", "Shipped", "PartiallyDelivered", "Delivered",
    "Modifying", "ArrangingAdditionalPayment", "Cancelled",
}  # fmt: skip
_PAYMENTS: dict[str, PaymentKind | None] = {
    "Created": None,
    "Authorized": "authorised",
    "Settled": "captured",
    "Declined": "failed",
    "Error": "failed",
    "Cancelled": "voided",
}
_REFUNDS = {"Pending": False, "Settled": True, "Failed": False}
_LEFT = {"Created": False, "Pending": False, "Shipped": True, "Delivered": True, "Cancelled": False}


def understand(topic: str, body: bytes) -> Meaning:
    return _understand(topic, body, Terms())


def as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    terms = shops.terms_of(connection, asks=bool(connection.settings.get("admin_api")))
    return lambda topic, body: _understand(topic, body, terms)


def _understand(topic: str, body: bytes, terms: Terms) -> Meaning:
    return shops.sort(_unwrapped(shops.read(body)), _KINDS, TITLE, terms)


def _unwrapped(document: Any) -> Any:
    """The order, or list of them, inside GraphQL's envelope."""
    while isinstance(document, dict) and len(document) == 1:
        name, inner = next(iter(document.items()))
        if name not in {"data", "order", "orders", "items"} or not isinstance(inner, (dict, list)):
            break
        document = inner
    if (
        isinstance(document, dict)
        and isinstance(document.get("items"), list)
        and set(document) <= {"items", "totalItems"}
    ):
        return document["items"]
    return document


def _webhook(node: Node, terms: Terms) -> Sequence[Act] | Meaning:
    word = node.text("type", 60)
    if word not in {"order.placed", "order.cancelled", "order.updated"}:
        node.at("type").fault(f"is an event Backroom has no word for: {word!r}")
        return []
    return shops.ask("order", _id(node, "id"), terms)


def _placed(node: Node, terms: Terms) -> Sequence[Act] | Meaning:
    state = node.text("state", 60)
    if state in _NO_ORDER:
        return ignored("a cart is no order yet; the order comes by itself once it is placed")
    named = str(terms.statuses.get(state) or terms.statuses.get(state.lower(), state))
    if named not in _STATES:
        node.at("state").unknown(state, "a state", sorted(_STATES))
    return [PlaceOrder(_order(node, named, _Money(terms.precision)))]


def _error(node: Node, terms: Terms) -> Meaning:
    first = next(shops.listed(node, "errors"), None)
    raise unparsable(f"it is an error Vendure answered with: {first.text('message', 160) if first else ''}")


_KINDS = (
    kind("errors", _error),
    kind("type id code state", _webhook),
    kind("code state lines currencyCode", _placed),
    kind("sku stockOnHand", "the range is kept in Backroom"),
    kind("slug variants", "the range is kept in Backroom"),
    kind("emailAddress firstName", "customer master data is not taken from Vendure; each order brings its buyer"),
)


def _id(node: Node, key: str) -> str:
    """A shop counts its records or, by its own choice (EntityIdStrategy), names them: with a UUID, say."""
    found = node.line(key)
    if not found:
        node.at(key).fault("is missing")
    return found


class _Money:
    """Vendure's whole numbers as amounts."""

    def __init__(self, decimals: int):
        self.decimals = decimals

    def of(self, node: Node, key: str, *, must: bool = False) -> Decimal:
        found = node.amount(key)
        if found is None and must:
            node.at(key).fault("is missing")
        if found is not None and found != found.to_integral_value():
            node.at(key).fault("should be a whole number of the smallest part of money")
        return (found or ZERO).scaleb(-self.decimals)


def _order(doc: Node, state: str, money: _Money) -> IncomingOrder:
    ref, currency = _id(doc, "id"), doc.currency("currencyCode", needed=True)
    placed_at = doc.moment("orderPlacedAt") or doc.moment("createdAt", needed=True)
    changed_at = doc.moment("updatedAt") or placed_at
    lines = _lines(doc, money)
    if not lines:
        doc.at("lines").fault("holds no line with a quantity")
    payments, refunds = _payments(doc, money, currency), _refunds(doc, money, currency, ref)
    total = money.of(doc, "totalWithTax", must=True)
    customer = doc.object("customer")
    bill_to, ship_to = _address(doc.object("billingAddress")), _address(doc.object("shippingAddress"))
    charges = [money.of(each, "priceWithTax") for each in doc.items("surcharges")]
    discounts = -sum((money.of(each, "amountWithTax") for each in doc.items("discounts")), ZERO)
    discounts -= sum((each for each in charges if each < 0), ZERO)
    ways = list(doc.items("shippingLines"))
    shipping = (
        sum((money.of(each, "priceWithTax") for each in ways), ZERO) if ways else money.of(doc, "shippingWithTax")
    )
    taxes = sum((money.of(each, "taxTotal") for each in doc.items("taxSummary")), ZERO)
    buyer = _buyer(customer)
    doc.faults.raise_if_any()
    steps = sum(line.fulfilled_elsewhere + line.cancelled_quantity for line in lines) + len(payments) + len(refunds)
    return checked(
        IncomingOrder(
            channel_ref=ref,
            number=doc.line("code"),
            placed_at=placed_at or EPOCH,
            version=microseconds(changed_at or EPOCH) + min(steps, 999),
            currency=currency,
            lines=lines,
            status="cancelled" if state == "Cancelled" else "open",
            cancelled_at=changed_at if state == "Cancelled" else None,
            payment_state=_payment_state(state, payments, refunds, total),
            payments=payments,
            refunds=refunds,
            buyer=buyer,
            bill_to=bill_to,
            ship_to=ship_to,
            total=total,
            discount_total=discounts,
            shipping_total=shipping,
            tax_total=taxes,
            other_total=sum((each for each in charges if each > 0), ZERO),
            tax_included=True,
            note=remarks.noted("", _remarks(doc)),
        )
    )


def _remarks(doc: Node) -> Iterator[remarks.Remark]:
    """Fields of the shop's own, of the order and of each line, and the way of delivery."""
    yield from remarks.named(doc.raw("customFields"))
    for node in doc.items("lines"):
        yield from remarks.named(node.raw("customFields"), of=remarks.part(node, "productVariant", "name"))
    yield remarks.delivery(*(remarks.part(each, "shippingMethod", "name") for each in doc.items("shippingLines")))


def _lines(doc: Node, money: _Money) -> tuple[IncomingLine, ...]:
    left: Counter[str] = Counter()
    for each in doc.items("fulfillments"):
        word = each.text("state", 60)
        if word not in _LEFT:
            each.at("state").fault(f"is a state of a fulfilment Backroom has no word for: {word!r}")
        if _LEFT.get(word):
            for line in each.items("lines"):
                left[_id(line, "orderLineId")] += shops.whole(line, "quantity")
    found = []
    for node in doc.items("lines"):
        ref, now = _id(node, "id"), shops.whole(node, "quantity")
        units = max(shops.whole(node, "orderPlacedQuantity"), now)
        variant = node.object("productVariant")
        price = money.of(node, "unitPriceWithTax", must=True)
        if not units:
            continue
        gone = min(left[ref], units)
        found.append(
            IncomingLine(
                ref=ref,
                sku=listings.sold_as(variant, ("variant", "id")) if variant else "",
                title=variant.text("name") if variant else "",
                quantity=units,
                unit_price=price,
                fulfilled_elsewhere=gone,
                cancelled_quantity=min(units - now, units - gone),
            )
        )
    return tuple(found)


def _payments(doc: Node, money: _Money, currency: str) -> tuple[IncomingPayment, ...]:
    found = []
    for node in doc.items("payments"):
        word, ref = node.text("state", 60), _id(node, "id")
        if word not in _PAYMENTS:
            node.at("state").fault(f"is a state of a payment Backroom has no word for: {word!r}")
        kind, amount = _PAYMENTS.get(word), money.of(node, "amount", must=True)
        at, gateway = node.moment("createdAt", needed=True), node.text("method")
        if kind and at and ref and currency:
            found.append(IncomingPayment(ref=ref, kind=kind, amount=amount, currency=currency, at=at, gateway=gateway))
    return tuple(found)


def _refunds(doc: Node, money: _Money, currency: str, order_ref: str) -> tuple[IncomingRefund, ...]:
    """Refunds that were paid out. Which units are not delivered any more the order itself says."""
    found = []
    for payment in doc.items("payments"):
        for node in payment.items("refunds"):
            word, ref = node.text("state", 60), _id(node, "id")
            if word not in _REFUNDS:
                node.at("state").fault(f"is a state of a refund Backroom has no word for: {word!r}")
            at, amount = node.moment("createdAt", needed=True), money.of(node, "total", must=True)
            note = node.text("reason", 5000)
            lines = [
                RefundLine(line_ref=_id(line, "orderLineId"), quantity=units, restock="none")
                for line in node.items("lines")
                if (units := shops.whole(line, "quantity"))
            ]
            if _REFUNDS.get(word) and at and ref and currency:
                found.append(
                    IncomingRefund(
                        ref=ref, order_ref=order_ref, at=at, currency=currency, lines=tuple(lines), amount=amount,
                        note=note,
                    )
                )  # fmt: skip
    return tuple(found)


def _payment_state(
    state: str, payments: Sequence[IncomingPayment], refunds: Sequence[IncomingRefund], total: Decimal
) -> PaymentState:
    paid = sum((each.amount for each in payments if each.kind == "captured"), ZERO)
    back = sum((each.amount or ZERO for each in refunds), ZERO)
    if back:
        return "refunded" if back >= paid else "partially_refunded"
    if paid:
        return "paid" if paid >= total else "partially_paid"
    if any(each.kind == "authorised" for each in payments):
        return "authorised"
    if state == "Cancelled":
        return "voided"
    return "paid" if not total else "pending"


def _buyer(node: Node | None) -> Buyer | None:
    if node is None:
        return None
    name = f"{node.text('firstName')} {node.text('lastName')}".strip()[:255]
    return Buyer(ref=node.line("id"), name=name, email=node.text("emailAddress"), phone=node.text("phoneNumber"))


def _address(node: Node | None) -> Address | None:
    if node is None:
        return None
    found = Address(
        name=node.text("fullName"),
        company=node.text("company"),
        line1=node.text("streetLine1"),
        line2=node.text("streetLine2"),
        city=node.text("city"),
        region=node.text("province"),
        postal_code=node.text("postalCode"),
        country=shops.country(node, "countryCode"),
        phone=node.text("phoneNumber"),
    )
    return found if found != Address() else None
