"""Odoo's products, warehouses, partners and quants, as search_read gives them. Pure.

A many2one is [id, name], nothing is false, and moments are UTC without saying so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.channels.meaning import IncomingAccount, Meaning, ignored
from integrations.erp import reading
from integrations.erp.reading import ACCOUNT, ITEM, LOCATION, STOCK, Reader, Settings
from integrations.reading import Node, moment_of
from inventory.models import Tracking
from inventory.snapshots import ReportedLine

TRACKING = {"none": Tracking.NONE, "serial": Tracking.SERIAL, "lot": Tracking.LOT}
OURS = "a document of Odoo's sales: Backroom brings sales there and takes none from it"
PURCHASE = "a purchase of Odoo's: Backroom takes none from it"
IGNORED = {
    "sale.order": OURS, "sale.order.line": OURS, "account.move": OURS, "account.move.line": OURS,
    "stock.picking": OURS, "stock.move": OURS, "purchase.order": PURCHASE, "purchase.order.line": PURCHASE,
    "product.template": "a template: its variants come on their own",
}  # fmt: skip
KINDS = {"product.product": ITEM, "res.partner": ACCOUNT, "stock.warehouse": LOCATION, "stock.quant": STOCK}
# What tells records apart that don't say their model: a field no other of them has.
TELLING = (
    ("default_code", "product.product"), ("property_payment_term_id", "res.partner"), ("is_company", "res.partner"),
    ("lot_stock_id", "stock.warehouse"), ("levels", "stock.quant"), ("client_order_ref", "sale.order"),
    ("product_uom_qty", "sale.order.line"), ("qty_received", "purchase.order.line"), ("date_planned", "purchase.order"),
    ("move_type", "account.move"), ("picking_type_id", "stock.picking"), ("product_variant_ids", "product.template"),
)  # fmt: skip


def item(node: Node, settings: Settings) -> Meaning:
    kind = text(node, "type")
    if kind in {"service", "combo", "course", "event", "event_booth"}:
        return ignored(f"of the type {kind}: nothing of it is stocked")
    if kind not in {"consu", "product", ""}:
        node.at("type").fault(f"should be consu, product or service, is {reading.shown(kind)}")
    gtin, others = reading.barcodes(text(node, "barcode"))
    unit = text(node, "weight_uom_name") or str(settings.get("weight_unit") or "kg")
    currency = named(node, "cost_currency_id") or named(node, "currency_id")
    facts = {"unit": named(node, "uom_id"), "category": named(node, "categ_id")}
    return reading.item(
        node,
        node.number_id("id"),
        _moment(node),
        text(node, "default_code", 200),
        name=text(node, "name", 200) or None,
        gtin=gtin,
        barcodes=others,
        active=node.flag("active") if node.has("active") else None,
        weight_grams=reading.grams(node, "weight", unit),
        tracking=_tracking(node),
        cost=reading.cost(node, "standard_price", currency),
        facts={name: value for name, value in facts.items() if value},
    )


def location(node: Node, settings: Settings) -> Meaning:
    return reading.place(
        node,
        node.number_id("id"),
        _moment(node),
        reading.ours(settings, text(node, "code", 200)),
        name=text(node, "name", 120) or None,
        active=node.flag("active") if node.has("active") else None,
    )


def account(node: Node, settings: Settings) -> Meaning:
    if node.raw("is_company") is False and not text(node, "vat"):
        return ignored("a person without a tax number: no business account")
    code = text(node, "ref", 60)
    if not code:
        node.at("ref").fault("is empty: an account is known by its Reference")
    limit = reading.number(node, "credit_limit") if node.raw("use_partner_credit_limit") else None
    return reading.account(
        node.number_id("id", needed=True),
        _moment(node),
        IncomingAccount(
            code=code,
            name=text(node, "name", 120),
            currency=named(node, "currency_id") or None,
            payment_terms=reading.terms(
                node, "property_payment_term_id", named(node, "property_payment_term_id"), settings
            ),
            credit_limit=limit,
            tax_id=text(node, "vat", 40) or None,
        ),
    )


def levels(nodes: Sequence[Node], settings: Settings) -> Sequence[ReportedLine]:
    return [
        reading.level(each, "quantity", text(node, "default_code", 200), place, "on hand")
        for node in nodes
        for each in node.items("levels")
        for place in [reading.ours(settings, text(each, "warehouse", 200))]
    ]


def text(node: Node, key: str, limit: int = 120) -> str:
    """Text; Odoo says false where there is none."""
    return "" if node.raw(key) is False else node.line(key, limit)


def named(node: Node, key: str) -> str:
    """The name of a many2one."""
    value = node.raw(key)
    if value is None or value is False:
        return ""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str):
        return value[1].strip()
    node.at(key).fault(f"should be [id, name] or false, is {reading.shown(value)}")
    return ""


def _moment(node: Node) -> datetime | None:
    value = node.raw("write_date")
    if not value:
        return None
    found = moment_of(f"{str(value).strip().replace(' ', 'T')}Z") if isinstance(value, str) else None
    if found is None:
        node.at("write_date").fault(f"should be a moment in UTC, is {reading.shown(value)}")
    return found.astimezone(UTC) if found else None


def _tracking(node: Node) -> str | None:
    word = text(node, "tracking")
    if not word:
        return None
    if word not in TRACKING:
        node.at("tracking").fault(f"should be none, lot or serial, is {reading.shown(word)}")
    return TRACKING.get(word)


def _kind(row: Mapping[str, Any]) -> str:
    model = str(row.get("_model") or next((model for field, model in TELLING if field in row), ""))
    return KINDS.get(model, model)


def _opened(document: Any) -> list[Any] | None:
    """A list; the result of JSON-RPC; or lists by the name of their model."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or not document:
        return None
    if isinstance(document.get("result"), list):
        return list(document["result"])
    if all("." in name and isinstance(rows, list) for name, rows in document.items()):
        every = [(name, row) for name, rows in document.items() for row in rows]
        return [{"_model": name, **row} if isinstance(row, dict) else row for name, row in every]
    return None


READER = Reader(
    "Odoo", _kind, _opened, {ITEM: item, LOCATION: location, ACCOUNT: account}, levels, {"on hand": "on_hand"}, IGNORED
)
