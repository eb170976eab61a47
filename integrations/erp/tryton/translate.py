"""A sales document in Tryton's terms. Pure: what Tryton's master data is called by id comes in as References."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from core.formats import exponent
from integrations.erp.port import Rejected
from integrations.failures import FailureClass

PRICE = Decimal("0.0001")  # Tryton keeps unit prices to four places
ZERO = Decimal(0)
# Which service product stands for what isn't goods; a connection's settings may name others under `products`.
SERVICES = {
    "shipping": "SHIPPING",
    "collected_tax": "TAX-COLLECTED",
    "rounding": "ROUNDING",
    "other": "OTHER",
    "discount": "OTHER",
    "adjustment": "ROUNDING",
    "custom": "",  # lines without a SKU; empty refuses them
}


@dataclass(frozen=True, slots=True)
class Product:
    id: int
    unit: int
    salable: bool = True


@dataclass(frozen=True, slots=True)
class Tax:
    id: int
    name: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Customer:
    party: int
    invoice_address: int
    shipment_address: int


@dataclass(frozen=True, slots=True)
class References:
    """Tryton's ids for what a document names."""

    origin: str  # the connection's, in short
    company: int
    currency: int
    warehouse: int
    customer: Customer
    products: Mapping[str, Product]
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One sale line to be."""

    code: str
    quantity: int
    unit_price: Decimal
    description: str
    tax: Tax | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the lines of a document need of Tryton's master data."""

    codes: frozenset[str]
    services: Mapping[str, str] = field(default_factory=dict)


def mark(document: Mapping[str, Any], origin: str) -> str:
    """How we know a sale as ours, whoever else uses the same reference: another Backroom has another `origin`."""
    return f"Backroom {origin} {document['key']}"


def description(document: Mapping[str, Any], origin: str) -> str:
    """The mark, the fingerprint of what was sent, and where it came from for people."""
    return f"{mark(document, origin)} {fingerprint(document)} · {document['channel']} {document['channel_ref']}"[:250]


def fingerprint(document: Mapping[str, Any]) -> str:
    """Tells two versions of a document apart by everything that reaches Tryton."""
    told = {name: value for name, value in document.items() if name not in {"placed_at", "shipped_at"}}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def services(settings: Mapping[str, Any]) -> dict[str, str]:
    return {**SERVICES, **settings.get("products", {})}


def codes(document: Mapping[str, Any], settings: Mapping[str, Any]) -> set[str]:
    """Every product code the document may need."""
    known = services(settings)
    wanted = {line["sku"] or known["custom"] for line in document["lines"]}
    wanted |= {known[name] for name in ("shipping", "collected_tax", "rounding", "other", "discount", "adjustment")}
    return wanted - {""}


