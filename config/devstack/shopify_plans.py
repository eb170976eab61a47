"""What the local shop does with fulfilment orders: holds them, lets them go and moves units between locations.

Copied from Shopify: only what is open can be held or moved; a handle is an app's once on a fulfilment order; units
that are moved join what is open at the location, and a fulfilment order left without units is gone.
"""

from __future__ import annotations

from typing import Any

HOLD_REASONS = {
    "AWAITING_PAYMENT", "AWAITING_RETURN_ITEMS", "HIGH_RISK_OF_FRAUD", "INCORRECT_ADDRESS", "INVENTORY_OUT_OF_STOCK",
    "ONLINE_STORE_POST_PURCHASE_CROSS_SELL", "OTHER", "UNKNOWN_DELIVERY_DATE",
}  # fmt: skip
ANSWERS = {
    "fulfillmentOrderHold": "fulfillmentHold",
    "fulfillmentOrderReleaseHold": "fulfillmentOrder",
    "fulfillmentOrderMove": "movedFulfillmentOrder",
}


class No(Exception):
    """A user error."""


def resolve(shop: Any, name: str, given: dict[str, Any]) -> dict[str, Any]:
    try:
        order, found = _find(shop, str(given["id"]))
        if name == "fulfillmentOrderHold":
            made = _hold(shop, found, given["fulfillmentHold"])
        elif name == "fulfillmentOrderReleaseHold":
            made = _release(found, given.get("holdIds"))
        else:
            made = _move(shop, order, found, str(given["newLocationId"]), given.get("fulfillmentOrderLineItems"))
    except No as no:
        return {ANSWERS[name]: None, "userErrors": [{"field": ["id"], "message": str(no)}]}
    shop.keep(order)
    return {ANSWERS[name]: made, "userErrors": []}


def _find(shop: Any, gid: str) -> tuple[dict[str, Any], dict[str, Any]]:
    for order in shop.orders.values():
        for each in order["fulfillmentOrders"]["nodes"]:
            if each["id"] == gid:
                return order, each
    raise No("Fulfillment order does not exist.")


def _hold(shop: Any, found: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    if given.get("reason") not in HOLD_REASONS:
        raise ValueError("Variable of type FulfillmentOrderHoldInput! was provided invalid value for reason")
    if found["status"] not in {"OPEN", "ON_HOLD"}:
        raise No("The fulfillment order is not in a state that can be held.")
    holds = found.setdefault("fulfillmentHolds", [])
    if any(hold["handle"] == given.get("handle") for hold in holds):
        raise No("The handle provided for the fulfillment hold is already in use by this app for another hold.")
    made = {
        "id": shop.new_id("FulfillmentHold"), "handle": given.get("handle"), "reason": given["reason"],
        "reasonNotes": given.get("reasonNotes"), "heldByRequestingApp": True,
    }  # fmt: skip
    holds.append(made)
    found["status"] = "ON_HOLD"
    return made


def _release(found: dict[str, Any], ids: list[str] | None) -> dict[str, Any]:
    if found["status"] != "ON_HOLD":
        raise No("The fulfillment order is not on hold.")
    left = [hold for hold in found.get("fulfillmentHolds") or [] if ids is not None and hold["id"] not in ids]
    found |= {"fulfillmentHolds": left, "status": "ON_HOLD" if left else "OPEN"}
    return found


def _move(
    shop: Any, order: dict[str, Any], found: dict[str, Any], location: str, wanted: list[dict[str, Any]] | None
) -> dict[str, Any]:
    if found["status"] != "OPEN":
        raise No("Cannot change location: the fulfillment order is not open.")
    if found["assignedLocation"]["location"]["id"] == location:
        raise No("The fulfillment order is assigned to this location already.")
    lines = {line["id"]: line for line in found["lineItems"]["nodes"]}
    units = {each["id"]: each["quantity"] for each in wanted or ()} or {
        line["id"]: line["remainingQuantity"] for line in lines.values()
    }
    if any(gid not in lines or not 0 < n <= lines[gid]["remainingQuantity"] for gid, n in units.items()):
        raise No("Invalid fulfillment order line item quantity requested.")
    home = next((each for each in order["fulfillmentOrders"]["nodes"] if _is_open_at(each, location)), None)
    if home is None:
        name = location.rpartition("/")[2]
        home = {
            "id": shop.new_id("FulfillmentOrder"), "status": "OPEN", "lineItems": {"nodes": []},
            "assignedLocation": {"name": name, "location": {"id": location, "name": name}},
        }  # fmt: skip
        order["fulfillmentOrders"]["nodes"].append(home)
    for gid, n in units.items():
        lines[gid]["remainingQuantity"] -= n
        lines[gid]["totalQuantity"] -= n
        home["lineItems"]["nodes"].append(shop.fulfilment_line(lines[gid]["lineItem"] | {"quantity": n}))
    found["lineItems"]["nodes"] = [line for line in lines.values() if line["totalQuantity"]]
    nodes = order["fulfillmentOrders"]["nodes"]
    order["fulfillmentOrders"]["nodes"] = [each for each in nodes if each["lineItems"]["nodes"]]
    return home


def _is_open_at(each: dict[str, Any], location: str) -> bool:
    return each["status"] == "OPEN" and each["assignedLocation"]["location"]["id"] == location
