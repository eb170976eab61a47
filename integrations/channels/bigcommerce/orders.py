"""BigCommerce's orders, refunds and transactions as Backroom's. Pure.

Amounts are in the currency the shopper pays in (`default_currency_code`; `currency_code` is the one shown). Each comes
with and without tax. Taxed prices are taken where the shop keeps such, else the untaxed; where only the other set adds
up to the order's total, BigCommerce rounded this one, and the other is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from integrations.channels import listings, remarks
from integrations.channels import shop_documents as shops
from integrations.reading import EPOCH, ZERO, Node, checked
from orders import currencies
from orders.canonical import (
    Address,
    IncomingLine,
    IncomingOrder,
    IncomingPayment,
    IncomingRefund,
    PaymentKind,
    PaymentState,
    RefundLine,
    microseconds,
)

INCOMPLETE = "an incomplete order is a checkout somebody left; the order comes by itself once it is placed"
PENDING, SHIPPED, REFUNDED, CANCELLED, DECLINED, UNPAID, COMPLETED = 1, 2, 4, 5, 6, 7, 10
STATUSES = range(1, 15)

_PAYMENT_STATES: dict[str, PaymentState] = {
    "authorized": "authorised",
    "captured": "paid",
    "capture pending": "authorised",
    "declined": "pending",
    "held for review": "pending",
    "paid": "paid",
    "partially refunded": "partially_refunded",
    "pending": "pending",
    "refunded": "refunded",
    "refund pending": "paid",
    "void": "voided",
    "void pending": "authorised",
    "voided": "voided",
}
_PAYMENT_KINDS: dict[str, PaymentKind | None] = {
    "purchase": "captured",
    "capture": "captured",
    "authorization": "authorised",
    "refund": "refunded",
    "void": "voided",
    "pending": None,
    "settled": None,
}
_REFUNDED_ITEMS = {"PRODUCT", "GIFT_WRAPPING", "SHIPPING", "HANDLING", "ORDER", "TAX", "FEE", "TIP"}


@dataclass(frozen=True, slots=True)
class Parts:
    """An order and what BigCommerce keeps at addresses of their own."""

    order: Node
    products: Node
    addresses: Node
    holder: Node

    @classmethod
    def beside(cls, node: Node, order: Node) -> Parts:
        return cls(order, node, node, node)

    @classmethod
    def inside(cls, order: Node) -> Parts:
        return cls(order, order, order, order)

    def listed(self, key: str) -> Iterator[Node]:
        """The objects of a part, none where only its address is given."""
        return shops.listed(self.holder, key) if isinstance(self.holder.raw(key), list) else iter(())


def order(parts: Parts) -> IncomingOrder:
    doc = parts.order
    ref = doc.number_id("id", needed=True)
    currency = doc.currency("default_currency_code") or doc.currency("currency_code", needed=True)
    state = _status(doc)
    placed_at = moment(doc, "date_created", must=True)
    changed_at = moment(doc, "date_modified") or placed_at
    refunds = tuple(refund(each, currency, order_ref=ref) for each in parts.listed("refunds") if currency)
    payments = tuple(found for each in parts.listed("transactions") if (found := payment(each, currency)))
    figures = _figures(parts, currency)
    lines = _lines(parts, state, figures)
    if not lines:
        parts.holder.at("products").fault("holds no line with a quantity")
    people, cancelled = _people(parts), state in {CANCELLED, DECLINED}
    doc.faults.raise_if_any()
    steps = min(sum(line.fulfilled_elsewhere + line.cancelled_quantity for line in lines) + len(refunds), 999_999)
    return checked(
        IncomingOrder(
            channel_ref=ref,
            number=ref,
            placed_at=placed_at or EPOCH,
            version=microseconds(changed_at or EPOCH) + steps,
            currency=currency,
            lines=lines,
            status="cancelled" if cancelled else "open",
            cancelled_at=changed_at if cancelled else None,
            cancel_reason="declined" if state == DECLINED else "",
            payment_state=_payment_state(doc, state),
            payments=payments,
            refunds=refunds,
            language=doc.language("customer_locale"),
            note=remarks.noted(doc.text("customer_message", 5000), _remarks(parts)),
            **people,
            **figures.said(),
        )
    )


def _status(doc: Node) -> int:
    """By its number: its name is the shop's own."""
    number = doc.number_id("status_id", needed=True)
    if number and int(number) not in STATUSES:
        doc.at("status_id").fault(f"is a status Backroom has no word for: {number} {doc.text('status', 40)!r}")
        return PENDING
    return int(number or PENDING)


