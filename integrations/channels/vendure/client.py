"""Calls to Vendure's admin API (GraphQL).

A shop's connection has the setting `admin_api` (https://shop.example/admin-api) and the secrets `username` and
`password` of an administrator. The session a login gives is used until Vendure refuses it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core.errors import Permanent
from integrations import http
from integrations.channels.news import ChangeMemory, ChangeNews, ShipmentNews
from integrations.channels.vendor import Document, Feed, Page
from integrations.channels.walking import Walk
from integrations.documents import write_json
from integrations.failures import FailureClass
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

PER_PAGE = 50
AT_ONCE = 50
_ADDRESS = "fullName company streetLine1 streetLine2 city province postalCode countryCode phoneNumber"
ORDER = f"""
  %(order)s id code state active createdAt updatedAt orderPlacedAt currencyCode totalWithTax shippingWithTax
  customer {{ id firstName lastName emailAddress phoneNumber }}
  shippingAddress {{ {_ADDRESS} }}
  billingAddress {{ {_ADDRESS} }}
  lines {{ %(line)s id quantity orderPlacedQuantity unitPriceWithTax productVariant {{ id sku name }} }}
  discounts {{ description amountWithTax }}
  surcharges {{ description priceWithTax }}
  shippingLines {{ priceWithTax discountedPriceWithTax shippingMethod {{ name }} }}
  taxSummary {{ description taxRate taxTotal }}
  payments {{
    id state amount method transactionId createdAt
    refunds {{ id state total reason createdAt lines {{ orderLineId quantity }} }}
  }}
  fulfillments {{ id state trackingCode method lines {{ orderLineId quantity }} }}
"""
_LOGIN = """
mutation Login($username: String!, $password: String!) {
  authenticate(input: { native: { username: $username, password: $password } }) {
    __typename
    ... on ErrorResult { errorCode message }
  }
}
"""
_ONE = f"query Order($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}"
_CHANGED = f"""
query Changed($since: DateTime!, $skip: Int!, $take: Int!) {{
  orders(options: {{
    filter: {{ updatedAt: {{ after: $since }}, active: {{ eq: false }} }}
    sort: {{ id: ASC }}, skip: $skip, take: $take
  }}) {{ totalItems items {{ {ORDER} }} }}
}}
"""
_FULFIL = """
mutation Fulfil($input: FulfillOrderInput!) {
  addFulfillmentToOrder(input: $input) {
    __typename
    ... on Fulfillment { id state }
    ... on ErrorResult { errorCode message }
  }
}
"""
_MOVE = """
mutation Move($id: ID!, $state: String!) {
  transitionFulfillmentToState(id: $id, state: $state) {
    __typename
    ... on Fulfillment { id state }
    ... on ErrorResult { errorCode message }
  }
}
"""
_CANCEL = """
mutation Cancel($input: CancelOrderInput!) {
  cancelOrder(input: $input) {
    __typename
    ... on Order { id state }
    ... on ErrorResult { errorCode message }
  }
}
"""
_VARIANTS = """
query Variants($skus: [String!]!, $ids: [String!]!) {
  bySku: productVariants(options: { filter: { sku: { in: $skus } }, take: 100 }) { items { ...V } }
  byId: productVariants(options: { filter: { id: { in: $ids } }, take: 100 }) { items { ...V } }
}
fragment V on ProductVariant { id sku stockLevels { stockLocationId stockOnHand stockAllocated } }
"""
_STOCK = """
mutation Stock($input: [UpdateProductVariantInput!]!) {
  updateProductVariants(input: $input) { id }
}
"""
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,99}")
_sessions: dict[UUID, str] = {}


def _asking(query: str, connection: Connection) -> str:
    """The query with the fields of the shop's own that the setting `custom_fields` names, of orders and their lines."""
    said = connection.settings.get("custom_fields") or {}
    named = {of: [str(name) for name in said.get(of) or ()] for of in ("order", "line")}
    if wrong := [name for names in named.values() for name in names if not _NAME.fullmatch(name)]:
        raise Permanent(
            f"{connection.name}: the setting custom_fields holds what is no field's name: {wrong[0][:40]!r}."
        )
    return query % {of: f"customFields {{ {' '.join(names)} }}" if names else "" for of, names in named.items()}


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("admin_api"))


