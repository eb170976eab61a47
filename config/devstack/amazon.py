"""A seller's account at Amazon for tests and the demo: the part of the Selling Partner API that Backroom uses.

Access tokens (Login with Amazon) end and are then refused with 403; buyers and addresses come to a restricted token
only; lists come in pages named by tokens; a feed is worked on until somebody has asked twice, and its report says which
SKUs were refused. Every answer states its operation's rate.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import re
from typing import Any
from urllib.parse import unquote

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler, Market, Told

STATES = {"Unshipped": "UNSHIPPED", "PartiallyShipped": "PARTIALLY_SHIPPED", "Shipped": "SHIPPED",
          "Pending": "PENDING", "Canceled": "CANCELLED"}  # fmt: skip


class Account(Market):
    def __init__(self, client: tuple[str, str], refresh_token: str, page: int = 100):
        super().__init__()
        self.client, self.refresh_token, self.page = client, refresh_token, page
        self.url = ""
        self.rate = 5.0  # calls a second of each operation, as it states them
        self.restricted: set[str] = set()
        self.refund_events: list[dict[str, Any]] = []
        self.uploads: dict[str, bytes] = {}
        self.feeds: dict[str, dict[str, Any]] = {}
        self.refuses: dict[str, str] = {}  # why, by SKU
        self.most = 1000  # listings of one search
        self.queue: dict[str, str] = {}  # notifications by their receipt handle
        self.queue_key = ("AKIDEXAMPLE", "wJalr")

    def is_write(self, method: str, path: str) -> bool:
        return super().is_write(method, path) and not path.startswith("/tokens/")

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Told:
        with self.lock:
            if target := headers.get("x-amz-target"):
                return self._queue(target, body, headers)
            if path == "/auth/o2/token":
                return self._login(body)
            if path.startswith("/store/"):
                return self._store(method, path, body)
            token = headers.get("x-amz-access-token")
            if not self.lets_in(token) and token not in self.restricted:
                why = "The access token you provided has expired."
                return _error(403, "Unauthorized", "Access to requested resource is denied.", why)
            for pattern, act in self._routes():
                if (found := re.fullmatch(pattern, f"{method} {path}")) is not None:
                    told = act(*map(unquote, found.groups()), query=query, body=body, token=token)
                    return (*told[:2], {"x-amzn-RateLimit-Limit": str(self.rate), "x-amzn-RequestId": "r"})
            return _error(404, "NotFound", f"{method} {path}")

    def _routes(self) -> list[tuple[str, Any]]:
        return [
            (r"POST /tokens/2021-03-01/restrictedDataToken", self._restrict),
            (r"GET /orders/v0/orders", self._list_v0),
            (r"GET /orders/v0/orders/([^/]+)", self._order_v0),
            (r"GET /orders/v0/orders/([^/]+)/orderItems", self._items),
            (r"POST /orders/v0/orders/([^/]+)/shipmentConfirmation", self._confirm),
            (r"GET /orders/2026-01-01/orders", self._list_whole),
            (r"GET /orders/2026-01-01/orders/([^/]+)", self._order_whole),
            (r"GET /finances/v0/financialEvents", self._finances),
            (r"GET /listings/2021-08-01/items/([^/]+)", self._search),
            (r"PATCH /listings/2021-08-01/items/[^/]+/(.+)", self._patch),
            (r"POST /feeds/2021-06-30/documents", self._document),
            (r"GET /feeds/2021-06-30/documents/([^/]+)", self._where),
            (r"POST /feeds/2021-06-30/feeds", self._feed),
            (r"GET /feeds/2021-06-30/feeds/([^/]+)", self._state),
        ]

    # --- the queue of notifications

    def _queue(self, target: str, body: bytes, headers: dict[str, str]) -> Told:
        """SQS in AWS's JSON protocol. What nobody deletes is given again; here at once."""
        if headers.get("content-type") != "application/x-amz-json-1.0" or not self._signed(body, headers):
            return 403, {"__type": "com.amazon.coral.service#SignatureDoesNotMatch", "message": "It does not match"}
        given = json.loads(body)
        if target == "AmazonSQS.ReceiveMessage":
            some = list(self.queue.items())[: given["MaxNumberOfMessages"]]
            return 200, {"Messages": [{"MessageId": "m", "ReceiptHandle": at, "Body": text} for at, text in some]}
        for each in given["Entries"]:
            self.queue.pop(each["ReceiptHandle"], None)
        return 200, {"Successful": [{"Id": each["Id"]} for each in given["Entries"]], "Failed": []}

    def _signed(self, body: bytes, headers: dict[str, str]) -> bool:
        """Whether the signature is the one AWS documents, over the headers it names."""
        found = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=(\w+)/((\d+)/([\w-]+)/sqs/aws4_request), "
            r"SignedHeaders=([\w;-]+), Signature=(\w+)",
            headers.get("authorization", ""),
        )
        if found is None or found[1] != self.queue_key[0] or not {"host", "x-amz-date"} <= set(found[5].split(";")):
            return False
        named = "".join(f"{name}:{headers[name]}\n" for name in found[5].split(";"))
        asked = f"POST\n/\n\n{named}\n{found[5]}\n{hashlib.sha256(body).hexdigest()}"
        said = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{found[2]}\n{hashlib.sha256(asked.encode()).hexdigest()}"
        key = ("AWS4" + self.queue_key[1]).encode()
        for part in (found[3], found[4], "sqs", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, said.encode(), "sha256").hex() == found[6]

    # --- tokens

    def _login(self, form: dict[str, str]) -> Told:
        if (form.get("client_id"), form.get("client_secret")) != self.client:
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed"}
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh_token:
            return 400, {"error": "invalid_grant", "error_description": "The request has an invalid grant parameter"}
        return 200, {"access_token": self.grant(), "token_type": "bearer", "expires_in": 3600,
                     "refresh_token": self.refresh_token}  # fmt: skip

    def _restrict(self, *, body: Any, **_: Any) -> Told:
        token = f"rdt-{len(self.restricted)}-{body['restrictedResources'][0]['path']}"
        self.restricted.add(token)
        return 200, {"restrictedDataToken": token, "expiresIn": 3600}

    # --- orders

    def _list_v0(self, *, query: dict[str, str], **_: Any) -> Told:
        since, until, at = query.get("LastUpdatedAfter", ""), query.get("LastUpdatedBefore", "9999"), 0
        if token := query.get("NextToken"):
            if not token.startswith("["):
                return _error(400, "InvalidInput", "NextToken is invalid or has expired")
            since, until, at = json.loads(token)
        elif not since:
            return _error(400, "InvalidInput", "CreatedAfter or LastUpdatedAfter must be specified")
        listed, more = self._window(since, until, at)
        told: dict[str, Any] = {"Orders": [self.bare(each, "OrderItems", *_PERSONAL) for each in listed]}
        return 200, {"payload": told | ({"NextToken": json.dumps([since, until, more])} if more else {})}

    def _list_whole(self, *, query: dict[str, str], **_: Any) -> Told:
        at = int(query.get("paginationToken") or 0)
        listed, more = self._window(query["lastUpdatedAfter"], query["lastUpdatedBefore"], at)
        told: dict[str, Any] = {"orders": [self._whole(each) for each in listed]}
        return 200, told | ({"pagination": {"nextToken": str(more)}} if more else {})

    def _window(self, since: str, until: str, at: int) -> tuple[list[dict[str, Any]], int]:
        found = [each for each in self.orders.values() if since <= each["LastUpdateDate"] <= until]
        return found[at : at + self.page], at + self.page if at + self.page < len(found) else 0

    def _order_v0(self, ref: str, *, token: str, **_: Any) -> Told:
        if ref not in self.orders:
            return _error(404, "NotFound", "The resource doesn't exist")
        hidden = () if token in self.restricted else _PERSONAL
        return 200, {"payload": self.bare(self.orders[ref], "OrderItems", *hidden)}

    def _items(self, ref: str, *, query: dict[str, str], **_: Any) -> Told:
        """One item a page."""
        items, at = self.orders[ref]["OrderItems"], int(query.get("NextToken") or 0)
        told = {"AmazonOrderId": ref, "OrderItems": items[at : at + 1]}
        return 200, {"payload": told | ({"NextToken": str(at + 1)} if at + 1 < len(items) else {})}

    def _order_whole(self, ref: str, **_: Any) -> Told:
        if ref not in self.orders:
            return _error(404, "NotFound", "The resource doesn't exist")
        return 200, {"order": self._whole(self.orders[ref])}

    def _whole(self, order: dict[str, Any]) -> dict[str, Any]:
        """The order as the API of 2026 has it."""
        ref, address = order["AmazonOrderId"], order["ShippingAddress"]
        return {
            "orderId": ref,
            "createdTime": order["PurchaseDate"],
            "lastUpdatedTime": order["LastUpdateDate"],
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": order["MarketplaceId"]},
            "buyer": {"buyerName": order["BuyerInfo"]["BuyerName"], "buyerEmail": order["BuyerInfo"]["BuyerEmail"]},
            "recipient": {"deliveryAddress": {key[0].lower() + key[1:]: value for key, value in address.items()}},
            "fulfillment": {"fulfillmentStatus": STATES[order["OrderStatus"]], "fulfilledBy": "MERCHANT"},
            "proceeds": {"grandTotal": _money(order["OrderTotal"])},
            "orderItems": [_item(each) for each in order["OrderItems"]],
            "packages": self.told.get(ref, []),
        }

    def _confirm(self, ref: str, *, body: Any, **_: Any) -> Told:
        package = body["packageDetail"]
        named = package["packageReferenceId"]
        if not named.isdigit() or (package["carrierCode"] == "Other" and not package.get("carrierName")):
            return _error(400, "InvalidInput", "packageReferenceId takes digits; carrierName is needed with Other")
        self.told.setdefault(ref, []).append(
            {"packageReferenceId": named, "carrier": package.get("carrierName", package["carrierCode"]),
             "trackingNumber": package["trackingNumber"], "packageItems": package["orderItems"]}
        )  # fmt: skip
        return 204, None

    def _finances(self, **_: Any) -> Told:
        return 200, {"payload": {"FinancialEvents": {"RefundEventList": self.refund_events}}}

    # --- stock

    def _search(self, seller: str, *, query: dict[str, str], **_: Any) -> Told:
        """Listings by their last change. It counts all that fit and lists `most` of them, as Amazon does."""
        since, size, at = query["lastUpdatedAfter"], int(query["pageSize"]), int(query.get("pageToken") or 0)
        changed = [(each["summaries"][0]["lastUpdatedDate"], each) for each in self.catalogue]
        found = [each for moment, each in sorted(changed, key=lambda pair: pair[0]) if moment >= since]
        told: dict[str, Any] = {"numberOfResults": len(found), "items": found[: self.most][at : at + size]}
        more = at + size < min(len(found), self.most)
        return 200, told | ({"pagination": {"nextToken": str(at + size)}} if more else {})

    def _patch(self, sku: str, *, body: Any, **_: Any) -> Told:
        if sku not in self.stock:
            return _error(404, "NOT_FOUND", f"SKU '{sku}' not found in marketplace ATVPDKIKX0DER")
        told = {"sku": sku, "submissionId": "s", "identifiers": []}
        if sku in self.refuses:
            return 200, told | {"status": "INVALID", "issues": [_issue(self.refuses[sku])]}
        self.stock[sku] = body["patches"][0]["value"][0]["quantity"]
        return 200, told | {"status": "ACCEPTED", "issues": []}

    def _document(self, **_: Any) -> Told:
        name = f"in-{len(self.uploads)}"
        self.uploads[name] = b""
        return 201, {"feedDocumentId": name, "url": f"{self.url}/store/{name}"}

    def _store(self, method: str, path: str, body: Any) -> Told:
        name = path.removeprefix("/store/")
        if method == "PUT":
            self.uploads[name] = body if isinstance(body, bytes) else json.dumps(body).encode()
            return 200, b""
        return 200, gzip.compress(self.uploads[name]), {"Content-Type": "application/octet-stream"}

    def _where(self, name: str, **_: Any) -> Told:
        return 200, {"feedDocumentId": name, "url": f"{self.url}/store/{name}", "compressionAlgorithm": "GZIP"}

    def _feed(self, *, body: Any, **_: Any) -> Told:
        name = f"feed-{len(self.feeds)}"
        kind = body["feedType"]
        self.feeds[name] = {"feedId": name, "asked": 0, "document": body["inputFeedDocumentId"], "kind": kind}
        return 202, {"feedId": name}

    def _state(self, name: str, **_: Any) -> Told:
        feed = self.feeds[name]
        feed["asked"] += 1
        if feed["asked"] < 2:
            return 200, {"feedId": name, "processingStatus": "IN_PROGRESS"}
        if feed["kind"] == "POST_ORDER_ACKNOWLEDGEMENT_DATA":
            return self._acknowledged(name, self.uploads[feed["document"]].decode())
        issues = []
        for message in json.loads(self.uploads[feed["document"]])["messages"]:
            sku = message["sku"]
            if sku in self.stock and sku not in self.refuses:
                self.stock[sku] = message["patches"][0]["value"][0]["quantity"]
            else:
                issues.append(_issue(self.refuses.get(sku, "unknown SKU")) | {"messageId": message["messageId"]})
        self.uploads[f"out-{name}"] = json.dumps({"header": {}, "issues": issues, "summary": {}}).encode()
        return 200, {"feedId": name, "processingStatus": "DONE", "resultFeedDocumentId": f"out-{name}"}

    def _acknowledged(self, name: str, text: str) -> Told:
        """An order of which nothing has left is cancelled, any other refused."""
        order = self.orders[re.findall("<AmazonOrderID>(.+?)<", text)[0]]
        said = ""
        if any(item["QuantityShipped"] for item in order["OrderItems"]):
            said = "<ResultDescription>The order has shipped already</ResultDescription>"
        else:
            order["OrderStatus"] = "Canceled"
        self.uploads[f"out-{name}"] = f"<AmazonEnvelope><Message>{said}</Message></AmazonEnvelope>".encode()
        return 200, {"feedId": name, "processingStatus": "DONE", "resultFeedDocumentId": f"out-{name}"}


