"""Stock out to WooCommerce: absolute quantities of products and variations, in batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from integrations.channels.woocommerce import client
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

AT_ONCE = 100  # objects in one batch, WooCommerce's own limit


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """Tell WooCommerce these figures; one outcome for each item. Absolute figures, so a repeat changes nothing."""
    refs = _refs(connection, levels)
    batches: dict[str, list[tuple[Level, dict[str, Any]]]] = defaultdict(list)
    for level in levels:
        if ref := refs.get(level.item_id):
            parent, _, own = ref.rpartition("/")
            row = {"id": int(own), "manage_stock": True, "stock_quantity": level.total}
            batches[parent].append((level, row))
    problems: dict[int, str] = {}
    for parent, rows in batches.items():
        path = f"wc/v3/products/{parent}/variations/batch" if parent else "wc/v3/products/batch"
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            answer = client.call(
                connection, "POST", path, purpose="set stock", json={"update": [row for _, row in part]}
            )
            told = {each.get("id"): each for each in (answer or {}).get("update") or []}
            for level, row in part:
                found = told.get(row["id"])
                if found is None:
                    problems[level.item_id] = "WooCommerce's answer leaves it out."
                elif error := found.get("error"):
                    problems[level.item_id] = str(error.get("message"))[:300]
    return [
        Outcome(each.item_id, refs.get(each.item_id, ""), each.item_id not in refs, problems.get(each.item_id, ""))
        for each in levels
    ]


def _refs(connection: Connection, levels: Sequence[Level]) -> dict[int, str]:
    """{item: "product" or "product/variation"}: as kept, or as WooCommerce finds it by SKU."""
    known = {level.item_id: level.ref for level in levels if level.ref}
    codes = [code for level in levels if not level.ref for code in level.codes]
    found: dict[str, str] = {}
    for start in range(0, len(codes), AT_ONCE):
        asked = ",".join(codes[start : start + AT_ONCE])
        listed = client.call(connection, "GET", "wc/v3/products", purpose="find products", sku=asked, per_page=100)
        for each in listed or []:
            parent = each.get("parent_id") if each.get("type") == "variation" else 0
            found.setdefault(str(each.get("sku") or ""), f"{parent}/{each['id']}" if parent else str(each["id"]))
    for level in levels:
        ref = next((found[code] for code in level.codes if code in found), "")
        if ref and level.item_id not in known:
            known[level.item_id] = ref
    return known