def _payment_state(doc: Node, state: int) -> PaymentState:
    word = doc.text("payment_status").lower()
    if word and word not in _PAYMENT_STATES:
        word = doc.at("payment_status").explained(word, _PAYMENT_STATES, "a payment status")
    if state == REFUNDED:
        return "refunded"
    if word in _PAYMENT_STATES:
        return _PAYMENT_STATES[word]
    return "pending" if state in {PENDING, UNPAID} else "unknown"


# --- Figures


@dataclass(frozen=True, slots=True)
class Figures:
    """The order's money in one of BigCommerce's two readings."""

    tax: str  # "inc" or "ex", as its fields are named
    total: Decimal | None
    subtotal: Decimal | None
    shipping: Decimal | None
    other: Decimal
    discounts: Decimal
    taxes: Decimal | None

    @property
    def reckoned(self) -> Decimal:
        taxes = self.taxes or ZERO if self.tax == "ex" else ZERO
        return (self.subtotal or ZERO) + (self.shipping or ZERO) + self.other + taxes - self.discounts

    def said(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "subtotal": self.subtotal,
            "discount_total": self.discounts,
            "shipping_total": self.shipping,
            "tax_total": self.taxes,
            "other_total": self.other,
            "tax_included": self.tax == "inc",
        }


def _figures(parts: Parts, currency: str) -> Figures:
    likely = "inc" if parts.order.flag("is_tax_inclusive_pricing") else "ex"
    first, second = (_reading(parts, tax) for tax in (likely, "ex" if likely == "inc" else "inc"))
    if first.total is None or not currency:
        return first
    stated = currencies.rounded(first.total, currency)
    agrees = [currencies.rounded(each.reckoned, currency) == stated for each in (first, second)]
    return second if agrees == [False, True] else first


def _reading(parts: Parts, tax: str) -> Figures:
    doc = parts.order
    fees = sum(
        (each.money(f"cost_{tax}_tax") or each.money(f"cost_{'exc' if tax == 'ex' else tax}_tax") or ZERO
         for each in (*parts.listed("fees"), *(shops.listed(doc, "fees") if doc is not parts.holder else ()))),
        ZERO,
    )  # fmt: skip
    extra = sum((doc.money(f"{each}_cost_{tax}_tax") or ZERO for each in ("handling", "wrapping")), ZERO)
    discounts = (doc.money("discount_amount") or ZERO) + (doc.money("coupon_discount") or ZERO)
    return Figures(
        tax,
        total=doc.money("total_inc_tax"),
        subtotal=doc.money(f"subtotal_{tax}_tax"),
        shipping=doc.money(f"shipping_cost_{tax}_tax"),
        other=fees + extra,
        discounts=discounts,
        taxes=doc.money("total_tax"),
    )


def _lines(parts: Parts, state: int, figures: Figures) -> tuple[IncomingLine, ...]:
    found = []
    taxes = [each.money("total_tax") or ZERO for each in parts.listed("products")]
    # A row's tax is from before discounts: where these changed it, only the order's own figure is true.
    whole = figures.taxes is not None and sum(taxes, ZERO) == figures.taxes
    for node, tax in zip(parts.listed("products"), taxes, strict=True):
        ref, units = node.number_id("id", needed=True), shops.whole(node, "quantity")
        total = shops.needed(node, f"total_{figures.tax}_tax")
        if not units:
            continue
        price = shops.piece(total, units)
        gone = units if state in {SHIPPED, COMPLETED} else min(shops.whole(node, "quantity_shipped"), units)
        off = min(shops.whole(node, "quantity_refunded"), units)
        gone = (
            min(gone, units - off)
            if state in {SHIPPED, COMPLETED} and not shops.whole(node, "quantity_shipped")
            else gone
        )
        kind = node.text("type").lower()
        if kind not in {"physical", "digital", "giftcertificate", ""}:
            node.at("type").fault(f"is a kind of product Backroom has no word for: {kind[:40]!r}")
        found.append(
            IncomingLine(
                ref=ref,
                sku=listings.sold_as(node, ("variant", "variant_id"), ("product", "product_id")),
                title=node.text("name"),
                quantity=units,
                unit_price=price,
                discount_total=price * units - total,
                tax_total=tax if whole else None,
                requires_shipping=kind in {"physical", ""},
                gift_card=kind == "giftcertificate",
                fulfilled_elsewhere=gone,
                cancelled_quantity=min(off, units - gone),
            )
        )
    return tuple(found)