_PERSONAL = ("BuyerInfo", "ShippingAddress")
_PARTS = (("ITEM", "ItemPrice"), ("SHIPPING", "ShippingPrice"))


def _item(item: dict[str, Any]) -> dict[str, Any]:
    wrapped = item | item.get("BuyerInfo", {})

    def sums(*keys: str) -> str:
        return f"{sum(float(wrapped[key]['Amount']) for key in keys if key in wrapped):.2f}"

    currency = item["ItemPrice"]["CurrencyCode"]
    taxes = ("ItemTax", "ShippingTax", "GiftWrapTax")
    off = float(item.get("PromotionDiscountTax", {}).get("Amount", 0))
    tax = f"{float(sums(*taxes)) - off:.2f}"
    parts = {
        "ITEM": sums("ItemPrice"), "SHIPPING": sums("ShippingPrice"), "GIFT_WRAP": sums("GiftWrapPrice"),
        "DISCOUNT": sums("PromotionDiscount", "ShippingDiscount"), "TAX": tax,
    }  # fmt: skip
    breakdowns: list[dict[str, Any]] = [
        {"type": kind, "subtotal": {"amount": amount, "currencyCode": currency}} for kind, amount in parts.items()
    ]
    own = f"{float(sums('ItemTax')) - off:.2f}"
    breakdowns[-1]["detailedBreakdowns"] = [{"subtype": "ITEM", "value": {"amount": own, "currencyCode": currency}}]
    return {
        "orderItemId": item["OrderItemId"],
        "quantityOrdered": item["QuantityOrdered"],
        "product": {"sellerSku": item["SellerSKU"], "title": item["Title"]},
        "proceeds": {"breakdowns": breakdowns},
        "fulfillment": {
            "quantityFulfilled": item["QuantityShipped"],
            "quantityUnfulfilled": item["QuantityOrdered"] - item["QuantityShipped"],
        },
    }


def _money(held: dict[str, str]) -> dict[str, str]:
    return {"amount": held["Amount"], "currencyCode": held["CurrencyCode"]}


def _issue(words: str) -> dict[str, Any]:
    return {"code": "90220", "message": words, "severity": "ERROR", "attributeNames": ["fulfillment_availability"]}


def _error(status: int, code: str, message: str, details: str = "") -> Told:
    return status, {"errors": [{"code": code, "message": message, "details": details}]}


class Server(LocalServer):
    def __init__(self, client: tuple[str, str], refresh_token: str, port: int = 0, page: int = 100):
        self.shop = Account(client, refresh_token, page)
        super().__init__(Handler, port, shop=self.shop)
        self.shop.url = self.url
