"""From a document of TikTok Shop's Open API (orders 202309, returns 202309) to what it means: pure and total.

Each line item is one unit. What the buyer pays is `total_amount` = goods - discounts + shipping + tax + fees; discounts
of the platform lower it as those of the seller do. Times are seconds since 1970, amounts are text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from integrations.channels import listings, marketplaces, remarks
from integrations.channels.marketplaces import added, epoch, word
from integrations.channels.meaning import Act, AskFor, Meaning, PlaceOrder, RecordRefund, ignored
from integrations.channels.tiktok import stock
from integrations.reading import EPOCH, ZERO, Node, checked
from orders.canonical import Address, Buyer, IncomingLine, IncomingOrder, IncomingRefund, microseconds

VERSION = "tiktok/1"

_WAITS, _OPEN, _GONE, _OFF = "waits", "open", "gone", "off"
STATES = {
    "UNPAID": _WAITS,
    "ON_HOLD": _WAITS,  # the hour in which a buyer may still change or cancel
    "AWAITING_SHIPMENT": _OPEN,
    "PARTIALLY_SHIPPING": _OPEN,
    "AWAITING_COLLECTION": _OPEN,  # packed and labelled, not handed over
    "TO_SHIP": _OPEN,
    "IN_TRANSIT": _GONE,
    "DELIVERED": _GONE,
    "COMPLETED": _GONE,
    "CANCELLED": _OFF,
}
_BY = {
    "FULFILLMENT_BY_SELLER": "ours",
    "FULFILLMENT_BY_TIKTOK": "tiktok",
    "FULFILLMENT_BY_DILAYANI_TOKOPEDIA": "tiktok",
}
_GIVEN_BACK = {
    "RETURN_OR_REFUND_REQUEST_COMPLETE": True,
    "RETURN_OR_REFUND_REQUEST_SUCCESS": False,
    "RETURN_OR_REFUND_REQUEST_PENDING": False,
    "RETURN_OR_REFUND_REQUEST_CANCEL": False,
    "REFUND_OR_RETURN_REQUEST_REJECT": False,
    "AWAITING_BUYER_SHIP": False,
    "AWAITING_BUYER_RESPONSE": False,
    "BUYER_SHIPPED_ITEM": False,
    "REJECT_RECEIVE_PACKAGE": False,
    "REPLACEMENT_REQUEST_PENDING": False,
    "REPLACEMENT_REQUEST_CANCEL": False,
    "REPLACEMENT_REQUEST_REJECT": False,
    "REPLACEMENT_REQUEST_COMPLETE": False,
    "REPLACEMENT_REQUEST_REFUND_SUCCESS": False,
}
# Amounts beside goods, shipping and tax that the buyer pays.
_FEES = ("retail_delivery_fee", "small_order_fee", "buyer_service_fee", "handling_fee", "shipping_insurance_fee",
         "item_insurance_fee", "item_insurance_tax", "distance_fee", "distance_shipping_fee",
         "payment_discount_service_fee")  # fmt: skip
_DISCOUNTS = ("seller_discount", "platform_discount", "payment_platform_discount", "shipping_fee_seller_discount",
              "shipping_fee_platform_discount", "shipping_fee_cofunded_discount")  # fmt: skip

_ACCOUNT = "it concerns the account at TikTok Shop, no order"
_RANGE = "the range is kept in Backroom"
_MESSAGES = "messages of buyers are answered at TikTok Shop"
_RETURNS = "returns are read from their own list"
_STOCK = "what TikTok Shop shows is what was published to it, not what anybody has"
_THEIRS = "goods in TikTok's own warehouses are TikTok's to move"
_CONTENT = "what creators and advertisements do is kept at TikTok Shop"
_ORDER_HOOKS = {1, 3, 4, 11}  # status, address, package, cancellation
# Every other type TikTok Shop documents, by its number, and why nothing is done about it. docs/connecting/tiktok.md
_HOOKS = {
    **dict.fromkeys((2, 12, 64, 65, 67), _RETURNS),  # reverse, return, after-sales, RMA, refund
    **dict.fromkeys((6, 7, 20, 22), _ACCOUNT),
    **dict.fromkeys((13, 14, 33), _MESSAGES),
    **dict.fromkeys((5, 15, 16, 18, 19, 23, 25, 35, 37, 38, 42, 46, 50, 51, 52, 62), _RANGE),
    **dict.fromkeys((27, 68), _STOCK),
    **dict.fromkeys((21, 24, 58), _THEIRS),
    **dict.fromkeys((17, 39, 55, 56, 59, 63), _CONTENT),
    36: "invoices made at TikTok Shop are kept there",
}
_NOT_TAKEN: tuple[tuple[str, str], ...] = (
    ("packages", "what has left is read from the order itself"),
    ("statements", "money is reconciled from the settlement, not from this list"),
    ("payments", "money is reconciled from the settlement, not from this list"),
    ("statement_transactions", "money is reconciled from the settlement, not from this list"),
    ("warehouses", "locations are kept in Backroom"),
    ("shops", _ACCOUNT),
    ("cancellations", "a cancellation asked for; the order itself follows once it is decided"),
    ("tracking", "tracking comes from the carrier"),
)


def understand(topic: str, body: bytes) -> Meaning:
    """What this message asks of Backroom. Raises Unreadable; never anything else."""
    return marketplaces.understood(body, "TikTok Shop", _translate)


def _translate(node: Node) -> Meaning | None:
    if node.has("type") and any(node.has(key) for key in ("shop_id", "seller_open_id", "tts_notification_id")):
        return _hook(node)
    if node.has("code") and node.raw("code") != 0:
        node.at("code").fault(f"is an error answer: {node.text('message', 200)}")
        return ignored("")
    inner = node.object("data") or node
    told = stock.translate(inner.value, node.faults)
    if told is not None:
        return told
    for key, one in (("orders", order_acts), ("return_orders", refund_acts), ("", order_acts)):
        if isinstance(inner.raw(key), list):
            return marketplaces.each(inner.items(key), one, empty="nothing changed")
    if inner.has("line_items") and inner.has("status"):
        return marketplaces.each([inner], order_acts)
    if inner.has("return_id"):
        return marketplaces.each([inner], refund_acts)
    for keys, reason in _NOT_TAKEN:
        if all(key in inner.value for key in keys.split()):
            return ignored(reason)
    return ignored("nothing changed") if node.has("code") and not node.has("data") else None


def _hook(node: Node) -> Meaning:
    kind = node.count("type")
    if kind in _HOOKS:
        return ignored(_HOOKS[kind])
    if kind not in _ORDER_HOOKS:
        node.at("type").fault(f"is an event Backroom has no word for: {kind}")
        return ignored("")
    data = node.at("data")
    ref = data.number_id("order_id") or data.number_id("order_id_list")
    if not ref:
        listed = data.raw("order_id_list")
        ref = str(listed[0]) if isinstance(listed, list) and listed else ""
    if not ref:
        data.at("order_id").fault("is missing")
    if data.has("order_status"):
        word(data, "order_status", STATES, "an order status")
    node.faults.raise_if_any()
    return Meaning(acts=(AskFor("order", ref),))


# --- The order -----------------------------------------------------------------------------------------------------


def order_acts(doc: Node) -> Sequence[Act] | str:
    ref = doc.number_id("id", needed=True)
    state = word(doc, "status", STATES, "an order status")
    by = word(doc, "fulfillment_type", _BY, "a way to fulfil") if doc.has("fulfillment_type") else "ours"
    doc.faults.raise_if_any()
    if by == "tiktok":
        return "fulfilled by TikTok from its own warehouse: nothing of ours is to be sent"
    if state == _WAITS:
        return f"the order is {doc.text('status', 40)}: it comes again once it is paid and may be shipped"
    return [PlaceOrder(_order(doc, ref, state))]


def _order(doc: Node, ref: str, state: str) -> IncomingOrder:
    payment = doc.object("payment")
    if payment is None:
        doc.at("payment").fault("is missing")
        payment = doc.at("payment")
    currency = payment.currency("currency", needed=True)
    lines = tuple(line for line in (_line(node, currency, state) for node in doc.items("line_items")) if line)
    if not lines:
        doc.at("line_items").fault("is empty")
    placed, updated = epoch(doc, "create_time", needed=True), epoch(doc, "update_time", needed=True)
    figures = _figures(payment, currency, lines)
    to = doc.object("recipient_address")
    buyer = Buyer(ref=doc.number_id("user_id"), name=to.text("name") if to else "", email=doc.text("buyer_email"))
    ship_to = _address(to) if to else None
    note = remarks.noted(doc.text("buyer_message", 5000), _remarks(doc))
    reason, sample, on_delivery = doc.text("cancel_reason"), doc.flag("is_sample_order"), doc.flag("is_cod")
    cancelled_at = epoch(doc, "cancel_time") if state == _OFF else None
    paid = epoch(doc, "paid_time")
    doc.faults.raise_if_any()
    off = state == _OFF
    return checked(
        marketplaces.hands_on_tax(
            IncomingOrder(
                channel_ref=ref,
                number=ref,
                placed_at=placed or EPOCH,
                currency=currency,
                lines=lines,
                version=microseconds(updated or EPOCH),
                status="cancelled" if off else "open",
                cancelled_at=(cancelled_at or updated) if off else None,
                cancel_reason=reason if off else "",
                payment_state="paid" if paid and not off else "unknown",
                ship_to=ship_to,
                buyer=buyer,
                note=note,
                tags=tuple(tag for tag in ("sample" * sample, "cash on delivery" * on_delivery) if tag),
                **figures,
            )
        )
    )


def _remarks(doc: Node) -> Iterator[remarks.Remark]:
    if doc.flag("is_buyer_request_cancel"):
        yield "", "The buyer asks to cancel it."
    yield remarks.ship_by(epoch(doc, "rts_sla_time") or epoch(doc, "shipping_due_time"))
    yield remarks.delivery(doc.text("delivery_option_name"))
    yield "CPF", doc.text("cpf")


def _line(node: Node, currency: str, whole: str) -> IncomingLine | None:
    ref, price = node.number_id("id", needed=True), node.money("original_price")
    named = node.currency("currency")
    if named and currency and named != currency:
        node.at("currency").fault(f"is {named} in an order of {currency}")
    if price is None and not node.has("original_price"):
        node.at("original_price").fault("is missing")
    state = word(node, "display_status", STATES, "a line status") if node.has("display_status") else whole
    off = [node.money("seller_discount"), node.money("platform_discount")]
    if not ref or price is None:
        return None
    return IncomingLine(
        ref=ref,
        sku=listings.sold_as(node, ("sku_id", "sku_id"), sku="seller_sku"),
        title=marketplaces.joined(node.text("product_name", 200), node.text("sku_name", 50)),
        quantity=1,
        unit_price=price,
        discount_total=added(off),
        cancelled_quantity=int(state == _OFF),
        fulfilled_elsewhere=int(state == _GONE),
    )


def _figures(payment: Node, currency: str, lines: Sequence[IncomingLine]) -> dict[str, Any]:
    total, tax = payment.money("total_amount"), payment.money("tax")
    discounts, fees = added(payment.money(key) for key in _DISCOUNTS), added(payment.money(key) for key in _FEES)
    shipping = payment.money("original_shipping_fee")
    if shipping is None:
        shipping = payment.money("shipping_fee")
    goods = sum((line.unit_price * line.quantity for line in lines), ZERO)
    before = goods - (discounts or ZERO) + (shipping or ZERO) + (fees or ZERO)
    return {
        "total": total,
        "subtotal": payment.money("original_total_product_price"),
        "discount_total": discounts,
        "shipping_total": shipping,
        "tax_total": tax,
        "other_total": fees,
        "tax_included": marketplaces.holds_tax(
            total=total, before_tax=before, tax=tax or ZERO, currency=currency, usually=False
        ),
    }


def _address(node: Node) -> Address | None:
    levels = {
        each.text("address_level_name", 40).lower(): each.text("address_name") for each in node.items("district_info")
    }
    lines = [_said(node, key) for key in ("address_line1", "address_line2", "address_line3", "address_line4")]
    return marketplaces.address(
        name=node.text("name"),
        line1=lines[0] or node.text("address_detail"),
        line2=marketplaces.joined(*lines[1:]),
        city=levels.get("city", "") or node.text("post_town"),
        region=levels.get("state", "") or levels.get("province", ""),
        postal_code=node.text("postal_code"),
        country=marketplaces.country(node, "region_code"),
        phone=node.text("phone_number"),
    )


def _said(node: Node, key: str) -> str:
    """An address line; an empty one may come as two quotation marks."""
    return node.text(key).strip('"').strip()


# --- Refunds -------------------------------------------------------------------------------------------------------


def refund_acts(doc: Node) -> Sequence[Act] | str:
    """Money given back, once it is; goods that come back are received in Backroom, so no units move by this."""
    own, ref = doc.number_id("return_id", needed=True), doc.number_id("order_id", needed=True)
    done = word(doc, "return_status", _GIVEN_BACK, "a return status")
    doc.faults.raise_if_any()
    if not done:
        return f"the return is {doc.text('return_status', 60)}: it comes again once the money went back"
    money = doc.object("refund_amount")
    if money is None:
        return "a return that gave no money back"
    at = epoch(doc, "update_time", needed=True)
    currency, amount = money.currency("currency", needed=True), money.money("refund_total")
    shipping: Decimal | None = money.money("refund_shipping_fee")
    note = doc.text("return_reason_text", 2000)
    doc.faults.raise_if_any()
    refund = IncomingRefund(
        ref=own, order_ref=ref, at=at or EPOCH, currency=currency, amount=amount, shipping_amount=shipping, note=note
    )
    return [RecordRefund(checked(refund))]
