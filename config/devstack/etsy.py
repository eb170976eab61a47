"""A shop at Etsy for tests and the demo: tokens whose renewal brings the next refresh token, receipts, inventories that
are replaced as a whole. A write that leaves a product out deletes it, as there."""

from __future__ import annotations

import re
from typing import Any

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler, Market, Told

_OURS_TO_SEND = {"sku", "property_values", "offerings"}


class Account(Market):
    def __init__(self, client: str, secret: str, refresh_token: str, shop: int):
        super().__init__()
        self.client, self.key, self.shop = client, f"{client}:{secret}", shop
        self.refresh_tokens = [refresh_token]
        self.listings: dict[int, dict[str, Any]] = {}
        self.parcels = 0

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Told:
        with self.lock:
            if path == "/v3/public/oauth/token":
                return self._renew(body)
            if headers.get("x-api-key") != self.key:
                return 403, {"error": "Shared secret is required in x-api-key header."}
            if not self.lets_in(headers.get("authorization", "").removeprefix("Bearer ")):
                return 401, {"error": "invalid_token", "error_description": "access token is expired"}
            rest = path.removeprefix("/v3/application/").removeprefix(f"shops/{self.shop}/")
            if rest == "receipts":
                return self._list(query)
            if (found := re.fullmatch(r"receipts/(\d+)(/tracking)?", rest)) is not None:
                return self._receipt(found[1], method, bool(found[2]), body)
            if rest == "listings":
                at, most = int(query["offset"]), int(query["limit"])
                found_there = [each for each in self.listings.values() if each["state"] == query["state"]]
                return 200, {"count": len(found_there), "results": found_there[at : at + most]}
            if (found := re.fullmatch(r"listings/(\d+)/inventory", rest)) is not None:
                return self._inventory(int(found[1]), method, body)
            return 404, {"error": "Resource not found"}

    def _renew(self, form: dict[str, str]) -> Told:
        following = f"7001.refresh-{self.asked + 1}"
        if form.get("client_id") != self.client or not self.takes_refresh(form.get("refresh_token"), following):
            return 400, {"error": "invalid_grant", "error_description": "refresh_token is invalid"}
        return 200, {"access_token": self.grant(), "token_type": "Bearer", "expires_in": 3600,
                     "refresh_token": following}  # fmt: skip

    def _list(self, query: dict[str, str]) -> Told:
        window = int(query["min_last_modified"]), int(query.get("max_last_modified", 10**10))
        found = [each for each in self.orders.values() if window[0] <= each["updated_timestamp"] <= window[1]]
        at, most = int(query["offset"]), int(query["limit"])
        return 200, {"count": len(found), "results": found[at : at + most]}

    def _receipt(self, ref: str, method: str, tracking: bool, body: Any) -> Told:
        receipt = self.orders.get(ref)
        if receipt is None:
            return 404, {"error": "Receipt not found"}
        if method != "GET":
            self.parcels += 1
            code = body.get("tracking_code") if tracking else None
            made = {"receipt_shipping_id": self.parcels, "tracking_code": code}
            receipt["shipments"] = [*receipt.get("shipments", []), made | {"carrier_name": body.get("carrier_name")}]
            receipt |= {"is_shipped": True, "status": "Completed"}
            self.told.setdefault(ref, []).append(made)
        return 200, receipt

    def _inventory(self, listing: int, method: str, body: Any) -> Told:
        held = self.listings[listing]["inventory"]
        if method == "PUT":
            if any(set(each) - _OURS_TO_SEND for each in body["products"]):
                return 400, {"error": "Invalid keys in products"}
            for product in body["products"]:
                (offering,) = product["offerings"]
                amount = round(offering["price"] * 100)
                offering |= {"price": {"amount": amount, "divisor": 100, "currency_code": "USD"}, "offering_id": 1}
                product["product_id"] = 1
            held |= body
        return 200, held

    def put_on_sale(self, *skus: str) -> None:
        """One listing whose variations each have a SKU and a quantity of their own."""
        price = {"amount": 1999, "divisor": 100, "currency_code": "USD"}
        products = [
            {
                "product_id": n, "sku": sku, "is_deleted": False,
                "offerings": [{"offering_id": n, "quantity": 5, "is_enabled": True, "is_deleted": False,
                               "price": price}],
                "property_values": [{"property_id": 100, "property_name": "Size", "scale_id": None, "scale_name": None,
                                     "value_ids": [n], "values": [sku]}],
            }
            for n, sku in enumerate(skus, start=1)
        ]  # fmt: skip
        listing = len(self.listings) + 1
        inventory = {"products": products, "price_on_property": [], "quantity_on_property": [100],
                     "sku_on_property": [100]}  # fmt: skip
        self.listings[listing] = {"listing_id": listing, "state": "active", "inventory": inventory}

    def quantities(self) -> dict[str, int]:
        products = [each for listing in self.listings.values() for each in listing["inventory"]["products"]]
        return {each["sku"]: each["offerings"][0]["quantity"] for each in products}


class Server(LocalServer):
    def __init__(self, client: str, secret: str, refresh_token: str, shop: int, port: int = 0):
        self.shop = Account(client, secret, refresh_token, shop)
        super().__init__(Handler, port, shop=self.shop)
