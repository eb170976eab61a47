"""SAP's OData v2 services as the API hub documents them: CSRF tokens with their session, deep insert, ETags, `__next`
pages, errors with details. A quantity is delivered once; a goods issue is posted once; billing runs after it."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlencode

from tests.integrations.servers.erp import Asked, ErpServer, No, Told

PAGE = 1  # small, so that every list has a second one
KEYS = {
    "A_SalesOrder": "SalesOrder",
    "A_CreditMemoRequest": "CreditMemoRequest",
    "A_OutbDeliveryHeader": "DeliveryDocument",
    "A_Product": "Product",
    "A_MaterialDocumentHeader": "MaterialDocument",
}
CREDENTIALS = b64encode(b"backroom:private").decode()


class SapServer(ErpServer):
    secrets = {"password": "private"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in KEYS}
        self.tables |= {"A_SalesOrderItem": {}, "A_OutbDeliveryItem": {}, "A_BillingDocumentItem": {}}
        self.tables["A_Product"] = {code: {"Product": code} for code in self.products}
        self.session = 1

    def end_tokens(self) -> None:
        self.session += 1

    def is_write(self, asked: Asked) -> bool:
        return asked.method != "GET"

    def answer(self, asked: Asked) -> Told:
        if asked.headers.get("authorization") != f"Basic {CREDENTIALS}":
            raise No(Told(401, None, {"WWW-Authenticate": 'Basic realm="SAP NetWeaver"'}))
        token, cookie = f"csrf-{self.session}", f"SAP_SESSIONID_S4H_100={self.session}"
        if asked.method == "GET":
            fetched = {"X-CSRF-Token": token, "Set-Cookie": f"{cookie}; path=/; secure; HttpOnly"}
            headers = fetched if asked.headers.get("x-csrf-token") == "Fetch" else {}
            entities = unquote(asked.path).rsplit("/", 1)[1]
            return Told(200, self._list(asked, entities) if entities else {"d": {"EntitySets": []}}, headers)
        if (asked.headers.get("x-csrf-token"), asked.headers.get("cookie")) != (token, cookie):
            raise No(Told(403, None, {"X-CSRF-Token": "Required"}))
        if asked.path.endswith("/PostGoodsIssue"):
            return self._issue(asked.query["DeliveryDocument"].strip("'"))
        entities, key, rest = re.fullmatch(  # type: ignore[union-attr]
            r".*/(A_\w+)(?:\('([^']*)'\))?(?:/(\w+))?", unquote(asked.path)
        ).groups()
        if entities == "A_OutbDeliveryHeader":
            return self._deliver(asked.body["to_DeliveryDocumentItem"]["results"])
        if entities == "A_MaterialDocumentHeader":
            return self._move(asked.body)
        if not key:
            return Told(201, {"d": self._insert(entities, asked.body)})
        row = self.tables[entities][key]
        if rest:
            return Told(201, {"d": self._add_item(entities, row, asked.body)})
        if asked.headers.get("if-match") != row["__metadata"]["etag"]:
            raise _no(412, "/IWBEP/CM_MGW_RT/027", "Precondition failed")
        if asked.method == "DELETE":
            del self.tables[entities][key]
        else:
            row |= asked.body
            row["__metadata"] = {"etag": f'W/"{self.next_id()}"'}
        return Told(204)

    def _list(self, asked: Asked, entities: str) -> dict[str, Any]:
        if "$orderby" in asked.query:
            return self._master(asked, entities)
        terms = [re.fullmatch(r"(\w+) eq '(.*)'", term).groups() for term in asked.query["$filter"].split(" or ")]  # type: ignore[union-attr]
        rows = self.tables[entities].values()
        found = [row for row in rows if any(row.get(name) == value for name, value in terms)]
        start = int(asked.query.get("$skiptoken", "0"))
        body: dict[str, Any] = {"results": found[start : start + PAGE]}
        if len(found) > start + PAGE:
            condition = asked.query["$filter"].replace(" ", "%20")
            body["__next"] = f"{self.url}{asked.path}?$filter={condition}&$skiptoken={start + PAGE}"
        return {"d": body}

    def _master(self, asked: Asked, entities: str) -> dict[str, Any]:
        key, start = asked.query["$orderby"].split(",")[0], int(asked.query.get("$skiptoken", "0"))
        condition = asked.query.get("$filter", "")
        after = re.search(rf"{key} gt '([^']*)'", condition)
        since = re.search(r"datetimeoffset'([^']*)'", condition)
        moment = datetime.fromisoformat(since[1]).timestamp() * 1000 if since else 0
        listed = self.listed(entities, key, after=after[1] if after else None, limit=0)
        found = [row for row in listed if _milliseconds(row) >= moment][: int(asked.query["$top"])]
        body: dict[str, Any] = {"results": found[start : start + PAGE]}
        if len(found) > start + PAGE:
            rest = {name: value for name, value in asked.query.items() if name != "$skiptoken"}
            body["__next"] = f"{self.url}{asked.path}?{urlencode({**rest, '$skiptoken': start + PAGE})}"
        return {"d": body}

    def _insert(self, entities: str, values: dict[str, Any]) -> dict[str, Any]:
        if len(values["PurchaseOrderByShipToParty"]) > 35:
            raise _no(400, "/IWBEP/CM_MGW_RT/028", "Property 'PurchaseOrderByShipToParty' exceeds 35 characters")
        items = values.pop("to_Item")
        row = {**values, KEYS[entities]: str(5200000 + self.next_id()), "TotalNetAmount": "0.00"}
        row["__metadata"] = {"etag": f'W/"{self.next_id()}"'}
        for item in items:
            self._add_item(entities, row, item)
        self.tables[entities][row[KEYS[entities]]] = row
        return row

    def _add_item(self, entities: str, row: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
        if item["Material"] not in self.tables["A_Product"]:
            raise _no(400, "V1/302", f"Material {item['Material']} is not defined for sales org.1010")
        price = Decimal(item["to_PricingElement"][0]["ConditionRateValue"])
        row["TotalNetAmount"] = str(Decimal(row["TotalNetAmount"]) + price * Decimal(item["RequestedQuantity"]))
        n = str(self.next_id())
        made = {KEYS[entities]: row[KEYS[entities]], f"{KEYS[entities]}Item": n}
        if entities == "A_SalesOrder":
            self.tables["A_SalesOrderItem"][n] = made
        return made

    def _deliver(self, rows: list[dict[str, Any]]) -> Told:
        for row in rows:
            order = self.tables["A_SalesOrder"][row["ReferenceSDDocument"]]
            if order["DeliveryBlockReason"]:
                raise _no(400, "VL/367", f"Order {order['SalesOrder']} is blocked for delivery")
            if any(each["ReferenceSDDocumentItem"] == row["ReferenceSDDocumentItem"] for each in self._delivered()):
                raise _no(400, "VL/248", "No delivery-relevant items: the order is delivered in full")
        number = str(80000000 + self.next_id())
        etag = {"etag": f'W/"{self.next_id()}"'}
        header = {"DeliveryDocument": number, "OverallGoodsMovementStatus": "A", "__metadata": etag}
        self.tables["A_OutbDeliveryHeader"][number] = header
        for row in rows:
            self.tables["A_OutbDeliveryItem"][str(self.next_id())] = {**row, "DeliveryDocument": number}
        return Told(201, {"d": header})

    def _delivered(self) -> list[dict[str, Any]]:
        return list(self.tables["A_OutbDeliveryItem"].values())

    def _issue(self, number: str) -> Told:
        header = self.tables["A_OutbDeliveryHeader"][number]
        if header["OverallGoodsMovementStatus"] == "C":
            raise _no(400, "VL/609", f"Goods issue for delivery {number} has been posted already")
        header["OverallGoodsMovementStatus"] = "C"
        bill = {"BillingDocument": str(90000000 + self.next_id()), "ReferenceSDDocument": number}
        self.tables["A_BillingDocumentItem"][bill["BillingDocument"]] = bill
        return Told(200, {"d": {"PostGoodsIssue": {}}})

    def _move(self, values: dict[str, Any]) -> Told:
        if len(values["MaterialDocumentHeaderText"]) > 25 or len(values["ReferenceDocument"]) > 16:
            raise _no(400, "/IWBEP/CM_MGW_RT/028", "Property exceeds its length")
        for item in values["to_MaterialDocumentItem"]:
            if item["Material"] not in self.tables["A_Product"]:
                raise _no(400, "M3/351", f"Material {item['Material']} does not exist or is not activated")
        number = str(4900000000 + self.next_id())
        row = {**values, "MaterialDocument": number, "MaterialDocumentYear": "2026"}
        self.tables["A_MaterialDocumentHeader"][number] = row
        return Told(201, {"d": row})

    # --- what tests ask

    def settings(self) -> dict[str, Any]:
        area = {"organisation": "1010", "distribution_channel": "10", "division": "00"}
        return {"user": "backroom", "customer": "10100001", "warehouse": "1010", **area}

    def booked(self, reference: str) -> list[dict[str, Any]]:
        return [
            self._told(row, sign)
            for entities, sign in (("A_SalesOrder", 1), ("A_CreditMemoRequest", -1))
            for row in self.tables[entities].values()
            if row["PurchaseOrderByCustomer"] == reference and not row["HeaderBillingBlockReason"]
        ]

    def _told(self, row: dict[str, Any], sign: int) -> dict[str, Any]:
        number = row["SalesOrder"] if sign > 0 else row["CreditMemoRequest"]
        deliveries = {each["DeliveryDocument"] for each in self._delivered() if each["ReferenceSDDocument"] == number}
        bills = [each["ReferenceSDDocument"] for each in self.tables["A_BillingDocumentItem"].values()]
        invoices = sum(bills.count(each) for each in deliveries)
        total = sign * Decimal(row["TotalNetAmount"])
        return {"number": number, "total": total, "deliveries": len(deliveries), "invoices": invoices}

    def adjusted(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for header in self.tables["A_MaterialDocumentHeader"].values():
            for item in header["to_MaterialDocumentItem"]:
                sign = {"501": 1, "551": -1}[item["GoodsMovementType"]]
                found[item["Material"]] = found.get(item["Material"], 0) + sign * int(item["QuantityInEntryUnit"])
        return found

    def by_hand(self, reference: str) -> None:
        named = {"PurchaseOrderByCustomer": reference, "TotalNetAmount": "1.00", "HeaderBillingBlockReason": ""}
        self.tables["A_SalesOrder"]["1"] = {"SalesOrder": "1", "DeliveryBlockReason": "", **named}


def _milliseconds(row: dict[str, Any]) -> int:
    """Of the last change; what doesn't say is always in the list."""
    told = re.search(r"[0-9]+", row.get("LastChangeDateTime", ""))
    return int(told[0]) if told else 10**15


def _no(status: int, code: str, words: str) -> No:
    details = [{"code": code, "message": words, "severity": "error", "propertyref": ""}]
    message = {"lang": "en", "value": words}
    return No(Told(status, {"error": {"code": code, "message": message, "innererror": {"errordetails": details}}}))
