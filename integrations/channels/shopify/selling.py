"""Stock out to Shopify: absolute available quantities, a batch in one mutation.

Shopify knows a quantity by inventory item and location. Which inventory item an SKU is, is asked once and then kept
with the publication. `stock_location` of the connection's settings names the Shopify location that carries the figure
for all; `stock_locations` maps our location codes to theirs where each is told its own.

The mutation is all or nothing, so what Shopify objects to is set aside and the rest sent again. changeFromQuantity is
null on purpose: Backroom is the source of truth, and a figure that waits for agreement with a stale one never arrives.
The idempotency key makes a repeat after a lost answer harmless.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from core.errors import Permanent
from integrations import http
from integrations.channels.shopify import client
from integrations.failures import FailureClass
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

AT_ONCE = 250  # quantities in one mutation, Shopify's own limit for input arrays
PROBLEMS_AT_MOST = 5  # times the rest is sent again without what was objected to

_ITEMS = """
query InventoryItems($query: String!) {
  productVariants(first: 250, query: $query) {
    nodes { sku inventoryItem { id } }
  }
}
"""

_SET = """
mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { code field message }
  }
}
"""


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """Tell Shopify these figures; one outcome for each item. Raises TryLater or Permanent where nothing was told."""
    refs = _refs(connection, levels)
    sold = [level for level in levels if level.item_id in refs]
    problems: dict[int, str] = {}
    quantities = [row for level in sold for row in _quantities(connection, level, refs[level.item_id], problems)]
    for start in range(0, len(quantities), AT_ONCE):
        _set(connection, quantities[start : start + AT_ONCE], f"{key}-{start}", problems)
    return [
        Outcome(level.item_id, refs.get(level.item_id, ""), level.item_id not in refs, problems.get(level.item_id, ""))
        for level in levels
    ]


def _refs(connection: Connection, levels: Sequence[Level]) -> dict[int, str]:
    """{item: Shopify's inventory item}, asked for where it isn't known. An item missing here isn't sold there."""
    known = {level.item_id: level.ref for level in levels if level.ref}
    wanted = {code: level.item_id for level in levels if not level.ref for code in reversed(level.codes)}
    if not wanted:
        return known
    codes = sorted(wanted)
    found: dict[str, str] = {}
    for start in range(0, len(codes), AT_ONCE):
        asked = " OR ".join(f"sku:{json.dumps(code, ensure_ascii=False)}" for code in codes[start : start + AT_ONCE])
        data = client.call(connection, _ITEMS, {"query": asked}, purpose="find inventory items")
        for node in (data.get("productVariants") or {}).get("nodes") or []:
            if node.get("inventoryItem"):
                found.setdefault(str(node.get("sku") or ""), str(node["inventoryItem"]["id"]))
    for level in levels:
        if not level.ref:
            ref = next((found[code] for code in level.codes if code in found), "")
            if ref:
                known[level.item_id] = ref
    return known


def _quantities(connection: Connection, level: Level, ref: str, problems: dict[int, str]) -> list[tuple[int, Any]]:
    """(item, quantity as Shopify takes it) for each location told of."""
    theirs = connection.settings.get("stock_locations") or {}
    if set(level.units) == {""}:
        places = {"": str(connection.settings.get("stock_location") or "")}
        if not places[""]:
            raise Permanent(f"{connection.name} has no stock_location in its settings: which location carries it?")
    else:
        places = {code: str(theirs[code]) for code in level.units if theirs.get(code)}
    if not places:
        problems[level.item_id] = "It lies at no location that is known there."
    return [
        (
            level.item_id,
            {
                "inventoryItemId": ref,
                "locationId": client.gid("Location", place),
                "quantity": level.units[code],
                "changeFromQuantity": None,
            },
        )
        for code, place in places.items()
    ]


def _set(connection: Connection, quantities: list[tuple[int, Any]], key: str, problems: dict[int, str]) -> None:
    """One mutation, again without the rows Shopify objects to. What it objects to is noted by item."""
    for attempt in range(PROBLEMS_AT_MOST):
        if not quantities:
            return
        given = {"name": "available", "reason": "correction", "quantities": [row for _, row in quantities]}
        answer = client.call(connection, _SET, {"input": given, "key": f"{key}-{attempt}"}, purpose="set stock")
        errors = (answer.get("inventorySetQuantities") or {}).get("userErrors") or []
        if not errors:
            return
        bad = {index: str(error.get("message")) for error in errors if (index := _row(error)) is not None}
        if not bad or max(bad) >= len(quantities):
            words = "; ".join(str(error.get("message")) for error in errors[:3])
            raise http.FailedForGood(FailureClass.BAD_VALUE, f"Shopify refuses the figures: {words}")
        for index, words in bad.items():
            problems[quantities[index][0]] = words[:300]
        quantities = [each for n, each in enumerate(quantities) if n not in bad]
    for item_id, _ in quantities:
        problems[item_id] = "Shopify kept objecting to figures sent together with this one."


def _row(error: dict[str, Any]) -> int | None:
    """Which of the quantities a user error speaks of: its field is a path such as input, quantities, 3, locationId."""
    for step in error.get("field") or []:
        if str(step).isdigit():
            return int(step)
    return None
