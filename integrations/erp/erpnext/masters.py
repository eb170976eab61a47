"""ERPNext's items, warehouses, customers and bins, as its resources give them. Pure.

Flags are 0 and 1. Moments are the site's local time and don't say which; the setting `time_zone` does.
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

KINDS = {"Item": ITEM, "Warehouse": LOCATION, "Customer": ACCOUNT, "Bin": STOCK}
OURS = "a document of ERPNext's sales: Backroom brings sales there and takes none from it"
PURCHASE = "a purchase of ERPNext's: Backroom takes none from it"
IGNORED = {
    "Sales Order": OURS, "Delivery Note": OURS, "Sales Invoice": OURS, "Quotation": OURS, "Stock Entry": OURS,
    "Purchase Order": PURCHASE, "Purchase Receipt": PURCHASE, "Purchase Invoice": PURCHASE,
}  # fmt: skip
AFTER_INVOICE = "Day(s) after invoice date"


def item(node: Node, settings: Settings) -> Meaning:
    if _flag(node, "has_variants"):
        return ignored("a template: its variants come on their own")
    if node.has("is_stock_item") and not _flag(node, "is_stock_item"):
        return ignored("no stock item: nothing of it is stocked")
    code = node.line("item_code", 200) or node.line("name", 200)
    gtin, others = reading.barcodes(*(each.line("barcode", 200) for each in node.items("barcodes")))
    facts = {"unit": node.line("stock_uom"), "category": node.line("item_group")}
    return reading.item(
        node,
        node.line("name", 100) or code,
        moment(node, settings),
        code,
        name=node.line("item_name", 200) or None,
        gtin=gtin,
        barcodes=others,
        active=not _flag(node, "disabled") if node.has("disabled") else None,
        weight_grams=reading.grams(node, "weight_per_unit", node.line("weight_uom")),
        tracking=_tracking(node),
        cost=reading.cost(node, "valuation_rate", node.currency("company_currency")),
        facts={name: value for name, value in facts.items() if value},
    )


def location(node: Node, settings: Settings) -> Meaning:
    if _flag(node, "is_group"):
        return ignored("a group of warehouses: nothing lies in it")
    name = node.line("name", 100)
    parts = {
        "line1": node.line("address_line_1"), "line2": node.line("address_line_2"), "city": node.line("city"),
        "region": node.line("state"), "postcode": node.line("pin", 20),
    }  # fmt: skip
    return reading.place(
        node,
        name,
        moment(node, settings),
        reading.ours(settings, name),
        name=node.line("warehouse_name") or None,
        address={key: value for key, value in parts.items() if value} or None,
        active=not _flag(node, "disabled") if node.has("disabled") else None,
    )


def account(node: Node, settings: Settings) -> Meaning:
    kind = node.line("customer_type")
    if kind == "Individual" and not node.line("tax_id"):
        return ignored("an individual without a tax number: no business account")
    if kind not in {"Company", "Partnership", "Individual", ""}:
        node.at("customer_type").fault(f"should be Company, Partnership or Individual, is {reading.shown(kind)}")
    company = str(settings.get("company") or "")
    limits = [each for each in node.items("credit_limits") if not company or each.line("company") in {"", company}]
    return reading.account(
        node.line("name", 100),
        moment(node, settings),
        IncomingAccount(
            code=node.line("name", 60),
            name=node.line("customer_name", 120) or node.line("name", 120),
            currency=node.currency("default_currency") or node.currency("company_currency") or None,
            payment_terms=reading.terms(node, "payment_terms", node.line("payment_terms"), settings, days=_days(node)),
            credit_limit=reading.number(limits[0], "credit_limit") if len(limits) == 1 else None,
            on_stop=_flag(node, "disabled") or _flag(node, "is_frozen"),
            tax_id=node.line("tax_id", 40) or None,
        ),
    )


def levels(nodes: Sequence[Node], settings: Settings) -> Sequence[ReportedLine]:
    return [
        reading.level(
            node,
            "actual_qty",
            node.line("item_code", 200),
            reading.ours(settings, node.line("warehouse", 200)),
            "on hand",
        )
        for node in nodes
    ]


def moment(node: Node, settings: Settings) -> datetime | None:
    """The last change. Without a zone in the settings it only orders versions among themselves."""
    value = node.raw("modified")
    if not value:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        node.at("modified").fault(f"should be a date and time, is {reading.shown(value)}")
        return None
    return found if found.tzinfo else found.replace(tzinfo=zone(settings) or UTC)


def zone(settings: Settings) -> ZoneInfo | None:
    name = settings.get("time_zone")
    return ZoneInfo(str(name)) if name else None


def _flag(node: Node, key: str) -> bool:
    value = node.raw(key)
    if value in (0, 1, "0", "1", None) or isinstance(value, bool):
        return value not in (0, "0", None)
    node.at(key).fault(f"should be 0 or 1, is {reading.shown(value)}")
    return False


def _tracking(node: Node) -> str | None:
    if not node.has("has_serial_no") and not node.has("has_batch_no"):
        return None
    if _flag(node, "has_serial_no"):
        return Tracking.SERIAL
    return Tracking.LOT if _flag(node, "has_batch_no") else Tracking.NONE


def _days(node: Node) -> int | None:
    rows = list(node.items("payment_terms_rows"))
    if len(rows) != 1 or rows[0].line("due_date_based_on") != AFTER_INVOICE:
        return None
    days = reading.number(rows[0], "credit_days")
    return int(days) if days and days == days.to_integral_value() and 1 <= days <= 999 else None


def _kind(row: Mapping[str, Any]) -> str:
    doctype = str(row.get("doctype") or "")
    return KINDS.get(doctype, doctype)


def _opened(document: Any) -> list[Any] | None:
    if isinstance(document, dict) and set(document) <= {"data", "message", "docs"} and document:
        document = next(iter(document.values()))
        return document if isinstance(document, list) else [document]
    return document if isinstance(document, list) else None


READER = Reader(
    "ERPNext",
    _kind,
    _opened,
    {ITEM: item, LOCATION: location, ACCOUNT: account},
    levels,
    {"on hand": "on_hand"},
    IGNORED,
)
