"""Business Central's items, locations and customers, as API v2.0 gives them. Pure.

The standard API has stock by item only, over all locations: it is taken for one place, which the settings name as
`stock_location`, and not at all without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.channels.meaning import IncomingAccount, Meaning, ignored
from integrations.erp import reading
from integrations.erp.reading import ACCOUNT, ITEM, LOCATION, Reader, Settings
from integrations.reading import Node
from inventory.snapshots import ReportedLine

OURS = "a document of Business Central's sales: Backroom brings sales there and takes none from it"
PURCHASE = "a purchase of Business Central's: Backroom takes none from it"
IGNORED = {"sale": OURS, "purchase": PURCHASE}
# What tells records apart: a field no other of them has.
TELLING = (
    ("baseUnitOfMeasureCode", ITEM), ("baseUnitOfMeasureId", ITEM), ("gtin", ITEM),
    ("orderDate", "sale"), ("salesperson", "sale"), ("invoiceDate", "sale"), ("creditMemoDate", "sale"),
    ("payToVendorNumber", "purchase"), ("taxRegistrationNumber", ACCOUNT), ("taxLiable", ACCOUNT),
)  # fmt: skip
BLOCKED = {"": False, " ": False, "_x0020_": False, "Ship": True, "Invoice": True, "All": True}
_DAYS = re.compile(r"<?([1-9][0-9]{0,2})D>?")


def item(node: Node, settings: Settings) -> Meaning:
    kind = node.line("type")
    if kind in {"Service", "Non_x002D_Inventory", "Non-Inventory"}:
        return ignored(f"of the type {kind.replace('_x002D_', '-')}: nothing of it is stocked")
    if kind not in {"Inventory", ""}:
        node.at("type").fault(f"should be Inventory, Service or Non-Inventory, is {reading.shown(kind)}")
    gtin, others = reading.barcodes(node.line("gtin", 200))
    facts = {
        "unit": node.line("baseUnitOfMeasureCode"), "tax_class": node.line("taxGroupCode"),
        "category": node.line("itemCategoryCode"),
    }  # fmt: skip
    return reading.item(
        node,
        node.line("id", 100),
        node.moment("lastModifiedDateTime"),
        node.line("number", 200),
        name=node.line("displayName", 200) or None,
        gtin=gtin,
        barcodes=others,
        active=not node.flag("blocked") if node.has("blocked") else None,
        cost=reading.cost(node, "unitCost", str(settings.get("currency") or "")),
        facts={name: value for name, value in facts.items() if value},
    )


def location(node: Node, settings: Settings) -> Meaning:
    parts = {
        "line1": node.line("addressLine1"), "line2": node.line("addressLine2"), "city": node.line("city"),
        "region": node.line("state"), "postcode": node.line("postalCode", 20), "country": node.line("country", 2),
    }  # fmt: skip
    return reading.place(
        node,
        node.line("id", 100),
        node.moment("lastModifiedDateTime"),
        reading.ours(settings, node.line("code", 200)),
        name=node.line("displayName") or None,
        address={key: value for key, value in parts.items() if value} or None,
    )


def account(node: Node, settings: Settings) -> Meaning:
    kind = node.line("type")
    if kind == "Person" and not node.line("taxRegistrationNumber"):
        return ignored("a person without a tax number: no business account")
    if kind not in {"Company", "Person", ""}:
        node.at("type").fault(f"should be Company or Person, is {reading.shown(kind)}")
    blocked = node.raw("blocked")
    if blocked is not None and str(blocked) not in BLOCKED:
        node.at("blocked").fault(f"should be empty, Ship, Invoice or All, is {reading.shown(blocked)}")
    term = node.object("paymentTerm")
    word = term.line("code") if term else ""
    due = _DAYS.fullmatch(term.line("dueDateCalculation")) if term else None
    return reading.account(
        node.line("id", 100),
        node.moment("lastModifiedDateTime"),
        IncomingAccount(
            code=node.line("number", 60),
            name=node.line("displayName", 120),
            currency=node.currency("currencyCode") or str(settings.get("currency") or "") or None,
            payment_terms=reading.terms(node, "paymentTerm", word, settings, days=int(due[1]) if due else None),
            credit_limit=reading.number(node, "creditLimit") or None,
            on_stop=BLOCKED.get(str(blocked)) if blocked is not None else None,
            tax_id=node.line("taxRegistrationNumber", 40) or None,
        ),
    )


def levels(nodes: Sequence[Node], settings: Settings) -> Sequence[ReportedLine]:
    where = str(settings.get("stock_location") or "")
    if not where:
        return ()
    return [reading.level(node, "inventory", node.line("number", 200), where, "on hand") for node in nodes]


def _kind(row: Mapping[str, Any]) -> str:
    if "code" in row and "addressLine1" in row:
        return LOCATION
    return next((kind for field, kind in TELLING if field in row), "")


def _opened(document: Any) -> list[Any] | None:
    if isinstance(document, dict) and isinstance(document.get("value"), list):
        return list(document["value"])
    return document if isinstance(document, list) else None


READER = Reader(
    "Business Central", _kind, _opened, {ITEM: item, LOCATION: location, ACCOUNT: account}, levels,
    {"on hand": "on_hand"}, IGNORED,
)  # fmt: skip
