"""NetSuite's REST record service as Oracle documents it: tokens for signed assertions, external ids, 204 with an
address, problem documents. External ids are unique, and an order is fulfilled and billed once."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.integrations.servers.erp import Asked, ErpServer, No, Told, netted

KEY = ec.generate_private_key(ec.SECP256R1())
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


class NetSuiteServer(ErpServer):
    secrets = {"private_key": PRIVATE}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, dict[str, dict[str, Any]]] = {
            name: {}
            for name in (
                "salesOrder",
                "itemFulfillment",
                "invoice",
                "creditMemo",
                "inventoryAdjustment",
                "journalEntry",
            )
        }
        self.tokens: set[str] = set()
        self.holds_journals = False  # they wait there for somebody's approval

    def end_tokens(self) -> None:
        self.tokens.clear()

    def is_write(self, asked: Asked) -> bool:
        return "/record/v1/" in asked.path and asked.method != "GET"

    def answer(self, asked: Asked) -> Told:
        if asked.path.endswith("/oauth2/v1/token"):
            return self._token(asked)
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise _no(401, "INVALID_LOGIN", "Invalid login attempt.")
        if asked.path.endswith("/suiteql"):
            return self._query(asked)
        record, *key = unquote(asked.path).split("/record/v1/")[1].split("/")
        if asked.method == "GET":
            if not key:
                return Told(200, self._list(record, asked.query.get("q", "")))
            found = self._one(record, key[0])
            if asked.query.get("expandSubResources") != "true":
                found = {name: value for name, value in found.items() if name != "line"}
            return Told(200, found)
        if asked.method == "POST":
            return self._transform(record, key[0], key[2], asked.body)
        if asked.method == "PUT":
            return self._put(record, key[0].removeprefix("eid:"), asked.body)
        row = self._one(record, key[0])
        if record == "journalEntry":
            row |= asked.body | ({"approved": False} if self.holds_journals else {})
            return self._made(record, row)
        extra = asked.body.pop("item", {"items": []})["items"]
        row |= asked.body
        self._reckon(row, row["lines"] + extra)
        return self._made(record, row)

    def _token(self, asked: Asked) -> Told:
        form = {name: values[0] for name, values in parse_qs(asked.raw.decode()).items()}
        try:
            known_as = [f"{base}{asked.path}" for base in (self.url, self.front)]
            jwt.decode(form["client_assertion"], KEY.public_key(), algorithms=["ES256"], audience=known_as)
        except jwt.PyJWTError:
            raise No(Told(400, {"error": "invalid_grant"})) from None
        token = f"token-{self.next_id()}"
        self.tokens.add(token)
        return Told(200, {"access_token": token, "expires_in": "3600", "token_type": "bearer"})

    def _query(self, asked: Asked) -> Told:
        if asked.headers.get("prefer") != "transient":
            raise _no(400, "INVALID_HEADER", "The required request header 'Prefer' is missing or invalid.")
        table = re.search(r"FROM (\w+)", asked.body["q"])
        if "ORDER BY" in asked.body["q"]:
            return self._rows(asked.body["q"], int(asked.query["limit"]))
        names = re.findall(r"'([^']*)'", asked.body["q"])
        known = self.products if table and table[1] == "item" else {"CHANNEL", "MAIN", "USD", "5100", *self.accounts}
        items = [{"links": [], "id": f"id-{name}", "name": name} for name in names if name in known]
        return Told(200, {"links": [], "count": len(items), "hasMore": False, "items": items, "offset": 0})

    def _rows(self, text: str, limit: int) -> Told:
        table = re.search(r"FROM (\w+)", text)[1]  # type: ignore[index]
        ids = [int(each) for each in re.findall(r" > (\d+)", text)]
        since = re.search(r"TO_DATE\('([^']*)'", text)
        after: Any = tuple(ids) if len(ids) > 1 else ids[0]
        found = self.listed(
            table, "key", after=after, changed="lastmodifieddate", since=since[1] if since else "", limit=limit
        )
        items = [{"links": [], **{name: value for name, value in row.items() if name != "key"}} for row in found]
        return Told(200, {"links": [], "count": len(items), "hasMore": False, "items": items, "offset": 0})

    def _one(self, record: str, key: str) -> dict[str, Any]:
        for row in self.tables[record].values():
            if key in {row["id"], f"eid:{row.get('externalId')}"}:
                return row
        raise _no(
            404, "NONEXISTENT_ID", f"The record instance does not exist. Provide a valid record instance ID. {key}"
        )

    def _list(self, record: str, condition: str) -> dict[str, Any]:
        asked = re.fullmatch(r'(\w+) IS "(.*)"', condition)
        rows = self.tables[record].values()
        found = [{"links": [], "id": row["id"]} for row in rows if not asked or row.get(asked[1]) == asked[2]]
        return {"links": [], "count": len(found), "hasMore": False, "items": found, "offset": 0}

    def _put(self, record: str, external_id: str, values: dict[str, Any]) -> Told:
        if record == "inventoryAdjustment":
            row = next((row for row in self.tables[record].values() if row["externalId"] == external_id), None)
            row = row or self._add(record, externalId=external_id)
            row |= values
            return self._made(record, row)
        if record == "journalEntry":
            return self._journal(external_id, values)
        items = values.pop("item")["items"]
        row = next((row for row in self.tables[record].values() if row.get("externalId") == external_id), None)
        row = row or self._add(record, externalId=external_id, orderStatus={"id": "A"})
        row |= values
        self._reckon(row, items)
        return self._made(record, row)

    def _journal(self, external_id: str, values: dict[str, Any]) -> Told:
        lines = values["line"]["items"]
        known = {f"id-{account}" for account in self.accounts}
        for n, line in enumerate(lines):
            if line["account"]["id"] not in known:
                words = f"Error while accessing a resource. Invalid Field Value {line['account']['id']} for account."
                raise _no(400, "INVALID_CONTENT", words, path=f"line.items[{n}].account")
        sums = [sum((Decimal(str(line.get(side) or 0)) for line in lines), Decimal(0)) for side in ("debit", "credit")]
        if sums[0] != sums[1]:
            raise _no(400, "TRANS_UNBALNCD", "The amounts in a journal entry must balance.")
        if values["tranDate"] <= self.closed_until:
            words = "You cannot post into a closed period: the transaction date you specified is in one."
            raise _no(400, "TRAN_PERIOD_CLOSED", words, path="tranDate")
        rows = self.tables["journalEntry"].values()
        row = next((row for row in rows if row["externalId"] == external_id), None)
        row = row or self._add("journalEntry", externalId=external_id)
        row |= values | ({"approved": False} if self.holds_journals else {})
        return self._made("journalEntry", row)

    def _transform(self, record: str, key: str, into: str, values: dict[str, Any]) -> Told:
        order = self._one(record, key)
        if any(row.get("externalId") == values["externalId"] for row in self.tables[into].values()):
            raise _no(400, "DUP_RCRD", "This record already exists")
        if any(row["createdFrom"] == order["id"] for row in self.tables[into].values()):
            raise _no(400, "INVALID_INITIALIZE_REF", "You can not initialize it: it is fulfilled or billed already.")
        return self._made(into, self._add(into, createdFrom=order["id"], total=order["total"], **values))

    def _reckon(self, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        row["lines"] = items
        row["total"] = float(sum(Decimal(str(each["quantity"])) * Decimal(str(each["rate"])) for each in items))

    def _add(self, record: str, **values: Any) -> dict[str, Any]:
        key = str(self.next_id())
        return self.tables[record].setdefault(key, {"id": key, "tranId": f"{record[:2].upper()}{key}", **values})

    def _made(self, record: str, row: dict[str, Any]) -> Told:
        return Told(204, None, {"Location": f"{self.url}/services/rest/record/v1/{record}/{row['id']}"})

    # --- what tests ask

    def settings(self) -> dict[str, Any]:
        named = {"customer": "CHANNEL", "warehouse": "MAIN", "algorithm": "ES256"}
        return {"client_id": "client", "certificate_id": "certificate", "adjustment_account": "5100", **named}

    def booked(self, reference: str) -> list[dict[str, Any]]:
        orders = [row for row in self.tables["salesOrder"].values() if row["otherRefNum"] == reference]
        found = [self._told(row, 1) for row in orders if row["orderStatus"]["id"] == "B"]
        memos = [row for row in self.tables["creditMemo"].values() if row["otherRefNum"] == reference]
        return found + [self._told(row, -1) for row in memos]

    def _told(self, row: dict[str, Any], sign: int) -> dict[str, Any]:
        total = sign * Decimal(str(row["total"])).quantize(Decimal("0.01"))
        deliveries, invoices = (
            [each["createdFrom"] for each in self.tables[name].values()].count(row["id"])
            for name in ("itemFulfillment", "invoice")
        )
        return {"number": row["tranId"], "total": total, "deliveries": deliveries, "invoices": invoices}

    def journals(self, reference: str) -> list[dict[str, Any]]:
        return [
            {
                "number": row["tranId"],
                "sides": netted(
                    (line["account"]["id"].removeprefix("id-"), line.get("debit"), line.get("credit"))
                    for line in row["line"]["items"]
                ),
            }
            for row in self.tables["journalEntry"].values()
            if row["externalId"].endswith(f"journal:{reference}") and row["approved"]
        ]

    def adjusted(self) -> dict[str, int]:
        rows = [row for each in self.tables["inventoryAdjustment"].values() for row in each["inventory"]["items"]]
        found: dict[str, int] = {}
        for row in rows:
            sku = row["item"]["id"].removeprefix("id-")
            found[sku] = found.get(sku, 0) + row["adjustQtyBy"]
        return found

    def by_hand(self, reference: str) -> None:
        self._add("salesOrder", otherRefNum=reference, orderStatus={"id": "B"}, total=1.0)


def _no(status: int, code: str, words: str, *, path: str = "") -> No:
    details = [{"detail": words, "o:errorCode": code, **({"o:errorPath": path} if path else {})}]
    kind = "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5.1"
    return No(Told(status, {"type": kind, "title": "Bad Request", "status": status, "o:errorDetails": details}))
