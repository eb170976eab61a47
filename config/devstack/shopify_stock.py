"""What the local shop keeps of stock: variants with their inventory items, and available quantities by location.

Copied from Shopify: quantities are set all or none, a bad row is a user error with its path, changeFromQuantity must be
given (null opts out of the comparison), and a mutation without an idempotency key is refused.
"""

from __future__ import annotations

import re
import threading
from typing import Any

LOCATIONS = tuple(f"gid://shopify/Location/{n}" for n in range(880, 890))
AT_ONCE = 250

SCHEMA: dict[str, dict[str, str]] = {
    "ProductVariantConnection": {"nodes": "ProductVariant", "pageInfo": "PageInfo"},
    "ProductVariant": {"id": "", "sku": "", "displayName": "", "price": "", "inventoryItem": "InventoryItem"},
    "InventoryItem": {"id": "", "sku": "", "tracked": ""},
    "InventorySetQuantitiesPayload": {
        "inventoryAdjustmentGroup": "InventoryAdjustmentGroup",
        "userErrors": "InventorySetQuantitiesUserError",
    },
    "InventoryAdjustmentGroup": {"id": "", "reason": ""},
    "InventorySetQuantitiesUserError": {"code": "", "field": "", "message": ""},
}


class Stock:
    """Everything about stock, under a lock of its own."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.items: dict[str, str] = {}  # sku: inventory item
        self.available: dict[tuple[str, str], int] = {}  # (inventory item, location): units
        self.answers: dict[str, Any] = {}  # idempotency key: what was answered
        self.writes = 0  # quantities set, repeats under the same key not counted
        self.not_stocked: set[str] = set()  # inventory items that no location stocks
        self.prices: dict[str, str] = {}  # sku: what the shop asks for it
        self.changed_at: dict[str, str] = {}  # sku: when its variant last changed
        self.last_id = 40_000_000_000_000

    def add(self, skus: list[str]) -> dict[str, str]:
        with self.lock:
            for sku in skus:
                if sku not in self.items:
                    self.last_id += 1
                    self.items[sku] = f"gid://shopify/InventoryItem/{self.last_id}"
            return {sku: self.items[sku] for sku in skus}

    def sku_of(self, variant: str) -> str | None:
        with self.lock:
            return next(
                (sku for sku, item in self.items.items() if item.rpartition("/")[2] == variant.rpartition("/")[2]), None
            )

    def levels(self) -> dict[str, dict[str, int]]:
        with self.lock:
            names = {item: sku for sku, item in self.items.items()}
            found: dict[str, dict[str, int]] = {}
            for (item, location), units in self.available.items():
                found.setdefault(names[item], {})[location] = units
            return found

    def variants(self, query: str, first: int = AT_ONCE, after: str = "") -> dict[str, Any]:
        """The variants whose SKU the query names, as `sku:"A" OR sku:"B"`, or a page of those changed since."""
        with self.lock:
            if since := re.fullmatch(r"updated_at:>='([^']+)'", query):
                found = [sku for sku in self.items if self.changed_at.get(sku, "9999") >= since[1]]
            else:
                wanted = re.findall(r'sku:"((?:[^"\\]|\\.)*)"', query)
                named = dict.fromkeys(each.replace('\\"', '"').replace("\\\\", "\\") for each in wanted)
                found = [sku for sku in named if sku in self.items]
            at = int(after or 0)
            more = at + first < len(found)
            onward = {"hasNextPage": more, "endCursor": str(at + first) if more else None}
            return {"nodes": [self._variant(sku) for sku in found[at : at + first]], "pageInfo": onward}

    def _variant(self, sku: str) -> dict[str, Any]:
        return {
            "id": self.items[sku].replace("InventoryItem", "ProductVariant"),
            "sku": sku,
            "displayName": f"Article {sku}",
            "price": self.prices.get(sku, "10.00"),
            "inventoryItem": {"id": self.items[sku], "sku": sku, "tracked": True},
        }

    def set_quantities(self, given: dict[str, Any], key: str | None) -> dict[str, Any]:
        """inventorySetQuantities: all of them, or user errors and none."""
        if not key:
            return _refused([("IDEMPOTENCY_KEY_REQUIRED", ["input"], "An idempotency key is required.")])
        with self.lock:
            if key in self.answers:
                return self.answers[key]
            rows = given.get("quantities") or []
            errors = self._errors(given, rows)
            if not errors:
                for row in rows:
                    self.available[row["inventoryItemId"], row["locationId"]] = row["quantity"]
                self.writes += len(rows)
                self.last_id += 1
                group = {"id": f"gid://shopify/InventoryAdjustmentGroup/{self.last_id}", "reason": given["reason"]}
                self.answers[key] = {"inventoryAdjustmentGroup": group, "userErrors": []}
                return self.answers[key]
        return _refused(errors)

    def _errors(self, given: dict[str, Any], rows: list[dict[str, Any]]) -> list[tuple[str, list[str], str]]:
        if given.get("name") not in {"available", "on_hand"} or not given.get("reason"):
            return [("INVALID_NAME", ["input", "name"], "The quantity name must be either 'available' or 'on_hand'.")]
        if len(rows) > AT_ONCE:
            return [("TOO_MANY", ["input", "quantities"], f"The input array size must be at most {AT_ONCE}.")]
        known, errors = set(self.items.values()), []
        for n, row in enumerate(rows):
            path = ["input", "quantities", str(n)]
            if row.get("inventoryItemId") not in known:
                words = "The specified inventory item could not be found."
                errors.append(("INVALID_INVENTORY_ITEM", [*path, "inventoryItemId"], words))
            elif row.get("locationId") not in LOCATIONS:
                errors.append(("INVALID_LOCATION", [*path, "locationId"], "The specified location could not be found."))
            elif row["inventoryItemId"] in self.not_stocked:
                words = "The specified inventory item is not stocked at the location."
                errors.append(("ITEM_NOT_STOCKED_AT_LOCATION", path, words))
            elif "changeFromQuantity" not in row:
                errors.append(("CHANGE_FROM_QUANTITY_REQUIRED", path, "changeFromQuantity must be given, or null."))
            elif row["changeFromQuantity"] not in {
                None,
                self.available.get((row["inventoryItemId"], row["locationId"]), 0),
            }:
                errors.append(("CHANGE_FROM_QUANTITY_STALE", path, "The changeFromQuantity is stale."))
            elif not 0 <= row["quantity"] <= 1_000_000_000:
                errors.append(("INVALID_QUANTITY_TOO_HIGH", [*path, "quantity"], "The quantity is out of range."))
        return errors


def _refused(errors: list[tuple[str, list[str], str]]) -> dict[str, Any]:
    said = [{"code": code, "field": field, "message": message} for code, field, message in errors]
    return {"inventoryAdjustmentGroup": None, "userErrors": said}
