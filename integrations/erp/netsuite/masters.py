"""NetSuite's items, locations, customers and levels: rows of SuiteQL, or records as the REST service gives them. Pure.

SuiteQL writes every value as text and leaves out what is empty; yes and no are T and F. Records write true and false,
and what they refer to as {"id", "refName"}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from integrations.channels.meaning import IncomingAccount, Meaning, ignored
from integrations.erp import reading
from integrations.erp.reading import ACCOUNT, ITEM, LOCATION, STOCK, Reader, Settings
from integrations.reading import Node
from inventory.models import Tracking
from inventory.snapshots import ReportedLine

STOCKED = {"InvtPart", "Assembly"}
UNSTOCKED = {
    "NonInvtPart", "Service", "OthCharge", "Discount", "Markup", "Payment", "Subtotal", "Description", "Group", "Kit",
    "GiftCert", "DwnLdItem", "TaxItem", "TaxGroup", "ShipItem", "Subscri", "Expense",
}  # fmt: skip
OURS = "a document of NetSuite's sales: Backroom brings sales there and takes none from it"
IGNORED = {"sale": OURS, "purchase": "a purchase of NetSuite's: Backroom takes none from it"}
# What tells records apart: a field no other of them has.
TELLING = (
    ("quantityonhand", STOCK), ("itemtype", ITEM), ("itemid", ITEM), ("entityid", ACCOUNT),
    ("makeinventoryavailable", LOCATION), ("altsalestotal", "sale"), ("salesrep", "sale"), ("shipmethod", "sale"),
    ("orderstatus", "sale"), ("otherrefnum", "sale"), ("estgrossprofit", "sale"),
)  # fmt: skip


def item(node: Node, settings: Settings) -> Meaning:
    kind = word(node, "itemtype")
    if kind in UNSTOCKED:
        return ignored(f"of the type {kind}: nothing of it is stocked")
    if kind not in STOCKED:
        node.at("itemtype").fault(f"is no type of item known here: {reading.shown(kind)}")
    gtin, others = reading.barcodes(node.line("upccode", 200))
    facts = {"unit": word(node, "stockunit"), "tax_class": word(node, "taxschedule")}
    currency = str(settings.get("currency") or "")
    inactive = flag(node, "isinactive")
    return reading.item(
        node,
        node.number_id("id"),
        moment(node, settings),
        node.line("itemid", 200),
        name=node.line("displayname", 200) or None,
        gtin=gtin,
        barcodes=others,
        active=None if inactive is None else not inactive,
        weight_grams=reading.grams(node, "weight", word(node, "weightunit").removeprefix("_")),
        tracking=_tracking(node),
        cost=reading.cost(node, "averagecost", currency),
        facts={name: value for name, value in facts.items() if value},
    )


def location(node: Node, settings: Settings) -> Meaning:
    inactive = flag(node, "isinactive")
    name = node.line("name", 120)
    return reading.place(
        node,
        node.number_id("id"),
        moment(node, settings),
        reading.ours(settings, name),
        name=name or None,
        active=None if inactive is None else not inactive,
    )


def account(node: Node, settings: Settings) -> Meaning:
    if flag(node, "isperson") and not node.line("taxid"):
        return ignored("a person without a tax number: no business account")
    days = reading.number(node, "termdays")
    hold = word(node, "creditholdoverride")
    if hold not in {"", "AUTO", "OFF", "ON"}:
        node.at("creditholdoverride").fault(f"should be AUTO, ON or OFF, is {reading.shown(hold)}")
    inactive = flag(node, "isinactive")
    terms = word(node, "terms")
    return reading.account(
        node.number_id("id", needed=True),
        moment(node, settings),
        IncomingAccount(
            code=node.line("entityid", 60),
            name=node.line("companyname", 120) or node.line("entityid", 120),
            currency=node.currency("currency") or None,
            payment_terms=reading.terms(
                node, "terms", terms, settings, days=int(days) if days and 1 <= days <= 999 else None
            ),
            credit_limit=reading.number(node, "creditlimit"),
            on_stop=True if inactive or hold == "ON" else False if inactive is not None else None,
            tax_id=node.line("taxid", 40) or None,
        ),
    )


def levels(nodes: Sequence[Node], settings: Settings) -> Sequence[ReportedLine]:
    return [
        reading.level(node, "quantityonhand", node.line("itemid", 200), reading.ours(settings, place), "on hand")
        for node in nodes
        for place in [word(node, "location")]
    ]


def flag(node: Node, key: str) -> bool | None:
    """T and F of SuiteQL, true and false of records; None where nothing is said."""
    value = node.raw(key)
    if value is None or value == "":
        return None
    if value in ("T", "F", True, False):
        return value in ("T", True)
    node.at(key).fault(f"should be T or F, is {reading.shown(value)}")
    return None


def word(node: Node, key: str) -> str:
    """Text, or the name of what a record refers to."""
    value = node.raw(key)
    if isinstance(value, dict):
        return node.at(key).line("refName")
    return node.line(key)


def moment(node: Node, settings: Settings) -> datetime | None:
    """The last change. SuiteQL's is the account's own time: without a zone in the settings it only orders versions."""
    value = node.raw("lastmodifieddate")
    if not value:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        node.at("lastmodifieddate").fault(f"should be a date and time, is {reading.shown(value)}")
        return None
    name = settings.get("time_zone")
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(str(name)) if name else UTC)


def _tracking(node: Node) -> str | None:
    serial, lot = flag(node, "isserialitem"), flag(node, "islotitem")
    if serial is None and lot is None:
        return None
    return Tracking.SERIAL if serial else Tracking.LOT if lot else Tracking.NONE


def _kind(row: Mapping[str, Any]) -> str:
    names = {str(name).lower() for name in row}
    return next((kind for field, kind in TELLING if field in names), "")


def _opened(document: Any) -> list[Any] | None:
    """A list or a page of SuiteQL; records have their names in small letters here, as SuiteQL writes them."""
    if isinstance(document, dict) and isinstance(document.get("items"), list) and "count" in document:
        document = document["items"]
    rows = document if isinstance(document, list) else [document]
    return [{str(k).lower(): v for k, v in row.items()} if isinstance(row, dict) else row for row in rows]


READER = Reader(
    "NetSuite",
    _kind,
    _opened,
    {ITEM: item, LOCATION: location, ACCOUNT: account},
    levels,
    {"on hand": "on_hand"},
    IGNORED,
)
