"""Stock out: what Square may sell at a location, as a physical count (developer.squareup.com: BatchChangeInventory).

A count is absolute and repeats under one idempotency key, so saying it twice changes nothing. `stock_location` of the
settings names the one location that is told the figure for all our places; `stock_locations` maps ours to theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from integrations import http, tokens
from integrations.channels.square import client
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

AT_ONCE = 100  # changes in one call
ASKED_AT_ONCE = 250  # SKUs in one search


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    refs = _variations(connection, levels)
    theirs = {"": str(connection.settings.get("stock_location") or "")}
    theirs |= {ours: str(place) for ours, place in (connection.settings.get("stock_locations") or {}).items()}
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    rows: list[tuple[int, dict[str, Any]]] = []
    for level in levels:
        for place, units in level.units.items():
            if level.item_id in refs and theirs.get(place):
                rows.append((level.item_id, _count(refs[level.item_id], theirs[place], units, moment)))
    problems: dict[int, str] = {}
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        once = hashlib.sha256(f"{key}/{start}/{moment}".encode()).hexdigest()[:60]
        given = {"idempotency_key": once, "changes": [row for _, row in part], "ignore_unchanged_counts": True}
        try:
            client.call(connection, "POST", "/v2/inventory/changes/batch-create", purpose="set stock", json=given)
        except http.FailedForGood as refused:
            if refused.status not in {400, 404}:
                raise
            problems |= {item: str(refused)[:300] for item, _ in part}
    told = {item for item, _ in rows}
    unplaced = "It lies at no place that is a location there."
    return [
        Outcome(
            each.item_id,
            refs.get(each.item_id, ""),
            each.item_id not in refs,
            problems.get(each.item_id, "" if each.item_id in told or each.item_id not in refs else unplaced),
        )
        for each in levels
    ]


def _count(variation: str, location: str, units: int, moment: str) -> dict[str, Any]:
    counted = {
        "catalog_object_id": variation,
        "state": "IN_STOCK",
        "location_id": location,
        "quantity": str(max(units, 0)),
        "occurred_at": moment,
    }
    return {"type": "PHYSICAL_COUNT", "physical_count": counted}


def _variations(connection: Connection, levels: Sequence[Level]) -> dict[int, str]:
    """The variation each item is sold as, looked up by its codes where nobody has told yet."""
    known = {level.item_id: level.ref for level in levels if level.ref}
    codes = sorted({code for level in levels if not level.ref for code in level.codes})
    found = {code: code.removeprefix("variation:") for code in codes if code.startswith("variation:")}
    asked = [code for code in codes if code not in found]
    for start in range(0, len(asked), ASKED_AT_ONCE):
        part = asked[start : start + ASKED_AT_ONCE]
        query = {"set_query": {"attribute_name": "sku", "attribute_values": part}}
        given = {"object_types": ["ITEM_VARIATION"], "query": query, "limit": 1000}
        answer = client.call(connection, "POST", "/v2/catalog/search", purpose="find variations", json=given)
        for each in tokens.listed(answer, "objects"):
            sku = str((each.get("item_variation_data") or {}).get("sku") or "")
            found.setdefault(sku, str(each.get("id")))
    for level in levels:
        ref = next((found[code] for code in level.codes if code in found), "")
        if ref and level.item_id not in known:
            known[level.item_id] = ref
    return known
