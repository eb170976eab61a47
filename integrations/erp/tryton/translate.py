"""A sales document in Tryton's terms. Pure: what Tryton's master data is called by id comes in as References."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from integrations.erp import lines
from integrations.erp.lines import Line, Tax
from integrations.erp.port import Rejected
from integrations.failures import FailureClass


@dataclass(frozen=True, slots=True)
class Product:
    id: int
    unit: int
    salable: bool = True


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


def sale(document: Mapping[str, Any], references: References, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new sale. Rejected names the product or tax Tryton lacks."""
    found = list(lines.of(document, settings, references.taxes))
    _refuse_unknown(found, document, references)
    values: dict[str, Any] = {
        "company": references.company,
        "party": references.customer.party,
        "invoice_address": references.customer.invoice_address,
        "shipment_address": references.customer.shipment_address,
        "currency": references.currency,
        "warehouse": references.warehouse,
        "reference": document["reference"],
        "description": lines.description(document, references.origin),
        "sale_date": date.fromisoformat(document["booked_on"]),
        "lines": [["create", [line_values(line, references) for line in found]]],
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
    line = lines.rounding(difference, settings)
    return {"lines": [["create", [line_values(line, references)]]]}


def _refuse_unknown(found: list[Line], document: Mapping[str, Any], references: References) -> None:
    lines.refuse_unknown(found, document, references.products, "Tryton")
    unsold = sorted({line.code for line in found if not references.products[line.code].salable})
    if unsold:
        raise Rejected(FailureClass.BAD_VALUE, f"Tryton doesn't sell {', '.join(unsold[:5])}.", answer={"skus": unsold})
