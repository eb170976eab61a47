"""A sale in SAP S/4HANA, once (see attempt.py): found by the customer's reference (`PurchaseOrderByCustomer`), made
under a delivery and a billing block, checked, and freed of its blocks.

SAP knows no drafts, so a blocked order is ours: nothing is picked or billed from it. What follows is one outbound
delivery whose goods issue is posted; the invoice is SAP's own billing run's, and its number is read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from integrations.erp import lines
from integrations.erp.attempt import CANCELLED, DONE, DRAFT, Attempt, AttemptPort, Found
from integrations.erp.lines import Line
from integrations.erp.port import Behind, Memory, Rejected
from integrations.erp.sap.client import BILLING, CREDIT, DELIVERIES, PRODUCTS, SALES, Sap, day, quoted
from integrations.failures import FailureClass
from integrations.models import Connection

# SAP_COM_0002: the services that post journal entries are SOAP (JournalEntryCreateRequestConfirmation_In and its bulk
# twin); those of OData (API_JOURNALENTRYITEMBASIC_SRV, API_OPLACCTGDOCITEMCUBE_SRV) only read them.
NO_JOURNALS = (
    "SAP S/4HANA posts journal entries by SOAP only (Journal Entry – Post, SAP_COM_0002); its OData services, which"
    " Backroom speaks, read them. Book it there, and enter the number it has there on the posting."
)
PLACES = 2
BLOCKS = ("DeliveryBlockReason", "HeaderBillingBlockReason")
MARK = "PurchaseOrderByShipToParty"  # 35 characters
REJECTED = "C"  # the overall rejection status of a document whose every item is rejected


class SapPort(AttemptPort):
    """The ERP port of one sales area in one SAP system."""

    def ping(self) -> str:
        Sap(self.connection).find(SALES, "A_SalesOrder", "SalesOrder eq '0'")
        return f"SAP answers for the sales organisation {self.connection.settings.get('organisation')}."

    def attempt(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        kind = _CreditMemo if Decimal(document["total"]) < 0 else _Sale
        return kind(self.connection, document, memory)

    def journal(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        raise Rejected(FailureClass.BAD_VALUE, NO_JOURNALS)


class _Document(Attempt):
    name = "SAP"
    service: str
    entity: str  # what the keys are called; the set is A_ and this
    type_key: str
    usual_type: str
    blocks: tuple[str, ...]

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.erp = Sap(connection)

    @property
    def mark(self) -> str:
        return f"Backroom {self.origin}"

    @property
    def words(self) -> str:
        """Only 35 characters: our reference has a field of its own."""
        return f"{self.mark} {lines.fingerprint(self.document)}"

    def candidates(self) -> list[Found]:
        ours = f"PurchaseOrderByCustomer eq {quoted(self.document['reference'])}"
        return [self._found(each) for each in self.erp.find(self.service, f"A_{self.entity}", ours)]

    def values(self) -> Mapping[str, Any]:
        found = self._lines()
        self._refuse_unknown(found)
        block = str(self.settings.get("block", "01"))
        return {
            f"{self.entity}Type": self.settings.get(self.type_key, self.usual_type),
            "SalesOrganization": self.settings.get("organisation"),
            "DistributionChannel": self.settings.get("distribution_channel"),
            "OrganizationDivision": self.settings.get("division"),
            "SoldToParty": lines.named(self.settings, "customer", "customers", self.document["channel"], self.name),
            "PurchaseOrderByCustomer": self.document["reference"],
            MARK: self.words,
            "TransactionCurrency": self.document["currency"],
            f"{self.entity}Date": day(self.document["booked_on"]),
            **dict.fromkeys(self.blocks, block),
            "to_Item": [self._item(line) for line in found],
        }

    def create(self, values: Mapping[str, Any]) -> Found:
        made = self.erp.change("POST", f"{self.service}/A_{self.entity}", values).json()["d"]
        return self._read(made[self.entity])

    def take_away(self, found: Found) -> None:
        self.erp.change("DELETE", self._address(found.key), etag=_etag(found))

    def level(self, found: Found, difference: Decimal) -> Found:
        line = self._signed([lines.rounding(difference, self.settings)])[0]
        self.erp.change("POST", f"{self._address(found.key)}/to_Item", self._item(line))
        return self._read(found.key)

    def confirm(self, found: Found) -> Found:
        self.memory.still_ours()
        self.erp.change("PATCH", self._address(found.key), dict.fromkeys(self.blocks, ""), etag=_etag(found))
        return self._read(found.key)

    def _address(self, key: str) -> str:
        return f"{self.service}/A_{self.entity}({quoted(key)})"

    def _lines(self) -> list[Line]:
        found = lines.of(self.document, self.settings, places=int(self.settings.get("price_places", PLACES)))
        return self._signed(list(found))

    def _signed(self, found: list[Line]) -> list[Line]:
        return found

    def _refuse_unknown(self, found: list[Line]) -> None:
        codes = sorted({line.code for line in found if line.code})
        condition = " or ".join(f"Product eq {quoted(code)}" for code in codes)
        known = {each["Product"] for each in self.erp.find(PRODUCTS, "A_Product", condition)} if codes else set()
        lines.refuse_unknown(found, self.document, known, self.name)

    def _item(self, line: Line) -> dict[str, Any]:
        plant = lines.named(self.settings, "warehouse", "warehouses", self.document["location"], self.name)
        price = {
            "ConditionType": self.settings.get("price_condition", "PPR0"),
            "ConditionRateValue": str(line.unit_price),
            "ConditionCurrency": self.document["currency"],
            "ConditionQuantity": "1",
        }
        return {
            "Material": line.code,
            "RequestedQuantity": str(line.quantity),
            f"{self.entity}ItemText": line.description[:40],
            **({"ProductionPlant": plant} if self.entity == "SalesOrder" else {"Plant": plant}),
            "to_PricingElement": [price],
        }

    def _read(self, key: str) -> Found:
        found = self.erp.find(self.service, f"A_{self.entity}", f"{self.entity} eq {quoted(key)}")
        if not found:
            raise TryLater(f"SAP doesn't show {key} yet.")
        return self._found(found[0])

    def _found(self, made: Mapping[str, Any]) -> Found:
        blocked = any(made.get(name) for name in self.blocks)
        progress = DRAFT if blocked else DONE
        if made.get("OverallSDDocumentRejectionSts") == REJECTED:
            progress = CANCELLED
        key = str(made[self.entity])
        return Found(key, key, made.get(MARK) or "", progress, self.amount(made["TotalNetAmount"]), made)


class _Sale(_Document):
    service, entity, type_key, usual_type, blocks = SALES, "SalesOrder", "order_type", "OR", BLOCKS

    def follow(self, found: Found) -> Mapping[str, Any]:
        deliveries = [self._deliver(found)] if "delivery" in self.settings.get("documents", ["delivery"]) else []
        billed = self.erp.find(BILLING, "A_BillingDocumentItem", f"ReferenceSDDocument eq {quoted(found.key)}")
        billed += [
            each
            for delivery in deliveries
            for each in self.erp.find(BILLING, "A_BillingDocumentItem", f"ReferenceSDDocument eq {quoted(delivery)}")
        ]
        invoices = sorted({str(each["BillingDocument"]) for each in billed})
        return {"state": "released", "deliveries": deliveries, "invoices": invoices}

    def counted(self, found: Found) -> Behind:
        """Deliveries whose goods have left; billing is a run of SAP's own, so its invoices aren't ours to count."""
        if "delivery" not in self.settings.get("documents", ["delivery"]):
            return Behind(None, None)
        rows = self.erp.find(DELIVERIES, "A_OutbDeliveryItem", f"ReferenceSDDocument eq {quoted(found.key)}")
        numbers = sorted({str(each["DeliveryDocument"]) for each in rows})
        headers = [
            header
            for number in numbers
            for header in self.erp.find(DELIVERIES, "A_OutbDeliveryHeader", f"DeliveryDocument eq {quoted(number)}")
        ]
        return Behind(sum(each["OverallGoodsMovementStatus"] == "C" for each in headers), None)

    def _deliver(self, found: Found) -> str:
        """The order's outbound delivery with its goods issue; SAP delivers a quantity once."""
        ours = f"ReferenceSDDocument eq {quoted(found.key)}"
        there = self.erp.find(DELIVERIES, "A_OutbDeliveryItem", ours)
        if not there:
            items = self.erp.find(SALES, "A_SalesOrderItem", f"SalesOrder eq {quoted(found.key)}")
            rows = [
                {"ReferenceSDDocument": found.key, "ReferenceSDDocumentItem": each["SalesOrderItem"]} for each in items
            ]
            self.memory.still_ours()
            body = {"to_DeliveryDocumentItem": {"results": rows}}
            self.erp.change("POST", f"{DELIVERIES}/A_OutbDeliveryHeader", body)
            there = self.erp.find(DELIVERIES, "A_OutbDeliveryItem", ours)
        if not there:
            raise TryLater(f"SAP doesn't show the delivery of {found.key} yet.")
        number = str(there[0]["DeliveryDocument"])
        (header,) = self.erp.find(DELIVERIES, "A_OutbDeliveryHeader", f"DeliveryDocument eq {quoted(number)}")
        if header["OverallGoodsMovementStatus"] != "C":
            self.memory.still_ours()
            path = f"{DELIVERIES}/PostGoodsIssue?DeliveryDocument={quoted(number)}"
            self.erp.change("POST", path, etag=str(header["__metadata"]["etag"]))
        return number


class _CreditMemo(_Document):
    """A credit memo request: SAP bills it as it does orders."""

    service, entity, type_key, usual_type = CREDIT, "CreditMemoRequest", "credit_type", "CR"
    blocks = ("HeaderBillingBlockReason",)

    def values(self) -> Mapping[str, Any]:
        return {**super().values(), "SDDocumentReason": self.settings.get("credit_reason", "001")}

    def follow(self, found: Found) -> Mapping[str, Any]:
        return {"state": "released", "credit_memos": [found.number]}

    def _signed(self, found: list[Line]) -> list[Line]:
        return lines.credited(found)

    def _found(self, made: Mapping[str, Any]) -> Found:
        found = super()._found(made)
        return Found(found.key, found.number, found.words, found.progress, -found.total, made)


def _etag(found: Found) -> str:
    return str(found.raw["__metadata"]["etag"])
