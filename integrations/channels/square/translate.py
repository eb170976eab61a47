"""From Square's documents and webhooks to what they mean for Backroom: pure and total.

Answers of its API come as they are (`{"orders": […]}`); a webhook wraps what it is about in `data.object`. Orders are
only named by their webhooks and are fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from integrations.channels import listings, marketplaces
from integrations.channels import shop_documents as shops
from integrations.channels.meaning import Act, Meaning, RecordPayments, SetAside, ignored
from integrations.channels.shop_documents import Terms
from integrations.channels.square import catalogue, money, orders, stock
from integrations.documents import write_json
from integrations.failures import unparsable
from integrations.models import Connection
from integrations.reading import Node, checked_payment

VERSION = "square/1"
TITLE = "Square"

_TOWN = "places are kept in Backroom"
_BOOKS = "payouts are settled from the statement, not from this list"
_PEOPLE = "customer master data is not taken from Square; each order brings its buyer"
_CARDS = "gift cards are kept at Square; the sale comes with its order"
_STAFF = "staff and their hours are no matter of Backroom's"
_DEVICE = "it concerns a device; the payment comes by itself"
_ACCOUNT = "it concerns the account at Square, no order"
_INVOICE = "an invoice of Square's: its order and payments come by themselves"
# By the first word of a webhook's type.
_FAMILIES = {
    "bank_account": _ACCOUNT,
    "booking": "appointments are kept at Square",
    "card": _PEOPLE,
    "channel": _ACCOUNT,
    "checkout": _ACCOUNT,
    "customer": _PEOPLE,
    "device": _DEVICE,
    "gift_card": _CARDS,
    "invoice": _INVOICE,
    "job": _STAFF,
    "labor": _STAFF,
    "location": _TOWN,
    "loyalty": "loyalty is kept at Square; rewards are discounts of the orders they were used on",
    "merchant": _ACCOUNT,
    "oauth": _ACCOUNT,
    "online_checkout": _ACCOUNT,
    "payout": _BOOKS,
    "subscription": "subscriptions are kept at Square; each brings orders",
    "team_member": _STAFF,
    "terminal": _DEVICE,
    "transfer_order": "transfers are kept in Backroom",
    "vendor": "suppliers are kept in Backroom",
}
_NOT_TAKEN: tuple[tuple[str, str], ...] = (
    ("locations", _TOWN),
    ("payouts", _BOOKS),
    ("payout", _BOOKS),
    ("payout_entries", _BOOKS),
    ("settlements", _BOOKS),
    ("invoices", _INVOICE),
    ("invoice", _INVOICE),
    ("customers", _PEOPLE),
    ("customer", _PEOPLE),
    ("cards", _PEOPLE),
    ("card", _PEOPLE),
    ("groups", _PEOPLE),
    ("segments", _PEOPLE),
    ("gift_card_activities", _CARDS),
    ("gift_card_activity", _CARDS),
    ("gift_cards", _CARDS),
    ("gift_card", _CARDS),
    ("checkouts", _DEVICE),
    ("checkout", _DEVICE),
    ("actions", _DEVICE),
    ("action", _DEVICE),
    ("devices", _DEVICE),
    ("device_codes", _DEVICE),
    ("device_code", _DEVICE),
    ("team_members", _STAFF),
    ("team_member", _STAFF),
    ("shifts", _STAFF),
    ("timecards", _STAFF),
    ("merchant", _ACCOUNT),
    ("payment_link", _ACCOUNT),
    ("payment_links", _ACCOUNT),
    ("subscriptions", _FAMILIES["subscription"]),
    ("subscription", _FAMILIES["subscription"]),
    ("bookings", _FAMILIES["booking"]),
    ("booking", _FAMILIES["booking"]),
    ("loyalty_accounts", _FAMILIES["loyalty"]),
    ("vendors", _FAMILIES["vendor"]),
    ("cash_drawer_shifts", "what lies in the drawer is counted at Square"),
    ("evidence", "a dispute is argued at Square"),
    ("category", catalogue.RANGE),
    ("deleted_object_ids", catalogue.RANGE),
    ("limits", catalogue.RANGE),
)


def understand(topic: str, body: bytes) -> Meaning:
    return _understand(body, Terms(asks=False))


def as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    terms = Terms(asks=bool(connection.settings.get("api")))
    return lambda topic, body: _understand(body, terms)


def _understand(body: bytes, terms: Terms) -> Meaning:
    return marketplaces.understood(body, TITLE, lambda node: _translate(node, terms))


def _translate(node: Node, terms: Terms) -> Meaning | None:
    if node.has("event_id") and node.has("type"):
        return _event(node, terms)
    for reader in (_orders, _payments, _stock, _range):
        found = reader(node, terms)
        if found is not None:
            return found
    for key, reason in _NOT_TAKEN:
        if node.has(key):
            return ignored(reason)
    return _answer_of_nothing(node)


def _answer_of_nothing(node: Node) -> Meaning | None:
    """An answer that lists nothing, or an error."""
    errors = list(node.items("errors"))
    if errors:
        words = "; ".join(each.text("detail", 120) or each.text("code", 60) for each in errors[:3])
        raise unparsable(f"it is an error Square answered with: {words}")
    listed = {"errors", "cursor", "order_entries", "related_objects"}
    return ignored("the list is empty") if set(node.value) <= listed else None


# --- Webhooks


def _event(node: Node, terms: Terms) -> Meaning | None:
    kind = node.text("type", 80).lower()
    family = kind.partition(".")[0]
    data = node.object("data") or node.at("data")
    about = data.object("object") or data.at("object")
    if family in _FAMILIES or "custom_attribute" in kind:
        return ignored(_FAMILIES.get(family, "the shop's own fields are kept at Square"))
    if family == "catalog":
        return ignored("the range changed: what is called how is read with the catalogue")
    if family == "order":
        inside = about.value if isinstance(about.value, dict) else {}
        named = next((about.at(key) for key in inside if isinstance(inside[key], dict)), data)
        return Meaning(acts=tuple(_ask(named.line("order_id") or data.line("id"), data, terms)))
    if kind == "inventory.count.updated":
        return stock.levels(about.value or {}, list(about.items("inventory_counts")), "calculated_at")
    readers = {"payment": _payment, "refund": _refund, "dispute": _dispute}
    if family in readers:
        inner = about.object(family)
        if inner is None:
            about.at(family).fault("is missing")
            return ignored("")
        return marketplaces.each([inner], readers[family])
    node.at("type").fault(f"is a notification Backroom has no word for: {kind[:60]!r}")
    return ignored("")


def _ask(ref: str, data: Node, terms: Terms) -> list[Act]:
    if not ref:
        data.at("id").fault("is missing")
    return shops.ask("order", ref, terms)


# --- Documents


def _orders(node: Node, terms: Terms) -> Meaning | None:
    if node.has("order"):
        return marketplaces.each([node.at("order")], orders.acts)
    if isinstance(node.raw("orders"), list):
        return _each(node, "orders", orders.acts, apart=lambda order: order.has("returns"))
    if isinstance(node.raw("order_entries"), list):
        return marketplaces.each(node.items("order_entries"), lambda each: _ask(each.line("order_id"), each, terms))
    if node.has("state") and node.has("location_id") and (node.has("line_items") or node.has("returns")):
        return marketplaces.each([node], orders.acts)
    return None


def _payments(node: Node, terms: Terms) -> Meaning | None:
    for one, many, reader in (
        ("payment", "payments", _payment),
        ("refund", "refunds", _refund),
        ("dispute", "disputes", _dispute),
    ):
        if isinstance(node.raw(one), dict):
            return marketplaces.each([node.at(one)], reader)
        if isinstance(node.raw(many), list):
            return _each(node, many, reader)
    return _alone(node)


def _each(node: Node, key: str, one: marketplaces.One, *, apart: Callable[[Node], bool] = lambda each: True) -> Meaning:
    """The documents of a list; those that may have to wait for an order become messages of their own, so that the
    others don't wait with them."""
    listed = list(node.items(key))
    if len(listed) == 1:
        return marketplaces.each(listed, one)
    alone = [SetAside(write_json(each.value)) for each in listed if apart(each)]
    meaning = marketplaces.each((each for each in listed if not apart(each)), one)
    return Meaning(acts=(*meaning.acts, *alone)) if alone else meaning


