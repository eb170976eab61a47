"""From a document of Etsy's Open API v3 to what it means for Backroom: pure and total.

A receipt is an order, its transactions are the lines. Money is {amount, divisor, currency_code}: amount over divisor,
whatever the currency's own decimals. Times are seconds since 1970. `total_price` is before discounts; `subtotal` after.
Words come as HTML writes them: "A &amp; B" is to be engraved "A & B".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from html import unescape
from typing import Any

from integrations.channels import listings, marketplaces, remarks
from integrations.channels.marketplaces import added, epoch, word
from integrations.channels.meaning import Act, AskFor, Meaning, PlaceOrder, ignored
from integrations.reading import EPOCH, ZERO, Node, checked, exact_amount, shown
from orders.canonical import (
    Buyer,
    IncomingLine,
    IncomingOrder,
    IncomingRefund,
    microseconds,
)

VERSION = "etsy/1"

_STATES = {
    "PAID": "paid",
    "COMPLETED": "paid",
    "OPEN": "pending",
    "PAYMENT PROCESSING": "pending",
    "UNPAID": "pending",
    "CANCELED": "cancelled",
    "FULLY REFUNDED": "refunded",
    "PARTIALLY REFUNDED": "partially_refunded",
}
_EVENTS = {"ORDER.PAID", "ORDER.CANCELED", "ORDER.SHIPPED", "ORDER.DELIVERED"}
_NOT_TAKEN: tuple[tuple[str, str], ...] = (
    ("listing_id state", "the range is kept in Backroom"),
    ("products price_on_property", "the quantity a listing shows is what was published to it, not what anybody has"),
    ("shop_id shop_name", "shop settings are not taken"),
    ("payment_id receipt_id", "money is reconciled from the settlement, not from this list"),
    ("entry_id ledger_id", "money is reconciled from the settlement, not from this list"),
    ("transaction_id review", "reviews are kept at Etsy"),
    ("transaction_id", "a line alone; it comes with its receipt"),
)


def understand(topic: str, body: bytes) -> Meaning:
    """What this message asks of Backroom. Raises Unreadable; never anything else."""
    return marketplaces.understood(body, "Etsy", _translate)


def _translate(node: Node) -> Meaning | None:
    if node.has("event_type"):
        return _event(node)
    if node.has("receipt_id") and node.has("transactions"):
        return marketplaces.each([node], receipt_acts)
    for key in ("results", ""):
        if isinstance(node.raw(key), list):
            listed = list(node.items(key))
            if not listed:
                return ignored("no receipt changed")
            if all(each.has("receipt_id") and each.has("transactions") for each in listed):
                return marketplaces.each(listed, receipt_acts)
            return _not_taken(listed[0])
    return _not_taken(node)


def _not_taken(node: Node) -> Meaning | None:
    for keys, reason in _NOT_TAKEN:
        if all(key in node.value for key in keys.split()):
            return ignored(reason)
    return None


def _event(node: Node) -> Meaning:
    kind = node.text("event_type", 80).upper().replace("_", ".")  # Etsy's own pages spell it both ways
    if kind not in _EVENTS:
        node.at("event_type").fault(f"is an event Backroom has no word for: {kind[:60]!r}")
    holder = node if node.has("resource_url") else node.object("data") or node
    ref = holder.text("resource_url", 400).partition("?")[0].rstrip("/").rpartition("/receipts/")[2]
    if not ref.isascii() or not ref.isdigit():
        node.at("resource_url").fault(f"names no receipt: {shown(node.raw('resource_url'))}")
    node.faults.raise_if_any()
    return Meaning(acts=(AskFor("receipt", ref),))


# --- The receipt ---------------------------------------------------------------------------------------------------


def receipt_acts(doc: Node) -> Sequence[Act] | str:
    ref = doc.number_id("receipt_id", needed=True)
    state = word(doc, "status", _STATES, "a receipt status")
    if state == "pending":
        doc.faults.raise_if_any()
        return "the receipt waits for its payment; it comes again then"
    return [PlaceOrder(_order(doc, ref, state))]


def _moment(doc: Node, name: str) -> Any:
    """A time under its newer name, else under the older."""
    return epoch(doc, f"{name}d_timestamp") or epoch(doc, f"{name}_timestamp", needed=True)


def _money(doc: Node, key: str, currency: str) -> Decimal | None:
    node = doc.object(key)
    if node is None:
        return None
    named = node.currency("currency_code", needed=True)
    if named and currency and named != currency:
        node.at("currency_code").fault(f"is {named} in an order of {currency}")
    amount, divisor = node.raw("amount"), node.raw("divisor")
    if not _whole(amount) or not _whole(divisor) or divisor < 1:
        node.fault(f"should be a whole amount over a whole divisor, is {shown(amount)} over {shown(divisor)}")
        return None
    found = exact_amount(Decimal(amount) / Decimal(divisor))
    if found is None:
        node.fault(f"is {amount} over {divisor}, finer or more than Backroom keeps money")
    return found


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _order(doc: Node, ref: str, state: str | None) -> IncomingOrder:
    grand = doc.object("grandtotal")
    currency = grand.currency("currency_code", needed=True) if grand else ""
    if grand is None:
        doc.at("grandtotal").fault("is missing")
    sent = doc.flag("is_shipped")
    lines = tuple(line for line in (_line(node, currency, sent) for node in doc.items("transactions")) if line)
    if not lines:
        doc.at("transactions").fault("holds no line with a quantity")
    placed, updated = _moment(doc, "create"), _moment(doc, "update")
    figures = _figures(doc, currency, lines)
    refunds = tuple(_refunds(doc, ref, currency))
    to = marketplaces.address(
        name=doc.text("name"),
        line1=doc.text("first_line"),
        line2=doc.text("second_line"),
        city=doc.text("city"),
        region=doc.text("state"),
        postal_code=doc.text("zip"),
        country=marketplaces.country(doc, "country_iso"),
    )
    buyer = Buyer(ref=doc.number_id("buyer_user_id"), name=doc.text("name"), email=doc.text("buyer_email"))
    note = remarks.noted(unescape(doc.text("message_from_buyer", 4000)), _remarks(doc))
    gift = doc.flag("is_gift")
    doc.faults.raise_if_any()
    cancelled = state == "cancelled"
    return checked(
        marketplaces.hands_on_tax(
            IncomingOrder(
                channel_ref=ref,
                number=ref,
                placed_at=placed or EPOCH,
                currency=currency,
                lines=lines,
                version=microseconds(updated or EPOCH),
                status="cancelled" if cancelled else "open",
                cancelled_at=updated if cancelled else None,
                payment_state="unknown" if cancelled else state or "unknown",  # type: ignore[arg-type]
                ship_to=to,
                buyer=buyer,
                note=note,
                tags=("gift",) if gift else (),
                refunds=refunds,
                **figures,
            ),
            keeps=_money(doc, "total_vat_cost", currency) or ZERO,
        )
    )


def _remarks(doc: Node) -> Iterator[remarks.Remark]:
    """The gift message, and what the buyer chose and wrote for each piece: personalisation is a variation too."""
    yield "Gift message", unescape(doc.text("gift_message", 900))
    yield "Gift from", unescape(doc.text("gift_sender"))
    due = []
    for node in doc.items("transactions"):
        chosen = remarks.named(node.raw("variations"), "formatted_name", "formatted_value", of=node.text("title"))
        yield from ((unescape(name), unescape(said)) for name, said in chosen)
        due.append(epoch(node, "expected_ship_date"))
    yield remarks.ship_by(min((at for at in due if at), default=None))
    yield remarks.delivery(*(node.text("shipping_method") for node in doc.items("transactions")))


def _line(node: Node, currency: str, sent: bool) -> IncomingLine | None:
    ref, quantity = node.number_id("transaction_id", needed=True), node.count("quantity")
    if quantity is None and not node.has("quantity"):
        node.at("quantity").fault("is missing")
    price = _money(node, "price", currency)
    if price is None and not node.has("price"):
        node.at("price").fault("is missing")
    gone = sent or epoch(node, "shipped_timestamp") is not None
    digital = node.flag("is_digital")
    if not quantity or not ref or price is None:
        return None
    return IncomingLine(
        ref=ref,
        sku=listings.sold_as(node, ("product", "product_id")),
        title=unescape(node.text("title")),
        quantity=quantity,
        unit_price=price,
        requires_shipping=not digital,
        fulfilled_elsewhere=quantity if gone else 0,
    )


def _figures(doc: Node, currency: str, lines: Sequence[IncomingLine]) -> dict[str, Any]:
    total, discount = _money(doc, "grandtotal", currency), _money(doc, "discount_amt", currency)
    shipping, wrap = _money(doc, "total_shipping_cost", currency), _money(doc, "gift_wrap_price", currency)
    tax = added([_money(doc, "total_tax_cost", currency), _money(doc, "total_vat_cost", currency)])
    goods = sum((line.unit_price * line.quantity for line in lines), ZERO)
    before = goods - (discount or ZERO) + (shipping or ZERO) + (wrap or ZERO)
    return {
        "total": total,
        "subtotal": _money(doc, "total_price", currency),
        "discount_total": discount,
        "shipping_total": shipping,
        "tax_total": tax,
        "other_total": wrap,
        "tax_included": marketplaces.holds_tax(
            total=total, before_tax=before, tax=tax or ZERO, currency=currency, usually=False
        ),
    }


def _refunds(doc: Node, ref: str, currency: str) -> Iterator[IncomingRefund]:
    """Refunds carry no id of their own; their second names them within the receipt."""
    for node in doc.items("refunds"):
        at = epoch(node, "created_timestamp", needed=True)
        amount = _money(node, "amount", currency)
        if at:
            note = node.text("reason", 2000) or node.text("note_from_issuer", 2000)
            own = f"{ref}:{int(at.timestamp())}"
            yield IncomingRefund(ref=own, order_ref=ref, at=at, currency=currency, amount=amount, note=note)
