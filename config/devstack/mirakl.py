"""A seller's shop at a marketplace that runs on Mirakl, for tests and the demo: OR11, OR21, OR23, OR24, OR29, ST01,
ST11 and the import of stock (STO01 to STO03), whose report says which lines were refused."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler, Market, Told

_IMPORTS = "/api/offers/stock/imports"


class Account(Market):
    def __init__(self, key: str):
        super().__init__()
        self.tokens = {key}
        self.imports: dict[str, list[list[str]]] = {}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Told:
        with self.lock:
            if not self.lets_in(headers.get("authorization")):
                return 401, {"message": "Unauthorized", "status": 401}
            if path == "/api/orders":
                return self._list(query)
            if path == "/api/offers":
                at, most = int(query["offset"]), int(query["max"])
                return 200, {"offers": self.catalogue[at : at + most], "total_count": len(self.catalogue)}
            if path == "/api/shipments":
                return self._ship_part(body["shipments"][0]) if method == "POST" else self._parcels(query["order_id"])
            if (found := re.fullmatch(r"/api/orders/([^/]+)/(accept|tracking|ship|cancel)", path)) is not None:
                return self._change(found[1], found[2], body)
            if path.startswith(_IMPORTS):
                return self._stock(method, path.removeprefix(_IMPORTS).strip("/"), body)
            return 404, {"message": "Not found", "status": 404}

    def end_tokens(self) -> None:
        """Keys don't end."""

    def _list(self, query: dict[str, str]) -> Told:
        found = list(self.orders.values())
        if wanted := query.get("order_ids"):
            found = [each for each in found if each["order_id"] in wanted.split(",")]
        else:
            window = query["start_update_date"], query.get("end_update_date", "9999")
            found = [each for each in found if window[0] <= each["last_updated_date"] <= window[1]]
        at, most = int(query.get("offset") or 0), int(query.get("max") or 10)
        return 200, {"orders": found[at : at + most], "total_count": len(found)}

    def _change(self, ref: str, act: str, body: Any) -> Told:
        order = self.orders.get(ref)
        if order is None:
            return 404, {"message": f"Order with identifier [{ref}] not found", "status": 404}
        state = order["order_state"]
        if act == "tracking":
            order |= {"shipping_tracking": body.get("tracking_number"), "shipping_company": body.get("carrier_name")}
        elif act == "accept" and state == "WAITING_ACCEPTANCE":
            _all(order, "WAITING_DEBIT_PAYMENT")
        elif act == "ship" and state == "SHIPPING":
            _all(order, "SHIPPED")
            self.told.setdefault(ref, []).append({"id": "whole", "number": order.get("shipping_tracking")})
        elif act == "cancel" and order.get("can_cancel"):
            _all(order, "CANCELED")
        else:
            return 400, {"message": f"Order is in state {state}, {act} is not possible", "status": 400}
        return 204, None

    def _ship_part(self, parcel: dict[str, Any]) -> Told:
        made = {"id": f"P{len(self.told)}", **parcel}
        self.told.setdefault(parcel["order_id"], []).append(made)
        return 201, {"shipment_success": [{"id": made["id"], "order_id": parcel["order_id"]}], "shipment_errors": []}

    def _parcels(self, ref: str) -> Told:
        return 200, {"data": [each for each in self.told.get(ref, []) if "tracking" in each]}

    def _stock(self, method: str, path: str, body: Any) -> Told:
        if method == "POST":
            text = body.decode().split("\r\n\r\n", 1)[1].rsplit("\r\n--", 1)[0]
            name = f"i{len(self.imports)}"
            self.imports[name] = list(csv.reader(io.StringIO(text), delimiter=";"))[1:]
            return 201, {"import_id": name}
        name, what = path.split("/")
        wrong = [row for row in self.imports[name] if row[0] not in self.stock]
        if what == "error_report":
            rows = ["offer-sku;quantity;error-line;error-message"]
            rows += [f"{row[0]};{row[1]};{n};The offer does not exist" for n, row in enumerate(wrong, start=2)]
            return 200, "\n".join(rows).encode(), {"Content-Type": "text/csv"}
        for row in self.imports[name]:
            if row[0] in self.stock:
                self.stock[row[0]] = int(row[1])
        return 200, {"import_id": name, "status": "COMPLETE", "has_error_report": bool(wrong)}


def _all(order: dict[str, Any], state: str) -> None:
    order["order_state"] = state
    for line in order["order_lines"]:
        line["order_line_state"] = state


class Server(LocalServer):
    def __init__(self, key: str, port: int = 0):
        self.shop = Account(key)
        super().__init__(Handler, port, shop=self.shop)
