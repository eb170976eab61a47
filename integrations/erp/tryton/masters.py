"""Tryton's products, warehouses, parties and quantities, as its REST interface gives them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.channels.meaning import IncomingAccount, Meaning, ignored
from integrations.erp import reading
from integrations.erp.reading import ACCOUNT, ITEM, LOCATION, STOCK, Reader, Settings
from integrations.erp.tryton.client import moment
from integrations.reading import Node
from inventory.models import Tracking
from inventory.snapshots import ReportedLine

KINDS = {"product.product": ITEM, "party.party": ACCOUNT, "stock.location": LOCATION}
OURS = "a document of Tryton's sales: Backroom brings sales there and takes none from it"
IGNORED = {
    "sale.sale": OURS, "sale.line": OURS, "account.invoice": OURS, "stock.shipment.out": OURS, "stock.move": OURS,
    "product.template": "a template: its products come on their own", "purchase.purchase": OURS,
}  # fmt: skip


def item(node: Node, settings: Settings) -> Meaning:
    if node.text("type") not in {"goods", "assets"}:
        if node.text("type") == "service":
            return ignored("a service: nothing of it is stocked")
        node.at("type").fault(f"should be goods, assets or service, is {reading.shown(node.raw('type'))}")
    template = node.object("template")
    gtin, others = reading.barcodes(*(each.line("code") for each in node.items("identifiers")))
    version = _moment(node, template)
    return reading.item(
        node,
        node.number_id("id"),
        version,
        node.line("code", 200),
        name=node.line("name", 200) or node.line("rec_name", 200) or None,
        gtin=gtin,
        barcodes=others,
        active=node.flag("active", default=True),
        weight_grams=reading.grams(plain(node, "weight"), "weight", _named(node, "weight_uom", "symbol")),
        tracking=_tracking(node),
        cost=reading.cost(plain(node, "cost_price"), "cost_price", node.text("company_currency")),
        facts=_facts(node, template),
    )


def location(node: Node, settings: Settings) -> Meaning:
    if node.text("type") != "warehouse":
        return ignored(f"a location of the type {node.text('type') or 'unknown'}: warehouses are places here")
    address = node.object("address")
    told = None
    if address is not None:
        parts = {"line1": address.line("street"), "city": address.line("city"), "postcode": address.line("postal_code")}
        told = {name: value for name, value in parts.items() if value} or None
    return reading.place(
        node,
        node.number_id("id"),
        _moment(node),
        reading.ours(settings, node.line("code", 200)),
        name=node.line("name") or None,
        address=told,
        active=node.flag("active", default=True),
    )


def account(node: Node, settings: Settings) -> Meaning:
    tax_ids = [each.line("code", 40) for each in node.items("identifiers") if each.line("code", 40)]
    term = node.object("customer_payment_term")
    if term is None and not tax_ids:
        return ignored("a party without a tax identifier or terms for customers: no business account")
    word = term.line("name") if term else ""
    return reading.account(
        node.number_id("id", needed=True),
        _moment(node),
        IncomingAccount(
            code=node.line("code", 60),
            name=node.line("name", 120),
            currency=node.currency("company_currency") or None,
            payment_terms=reading.terms(node, "customer_payment_term", word, settings, days=_days(term)),
            tax_id=tax_ids[0] if tax_ids else None,
        ),
    )


def levels(nodes: Sequence[Node], settings: Settings) -> Sequence[ReportedLine]:
    return [
        reading.level(plain(each, "quantity"), "quantity", node.line("code"), reading.ours(settings, place), "on hand")
        for node in nodes
        for each in node.items("levels")
        for place in [each.line("warehouse", 200)]
    ]


def _kind(row: Any) -> str:
    name = str(row.get("__name__", ""))
    if name == "product.product" and "levels" in row:
        return STOCK
    return KINDS.get(name, name)


def _opened(document: Any) -> list[Any] | None:
    return document if isinstance(document, list) else None


def _moment(*nodes: Node | None) -> datetime | None:
    """The latest change of any of the records; Tryton's moments are UTC."""
    found = []
    for node in filter(None, nodes):
        value = node.raw("write_date") or node.raw("create_date")
        if not isinstance(value, dict) or value.get("__class__") != "datetime":
            continue
        try:
            found.append(moment(value))
        except (KeyError, TypeError, ValueError):
            node.at("write_date").fault("is no moment")
    return max(found, default=None)


def plain(node: Node, key: str) -> Node:
    """The node with Tryton's form of a decimal under `key` as the number it is."""
    value = node.raw(key)
    if isinstance(value, dict) and value.get("__class__") == "Decimal":
        value = value.get("decimal")
    return Node({key: str(value) if isinstance(value, (str, Decimal)) else value}, node.path, node.faults)


def _named(node: Node, key: str, field: str) -> str:
    inner = node.object(key)
    return inner.line(field) if inner else ""


def _tracking(node: Node) -> str | None:
    """With stock_lot installed products say when a lot is required; its serial numbers are lots of one."""
    if not node.has("lot_required"):
        return None
    return Tracking.LOT if node.raw("lot_required") else Tracking.NONE


def _facts(node: Node, template: Node | None) -> dict[str, str]:
    category = _named(template, "account_category", "name") if template else ""
    facts = {"unit": _named(node, "default_uom", "symbol"), "accounting_category": category}
    return {name: value for name, value in facts.items() if value}


def _days(term: Node | None) -> int | None:
    """So many days after the invoice, where that is all the term says."""
    lines = list(term.items("lines")) if term else []
    if len(lines) != 1 or lines[0].text("type") != "remainder":
        return None
    deltas = list(lines[0].items("relativedeltas"))
    if len(deltas) != 1 or any(deltas[0].raw(name) for name in ("day", "month", "weekday", "months", "weeks")):
        return None
    days = deltas[0].raw("days")
    return days if isinstance(days, int) and 1 <= days <= 999 else None


READER = Reader(
    "Tryton",
    _kind,
    _opened,
    {ITEM: item, LOCATION: location, ACCOUNT: account},
    levels,
    {"on hand": "on_hand"},
    IGNORED,
)
