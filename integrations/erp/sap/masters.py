"""SAP's products, plants, customers and material stock, as its OData v2 services give them. Pure.

Amounts are texts and moments /Date(milliseconds)/. Of the types of stock only those are mapped whose meaning is beyond
doubt; others wait until a person says what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.channels.meaning import IncomingAccount, Meaning, ignored
from integrations.erp import reading
from integrations.erp.reading import ACCOUNT, ITEM, LOCATION, STOCK, Reader, Settings
from integrations.reading import Node, moment_of
from inventory.models import Tracking
from inventory.snapshots import ReportedLine

STATUSES = {"01": "sellable", "02": "quarantined", "07": "quarantined"}  # unrestricted, in inspection, blocked
UNSTOCKED = {"SERV": "a service", "DIEN": "a service", "NLAG": "not stocked", "VERP": "packaging"}
OURS = "a document of SAP's sales: Backroom brings sales there and takes none from it"
PURCHASE = "a purchase of SAP's: Backroom takes none from it"
IGNORED = {"sale": OURS, "purchase": PURCHASE}
# What tells entities apart: a field no other of them has.
TELLING = (
    ("MatlWrhsStkQtyInMatlBaseUnit", STOCK), ("SalesOrder", "sale"), ("CreditMemoRequest", "sale"),
    ("DeliveryDocument", "sale"), ("BillingDocument", "sale"), ("PurchaseOrder", "purchase"),
    ("ProductType", ITEM), ("Product", ITEM), ("PlantName", LOCATION), ("CustomerAccountGroup", ACCOUNT),
    ("Customer", ACCOUNT),
)  # fmt: skip
_DATE = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")


def item(node: Node, settings: Settings) -> Meaning:
    kind = node.line("ProductType")
    if kind in UNSTOCKED:
        return ignored(f"of the type {kind} ({UNSTOCKED[kind]}): nothing of it is sold from stock")
    gtin, others = reading.barcodes(node.line("ProductStandardID", 200))
    deleted = node.flag("IsMarkedForDeletion") if node.has("IsMarkedForDeletion") else None
    facts = {"unit": node.line("BaseUnit"), "category": node.line("ProductGroup")}
    return reading.item(
        node,
        node.line("Product", 100),
        moment(node, "LastChangeDateTime") or moment(node, "LastChangeDate"),
        node.line("Product", 200),
        name=_name(node, settings),
        gtin=gtin,
        barcodes=others,
        active=None if deleted is None else not deleted,
        weight_grams=reading.grams(node, "GrossWeight", node.line("WeightUnit")),
        tracking=_tracking(node),
        facts={name: value for name, value in facts.items() if value},
    )


def location(node: Node, settings: Settings) -> Meaning:
    plant = node.line("Plant", 100)
    return reading.place(node, plant, None, reading.ours(settings, plant), name=node.line("PlantName") or None)


def account(node: Node, settings: Settings) -> Meaning:
    areas = [each for each in _inside(node, "to_CustomerSalesArea") if _ours(each, settings)]
    if len(areas) != 1:
        return ignored("a customer without one sales area that is ours: nothing is sold to it from here")
    (area,) = areas
    word = area.line("CustomerPaymentTerms")
    return reading.account(
        node.line("Customer", 100),
        None,
        IncomingAccount(
            code=node.line("Customer", 60),
            name=node.line("CustomerName", 120) or node.line("CustomerFullName", 120),
            currency=area.currency("Currency") or None,
            payment_terms=reading.terms(area, "CustomerPaymentTerms", word, settings),
            on_stop=bool(
                node.line("OrderIsBlockedForCustomer")
                or node.line("DeliveryIsBlocked")
                or area.line("OrderIsBlockedForCustomer")
                or area.line("DeliveryIsBlockedForCustomer")
            ),
            tax_id=node.line("VATRegistration", 40) or node.line("TaxNumber1", 40) or None,
        ),
    )


def levels(nodes: Sequence[Node], settings: Settings) -> Sequence[ReportedLine]:
    return [
        reading.level(
            node,
            "MatlWrhsStkQtyInMatlBaseUnit",
            node.line("Material", 200),
            reading.ours(settings, node.line("Plant", 200)),
            node.line("InventoryStockType"),
        )
        for node in nodes
        if not node.line("InventorySpecialStockType")  # consigned to a customer, of a project: not ours to sell
    ]


def moment(node: Node, key: str) -> datetime | None:
    value = node.raw(key)
    if not value:
        return None
    told = _DATE.fullmatch(str(value))
    try:
        found = datetime.fromtimestamp(int(told[1]) / 1000, UTC) if told else moment_of(value)
    except (OverflowError, OSError, ValueError):
        found = None
    if found is None:
        node.at(key).fault(f"should be a moment, is {reading.shown(value)}")
    return found


def _name(node: Node, settings: Settings) -> str | None:
    """The description in the settings' language (EN), or the only one there is."""
    told = {each.line("Language"): each.line("ProductDescription", 200) for each in _inside(node, "to_Description")}
    wanted = str(settings.get("language") or "EN")
    return told.get(wanted) or (next(iter(told.values())) if len(told) == 1 else None)


def _tracking(node: Node) -> str | None:
    if node.line("SerialNumberProfile"):
        return Tracking.SERIAL
    if not node.has("IsBatchManagementRequired"):
        return None
    return Tracking.LOT if node.flag("IsBatchManagementRequired") else Tracking.NONE


def _ours(area: Node, settings: Settings) -> bool:
    names = (
        ("SalesOrganization", "organisation"), ("DistributionChannel", "distribution_channel"), ("Division", "division")
    )  # fmt: skip
    return all(not settings.get(setting) or area.line(name) == settings[setting] for name, setting in names)


def _inside(node: Node, key: str) -> list[Node]:
    """What a navigation was expanded to; deferred means nobody asked."""
    value = node.raw(key)
    if isinstance(value, dict) and "results" in value:
        return list(node.at(key).items("results"))
    return list(node.items(key)) if isinstance(value, list) else []


def _kind(row: Mapping[str, Any]) -> str:
    if "Plant" in row and "PlantName" in row:
        return LOCATION
    return next((kind for field, kind in TELLING if field in row), "")


def _opened(document: Any) -> list[Any] | None:
    if isinstance(document, dict) and isinstance(document.get("d"), dict):
        inner = document["d"]
        return list(inner["results"]) if isinstance(inner.get("results"), list) else [inner]
    if isinstance(document, dict) and isinstance(document.get("value"), list):
        return list(document["value"])
    return document if isinstance(document, list) else None


READER = Reader("SAP", _kind, _opened, {ITEM: item, LOCATION: location, ACCOUNT: account}, levels, STATUSES, IGNORED)
