"""A sale in Business Central, once (see attempt.py): an order that is shipped and invoiced by one bound action.

The order is gone then; what remains are its shipment and its posted invoice under the same external document number,
so that is looked for first. One transaction posts both: there is no half of it to go on from. Our mark is a comment
line of the order, which posting takes along.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from integrations import aliases
from integrations.erp import lines
from integrations.erp.attempt import CANCELLED, DONE, DRAFT, OFFERED, Attempt, AttemptPort, Found
from integrations.erp.businesscentral.client import BusinessCentral, any_of, quoted
from integrations.erp.businesscentral.journals import BusinessCentralJournal
from integrations.erp.lines import Line, Tax
from integrations.erp.port import Behind, Memory, Rejected
from integrations.failures import FailureClass
from integrations.models import AliasKind, Connection

COMMENT = 100  # characters of a comment line
NUMBERED = 50  # conditions in one filter
POSTED = {"Open": DONE, "Paid": DONE + 1, "Corrective": DONE}
UNPOSTED = {"Draft": DRAFT, "In Review": OFFERED, "Open": OFFERED}
CANCELS = {"Canceled": CANCELLED}


class BusinessCentralPort(AttemptPort):
    """The ERP port of one company in one environment."""

    def ping(self) -> str:
        found = BusinessCentral(self.connection).find("companyInformation", "displayName ne ''")
        return f"Business Central answers for {found[0]['displayName'] if found else 'a company without a name'}."

    def attempt(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        kind = _CreditMemo if Decimal(document["total"]) < 0 else _Sale
        return kind(self.connection, document, memory)

    def journal(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        return BusinessCentralJournal(self.connection, document, memory)


class _Document(Attempt):
    name = "Business Central"
    entities: str  # before posting
    posted: str  # and after; the same for credit memos
    line: str
    post: str

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.erp = BusinessCentral(connection)

    @property
    def words(self) -> str:
        return super().words[:COMMENT]

    def values(self) -> Mapping[str, Any]:
        found = self._lines()
        items = self._items(found)
        lines.refuse_unknown(found, self.document, items, self.name)
        customer = lines.named(self.settings, "customer", "customers", self.document["channel"], self.name)
        number = self._one("customers", "number", customer)["number"]
        comment = {"lineType": "Comment", "description": self.words}
        return {
            "customerNumber": number,
            "externalDocumentNumber": self.document["reference"],
            "pricesIncludeTax": False,
            **self._currency(),
            **self._days(),
            f"{self.line}s": [comment, *(self._line(line, items) for line in found)],
        }

    def create(self, values: Mapping[str, Any]) -> Found:
        """The document and its lines in one call: all of it or nothing."""
        made = self.erp.create(self.entities, values)
        return self._read(self.entities, f"id eq {made['id']}")

    def take_away(self, found: Found) -> None:
        self.erp.delete(self.entities, found.raw)

    def level(self, found: Found, difference: Decimal) -> Found:
        line = self._signed([lines.rounding(difference, self.settings)])[0]
        values = self._line(line, self._items([line]))
        self.erp.create(f"{self.entities}({found.key})/{self.line}s", values)
        return self._read(self.entities, f"id eq {found.key}")

    def confirm(self, found: Found) -> Found:
        self.memory.still_ours()
        self.erp.do(self.entities, found.key, self.post)
        best = [each for each in self.candidates() if each.progress >= DONE and each.words.startswith(self.words)]
        if not best:
            raise TryLater("Business Central doesn't show what it posted yet.")
        return best[0]

    def _days(self) -> dict[str, str]:
        return {"orderDate": self.document["booked_on"], "postingDate": self.document["booked_on"]}

    def _currency(self) -> dict[str, str]:
        """The company's own currency has no code on documents."""
        code = self.document["currency"]
        return {} if code == self.settings.get("currency") else {"currencyCode": code}

    def _lines(self) -> list[Line]:
        rates = aliases.outward(self.connection, AliasKind.TAX, "taxes")
        taxes = tuple(Tax(code, code, Decimal(str(rate)) / 100) for code, rate in rates.items())
        found = lines.of(self.document, self.settings, taxes, int(self.settings.get("price_places", 4)))
        return self._signed(list(found))

    def _signed(self, found: list[Line]) -> list[Line]:
        return found

    def _items(self, found: list[Line]) -> dict[str, str]:
        codes = sorted({line.code for line in found if line.code})
        known: dict[str, str] = {}
        for start in range(0, len(codes), NUMBERED):
            some = self.erp.find("items", any_of("number", codes[start : start + NUMBERED]))
            known |= {each["number"]: str(each["id"]) for each in some}
        return known

    def _line(self, line: Line, items: Mapping[str, str]) -> dict[str, Any]:
        place = lines.named(self.settings, "warehouse", "warehouses", self.document["location"], self.name)
        tax = {"taxCode": str(line.tax.id)} if line.tax else {}
        more = {"locationId": str(self._place(place)), "description": line.description[:COMMENT], **tax}
        values = {"lineType": "Item", "itemId": items[line.code], "quantity": line.quantity}
        return {**values, "unitPrice": line.unit_price, **more}

    def _place(self, code: str) -> str:
        if not hasattr(self, "_places"):
            self._places: dict[str, str] = {}
        if code not in self._places:
            self._places[code] = str(self._one("locations", "code", code)["id"])
        return self._places[code]

    def _one(self, entities: str, field: str, value: str) -> dict[str, Any]:
        found = self.erp.find(entities, f"{field} eq {quoted(value)}")
        if not found:
            raise Rejected(FailureClass.MISSING_REFERENCE, f"Business Central has no {entities[:-1]} {value}.")
        return found[0]

    def _read(self, entities: str, condition: str) -> Found:
        found = self.erp.find(entities, condition, expand=f"{self.line}s")
        if not found:
            raise TryLater("Business Central doesn't show what it made yet.")
        return self._found(found[0], self.line, UNPOSTED)

    def _found(self, made: Mapping[str, Any], line: str, states: Mapping[str, int]) -> Found:
        comments = [each for each in made.get(f"{line}s") or [] if each["lineType"] == "Comment"]
        words = next((each["description"] for each in comments if each["description"].startswith("Backroom ")), "")
        total = self.amount(made["totalAmountIncludingTax"])
        progress = {**states, **CANCELS}.get(made["status"].replace("_x0020_", " "))
        if progress is None:
            raise TryLater(f"Business Central says {made['number']} is “{made['status']}”.")
        return Found(str(made["id"]), made["number"], words, progress, total, made)