def _remarks(parts: Parts) -> Iterator[remarks.Remark]:
    """What was chosen and written for each row, its wrapping, and what the shop asks for with an address."""
    for node in parts.listed("products"):
        about = node.text("name")
        yield from remarks.named(node.raw("product_options"), "display_name", "display_value", of=about)
        yield f"{about}, wrapping", remarks.part(node, "wrapping_name")
        yield f"{about}, gift message", remarks.part(node, "wrapping_message")
        if remarks.part(node, "event_date"):
            yield f"{about}, {remarks.part(node, 'event_name') or 'date'}", remarks.part(node, "event_date")
    places = [parts.order.object("billing_address"), *parts.listed("shipping_addresses")]
    for place in places:
        yield from remarks.named(place.raw("form_fields") if place else None)
    yield remarks.delivery(*(node.text("shipping_method") for node in parts.listed("shipping_addresses")))


# --- Refunds and transactions


def refund(node: Node, currency: str, *, order_ref: str = "") -> IncomingRefund:
    """A V3 refund. Which units are not delivered any more the order itself says."""
    ref = node.number_id("id", needed=True)
    order_ref = order_ref or node.number_id("order_id", needed=True)
    at = moment(node, "created", must=True)
    amount = node.money("total_amount")
    if amount is None:
        node.at("total_amount").fault("is missing")
    lines, shipping = [], ZERO
    for each in shops.listed(node, "items"):
        kind, given = each.text("item_type").upper(), each.amount("requested_amount")
        if kind not in _REFUNDED_ITEMS:
            each.at("item_type").fault(f"is a kind of item Backroom has no word for: {kind[:40]!r}")
        elif kind in {"SHIPPING", "HANDLING"}:
            shipping += given or ZERO
        elif kind == "PRODUCT" and (units := shops.whole(each, "quantity")):
            line_ref = each.number_id("item_id", needed=True)
            lines.append(RefundLine(line_ref=line_ref, quantity=units, restock="none", amount=given))
    note = node.text("reason", 5000)
    node.faults.raise_if_any()
    return checked(
        IncomingRefund(
            ref=ref, order_ref=order_ref, at=at or EPOCH, currency=currency, lines=tuple(lines), amount=amount,
            shipping_amount=shipping or None, note=note,
        )
    )  # fmt: skip


def payment(node: Node, currency: str = "") -> IncomingPayment | None:
    """A V3 transaction as a money event, None while it moved nothing."""
    event, state = node.text("event").lower(), node.text("status").lower()
    if event not in _PAYMENT_KINDS:
        node.at("event").fault(f"is a kind of transaction Backroom has no word for: {event[:40]!r}")
    if state not in {"ok", "error"}:
        node.at("status").fault(f"is a transaction status Backroom has no word for: {state[:40]!r}")
    kind = "failed" if state == "error" else _PAYMENT_KINDS.get(event)
    ref = node.number_id("id", needed=True)
    amount, at = shops.needed(node, "amount"), moment(node, "date_created", must=True)
    named = node.currency("currency", needed=not currency) or currency
    if kind is None or at is None or not ref or not named:
        return None
    parent = node.number_id("reference_transaction_id")
    return IncomingPayment(
        ref=ref, kind=kind, amount=amount, currency=named, at=at, gateway=node.text("gateway"), parent_ref=parent
    )


# --- People, places and times


def _people(parts: Parts) -> dict[str, Any]:
    doc = parts.order
    billing = doc.object("billing_address")
    bill_to = _address(billing)
    goes_to = list(parts.listed("shipping_addresses"))
    if len(goes_to) > 1 and len({_address(each) for each in goes_to if each.raw("items_total") != 0}) > 1:
        parts.holder.at("shipping_addresses").fault(f"are {len(goes_to)}: an order goes to one address here")
    found: dict[str, Any] = {
        "buyer": shops.people(doc, billing, bill_to),
        "bill_to": bill_to,
        "ship_to": next((_address(each) for each in goes_to), bill_to),
    }
    consignments = doc.raw("consignments")
    pickups = consignments.get("pickups") if isinstance(consignments, dict) else None
    if isinstance(pickups, list) and pickups and isinstance(pickups[0], dict):
        place = Node(pickups[0], "consignments.pickups[0]", doc.faults)
        found |= {"method": "PICKUP", "pickup_location_code": place.number_id("pickup_method_id", needed=True)}
    return found


def _address(node: Node | None) -> Address | None:
    return shops.address(node, lines=("street_1", "street_2"), postal_code="zip", country_code="country_iso2")


def moment(node: Node, key: str, *, must: bool = False) -> datetime | None:
    """V2 writes times as mail does ("Tue, 05 Mar 2019 21:40:11 +0000"), V3 as ISO 8601."""
    value = node.raw(key)
    if isinstance(value, str) and value[:1].isalpha():
        try:
            found = parsedate_to_datetime(value)
        except ValueError:
            found = None
        if found is not None and found.tzinfo is not None and 1970 <= found.year < 9000:
            return found.astimezone(UTC)
    return node.moment(key, needed=must)
