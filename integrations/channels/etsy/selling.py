"""Stock out to Etsy: quantities of products, listing by listing.

Etsy replaces a listing's inventory as a whole, so it is read before every write and only the quantity is changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from integrations import http, tokens
from integrations.channels.etsy.client import call
from integrations.documents import write_json
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

AT_ONCE = 100
MOST = 999  # units of one offering that Etsy takes


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """Quantities of products, listing by listing. A ref is "listing/SKU"; SKUs nobody has seen yet are looked for."""
    refs = _refs(connection, levels)
    listings: dict[str, dict[str, Level]] = defaultdict(dict)
    for level in levels:
        if ref := refs.get(level.item_id):
            listing, _, sku = ref.partition("/")
            listings[listing][sku] = level
    problems: dict[int, str] = {}
    for listing, wanted in listings.items():
        problem = _set_listing(connection, listing, {sku: level.total for sku, level in wanted.items()})
        problems |= {level.item_id: problem for level in wanted.values() if problem}
    return [
        Outcome(each.item_id, refs.get(each.item_id, ""), each.item_id not in refs, problems.get(each.item_id, ""))
        for each in levels
    ]


def _refs(connection: Connection, levels: Sequence[Level]) -> dict[int, str]:
    known = {level.item_id: level.ref for level in levels if level.ref}
    sought = [level for level in levels if not level.ref]
    found = _listed_skus(connection) if sought else {}
    for level in sought:
        if ref := next((f"{found[code]}/{code}" for code in level.codes if code in found), ""):
            known[level.item_id] = ref
    return known


def _listed_skus(connection: Connection) -> dict[str, str]:
    """{SKU: listing} of all that is for sale or sold out: Etsy can't be asked for a SKU."""
    found: dict[str, str] = {}
    path = f"shops/{connection.settings['shop_id']}/listings"
    for state in ("active", "sold_out"):
        offset = 0
        while True:
            asked: dict[str, Any] = {"state": state, "includes": "Inventory", "limit": AT_ONCE, "offset": offset}
            page = tokens.listed(call(connection, "GET", path, purpose="find listings", **asked), "results")
            for listing in page:
                for product in tokens.listed(listing.get("inventory"), "products"):
                    if product.get("sku"):
                        found.setdefault(str(product["sku"]), str(listing["listing_id"]))
            if len(page) < AT_ONCE:
                break
            offset += AT_ONCE
    return found


def _set_listing(connection: Connection, listing: str, wanted: dict[str, int]) -> str:
    """Change the quantities of these SKUs in a listing's inventory; returns what Etsy objects to."""
    path = f"listings/{listing}/inventory"
    inventory = call(connection, "GET", path, purpose="read inventory")
    products = [each for each in tokens.listed(inventory, "products") if not each.get("is_deleted")]
    figures = {sku: min(max(units, 0), MOST) for sku, units in wanted.items()}
    others = {str(each.get("sku")) for each in products} - set(figures)
    shared = len(products) > 1 and not inventory.get("quantity_on_property")
    if shared and (others or len(set(figures.values())) > 1):
        return "The listing keeps one quantity for all its variations: let it vary by the property that has the SKU."
    if all(_quantity(each) == figures.get(str(each.get("sku")), _quantity(each)) for each in products):
        return ""  # it is so already
    given = {
        name: inventory.get(name) or []
        for name in ("price_on_property", "quantity_on_property", "sku_on_property", "readiness_state_on_property")
        if name in inventory
    }
    given["products"] = [_product(each, figures.get(str(each.get("sku")))) for each in products]
    try:
        call(connection, "PUT", path, purpose="set inventory", body=write_json(given))
    except http.FailedForGood as refused:
        if refused.status not in {400, 404, 409}:
            raise
        return str(refused)[:300]
    return ""


def _quantity(product: dict[str, Any]) -> int:
    return max((int(each.get("quantity") or 0) for each in tokens.listed(product, "offerings")), default=0)


def _product(product: dict[str, Any], units: int | None) -> dict[str, Any]:
    """A product as Etsy takes it: without the ids and words it gives out itself, and with this quantity."""
    offerings = []
    for each in tokens.listed(product, "offerings"):
        if each.get("is_deleted"):
            continue
        price = each.get("price") or {}
        kept = {name: each[name] for name in ("is_enabled", "readiness_state_id") if each.get(name) is not None}
        quantity = each.get("quantity") if units is None else units
        amount = Decimal(price.get("amount") or 0) / Decimal(price.get("divisor") or 1)
        offerings.append({"quantity": quantity, "price": amount, **kept})
    values = [
        {name: each.get(name) for name in ("property_id", "property_name", "scale_id", "value_ids", "values")}
        for each in tokens.listed(product, "property_values")
    ]
    return {"sku": product.get("sku") or "", "property_values": values, "offerings": offerings}
