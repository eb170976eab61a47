"""Business Central's API v2.0 as Microsoft documents it: tokens, OData filters, pages, ETags, bound actions, errors.

shipAndInvoice takes the order away and leaves a shipment and a posted invoice. External document numbers are not unique
on orders; posted invoices of one customer may not share one.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode
from uuid import UUID

from tests.integrations.servers.erp import Asked, ErpServer, No, Told, netted

COMPANY = "b1d2c3e4-0000-4000-8000-000000000001"
PAGE = 1  # small, so that every list has a second one
LINES = {
    "salesOrders": "salesOrderLines",
    "salesInvoices": "salesInvoiceLines",
    "salesCreditMemos": "salesCreditMemoLines",
}
PREFIX = {"salesOrders": "SO", "salesInvoices": "PS-INV", "salesCreditMemos": "PS-CM", "salesShipments": "PS-SHPT"}


class BusinessCentralServer(ErpServer):
    secrets = {"client_secret": "private"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in PREFIX}
        self.journal: dict[int, dict[str, Any]] = {}  # the published page Item Journal
        self.tables |= {
            "itemLedgerEntries": {},
            "items": {},
            "customers": {},
            "locations": {},
            "companyInformation": {},
            "journals": {},
            "journalLines": {},
            "generalLedgerEntries": {},
            "accounts": {},
        }
        for account in sorted(self.accounts):
            self._add("accounts", number=account)
        for code in sorted(self.products):
            self._add("items", number=code)
        self._add("customers", number="CHANNEL")
        self._add("locations", code="MAIN")
        self.tokens: set[str] = set()

    def end_tokens(self) -> None:
        self.tokens.clear()

    def is_write(self, asked: Asked) -> bool:
        return asked.path.startswith(("/api/v2.0/", "/ODataV4/")) and asked.method != "GET"

    def answer(self, asked: Asked) -> Told:
        if asked.path.endswith("/oauth2/v2.0/token"):
            return self._token(asked)
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise _no(401, "Authentication_InvalidCredentials", "The server has rejected the client credentials.")
        if "/ODataV4/" in asked.path:
            return self._published(asked)
        path = unquote(asked.path).removeprefix(f"/api/v2.0/companies({COMPANY})/")
        entities, key, rest = re.fullmatch(r"(\w+)(?:\(([^)]*)\))?(?:/(.*))?", path).groups()  # type: ignore[union-attr]
        if entities == "journals" and rest == "journalLines":
            return self._journal_lines(asked, key)
        if asked.method == "GET":
            return self._list(asked, entities)
        if not key and entities == "journals":
            return Told(201, self._journal(asked.body))
        if not key:
            return Told(201, self._insert(entities, asked.body))
        row = self.tables[entities].get(key)
        if row is None:
            raise _no(404, "BadRequest_ResourceNotFound", "The resource was not found.")
        if asked.method == "DELETE":
            if asked.headers.get("if-match") != row["@odata.etag"]:
                raise _no(412, "Request_EntityChanged", "Another user has already changed the record.")
            del self.tables[entities][key]
            if entities == "journals":
                self._empty(key)
            return Told(204)
        if rest.startswith("Microsoft.NAV."):
            self._do(entities, row, rest.removeprefix("Microsoft.NAV."))
            return Told(204)
        row[LINES[entities]].append(asked.body)
        self._reckon(entities, row)
        return Told(201, asked.body)

    def _published(self, asked: Asked) -> Told:
        if unquote(asked.path) != "/ODataV4/Company('Our Shop')/ItemJournal":
            raise _no(404, "BadRequest_NotFound", "No page is published under this name.")
        if asked.method == "GET":
            wanted = re.fullmatch(r"Document_No eq '(.*)'", asked.query["$filter"])[1]  # type: ignore[index]
            return Told(200, {"value": [row for row in self.journal.values() if row["Document_No"] == wanted]})
        row = asked.body
        if row["Line_No"] in self.journal or row["Line_No"] >= 2**31:
            raise _no(400, "Internal_EntityWithSameKeyExists", "The record in table Item Journal Line already exists.")
        self.journal[row["Line_No"]] = row
        return Told(201, row)

    def post_journal(self) -> None:
        """What a person or a job queue does: the lines become entries of the ledger and are gone from the journal."""
        for row in self.journal.values():
            self._add("itemLedgerEntries", documentNumber=row["Document_No"], itemNumber=row["Item_No"], line=row)
        self.journal.clear()

    def _token(self, asked: Asked) -> Told:
        form = {name: values[0] for name, values in parse_qs(asked.raw.decode()).items()}
        if (form["client_id"], form["client_secret"]) != ("client", "private"):
            raise No(
                Told(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret"})
            )
        token = f"token-{self.next_id()}"
        self.tokens.add(token)
        return Told(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    def _list(self, asked: Asked, entities: str) -> Told:
        if "$orderby" in asked.query:
            return self._master(asked, entities)
        condition = asked.query["$filter"]
        terms = [re.fullmatch(r"(\w+) (eq|ne|gt) '?(.*?)'?", term).groups() for term in condition.split(" or ")]  # type: ignore[union-attr]
        rows = self.tables[entities].values()
        found = [row for row in rows if any(_meets(row.get(f), op, value) for f, op, value in terms)]
        start = int(asked.query.get("$skiptoken", "0"))
        if asked.query.get("$expand") is None:
            found = [{name: row[name] for name in row if name not in LINES.values()} for row in found]
        body: dict[str, Any] = {"@odata.context": f"{self.url}/$metadata", "value": found[start : start + PAGE]}
        if len(found) > start + PAGE:
            query = "&".join(
                f"{name}={value.replace(' ', '%20')}" for name, value in asked.query.items() if name != "$skiptoken"
            )
            body["@odata.nextLink"] = f"{self.url}{asked.path}?{query}&$skiptoken={start + PAGE}"
        return Told(200, body)

    def _master(self, asked: Asked, entities: str) -> Told:
        """Like any list, in pages of its own: the second one is behind a link."""
        key, start = asked.query["$orderby"], int(asked.query.get("$skiptoken", "0"))
        condition = asked.query.get("$filter", "")
        after = re.search(rf"{key} gt '([^']*)'", condition)
        since = re.search(r"lastModifiedDateTime ge (\S+)", condition)
        named = {"after": after[1] if after else None, "since": since[1] if since else ""}
        found = self.listed(entities, key, changed="lastModifiedDateTime", limit=int(asked.query["$top"]), **named)
        body: dict[str, Any] = {"value": found[start : start + PAGE]}
        if len(found) > start + PAGE:
            rest = {name: value for name, value in asked.query.items() if name != "$skiptoken"}
            body["@odata.nextLink"] = f"{self.url}{asked.path}?{urlencode({**rest, '$skiptoken': start + PAGE})}"
        return Told(200, body)

    def _insert(self, entities: str, values: dict[str, Any]) -> dict[str, Any]:
        row = self._add(entities, status="Draft", **values)
        try:
            self._reckon(entities, row)
        except No:
            del self.tables[entities][row["id"]]
            raise
        return {name: value for name, value in row.items() if name != LINES[entities]}

    def _journal(self, values: dict[str, Any]) -> dict[str, Any]:
        if len(values["code"]) > 10 or any(row["code"] == values["code"] for row in self.tables["journals"].values()):
            words = "The record in table Gen. Journal Batch already exists."
            raise _no(400, "Internal_EntityWithSameKeyExists", words)
        return self._add("journals", **values)

    def _journal_lines(self, asked: Asked, journal: str) -> Told:
        if journal not in self.tables["journals"]:
            raise _no(404, "BadRequest_ResourceNotFound", "The resource was not found.")
        rows = [row for row in self.tables["journalLines"].values() if row["journalId"] == journal]
        if asked.method == "GET":
            return Told(200, {"value": rows})
        values = asked.body
        if any(row["lineNumber"] == values["lineNumber"] for row in rows):
            words = "The record in table Gen. Journal Line already exists."
            raise _no(400, "Internal_EntityWithSameKeyExists", words)
        if values["accountType"] == "G/L Account" and values["accountNumber"] not in self.accounts:
            words = f"The field Account No. of table Gen. Journal Line contains a value ({values['accountNumber']})"
            raise _no(400, "Internal_InvalidTableRelation", f"{words} that cannot be found in the related table.")
        if len(values["documentNumber"]) > 20 or len(values["description"]) > 100:
            raise _no(400, "Application_StringExceededLength", "The length of the string exceeds its field.")
        return Told(201, self._add("journalLines", **{**values, "journalId": journal}))

    def _empty(self, journal: str) -> None:
        lines = self.tables["journalLines"]
        self.tables["journalLines"] = {key: row for key, row in lines.items() if row["journalId"] != journal}

    def _post_batch(self, journal: str) -> None:
        """All of its lines become entries of the ledger, or none."""
        rows = [row for row in self.tables["journalLines"].values() if row["journalId"] == journal]
        if not rows:
            raise _no(400, "Application_DialogException", "There is nothing to post.")
        if any(row["postingDate"] <= self.closed_until for row in rows):
            words = "Posting Date is not within your range of allowed posting dates."
            raise _no(400, "Application_DialogException", words)
        if off := sum((Decimal(str(row["amount"])) for row in rows), Decimal(0)):
            words = f"{rows[0]['documentNumber']} is out of balance by {off}."
            raise _no(400, "Application_DialogException", f"Document No. {words}")
        for row in rows:
            amount = Decimal(str(row["amount"]))
            kept = {name: row[name] for name in ("documentNumber", "accountNumber", "description", "postingDate")}
            sides = {"debitAmount": float(max(amount, Decimal(0))), "creditAmount": float(max(-amount, Decimal(0)))}
            self._add("generalLedgerEntries", **kept, **sides)
        self._empty(journal)

    def _do(self, entities: str, row: dict[str, Any], action: str) -> None:
        if entities == "journals":
            self._post_batch(row["id"])
            return
        if action == "shipAndInvoice":
            kept = {key: row[key] for key in ("externalDocumentNumber", "customerNumber", "totalAmountIncludingTax")}
            twins = [each["externalDocumentNumber"] for each in self.tables["salesInvoices"].values()]
            if row["externalDocumentNumber"] in twins:
                raise _no(400, "Application_DialogException", "Sales Invoice with this number already exists.")
            lines = row["salesOrderLines"]
            self._add("salesInvoices", status="Open", orderNumber=row["number"], salesInvoiceLines=lines, **kept)
            self._add("salesShipments", orderNumber=row["number"], **kept)
            del self.tables["salesOrders"][row["id"]]
        elif row["status"] != "Draft":
            raise _no(400, "Application_DialogException", f"The Credit Memo {row['number']} is posted already.")
        else:
            row["status"] = "Open"

    def _reckon(self, entities: str, row: dict[str, Any]) -> None:
        total = Decimal(0)
        for line in row[LINES[entities]]:
            if line["lineType"] == "Item":
                if line["itemId"] not in self.tables["items"]:
                    words = f"The Item does not exist. Identification fields: No.='{line['itemId']}'"
                    raise _no(400, "Internal_RecordNotFound", words)
                total += Decimal(str(line["quantity"])) * Decimal(str(line["unitPrice"]))
        row["totalAmountIncludingTax"] = float(total)

    def _add(self, entities: str, **values: Any) -> dict[str, Any]:
        n = self.next_id()
        key = str(UUID(int=n))
        row = {"@odata.etag": f'W/"{n}"', "id": key, "number": f"{PREFIX.get(entities, '')}{100000 + n}", **values}
        return self.tables[entities].setdefault(key, row)

    # --- what tests ask

    def settings(self) -> dict[str, Any]:
        named = {"customer": "CHANNEL", "warehouse": "MAIN", "currency": "USD"}
        return {
            "company": COMPANY,
            "company_name": "Our Shop",
            "tenant": "tenant",
            "client_id": "client",
            "sign_in": self.url,
            **named,
        }

    def booked(self, reference: str) -> list[dict[str, Any]]:
        shipped = [each["externalDocumentNumber"] for each in self.tables["salesShipments"].values()]
        found = [_told(each, 1, shipped.count(reference)) for each in self._under("salesInvoices", reference)]
        return found + [_told(each, -1, 0) for each in self._under("salesCreditMemos", reference)]

    def _under(self, entities: str, reference: str) -> list[dict[str, Any]]:
        rows = self.tables[entities].values()
        return [row for row in rows if row["externalDocumentNumber"] == reference and row["status"] == "Open"]

    def journals(self, reference: str) -> list[dict[str, Any]]:
        rows = [row for row in self.tables["generalLedgerEntries"].values() if row["documentNumber"] == reference]
        sides = netted((row["accountNumber"], row["debitAmount"], row["creditAmount"]) for row in rows)
        return [{"number": reference, "sides": sides}] if rows else []

    def adjusted(self) -> dict[str, int]:
        rows = [*self.journal.values(), *(row["line"] for row in self.tables["itemLedgerEntries"].values())]
        found: dict[str, int] = {}
        for row in rows:
            sign = {"Positive Adjmt.": 1, "Negative Adjmt.": -1}[row["Entry_Type"]]
            found[row["Item_No"]] = found.get(row["Item_No"], 0) + sign * row["Quantity"]
        return found

    def by_hand(self, reference: str) -> None:
        named = {"externalDocumentNumber": reference, "orderNumber": "SO1", "salesInvoiceLines": []}
        self._add("salesInvoices", status="Open", customerNumber="X", totalAmountIncludingTax=1.0, **named)


def _meets(mine: Any, operator: str, value: str) -> bool:
    return mine > int(value) if operator == "gt" else (str(mine) == value) is (operator == "eq")


def _told(row: dict[str, Any], sign: int, deliveries: int) -> dict[str, Any]:
    total = sign * Decimal(str(row["totalAmountIncludingTax"])).quantize(Decimal("0.01"))
    return {"number": row["number"], "total": total, "deliveries": deliveries, "invoices": 1 if sign > 0 else 0}


def _no(status: int, code: str, words: str) -> No:
    message = f"{words}  CorrelationId:  8c5f7a4e-0000-4000-8000-000000000002."
    return No(Told(status, {"error": {"code": code, "message": message}}))