def sale(document: Mapping[str, Any], references: References, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new sale. Rejected names the product or tax Tryton lacks."""
    lines = list(_lines(document, references, settings))
    _refuse_unknown(lines, document, references)
    values: dict[str, Any] = {
        "company": references.company,
        "party": references.customer.party,
        "invoice_address": references.customer.invoice_address,
        "shipment_address": references.customer.shipment_address,
        "currency": references.currency,
        "warehouse": references.warehouse,
        "reference": document["reference"],
        "description": description(document, references.origin),
        "sale_date": date.fromisoformat(document["booked_on"]),
        "lines": [["create", [line_values(line, references) for line in lines]]],
    }
    for name in ("invoice_method", "shipment_method"):
        if settings.get(name):
            values[name] = settings[name]
    return values


def line_values(line: Line, references: References) -> dict[str, Any]:
    product = references.products[line.code]
    return {
        "product": product.id,
        "unit": product.unit,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "description": line.description,
        "taxes": [["add", [line.tax.id]]] if line.tax else [],
    }


def rounding(difference: Decimal, references: References, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The change to a draft that takes away what Tryton reckons beyond our total, openly."""
    code = services(settings)["rounding"]
    line = Line(code, 1, -difference, "Rounding")
    return {"lines": [["create", [line_values(line, references)]]]}


def _lines(document: Mapping[str, Any], references: References, settings: Mapping[str, Any]) -> Iterable[Line]:
    known = services(settings)
    included = document["tax_included"]
    step = Decimal(1).scaleb(-exponent(document["currency"]))
    untaxed = ZERO  # collected tax that no tax of Tryton's stands for
    for given in document["lines"]:
        tax_amount = Decimal(given["tax"])
        net = Decimal(given["gross"]) - Decimal(given["discount"]) - (tax_amount if included else ZERO)
        tax = _tax(net, tax_amount, given["quantity"], step, references.taxes) if net else None
        if tax is None:
            untaxed += tax_amount
        title = given["title"] or given["sku"]
        if given["quantity"]:
            yield from _priced(given["sku"] or known["custom"], given["quantity"], net, title, tax, step)
        elif net:  # money alone was corrected: no goods move for it
            yield Line(known["adjustment"], 1, net, f"Correction of {title}", tax)

    tax_amount = Decimal(document["shipping_tax"])
    net = Decimal(document["shipping"]) - Decimal(document["shipping_discount"]) - (tax_amount if included else ZERO)
    tax = _tax(net, tax_amount, 1, step, references.taxes)
    if tax is None:
        untaxed += tax_amount
    if net:
        yield Line(known["shipping"], 1, net, "Shipping", tax)
    for name, figure, words in (
        ("discount", -Decimal(document["order_discount"]), "Discount on the order"),
        ("other", Decimal(document["other"]), "Tips, duties and fees"),
        ("adjustment", Decimal(document["adjustment"]), "Difference in the channel's figures"),
        ("collected_tax", untaxed, "Tax collected by the channel"),
    ):
        if figure:
            yield Line(known[name], 1, figure, words)


def _priced(code: str, quantity: int, net: Decimal, title: str, tax: Tax | None, step: Decimal) -> Iterable[Line]:
    """One line, or two where no unit price of four places gives the exact amount."""
    price = (net / quantity).quantize(PRICE, ROUND_HALF_EVEN)
    one = 1 if quantity > 0 else -1  # below zero units come back
    if quantity == one or (price * quantity).quantize(step) == net.quantize(step):
        yield Line(code, quantity, price, title, tax)
        return
    price = price.quantize(step, ROUND_HALF_EVEN)
    yield Line(code, quantity - one, price, title, tax)
    yield Line(code, one, ((net - price * (quantity - one)) * one).quantize(PRICE), title, tax)


def _tax(net: Decimal, amount: Decimal, quantity: int, step: Decimal, taxes: Iterable[Tax]) -> Tax | None:
    """The one of Tryton's taxes that comes to `amount`, give or take what rounding each unit may have cost."""
    if not amount:
        return None
    off, _, nearest = min(
        ((abs(net * tax.rate - amount), tax.id, tax) for tax in taxes), default=(ZERO, 0, None), key=lambda t: t[:2]
    )
    return nearest if nearest is not None and off <= step * max(1, abs(quantity)) / 2 + step / 2 else None


def _refuse_unknown(lines: list[Line], document: Mapping[str, Any], references: References) -> None:
    missing = sorted({line.code for line in lines if line.code and line.code not in references.products})
    nameless = [line["title"] for line in document["lines"] if not line["sku"]]
    if any(not line.code for line in lines):
        raise Rejected(
            FailureClass.MISSING_REFERENCE,
            f"Tryton needs a product for “{nameless[0] if nameless else 'a line'}”, which has no SKU.",
            answer={"skus": nameless},
        )
    if missing:
        words = missing[0] if len(missing) == 1 else f"{', '.join(missing[:5])}{'…' if len(missing) > 5 else ''}"
        raise Rejected(
            FailureClass.MISSING_REFERENCE, f"Tryton has no product with the code {words}.", answer={"skus": missing}
        )
    unsold = sorted({line.code for line in lines if not references.products[line.code].salable})
    if unsold:
        raise Rejected(FailureClass.BAD_VALUE, f"Tryton doesn't sell {', '.join(unsold[:5])}.", answer={"skus": unsold})
