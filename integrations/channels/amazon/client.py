"""Calls to Amazon's Selling Partner API: orders and refunds read as they change, shipments told.

A connection has the settings `region` ("eu", "na" or "fe"; `api` is an endpoint of another kind, such as the sandbox),
`marketplaces` (ids), `seller_id` and `client_id`, and the secrets `client_secret` and `refresh_token` (Login with
Amazon). `orders` says which API lists orders: "v0" brings them without items, address and buyer, which are fetched one
by one with a restricted token; "2026-01-01", the usual, brings them whole.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from core.errors import Permanent
from integrations import aliases, http, tokens
from integrations.channels.amazon import orders_v0, quota, words
from integrations.channels.news import ShipmentNews
from integrations.channels.vendor import Document, Feed, Page
from integrations.channels.walking import Walk
from integrations.documents import write_json
from integrations.failures import FailureClass
from integrations.models import AliasKind, Connection

REGIONS = {
    "na": "https://sellingpartnerapi-na.amazon.com",
    "eu": "https://sellingpartnerapi-eu.amazon.com",
    "fe": "https://sellingpartnerapi-fe.amazon.com",
}
LOGIN = "https://api.amazon.com"
ENDED = (401, 403)  # an access token that is over is answered with 403
AT_ONCE = 100
NOT_YET = timedelta(minutes=2)  # Amazon doesn't list what changed within the last two minutes
FIRST = timedelta(days=2)
V0, WHOLE = "/orders/v0/orders", "/orders/2026-01-01/orders"
_PARTS = "BUYER,RECIPIENT,FULFILLMENT,PROCEEDS,PROMOTION,CANCELLATION,PACKAGES,TAX"


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("region") or connection.settings.get("api"))


# --- One call


def call(connection: Connection, method: str, path: str, *, operation: str, json: Any = None, **asked: Any) -> Any:
    """One call; None for an answer without a body."""
    return _answered(connection, method, path, operation=operation, json=json, asked=asked)


def _answered(
    connection: Connection,
    method: str,
    path: str,
    *,
    operation: str,
    json: Any = None,
    asked: dict[str, Any],
    restricted: bool = False,
) -> Any:
    url = f"{base(connection)}{path}" + (f"?{urlencode(asked)}" if asked else "")

    def make(token: str) -> http.Answer:
        quota.take(connection, operation)
        headers = {"x-amz-access-token": token}
        try:
            answer = http.request(connection, method, url, purpose=operation, headers=headers, json=json)
        except http.FailedForNow as later:
            if later.failure_class == FailureClass.RATE_LIMIT:
                quota.exceeded(connection, operation)
            raise
        quota.learn(connection, operation, answer.headers)
        return answer

    client, secret, refresh = tokens.needed(connection, ["client_id"], ["client_secret", tokens.REFRESH])

    def renew() -> tuple[str, float]:
        form = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": client, "client_secret": secret}
        login = str(connection.settings.get("login") or LOGIN).rstrip("/")
        return tokens.lasting(tokens.ask(connection, f"{login}/auth/o2/token", form))

    if restricted:
        answer = tokens.call(
            connection, f"restricted {refresh}{secret}", lambda: _restricted(connection), make, ended=ENDED
        )
    else:
        answer = tokens.call(connection, refresh + secret, renew, make, ended=ENDED)
    return answer.json() if answer.body.strip() else None


def base(connection: Connection) -> str:
    named = str(connection.settings.get("api") or REGIONS.get(str(connection.settings.get("region")), ""))
    if not named:
        raise Permanent(f"{connection.name} names no region that Amazon has: one of {', '.join(REGIONS)}.")
    return named.rstrip("/")


def marketplaces(connection: Connection) -> str:
    named = connection.settings.get("marketplaces")
    if not isinstance(named, list) or not named:
        raise Permanent(f"{connection.name} names no marketplaces in its settings.")
    return ",".join(map(str, named))


def seller(connection: Connection) -> str:
    named = str(connection.settings.get("seller_id") or "")
    if not named:
        raise Permanent(f"{connection.name} has no seller_id in its settings.")
    return named


def _restricted(connection: Connection) -> tuple[str, float]:
    """A token that may read buyers and addresses, of any order."""
    resource = {"method": "GET", "path": f"{V0}/{{orderId}}", "dataElements": ["buyerInfo", "shippingAddress"]}
    path, given = "/tokens/2021-03-01/restrictedDataToken", {"restrictedResources": [resource]}
    answer = call(connection, "POST", path, operation="createRestrictedDataToken", json=given)
    return str(answer["restrictedDataToken"]), float(answer.get("expiresIn") or 0)


# --- Orders and refunds in


def changed_orders(connection: Connection, cursor: str) -> Page:
    walk = Walk.at(cursor, datetime.now(UTC), first=FIRST)
    list_them = _listed_v0 if connection.settings.get("orders") == "v0" else _listed_whole
    try:
        found, following = list_them(connection, walk)
    except http.FailedForGood as refused:
        return walk.afresh(refused)
    return Page(tuple(found), walk.onward(more=bool(following), token=following), bool(following))


def _listed_v0(connection: Connection, walk: Walk) -> tuple[list[Document], str]:
    asked: dict[str, Any] = {"MarketplaceIds": marketplaces(connection)}
    if walk.token:
        asked |= {"NextToken": walk.token}
    else:
        asked |= {"LastUpdatedAfter": written(walk.since), "LastUpdatedBefore": written(walk.began - NOT_YET)}
        asked |= {"MaxResultsPerPage": AT_ONCE}
    answer = (call(connection, "GET", V0, operation="getOrders", **asked) or {}).get("payload") or {}
    documents = [
        Document(f"order:{each.get('AmazonOrderId')}@{each.get('LastUpdateDate')}", "", write_json(each))
        for each in tokens.listed(answer, "Orders")
    ]
    return documents, str(answer.get("NextToken") or "")


def _listed_whole(connection: Connection, walk: Walk) -> tuple[list[Document], str]:
    asked: dict[str, Any] = {
        "marketplaceIds": marketplaces(connection),
        "lastUpdatedAfter": written(walk.since),
        "lastUpdatedBefore": written(walk.began - NOT_YET),
        "includedData": _PARTS,
        "maxResultsPerPage": AT_ONCE,
    } | ({"paginationToken": walk.token} if walk.token else {})
    answer = call(connection, "GET", WHOLE, operation="searchOrders", **asked) or {}
    return [_whole(each) for each in tokens.listed(answer, "orders")], _next(answer)


def _next(answer: dict[str, Any]) -> str:
    return str((answer.get("pagination") or {}).get("nextToken") or "")


def _whole(order: dict[str, Any]) -> Document:
    return Document(f"order:{order.get('orderId')}@{order.get('lastUpdatedTime')}", "", write_json(order))


def fetch(connection: Connection, what: str, ref: str) -> list[Document]:
    """An order with all that Amazon keeps of it."""
    if what != "order":
        raise Permanent(f"Amazon is not asked for {what}.")
    if connection.settings.get("orders") != "v0":
        return [_whole(whole(connection, ref))]
    path = f"{V0}/{quote(ref, safe='')}"
    order = call(connection, "GET", path, operation="getOrder")["payload"]
    state = orders_v0.STATES.get(str(order.get("OrderStatus")).upper())
    if order.get("FulfillmentChannel") == "MFN" and state == words.OPEN:
        order = _answered(connection, "GET", path, operation="getOrder", asked={}, restricted=True)["payload"]
    document = write_json({"payload": order | {"OrderItems": _items(connection, path)}})
    return [Document(f"order:{ref}@{order.get('LastUpdateDate')}:whole", "", document)]


def whole(connection: Connection, ref: str) -> dict[str, Any]:
    answer = call(connection, "GET", f"{WHOLE}/{quote(ref, safe='')}", operation="getOrder", includedData=_PARTS)
    found = answer.get("order") if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise Permanent(f"Amazon's answer holds no order {ref}.")
    return found


def _items(connection: Connection, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {}
    while True:
        answer = call(connection, "GET", f"{path}/orderItems", operation="getOrderItems", **asked)["payload"]
        found += tokens.listed(answer, "OrderItems")
        if not answer.get("NextToken"):
            return found
        asked = {"NextToken": answer["NextToken"]}


def refunds(connection: Connection, cursor: str) -> Page:
    """Refunds as the financial events tell of them, one document each."""
    walk = Walk.at(cursor, datetime.now(UTC), first=FIRST)
    window = {"PostedAfter": written(walk.since), "PostedBefore": written(walk.began - NOT_YET)}
    asked = {"NextToken": walk.token} if walk.token else {**window, "MaxResultsPerPage": AT_ONCE}
    try:
        answer = call(connection, "GET", "/finances/v0/financialEvents", operation="listFinancialEvents", **asked)
    except http.FailedForGood as refused:
        return walk.afresh(refused)
    payload = (answer or {}).get("payload") or {}
    documents = []
    for event in tokens.listed(payload.get("FinancialEvents"), "RefundEventList"):
        body = write_json({"payload": {"FinancialEvents": {"RefundEventList": [event]}}})
        name = f"refund:{event.get('AmazonOrderId')}@{event.get('PostedDate')}:{zlib.crc32(body):08x}"
        documents.append(Document(name, "", body))
    following = str(payload.get("NextToken") or "")
    return Page(tuple(documents), walk.onward(more=bool(following), token=following), bool(following))


FEEDS = (
    Feed("orders", "Changed orders", timedelta(minutes=5), changed_orders),
    Feed("refunds", "Refunds", timedelta(minutes=30), refunds),
)


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- Shipments out


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Confirm the package, once: Amazon knows packages by a number of ours, and those it has are read first.

    The number is made of our reference, because Amazon takes digits only; a repeat under it would not make a second.
    """
    number = str(zlib.crc32(news.reference.encode()) or 1)
    order = whole(connection, news.order_ref)
    for each in tokens.listed(order, "packages"):
        known = str(each.get("trackingNumber") or "")
        if str(each.get("packageReferenceId")) == number or (known and known == news.tracking_number):
            return str(each.get("packageReferenceId"))
    codes = aliases.outward(connection, AliasKind.CARRIER, "carriers")
    code = str(codes.get(news.carrier) or "Other")
    package = {
        "packageReferenceId": number,
        "carrierCode": code,
        **({"carrierName": news.carrier or "Other"} if code == "Other" else {}),
        "trackingNumber": news.tracking_number,
        "shipDate": written(datetime.now(UTC)),
        "orderItems": [{"orderItemId": ref, "quantity": units} for ref, units in news.lines],
    }
    place = (order.get("salesChannel") or {}).get("marketplaceId")
    path = f"{V0}/{quote(news.order_ref, safe='')}/shipmentConfirmation"
    given = {"marketplaceId": place, "packageDetail": package}
    call(connection, "POST", path, operation="confirmShipment", json=given)
    return number
