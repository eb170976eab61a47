"""From Lightspeed's documents and webhooks to what they mean for Backroom: pure and total.

Three series of its tills are read: Retail X-Series (once Vend), Retail R-Series, and Restaurant O-Series (once Kounta).
X-Series webhooks are forms whose field `payload` is the document.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from integrations.channels import listings, marketplaces
from integrations.channels import shop_documents as shops
from integrations.channels.lightspeed import restaurant_o, retail_r, retail_x, stock
from integrations.channels.meaning import Act, Listed, Meaning, SetAside, ignored
from integrations.channels.shop_documents import Terms, listed_or_one
from integrations.documents import write_json
from integrations.failures import unparsable
from integrations.models import Connection
from integrations.reading import Node

VERSION = "lightspeed/1"
TITLE = "Lightspeed"

_PEOPLE = "customer master data is not taken from Lightspeed; each sale brings its buyer"
_RANGE = "the range is kept in Backroom"
_SETTINGS = "the shop's settings are not taken"
_NOT_TAKEN: tuple[tuple[str, str], ...] = (
    ("Customer", _PEOPLE),
    ("Shop", "places are kept in Backroom"),
    ("Register", _SETTINGS),
    ("PaymentType", _SETTINGS),
    ("TaxCategory", _SETTINGS),
    ("Employee", "staff are no matter of Backroom's"),
    ("Order", "purchase orders are kept in Backroom"),
    ("Transfer", "transfers are kept in Backroom"),
    ("Category", _RANGE),
    ("InventoryCount", "counts are made in Backroom; levels come with the stock"),
    ("register_closure_sequence_number", "what lies in the drawer is counted at Lightspeed"),
    ("register_close_time", "what lies in the drawer is counted at Lightspeed"),
    ("consignment_products", "transfers and deliveries are kept in Backroom"),
    ("consignment_date", "transfers and deliveries are kept in Backroom"),
    ("customer_code", _PEOPLE),
    ("customers", _PEOPLE),
    ("outlets", "places are kept in Backroom"),
    ("registers", _SETTINGS),
    ("payment_types", _SETTINGS),
    ("taxes", _SETTINGS),
    ("users", "staff are no matter of Backroom's"),
)


def understand(topic: str, body: bytes) -> Meaning:
    return _understand(body, Terms(asks=False))


def as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    terms = shops.terms_of(connection, asks=False)
    return lambda topic, body: _understand(body, terms)


def _understand(body: bytes, terms: Terms) -> Meaning:
    return marketplaces.understood(payload(body), TITLE, lambda node: _translate(node, terms))


def payload(body: bytes) -> bytes:
    """The document in an X-Series webhook's form; anything else as it is."""
    if body[:200].lstrip()[:1] in (b"{", b"[", b"") or b"payload=" not in body:
        return body
    found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20).get("payload")
    return found[0].encode() if found else body


def _translate(node: Node, terms: Terms) -> Meaning | None:
    for reader in (_sales, _codes):
        found = reader(node, terms)
        if found is not None:
            return found
    if levels := stock.translate(node):
        return levels
    for key, reason in _NOT_TAKEN:
        if node.has(key):
            return ignored(reason)
    if node.has("error") or node.has("errors") or node.has("httpCode"):
        words = node.text("message", 120) if isinstance(node.raw("message"), str) else str(node.raw("error"))[:120]
        raise unparsable(f"it is an error Lightspeed answered with: {words}")
    if set(node.value) <= {"@attributes", "pagination", "data", "version", "sales", "register_sales"}:
        return ignored("the list is empty")
    return None


def _sales(node: Node, terms: Terms) -> Meaning | None:
    """The sales in the document, whichever series wrote it."""

    def retail(each: Node) -> list[Act] | str:
        return retail_x.sale(each, terms)

    def older(each: Node) -> list[Act] | str:
        return retail_r.sale(each, terms)

    if node.has("Sale"):
        return _each(list(listed_or_one(node, "Sale")), older)
    if node.has("saleID") and node.has("shopID"):
        return _each([node], older)
    for key in ("register_sales", "sales", "data", ""):
        listed = node.raw(key)
        if isinstance(listed, list) and listed and all(_is_sale(each) for each in listed):
            return _each(list(node.items(key)), retail)
    inner = node.object("data") if isinstance(node.raw("data"), dict) else None
    for one in (node.object("register_sale"), inner, node):
        if one is not None and _is_sale(one.value):
            return _each([one], retail)
    if _is_order(node.value) or (isinstance(node.raw(""), list) and all(map(_is_order, node.raw("")))):
        found = [node] if _is_order(node.value) else list(node.items(""))
        return _each(found, lambda each: restaurant_o.order(each, terms)) if found else None
    return None


def _is_sale(value: object) -> bool:
    return isinstance(value, dict) and (
        "register_sale_products" in value or ("line_items" in value and ("status" in value or "state" in value))
    )


def _is_order(value: object) -> bool:
    return isinstance(value, dict) and "lines" in value and "site_id" in value


def _each(found: list[Node], one: marketplaces.One) -> Meaning:
    """Sales of a list; what came back may have to wait for its sale, so it becomes a message of its own."""
    if len(found) == 1:
        return marketplaces.each(found, one)
    alone = [SetAside(write_json(each.value)) for each in found if each.line("return_for")]
    meaning = marketplaces.each((each for each in found if not each.line("return_for")), one)
    return Meaning(acts=(*meaning.acts, *alone)) if alone else meaning


def _codes(node: Node, terms: Terms) -> Meaning | None:
    """What articles are called there."""
    codes: list[Listed] = []
    if node.has("Item"):
        codes = [found for each in listed_or_one(node, "Item") if (found := retail_r.code(each))]
    else:
        key = next((key for key in ("products", "data", "") if _are_products(node.raw(key))), None)
        single = node if _are_products([node.value]) else None
        if key is None and single is None:
            return None
        for each in [single] if single is not None else node.items(key or ""):
            ref = each.line("id", 100)
            if ref and not each.raw("deleted_at"):
                codes.append(listings.of(each, f"product:{ref}"))
    node.faults.raise_if_any()
    return listings.learn(codes) if codes else ignored(_RANGE)


def _are_products(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(each, dict) and "sku" in each and "id" in each and ("handle" in each or "supply_price" in each)
            for each in value
        )
    )