def _alone(node: Node) -> Meaning | None:
    """One item of a list that was set aside: known by what only it has."""
    if node.has("disputed_payment"):
        return marketplaces.each([node], _dispute)
    if node.has("payment_id") and node.has("amount_money"):
        return marketplaces.each([node], _refund)
    if node.has("source_type") and node.has("amount_money"):
        return marketplaces.each([node], _payment)
    return None


def _payment(doc: Node) -> Sequence[Act] | str:
    event = money.payment(doc)
    ref = doc.line("order_id")
    if not ref:
        doc.at("order_id").fault("is missing")
    doc.faults.raise_if_any()
    return event if isinstance(event, str) else [RecordPayments(ref, (checked_payment(event),))]


def _refund(doc: Node) -> Sequence[Act] | str:
    if doc.has("device_id") or doc.has("deadline_duration"):
        return "a refund asked for at a terminal: the refund itself comes by itself"
    event = money.refund(doc)
    if not doc.line("payment_id"):
        doc.at("payment_id").fault("is missing")
    doc.faults.raise_if_any()
    if isinstance(event, str):
        return event
    return [RecordPayments("", (checked_payment(event),), of_payment=doc.line("payment_id"))]


def _dispute(doc: Node) -> Sequence[Act] | str:
    found = money.dispute(doc)
    doc.faults.raise_if_any()
    if isinstance(found, str):
        return found
    paid, event = found
    return [RecordPayments("", (checked_payment(event),), of_payment=paid)]


def _stock(node: Node, terms: Terms) -> Meaning | None:
    return stock.translate(node.value, node.faults)


def _range(node: Node, terms: Terms) -> Meaning | None:
    codes = catalogue.codes(node)
    if codes is None:
        return None
    node.faults.raise_if_any()
    return listings.learn(codes) if codes else ignored(catalogue.RANGE)
