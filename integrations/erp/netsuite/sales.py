"""A sale in NetSuite, once (see attempt.py): every record carries an external id of ours, which NetSuite keeps unique.

The order is approved, then transformed into its fulfilment and its invoice, each under an external id of its own: the
second of two attempts is refused by NetSuite and finds the first's.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from integrations.erp import lines
from integrations.erp.attempt import CANCELLED, DONE, DRAFT, TOLERANCE, Attempt, AttemptPort, Found
from integrations.erp.lines import Line
from integrations.erp.netsuite.client import RECORD, NetSuite
from integrations.erp.netsuite.journals import NetSuiteJournal
from integrations.erp.port import Behind, Memory, Rejected
from integrations.failures import FailureClass
from integrations.models import Connection

# Order states by NetSuite's letters: approval, fulfilment, cancelled, partly fulfilled, both, billing, billed, closed.
PROGRESS = {"A": DRAFT, "B": DONE, "C": CANCELLED, "D": 3, "E": 4, "F": 5, "G": 6, "H": CANCELLED}
SHIPPED = {"shipStatus": {"id": "C"}}


class NetSuitePort(AttemptPort):
    """The ERP port of one NetSuite account."""

    def ping(self) -> str:
        NetSuite(self.connection).call("GET", f"{RECORD}/salesOrder", query={"limit": "1"})
        return "NetSuite answers."

    def attempt(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        kind = _CreditMemo if Decimal(document["total"]) < 0 else _Sale
        return kind(self.connection, document, memory)

    def journal(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        return NetSuiteJournal(self.connection, document, memory)


class _Document(Attempt):
    name = "NetSuite"
    record: str

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.erp = NetSuite(connection)
        self.external_id = f"backroom-{self.origin}-{document['reference']}"

    def candidates(self) -> list[Found]:
        """By NetSuite's index of external ids, which knows a record at once, and by the reference people see."""
        ours = self.erp.read(self.record, f"eid:{self.external_id}")
        theirs = self.erp.under(self.record, "otherRefNum", self.document["reference"])
        found = {str(each["id"]): each for each in [ours, *theirs] if each is not None}
        return [self._found(each) for each in found.values()]

    def values(self) -> Mapping[str, Any]:
        found = self._lines()
        items = self._items(found)
        lines.refuse_unknown(found, self.document, items, self.name)
        customer = lines.named(self.settings, "customer", "customers", self.document["channel"], self.name)
        place = lines.named(self.settings, "warehouse", "warehouses", self.document["location"], self.name)
        return {
            "entity": self._ref("customer", "entityid", customer),
            "location": self._ref("location", "name", place),
            "currency": self._ref("currency", "symbol", self.document["currency"]),
            "tranDate": self.document["booked_on"],
            "otherRefNum": self.document["reference"],
            "memo": self.words,
            "item": {"items": [self._item(line, items) for line in found]},
        }

    def create(self, values: Mapping[str, Any]) -> Found:
        self.erp.put(self.record, self.external_id, values)
        return self._read(f"eid:{self.external_id}")

    def take_away(self, found: Found) -> None:
        """Nothing: putting it again under its external id replaces it."""

    def level(self, found: Found, difference: Decimal) -> Found:
        line = self._signed([lines.rounding(difference, self.settings)])[0]
        self.erp.change(self.record, found.key, {"item": {"items": [self._item(line, self._items([line]))]}})
        return self._read(found.key)

    def _lines(self) -> list[Line]:
        found = lines.of(self.document, self.settings, places=int(self.settings.get("price_places", 4)))
        return self._signed(list(found))

    def _signed(self, found: list[Line]) -> list[Line]:
        return found

    def _items(self, found: list[Line]) -> dict[str, str]:
        return self.erp.ids("item", "itemid", (line.code for line in found if line.code))

    def _item(self, line: Line, items: Mapping[str, str]) -> dict[str, Any]:
        # Price level -1 is “custom”: without it NetSuite puts its own price for the given one.
        price = {"rate": line.unit_price, "price": {"id": "-1"}, "amount": line.amount}
        return {"item": {"id": items[line.code]}, "quantity": line.quantity, "description": line.description, **price}

    def _ref(self, table: str, field: str, name: str) -> dict[str, str]:
        found = self.erp.ids(table, field, [name])
        if name not in found:
            raise Rejected(FailureClass.MISSING_REFERENCE, f"NetSuite has no {table} {name}.")
        return {"id": found[name]}

    def _read(self, key: str) -> Found:
        found = self.erp.read(self.record, key)
        if found is None:
            raise TryLater(f"NetSuite's {self.record} {key} is gone.")
        return self._found(found)

    def _found(self, made: Mapping[str, Any]) -> Found:
        state = self._progress(made)
        total = self.amount(made["total"])
        return Found(str(made["id"]), str(made.get("tranId") or ""), made.get("memo") or "", state, total, made)

    def _progress(self, made: Mapping[str, Any]) -> int:
        raise NotImplementedError


