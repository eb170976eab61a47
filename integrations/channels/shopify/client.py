"""Calls to Shopify's GraphQL Admin API (shopify.dev: fulfillmentCreate, API limits, status and error codes).

A shop's connection has the settings `shop` (https://name.myshopify.com) and `api_version`, and the secret `token`.
GraphQL errors come with status 200: THROTTLED waits for the bucket to refill, INTERNAL_SERVER_ERROR is tried again, the
rest is for good; `userErrors` are the business saying no.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container
from decimal import Decimal
from typing import Any

from core.errors import Permanent
from integrations import breaker, http
from integrations.channels.news import ShipmentNews
from integrations.failures import FailureClass
from integrations.models import Connection

API_VERSION = "2026-07"
ACCESS_TOKEN = "token"  # noqa: S105  (the name of a secret, not one)

_ORDER = """
query OrderToFulfil($id: ID!) {
  order(id: $id) {
    id
    cancelledAt
    fulfillments(first: 50) {
      id
      status
      trackingInfo(first: 10) { number }
      fulfillmentLineItems(first: 100) { nodes { quantity lineItem { id } } }
    }
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

_FULFIL = """
mutation Fulfil($fulfillment: FulfillmentInput!, $message: String) {
  fulfillmentCreate(fulfillment: $fulfillment, message: $message) {
    fulfillment { id status }
    userErrors { field message }
  }
}
"""

_RELEASE = """
mutation Release($id: ID!, $holds: [ID!]) {
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holds) {
    fulfillmentOrder { id status }
    userErrors { field message }
  }
}
"""

HANDLE = "backroom"  # of our holds on a fulfilment order
# Statuses of a fulfilment order from which units can still be fulfilled.
_FULFILLABLE = {"OPEN", "IN_PROGRESS"}
_VOID = {"CANCELLED", "ERROR", "FAILURE"}


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("shop"))


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Make Shopify's fulfilment of this shipment, exactly once; returns its id.

    fulfillmentCreate has no idempotency key, so before each try the order is read: what is already fulfilled under our
    number is not fulfilled again. A shipment without tracking number goes under our own reference. What has left is
    held no more: our holds on it are released first.
    """
    number = news.tracking_number or news.reference
    order = _order(connection, news.order_ref)
    told, known = _already_told(order, number)
    wanted = Counter({f"gid://shopify/LineItem/{ref}": units for ref, units in news.lines})
    wanted.subtract(told)
    wanted = +wanted
    if not wanted:
        return known
    if release_ours(connection, order, lines=wanted):
        order = _order(connection, news.order_ref)
    tracking = {"number": number, "company": news.carrier or None, "url": news.tracking_url or None}
    for parts in _by_location(order, wanted):
        known = _fulfil(connection, parts, {key: value for key, value in tracking.items() if value}, news.reference)
    return known


def _order(connection: Connection, ref: str) -> dict[str, Any]:
    data = call(connection, _ORDER, {"id": f"gid://shopify/Order/{ref}"}, purpose="read order to fulfil")
    order = data.get("order")
    if not isinstance(order, dict):
        raise Permanent(f"Shopify knows no order {ref}.")
    return order


def ours(fulfilment_order: dict[str, Any]) -> list[str]:
    """Ids of our holds on it."""
    found = fulfilment_order.get("fulfillmentHolds") or []
    return [hold["id"] for hold in found if hold["heldByRequestingApp"] and hold["handle"] == HANDLE]


def release_ours(connection: Connection, order: dict[str, Any], *, lines: Container[str] | None = None) -> int:
    """Take our holds off the order's fulfilment orders (those with one of these lines); off how many."""
    released = 0
    for each in order["fulfillmentOrders"]["nodes"]:
        touched = lines is None or any(line["lineItem"]["id"] in lines for line in each["lineItems"]["nodes"])
        if touched and (held := ours(each)):
            answer = call(connection, _RELEASE, {"id": each["id"], "holds": held}, purpose="release fulfilment")
            if errors := answer["fulfillmentOrderReleaseHold"]["userErrors"]:
                words = "; ".join(str(error.get("message")) for error in errors[:3])
                raise http.FailedForGood(FailureClass.CONFLICT, f"Shopify refuses the release: {words}")
            released += 1
    return released


def _already_told(order: dict[str, Any], number: str) -> tuple[Counter[str], str]:
    """Units fulfilled under our number, and the id of that fulfilment."""
    units: Counter[str] = Counter()
    known = ""
    for fulfilment in order.get("fulfillments") or []:
        numbers = [tracking.get("number") for tracking in fulfilment.get("trackingInfo") or []]
        if fulfilment.get("status") in _VOID or number not in numbers:
            continue
        known = fulfilment["id"]
        for line in fulfilment["fulfillmentLineItems"]["nodes"]:
            units[line["lineItem"]["id"]] += int(line["quantity"])
    return units, known


def _by_location(order: dict[str, Any], wanted: Counter[str]) -> list[list[dict[str, Any]]]:
    """The wanted units spread over open fulfilment orders; one list per location, as one fulfilment has one location.

    Permanent when Shopify has fewer units left to fulfil than have left: somebody fulfilled or cancelled them there.
    """
    left = Counter(wanted)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in order["fulfillmentOrders"]["nodes"]:
        if each["status"] not in _FULFILLABLE:
            continue
        taken = []
        for line in each["lineItems"]["nodes"]:
            units = min(left[line["lineItem"]["id"]], int(line["remainingQuantity"]))
            if units > 0:
                taken.append({"id": line["id"], "quantity": units})
                left[line["lineItem"]["id"]] -= units
        if taken:
            location = ((each.get("assignedLocation") or {}).get("location") or {}).get("id") or ""
            found[location].append({"fulfillmentOrderId": each["id"], "fulfillmentOrderLineItems": taken})
    missing = +left
    if missing:
        lines = ", ".join(f"{units} of line {gid.rpartition('/')[2]}" for gid, units in sorted(missing.items()))
        state = (
            "the order is cancelled there" if order.get("cancelledAt") else "somebody fulfilled or removed them there"
        )
        raise Permanent(f"Shopify has no open units left for {lines}: {state}.")
    return list(found.values())


def _fulfil(connection: Connection, parts: list[dict[str, Any]], tracking: dict[str, str], reference: str) -> str:
    given = {
        "lineItemsByFulfillmentOrder": parts,
        "trackingInfo": tracking,
        "notifyCustomer": bool(connection.settings.get("notify_customer", True)),
    }
    answer = call(
        connection, _FULFIL, {"fulfillment": given, "message": f"Backroom {reference}"}, purpose="create fulfilment"
    )["fulfillmentCreate"]
    if answer["userErrors"]:
        words = "; ".join(str(error.get("message")) for error in answer["userErrors"][:3])
        raise http.FailedForGood(FailureClass.CONFLICT, f"Shopify refuses the fulfilment: {words}")
    return str(answer["fulfillment"]["id"])


def gid(kind: str, ref: str) -> str:
    """Shopify's global id, whether `ref` is one already or only its number."""
    return ref if ref.startswith("gid://") else f"gid://shopify/{kind}/{ref}"


def call(connection: Connection, document: str, variables: dict[str, Any], *, purpose: str) -> dict[str, Any]:
    """One GraphQL call; its `data`. Raises as http.request does, and for GraphQL's own errors."""
    asked = {"query": document, "variables": variables}
    answer = _ask(connection, "POST", "graphql", purpose=purpose, json=asked)
    if not isinstance(answer, dict):
        raise http.FailedForNow(FailureClass.CONNECTION, "Shopify answered something that is no GraphQL answer.")
    if answer.get("errors"):
        _raise(connection, answer)
    data = answer.get("data")
    if not isinstance(data, dict):
        raise http.FailedForNow(FailureClass.CONNECTION, "Shopify answered without data.")
    return data


def rest(connection: Connection, path: str, *, purpose: str) -> dict[str, Any]:
    """A document in the form webhooks have. Raises as http.request does."""
    answer = _ask(connection, "GET", path, purpose=purpose)
    if not isinstance(answer, dict):
        raise http.FailedForNow(FailureClass.CONNECTION, "Shopify answered something that is no document.")
    return answer


def _ask(connection: Connection, method: str, path: str, *, purpose: str, json: Any = None) -> Any:
    shop = str(connection.settings.get("shop", "")).rstrip("/")
    version = connection.settings.get("api_version") or API_VERSION
    if not shop:
        raise Permanent(f"{connection.name} has no shop address in its settings.")
    headers = {"X-Shopify-Access-Token": connection.secret(ACCESS_TOKEN)}
    url = f"{shop}/admin/api/{version}/{path}.json"
    return http.request(connection, method, url, purpose=purpose, headers=headers, json=json).json()


def _raise(connection: Connection, answer: dict[str, Any]) -> None:
    errors = answer["errors"]
    first: dict[str, Any] = {"message": str(errors)}
    if isinstance(errors, list) and isinstance(errors[0], dict):
        first = errors[0]
    code = str((first.get("extensions") or {}).get("code") or "").upper()
    message = str(first.get("message", ""))[:300]
    if code == "THROTTLED" or (not code and message.lower() == "throttled"):
        seconds = _until_refilled(answer)
        breaker.hold(connection.pk, seconds)
        raise http.FailedForNow(FailureClass.RATE_LIMIT, "Shopify's rate limit is used up.", seconds=seconds)
    if code in {"INTERNAL_SERVER_ERROR", "TIMEOUT"}:
        raise http.FailedForNow(FailureClass.CONNECTION, f"Shopify stumbled: {message}")
    kind = FailureClass.AUTHENTICATION if code == "ACCESS_DENIED" else FailureClass.BAD_VALUE
    raise http.FailedForGood(kind, f"Shopify refuses the call: {message}")


def _until_refilled(answer: dict[str, Any]) -> float:
    """Seconds until the bucket holds what the call costs, by the figures Shopify sends along."""
    cost = (answer.get("extensions") or {}).get("cost") or {}
    bucket = cost.get("throttleStatus") or {}
    try:
        lacking = Decimal(cost["requestedQueryCost"]) - Decimal(bucket["currentlyAvailable"])
        return float(min(max(lacking / Decimal(bucket["restoreRate"]), Decimal(1)), Decimal(120)))
    except (KeyError, TypeError, ArithmeticError):
        return 2.0
