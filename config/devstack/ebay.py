"""A seller's account that speaks the parts of eBay's Sell APIs Backroom uses, for tests and the demo.

Access tokens come for a refresh token and end; orders are listed by the window of their last change, in pages;
shipping_fulfillment makes a second fulfilment when it is asked twice, and answers 201 with a Location and no body; what
buyers are shown of an SKU is the smaller of its item's and its offer's figure.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler, Market, Told

_PATH = re.compile(r"/sell/fulfillment/v1/order(?:/([^/]+)(/shipping_fulfillment)?)?")
_KEYS = "/commerce/notification/v1/public_key/"
_STOCK = "/sell/inventory/v1"
_WINDOW = re.compile(r"lastmodifieddate:\[(.+)\.\.(.*)\]")


class Account(Market):
    def __init__(self, client: str, refresh_token: str):
        super().__init__()
        self.basic = "Basic " + base64.b64encode(client.encode()).decode()
        self.refresh_token = refresh_token
        self.keys: dict[str, str] = {}  # public ones, that notifications are signed with
        self.items: dict[str, int] = {}  # what there is of the inventory items; `stock` is what their offers show

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Told:
        with self.lock:
            authorization = headers.get("authorization", "")
            if path == "/identity/v1/oauth2/token":
                return self._token(body, authorization)
            scheme = "IAF " if path.startswith("/post-order/") else "Bearer "
            if not self.lets_in(authorization.removeprefix(scheme)):
                return 401, _error(1001, "Invalid access token")
            if path == f"{_STOCK}/inventory_item":
                at, size = int(query["offset"]), int(query["limit"])
                more = {"next": f"{path}?offset={at + size}"} if at + size < len(self.catalogue) else {}
                return 200, {"inventoryItems": self.catalogue[at : at + size], "total": len(self.catalogue), **more}
            if path == f"{_STOCK}/offer":
                return self._offers(query["sku"])
            if path == f"{_STOCK}/bulk_update_price_quantity":
                return self._set_stock(body)
            return self._of_orders(method, path, query, body)

    def _of_orders(self, method: str, path: str, query: dict[str, str], body: Any) -> Told:
        if path == "/post-order/v2/cancellation":
            self.orders[body["legacyOrderId"]]["cancelStatus"] = {"cancelState": "CANCELED", "cancelRequests": []}
            return 200, {"cancelId": "5000"}
        if path.startswith(_KEYS):
            return self._key(path.removeprefix(_KEYS))
        found = _PATH.fullmatch(path)
        if found is None or (found[1] and found[1] not in self.orders):
            return 404, _error(32100, "Invalid order ID")
        if not found[1]:
            return self._list(query, path)
        if method == "POST":
            return self._fulfil(found[1], path, body)
        if found[2]:
            made = self.told.get(found[1], [])
            return 200, {"fulfillments": made, "total": len(made)}
        return 200, self.orders[found[1]]

    def _key(self, name: str) -> Told:
        if name not in self.keys:
            return 404, _error(195016, "The public key was not found.")
        return 200, {"key": self.keys[name], "algorithm": "ECDSA", "digest": "SHA1"}

    def _token(self, form: dict[str, str], authorization: str) -> Told:
        if authorization != self.basic:
            return 401, {"error": "invalid_client", "error_description": "client authentication failed"}
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh_token:
            return 400, {"error": "invalid_grant", "error_description": "the provided refresh token is invalid"}
        return 200, {"access_token": self.grant(), "expires_in": 7200, "token_type": "User Access Token"}

    def _list(self, query: dict[str, str], path: str) -> Told:
        window = _WINDOW.fullmatch(query.get("filter", ""))
        if window is None:
            return 400, _error(30700, "Invalid filter")
        since, until = window.groups()
        found = [o for o in self.orders.values() if since <= o["lastModifiedDate"] <= (until or "9999")]
        limit, offset = int(query["limit"]), int(query.get("offset", "0"))
        page: dict[str, Any] = {"total": len(found), "limit": limit, "offset": offset, "href": path}
        if offset + limit < len(found):
            page["next"] = f"{path}?offset={offset + limit}"
        return 200, page | {"orders": found[offset : offset + limit]}

    def _fulfil(self, ref: str, path: str, given: dict[str, Any]) -> Told:
        if ("trackingNumber" in given) != ("shippingCarrierCode" in given) or not given.get("lineItems"):
            return 400, _error(32500, "Invalid shipment")
        made = self.told.setdefault(ref, [])
        number = given.get("trackingNumber")
        if not (number or "a").isalnum():
            return 400, _error(32310, "Invalid tracking number")
        ident = f"{number or 999}{len(made)}"
        made.append(
            {"fulfillmentId": ident, "shipmentTrackingNumber": number, "lineItems": given["lineItems"],
             "shippingCarrierCode": given.get("shippingCarrierCode")}
        )  # fmt: skip
        return 201, b"", {"Location": f"https://api.ebay.com{path}/{ident}"}

    def _offers(self, sku: str) -> Told:
        if sku not in self.stock:
            return 404, _error(25713, "This Offer is not available.")
        return 200, {"offers": [{"offerId": f"O-{sku}", "sku": sku, "status": "PUBLISHED"}], "total": 1}

    def _set_stock(self, given: dict[str, Any]) -> Told:
        told: list[dict[str, Any]] = []
        for row in given["requests"]:
            sku = row["sku"]
            self.items[sku] = row["shipToLocationAvailability"]["quantity"]
            told.append({"sku": sku, "statusCode": 200})
            for offer in row.get("offers", ()):
                self.stock[sku] = offer["availableQuantity"]
                told.append({"sku": sku, "offerId": offer["offerId"], "statusCode": 200})
        return 200, {"responses": told}

    def quantities(self) -> dict[str, int]:
        return {sku: min(units, self.items.get(sku, 0)) for sku, units in self.stock.items()}


def _error(number: int, words: str) -> dict[str, Any]:
    return {"errors": [{"errorId": number, "domain": "API_FULFILLMENT", "category": "REQUEST", "message": words}]}


class Server(LocalServer):
    def __init__(self, client: str, refresh_token: str, port: int = 0):
        self.shop = Account(client, refresh_token)
        super().__init__(Handler, port, shop=self.shop)