class _Sale(_Document):
    record = "salesOrder"

    def confirm(self, found: Found) -> Found:
        self.memory.still_ours()
        self.erp.change(self.record, found.key, {"orderStatus": {"id": "B"}})
        return self._read(found.key)

    def follow(self, found: Found) -> Mapping[str, Any]:
        wanted = self.settings.get("documents", ["delivery", "invoice"])
        deliveries = [self._stands(found, "itemFulfillment", SHIPPED)["tranId"]] if "delivery" in wanted else []
        invoices = []
        if "invoice" in wanted:
            invoice = self._stands(found, "invoice", {})
            if (total := self.amount(invoice["total"])) != found.total:
                raise self.differs(total, order=found.number)
            invoices.append(invoice["tranId"])
        return {"state": "approved", "deliveries": deliveries, "invoices": invoices}

    def counted(self, found: Found) -> Behind:
        wanted = self.settings.get("documents", ["delivery", "invoice"])
        sent = self._made(found, "itemFulfillment") if "delivery" in wanted else None
        billed = self._made(found, "invoice") if "invoice" in wanted else None
        total = sum((self.amount(each["total"]) for each in billed or ()), Decimal(0))
        return Behind(None if sent is None else len(sent), None if billed is None else len(billed), total)

    def _made(self, found: Found, into: str) -> list[dict[str, Any]]:
        made = self.erp.read(into, f"eid:{self.external_id}-{into}")
        return [made] if made is not None else []

    def _stands(self, found: Found, into: str, values: Mapping[str, Any]) -> dict[str, Any]:
        external_id = f"{self.external_id}-{into}"
        made = self.erp.read(into, f"eid:{external_id}")
        if made is None:
            self.memory.still_ours()
            day = self.document["booked_on"]
            self.erp.transform(self.record, found.key, into, {**values, "externalId": external_id, "tranDate": day})
            made = self.erp.read(into, f"eid:{external_id}")
        if made is None:
            raise TryLater(f"NetSuite doesn't show the {into} of {found.number} yet.")
        return made

    def _progress(self, made: Mapping[str, Any]) -> int:
        return PROGRESS[str(made["orderStatus"]["id"])]


class _CreditMemo(_Document):
    record = "creditMemo"

    def follow(self, found: Found) -> Mapping[str, Any]:
        return {"state": "open", "credit_memos": [found.number]}

    def confirm(self, found: Found) -> Found:
        return found

    def values(self) -> Mapping[str, Any]:
        """A credit memo counts as soon as it is there, so what it will come to is reckoned before it is written: its
        lines carry no taxes of NetSuite's, and it rounds each to the cent."""
        given = super().values()
        rows = given["item"]["items"]
        reckoned = -sum((self.amount(Decimal(row["quantity"]) * row["rate"]) for row in rows), Decimal(0))
        if abs(reckoned - self.total) > Decimal(str(self.settings.get("tolerance", TOLERANCE))):
            raise self.differs(reckoned)
        return given

    def create(self, values: Mapping[str, Any]) -> Found:
        """What NetSuite makes of it is looked at all the same before its number is taken."""
        made = super().create(values)
        return made if made.total == self.total else self._agreed(made)

    def _signed(self, found: list[Line]) -> list[Line]:
        return lines.credited(found)

    def _found(self, made: Mapping[str, Any]) -> Found:
        found = super()._found(made)
        return Found(found.key, found.number, found.words, found.progress, -found.total, made)

    def _progress(self, made: Mapping[str, Any]) -> int:
        return DONE