def call(connection: Connection, document: str, variables: dict[str, Any], *, purpose: str) -> dict[str, Any]:
    """One GraphQL call; its `data`. A session that ended is begun again once."""
    fresh = connection.pk not in _sessions
    if fresh:
        _sessions[connection.pk] = _login(connection)
    answer, _ = _post(connection, document, variables, purpose, _sessions[connection.pk])
    if _code(answer) == "FORBIDDEN" and not fresh:
        _sessions[connection.pk] = _login(connection)
        answer, _ = _post(connection, document, variables, purpose, _sessions[connection.pk])
    if answer.get("errors"):
        words = str(answer["errors"][0].get("message"))[:300]
        kind = FailureClass.BAD_VALUE
        if _code(answer) == "FORBIDDEN":
            _sessions.pop(connection.pk, None)
            kind = FailureClass.AUTHENTICATION
        elif _code(answer) == "INTERNAL_SERVER_ERROR":
            raise http.FailedForNow(FailureClass.CONNECTION, f"Vendure stumbled: {words}")
        raise http.FailedForGood(kind, f"Vendure refuses the call: {words}")
    if not isinstance(answer.get("data"), dict):
        raise http.FailedForNow(FailureClass.CONNECTION, "Vendure answered without data.")
    return dict(answer["data"])


def _code(answer: dict[str, Any]) -> str:
    errors = answer.get("errors") or [{}]
    return str((errors[0].get("extensions") or {}).get("code") or "")


def _login(connection: Connection) -> str:
    given = {"username": connection.secret("username"), "password": connection.secret("password")}
    answer, token = _post(connection, _LOGIN, given, "log in", "")
    said = (answer.get("data") or {}).get("authenticate") or {}
    if said.get("__typename") != "CurrentUser" or not token:
        words = said.get("message") or "no session was given"
        raise http.FailedForGood(FailureClass.AUTHENTICATION, f"Vendure refuses our login: {words}")
    return token


def _post(
    connection: Connection, document: str, variables: dict[str, Any], purpose: str, session: str
) -> tuple[dict[str, Any], str]:
    url = str(connection.settings.get("admin_api") or "")
    if not url:
        raise Permanent(f"{connection.name} has no admin_api in its settings.")
    headers = {"Authorization": f"Bearer {session}"} if session else {}
    if channel := connection.settings.get("channel_token"):
        headers["vendure-token"] = str(channel)
    given = {"query": document, "variables": variables}
    answer = http.request(connection, "POST", url, purpose=purpose, headers=headers | _JSON, json=given)
    found = answer.json()
    if not isinstance(found, dict):
        raise http.FailedForNow(FailureClass.CONNECTION, "Vendure answered something that is no GraphQL answer.")
    return found, answer.headers.get("vendure-auth-token", "")


_JSON = {"Content-Type": "application/json"}

# --- Orders in


def changed_orders(connection: Connection, cursor: str) -> Page:
    walk = Walk.at(cursor, datetime.now(UTC))
    given = {"since": walk.since.isoformat(), "skip": (walk.page - 1) * PER_PAGE, "take": PER_PAGE}
    found = call(connection, _asking(_CHANGED, connection), given, purpose="ask for changed orders")["orders"]
    more = walk.page * PER_PAGE < int(found["totalItems"])
    return Page(tuple(map(_document, found["items"])), walk.onward(more=more), more)


def fetch(connection: Connection, what: str, ref: str) -> list[Document]:
    return [_document(_order(connection, ref))]


def _order(connection: Connection, ref: str) -> dict[str, Any]:
    found = call(connection, _asking(_ONE, connection), {"id": ref}, purpose="read order").get("order")
    if not isinstance(found, dict):
        raise Permanent(f"Vendure knows no order {ref}.")
    return found


