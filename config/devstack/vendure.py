"""A Vendure shop for tests: the part of its admin API that Backroom asks, by the names of the operations.

Errors of the business come as results with a typename, those of GraphQL with status 200; a session is given by a header
and ends when told. A fulfilment asked for twice is made twice while there are units left.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from typing import Any

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler

Told = tuple[int, Any] | tuple[int, Any, dict[str, str]]
_MOVES = {"Pending": "Shipped", "Created": "Pending"}


class Shop:
    def __init__(self, username: str, password: str):
        self.username, self.password = username, password
        self.sessions: set[str] = set()
        self.orders: dict[str, dict[str, Any]] = {}
        self.variants: dict[str, dict[str, Any]] = {}
        self.faults: Counter[str] = Counter()
        self._given = 0

    def add_order(self, order: dict[str, Any]) -> None:
        self.orders[order["id"]] = order

    def put_on_sale(self, *skus: str, promised: int = 0) -> None:
        for sku in skus:
            level = {"stockLocationId": "1", "stockOnHand": 0, "stockAllocated": promised}
            number = str(len(self.variants) + 1)
            self.variants[number] = {"id": number, "sku": sku, "stockLevels": [level]}

    def end_sessions(self) -> None:
        self.sessions.clear()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Told:
        named = re.match(r"\s*(?:query|mutation)\s+(\w+)", body["query"])
        operation, given = (named[1] if named else ""), body["variables"]
        if operation == "Login":
            return self._login(given)
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.sessions:
            return 200, _error("FORBIDDEN", "You are not currently authorized to perform this action")
        answered = {
            "Order": self._one, "Changed": self._changed, "Fulfil": self._fulfil, "Move": self._move,
            "Cancel": self._cancel, "Catalogue": self._catalogue, "Variants": self._variants, "Stock": self._stock,
        }.get(operation)  # fmt: skip
        if answered is None:
            return 400, _error("GRAPHQL_VALIDATION_FAILED", f"Cannot query {operation!r}")
        return 200, {"data": copy.deepcopy(answered(given))}

    def _login(self, given: dict[str, Any]) -> Told:
        if (given["username"], given["password"]) != (self.username, self.password):
            refused = {"errorCode": "INVALID_CREDENTIALS_ERROR", "message": "The provided credentials are invalid"}
            return 200, {"data": {"authenticate": {"__typename": "InvalidCredentialsError", **refused}}}
        self._given += 1
        token = f"session-{self._given}"
        self.sessions.add(token)
        return 200, {"data": {"authenticate": {"__typename": "CurrentUser"}}}, {"vendure-auth-token": token}

    def _one(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"order": self.orders.get(str(given["id"]))}

    def _changed(self, given: dict[str, Any]) -> dict[str, Any]:
        since = given["since"][:19]
        found = [each for _, each in sorted(self.orders.items()) if each["updatedAt"][:19] > since]
        part = found[given["skip"] : given["skip"] + given["take"]]
        return {"orders": {"totalItems": len(found), "items": part}}

    def _fulfil(self, given: dict[str, Any]) -> dict[str, Any]:
        wanted = {row["orderLineId"]: row["quantity"] for row in given["input"]["lines"]}
        order = next(each for each in self.orders.values() if wanted.keys() <= {line["id"] for line in each["lines"]})
        sent: Counter[str] = Counter()
        for each in order["fulfillments"]:
            if each["state"] != "Cancelled":
                sent.update({row["orderLineId"]: row["quantity"] for row in each["lines"]})
        there = {line["id"]: line["quantity"] for line in order["lines"]}
        if any(sent[ref] + units > there[ref] for ref, units in wanted.items()):
            refused = {"errorCode": "ITEMS_ALREADY_FULFILLED_ERROR", "message": "One or more items were fulfilled"}
            return {"addFulfillmentToOrder": {"__typename": "ItemsAlreadyFulfilledError", **refused}}
        arguments = {each["name"]: each["value"] for each in given["input"]["handler"]["arguments"]}
        made = {
            "id": f"{order['id']}-{len(order['fulfillments']) + 1}",
            "state": "Pending",
            "trackingCode": arguments["trackingCode"],
            "method": arguments["method"],
            "lines": given["input"]["lines"],
        }
        order["fulfillments"].append(made)
        return {"addFulfillmentToOrder": {"__typename": "Fulfillment", "id": made["id"], "state": made["state"]}}

    def _move(self, given: dict[str, Any]) -> dict[str, Any]:
        found = next(
            each for order in self.orders.values() for each in order["fulfillments"] if each["id"] == given["id"]
        )
        if _MOVES.get(found["state"]) != given["state"]:
            words = f'Cannot transition Fulfillment from "{found["state"]}" to "{given["state"]}"'
            refused = {"errorCode": "FULFILLMENT_STATE_TRANSITION_ERROR", "message": words}
            return {"transitionFulfillmentToState": {"__typename": "FulfillmentStateTransitionError", **refused}}
        found["state"] = given["state"]
        return {"transitionFulfillmentToState": {"__typename": "Fulfillment", "id": found["id"], "state": "Shipped"}}

    def _cancel(self, given: dict[str, Any]) -> dict[str, Any]:
        order = self.orders[given["input"]["orderId"]]
        order["state"] = "Cancelled"
        return {"cancelOrder": {"__typename": "Order", "id": order["id"], "state": "Cancelled"}}

    def _variants(self, given: dict[str, Any]) -> dict[str, Any]:
        rows = self.variants.values()
        return {
            "bySku": {"items": [each for each in rows if each["sku"] in given["skus"]]},
            "byId": {"items": [each for each in rows if each["id"] in given["ids"]]},
        }

    def _catalogue(self, given: dict[str, Any]) -> dict[str, Any]:
        since = given["since"][:19]
        found = [each for each in self.variants.values() if each.get("updatedAt", "9999")[:19] > since]
        part = found[given["skip"] : given["skip"] + given["take"]]
        named = [{"id": each["id"], "sku": each["sku"], "name": each.get("name", each["sku"])} for each in part]
        return {"productVariants": {"totalItems": len(found), "items": named}}

    def _stock(self, given: dict[str, Any]) -> dict[str, Any]:
        for row in given["input"]:
            for told in row["stockLevels"]:
                for level in self.variants[row["id"]]["stockLevels"]:
                    if level["stockLocationId"] == told["stockLocationId"]:
                        level["stockOnHand"] = told["stockOnHand"]
        return {"updateProductVariants": [{"id": row["id"]} for row in given["input"]]}

    def sellable(self) -> dict[str, int]:
        """What the shop lets buyers order."""
        return {
            each["sku"]: sum(level["stockOnHand"] - level["stockAllocated"] for level in each["stockLevels"])
            for each in self.variants.values()
        }


def _error(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}], "data": None}


class Server(LocalServer):
    def __init__(self, username: str, password: str, port: int = 0):
        self.shop = Shop(username, password)
        super().__init__(Handler, port, shop=self.shop)
