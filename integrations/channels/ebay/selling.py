"""Stock out to eBay: quantities of inventory items and of their published offers, up to 25 SKUs in one call.

eBay shows the smaller of what the item and its offer say, so both are set; which offers an SKU has is read first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from integrations import http, tokens
from integrations.channels.ebay import client
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

AT_ONCE = 25
_INVENTORY = "/sell/inventory/v1"


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """Absolute figures, so a repeat changes nothing. A ref is the SKU there."""
    rows: dict[str, dict[str, Any]] = {}
    skus: dict[int, str] = {}
    for level in levels:
        for sku in [level.ref] if level.ref else level.codes:
            offers = _offers(connection, sku)
            if offers is not None:
                skus[level.item_id] = sku
                rows[sku] = _row(sku, offers, max(level.total, 0))
                break
    problems: dict[str, str] = {}
    listed = list(rows.values())
    for start in range(0, len(listed), AT_ONCE):
        problems |= _set(connection, listed[start : start + AT_ONCE])
    return [
        Outcome(
            each.item_id,
            skus.get(each.item_id, ""),
            each.item_id not in skus,
            problems.get(skus.get(each.item_id, ""), ""),
        )
        for each in levels
    ]


def _offers(connection: Connection, sku: str) -> list[str] | None:
    """The SKU's published offers; None where eBay has none of it at all."""
    path = f"{_INVENTORY}/offer?{urlencode({'sku': sku})}"
    try:
        answer = client.call(connection, "GET", path, purpose="find offers").json()
    except http.FailedForGood as refused:
        if refused.status == 404:
            return None
        raise
    return [str(each["offerId"]) for each in tokens.listed(answer, "offers") if each.get("status") == "PUBLISHED"]


def _row(sku: str, offers: list[str], units: int) -> dict[str, Any]:
    row: dict[str, Any] = {"sku": sku, "shipToLocationAvailability": {"quantity": units}}
    if offers:
        row["offers"] = [{"offerId": offer, "availableQuantity": units} for offer in offers]
    return row


def _set(connection: Connection, rows: list[dict[str, Any]]) -> dict[str, str]:
    """{SKU: why} of what eBay refuses; it answers for each SKU and each of its offers."""
    path = f"{_INVENTORY}/bulk_update_price_quantity"
    answer = client.call(connection, "POST", path, purpose="set stock", json={"requests": rows}).json()
    named = {offer["offerId"]: row["sku"] for row in rows for offer in row.get("offers", ())}
    problems: dict[str, str] = {}
    for each in tokens.listed(answer, "responses"):
        if int(each.get("statusCode") or 200) >= 300:
            sku = str(each.get("sku") or named.get(str(each.get("offerId")), ""))
            words = "; ".join(f"{e.get('errorId')}: {e.get('message')}" for e in tokens.listed(each, "errors"))
            problems[sku] = (words or f"eBay answered {each.get('statusCode')}.")[:300]
    return problems