def _document(order: dict[str, Any]) -> Document:
    states = "".join(str(each.get("state"))[:1] for each in order.get("fulfillments") or [])
    version = f"{order['updatedAt']}:{order['state']}:{len(order.get('payments') or [])}{states}"
    return Document(f"order:{order['id']}@{version}", "order", write_json({"order": order}))


FEEDS = (Feed("orders", "Orders", timedelta(minutes=2), changed_orders),)


# --- Out


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Make the fulfilment once and move it to Shipped: one under our number is there already."""
    number = news.tracking_number or news.reference
    there = _order(connection, news.order_ref).get("fulfillments") or []
    known = next((f for f in there if f.get("trackingCode") == number and f.get("state") != "Cancelled"), None)
    if known is None:
        units: Counter[str] = Counter()
        for ref, quantity in news.lines:
            units[ref] += quantity
        arguments = [{"name": "method", "value": news.carrier or "-"}, {"name": "trackingCode", "value": number}]
        given = {
            "lines": [{"orderLineId": ref, "quantity": count} for ref, count in units.items()],
            "handler": {"code": "manual-fulfillment", "arguments": arguments},
        }
        answer = call(connection, _FULFIL, {"input": given}, purpose="create fulfilment")["addFulfillmentToOrder"]
        known = _accepted(answer, "Fulfillment", "the fulfilment")
    if known["state"] in {"Created", "Pending"}:
        given = {"id": known["id"], "state": "Shipped"}
        answer = call(connection, _MOVE, given, purpose="ship fulfilment")["transitionFulfillmentToState"]
        _accepted(answer, "Fulfillment", "the shipment")
    return str(known["id"])


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    if not news.cancels:
        raise Permanent("Vendure is told of a cancelled order only: change it there.")
    if _order(connection, news.order_ref)["state"] == "Cancelled":
        return "It was cancelled at Vendure already."
    given = {"orderId": news.order_ref, "reason": f"Backroom {news.reference}", "cancelShipping": True}
    answer = call(connection, _CANCEL, {"input": given}, purpose="cancel order")["cancelOrder"]
    _accepted(answer, "Order", "the cancellation")
    return "It is cancelled at Vendure."


def _accepted(answer: dict[str, Any], kind: str, what: str) -> dict[str, Any]:
    if answer.get("__typename") != kind:
        words = answer.get("message") or answer.get("errorCode")
        raise http.FailedForGood(FailureClass.CONFLICT, f"Vendure refuses {what}: {words}")
    return answer


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """What may be sold: Vendure takes its own promises off what is on hand, so they are put on top of the figure."""
    place = str(connection.settings.get("stock_location") or "1")
    skus = [code for level in levels if not level.ref for code in level.codes]
    asked = {"skus": skus, "ids": [level.ref for level in levels if level.ref]}
    answer = call(connection, _VARIANTS, asked, purpose="find variants")
    variants = [*answer["bySku"]["items"], *answer["byId"]["items"]]
    by_sku, by_id = {each["sku"]: each for each in variants}, {str(each["id"]): each for each in variants}
    found: dict[int, dict[str, Any]] = {}
    for level in levels:
        variant = by_id.get(level.ref) or next((by_sku[code] for code in level.codes if code in by_sku), None)
        if variant:
            found[level.item_id] = variant
    rows = []
    for level in levels:
        if variant := found.get(level.item_id):
            promised = sum(
                int(at["stockAllocated"]) for at in variant["stockLevels"] if str(at["stockLocationId"]) == place
            )
            told = [{"stockLocationId": place, "stockOnHand": max(level.total, 0) + promised}]
            rows.append({"id": variant["id"], "trackInventory": "TRUE", "stockLevels": told})
    if rows:
        call(connection, _STOCK, {"input": rows}, purpose="set stock")
    return [
        Outcome(
            each.item_id, str(found[each.item_id]["id"]) if each.item_id in found else "", each.item_id not in found
        )
        for each in levels
    ]
