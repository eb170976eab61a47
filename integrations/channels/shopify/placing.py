"""Shopify's fulfilment orders follow ours: held while a hold stands here, moved to where the units leave from.

None of the calls has an idempotency key, so each try reads first and does only what isn't so there yet. A hold of ours
carries our handle; those of others are never touched. Where our places aren't mapped (`stock_locations` of the
connection's settings) nothing is moved (shopify.dev: fulfillmentOrderHold, fulfillmentOrderReleaseHold,
fulfillmentOrderMove).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from core.errors import Permanent
from integrations import http
from integrations.channels.news import Standing
from integrations.channels.shopify import client
from integrations.failures import FailureClass
from integrations.models import Connection

HOLDABLE = {"OPEN", "ON_HOLD"}
MOVES = 20  # of one order at a time: each changes what is there, so it is read again after each
WORDS = 255
REASONS = {"PAYMENT": "AWAITING_PAYMENT", "FRAUD": "HIGH_RISK_OF_FRAUD", "ADDRESS": "INCORRECT_ADDRESS"}

_PLAN = """
query Plan($id: ID!) {
  order(id: $id) {
    id
    cancelledAt
    fulfillmentOrders(first: 50) {
      nodes {
        id
        status
        assignedLocation { location { id } }
        fulfillmentHolds { id handle heldByRequestingApp }
        lineItems(first: 100) { nodes { id remainingQuantity lineItem { id } } }
      }
    }
  }
}
"""
_HOLD = """
mutation Hold($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
    fulfillmentHold { id }
    userErrors { field message }
  }
}
"""
_MOVE = """
mutation Move($id: ID!, $location: ID!, $lines: [FulfillmentOrderLineItemInput!]) {
  fulfillmentOrderMove(id: $id, newLocationId: $location, fulfillmentOrderLineItems: $lines) {
    movedFulfillmentOrder { id }
    userErrors { field message }
  }
}
"""


def tell_standing(connection: Connection, news: Standing) -> str:
    """Hold, release and move until Shopify's plan is ours; what was done, in words. Permanent with Shopify's words."""
    order = _plan(connection, news.order_ref)
    if order.get("cancelledAt"):
        return "Shopify has cancelled it."
    done: list[str] = []
    places = _mapped(connection, news)
    if not news.hold and client.release_ours(connection, order):
        done.append("Released.")
        order = _plan(connection, news.order_ref) if places else order
    moves = 0
    while moves < MOVES and (move := _next_move(order, Counter(places))):
        answer = client.call(connection, _MOVE, move, purpose="move fulfilment")["fulfillmentOrderMove"]
        _refuse(answer["userErrors"], "the move")
        order, moves = _plan(connection, news.order_ref), moves + 1
    if moves:
        done.append("Moved.")
    if news.hold and _hold(connection, order, news):
        done.append("Held.")
    return " ".join(done) or "Shopify says so already."


def _plan(connection: Connection, ref: str) -> dict[str, Any]:
    data = client.call(connection, _PLAN, {"id": client.gid("Order", ref)}, purpose="read fulfilment orders")
    order = data.get("order")
    if not isinstance(order, dict):
        raise Permanent(f"Shopify knows no order {ref}.")
    return order


def _mapped(connection: Connection, news: Standing) -> dict[tuple[str, str], int]:
    """(their line, their location) -> units, for our places they know."""
    theirs = connection.settings.get("stock_locations") or {}
    return {
        (client.gid("LineItem", ref), client.gid("Location", str(theirs[code]))): units
        for (ref, code), units in news.places.items()
        if theirs.get(code)
    }


def _hold(connection: Connection, order: dict[str, Any], news: Standing) -> int:
    hold = {"reason": REASONS.get(news.hold, "OTHER"), "reasonNotes": news.why[:WORDS], "handle": client.HANDLE}
    wanted = [
        each
        for each in order["fulfillmentOrders"]["nodes"]
        if each["status"] in HOLDABLE
        and not client.ours(each)
        and any(_open(line) for line in each["lineItems"]["nodes"])
    ]
    for each in wanted:
        given = {"id": each["id"], "hold": {**hold, "notifyMerchant": False}}
        answer = client.call(connection, _HOLD, given, purpose="hold fulfilment")["fulfillmentOrderHold"]
        _refuse(answer["userErrors"], "the hold")
    return len(wanted)


def _next_move(order: dict[str, Any], wanted: Counter[tuple[str, str]]) -> dict[str, Any] | None:
    """The units of one fulfilment order that should leave from one other place. What is wanted nowhere stays."""
    spare: list[tuple[str, dict[str, Any], int]] = []
    for each in order["fulfillmentOrders"]["nodes"]:
        place = ((each.get("assignedLocation") or {}).get("location") or {}).get("id") or ""
        for line in each["lineItems"]["nodes"]:
            key = (line["lineItem"]["id"], place)
            stays = min(_open(line), wanted[key])
            wanted[key] -= stays
            if each["status"] == "OPEN" and _open(line) > stays:
                spare.append((each["id"], line, _open(line) - stays))
    for fulfilment, line, _ in spare:
        for (ref, place), units in sorted((+wanted).items()):
            if ref == line["lineItem"]["id"] and units:
                lines = [
                    {"id": other["id"], "quantity": min(left, wanted[other["lineItem"]["id"], place])}
                    for home, other, left in spare
                    if home == fulfilment and wanted[other["lineItem"]["id"], place] > 0
                ]
                return {"id": fulfilment, "location": place, "lines": lines}
    return None


def _open(line: dict[str, Any]) -> int:
    return int(line["remainingQuantity"])


def _refuse(errors: list[dict[str, Any]], what: str) -> None:
    if errors:
        words = "; ".join(str(error.get("message")) for error in errors[:3])
        raise http.FailedForGood(FailureClass.CONFLICT, f"Shopify refuses {what}: {words}")