class _Sale(_Document):
    entities, posted, line, post = "salesOrders", "salesInvoices", "salesOrderLine", "shipAndInvoice"

    def candidates(self) -> list[Found]:
        ours = f"externalDocumentNumber eq {quoted(self.document['reference'])}"
        invoices = self.erp.find("salesInvoices", ours, expand="salesInvoiceLines")
        orders = self.erp.find("salesOrders", ours, expand="salesOrderLines")
        return [
            *(self._found(each, "salesInvoiceLine", {**POSTED, "Draft": DRAFT}) for each in invoices),
            *(self._found(each, "salesOrderLine", UNPOSTED) for each in orders),
        ]

    def counted(self, found: Found) -> Behind:
        """The document that is found is its posted invoice."""
        ours = f"externalDocumentNumber eq {quoted(self.document['reference'])}"
        invoices = [each for each in self.erp.find("salesInvoices", ours) if each["status"] in POSTED]
        total = sum((self.amount(each["totalAmountIncludingTax"]) for each in invoices), Decimal(0))
        return Behind(len(self.erp.find("salesShipments", ours)), len(invoices), total)

    def follow(self, found: Found) -> Mapping[str, Any]:
        if found.total != self.total:
            raise self.differs(found.total, invoice=found.number)
        ours = f"externalDocumentNumber eq {quoted(self.document['reference'])}"
        deliveries = [each["number"] for each in self.erp.find("salesShipments", ours)]
        order = {"order": found.raw.get("orderNumber", "")}
        return {"state": found.raw["status"], "deliveries": deliveries, "invoices": [found.number], **order}


class _CreditMemo(_Document):
    entities, posted, line, post = "salesCreditMemos", "salesCreditMemos", "salesCreditMemoLine", "post"

    def candidates(self) -> list[Found]:
        ours = f"externalDocumentNumber eq {quoted(self.document['reference'])}"
        found = self.erp.find("salesCreditMemos", ours, expand="salesCreditMemoLines")
        return [self._found(each, self.line, {**POSTED, "Draft": DRAFT, "In Review": OFFERED}) for each in found]

    def follow(self, found: Found) -> Mapping[str, Any]:
        return {"state": found.raw["status"], "credit_memos": [found.number]}

    def _days(self) -> dict[str, str]:
        return {"creditMemoDate": self.document["booked_on"], "postingDate": self.document["booked_on"]}

    def _signed(self, found: list[Line]) -> list[Line]:
        return lines.credited(found)

    def _found(self, made: Mapping[str, Any], line: str, states: Mapping[str, int]) -> Found:
        found = super()._found(made, line, states)
        return Found(found.key, found.number, found.words, found.progress, -found.total, made)
