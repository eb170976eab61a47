"""What a sales document comes to in lines, for any ERP: products, quantities, net unit prices, taxes. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from core.formats import exponent
from integrations.erp.port import Rejected
from integrations.failures import FailureClass

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
class Tax:
    id: int | str
    name: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """One line to be; the price is net."""

    code: str
    quantity: int
    unit_price: Decimal
    description: str
    tax: Tax | None = None

    @property
    def amount(self) -> Decimal:
        return self.unit_price * self.quantity


def mark(document: Mapping[str, Any], origin: str) -> str:
    """How we know a document as ours, whoever else uses the same reference: another Backroom has another `origin`."""
    return f"Backroom {origin} {document['key']}"


def description(document: Mapping[str, Any], origin: str) -> str:
    """The mark, the fingerprint of what was sent, and where it came from for people."""
    return f"{mark(document, origin)} {fingerprint(document)} · {document['channel']} {document['channel_ref']}"[:250]


def fingerprint(document: Mapping[str, Any]) -> str:
    """Tells two versions of a document apart by everything that reaches the ERP."""
    told = {name: value for name, value in document.items() if name not in {"placed_at", "shipped_at"}}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def services(settings: Mapping[str, Any]) -> dict[str, str]:
    return {**SERVICES, **settings.get("products", {})}


def skus(document: Mapping[str, Any]) -> list[str]:
    return sorted({line["sku"] for line in document["lines"] if line["sku"]})


def codes(document: Mapping[str, Any], settings: Mapping[str, Any]) -> set[str]:
    """Every product code the document may need."""
    known = services(settings)
    wanted = {line["sku"] or known["custom"] for line in document["lines"]}
    wanted |= {known[name] for name in ("shipping", "collected_tax", "rounding", "other", "discount", "adjustment")}
    return wanted - {""}


def of(
    document: Mapping[str, Any], settings: Mapping[str, Any], taxes: Iterable[Tax] = (), places: int = 4
) -> Iterable[Line]:
    """The document's lines; `places` is to how many decimals the ERP keeps unit prices. Their sum with the taxes of
    `taxes` is the document's total: tax that none of them stands for is a line of its own."""
    known, taxes = services(settings), tuple(taxes)
    included = document["tax_included"]
    step = Decimal(1).scaleb(-exponent(document["currency"]))
    untaxed = ZERO
    for given in document["lines"]:
        tax_amount = Decimal(given["tax"])
        net = Decimal(given["gross"]) - Decimal(given["discount"]) - (tax_amount if included else ZERO)
        tax = _tax(net, tax_amount, given["quantity"], step, taxes) if net else None
        if tax is None:
            untaxed += tax_amount
        title = given["title"] or given["sku"]
        if given["quantity"]:
            line = Line(given["sku"] or known["custom"], given["quantity"], net, title, tax)
            yield from _priced(line, step, Decimal(1).scaleb(-places))
        elif net:  # money alone was corrected: no goods move for it
            yield Line(known["adjustment"], 1, net, f"Correction of {title}", tax)

    tax_amount = Decimal(document["shipping_tax"])
    net = Decimal(document["shipping"]) - Decimal(document["shipping_discount"]) - (tax_amount if included else ZERO)
    tax = _tax(net, tax_amount, 1, step, taxes)
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


def credited(found: Iterable[Line]) -> list[Line]:
    """The same lines on a credit memo, which counts what it gives back as positive; money alone keeps its unit."""
    return [
        replace(line, unit_price=-line.unit_price) if line.unit_price < 0 else replace(line, quantity=-line.quantity)
        for line in found
    ]


def rounding(difference: Decimal, settings: Mapping[str, Any]) -> Line:
    """The line that takes away what the ERP reckons beyond our total, openly."""
    return Line(services(settings)["rounding"], 1, -difference, "Rounding")


def _priced(line: Line, step: Decimal, smallest: Decimal) -> Iterable[Line]:
    """One line, or two where no unit price of so many places gives the exact amount; `unit_price` is of the whole."""
    net, quantity = line.unit_price, line.quantity
    price = (net / quantity).quantize(smallest, ROUND_HALF_EVEN)
    one = 1 if quantity > 0 else -1  # below zero units come back
    if quantity == one or (price * quantity).quantize(step) == net.quantize(step):
        yield replace(line, unit_price=price)
        return
    price = price.quantize(step, ROUND_HALF_EVEN)
    yield replace(line, quantity=quantity - one, unit_price=price)
    rest = (net - price * (quantity - one)) * one
    yield replace(line, quantity=one, unit_price=rest.quantize(smallest))


def _tax(net: Decimal, amount: Decimal, quantity: int, step: Decimal, taxes: Iterable[Tax]) -> Tax | None:
    """The one of the ERP's taxes that comes to `amount`, give or take what rounding each unit may have cost."""
    if not amount:
        return None
    off, _, nearest = min(
        ((abs(net * tax.rate - amount), str(tax.id), tax) for tax in taxes),
        default=(ZERO, "", None),
        key=lambda t: t[:2],
    )
    return nearest if nearest is not None and off <= step * max(1, abs(quantity)) / 2 + step / 2 else None


def refuse_unknown(found: Iterable[Line], document: Mapping[str, Any], known: Iterable[str], erp: str) -> None:
    """Rejected where the ERP lacks a product the lines need."""
    wanted, have = list(found), set(known)
    missing = sorted({line.code for line in wanted if line.code} - have)
    nameless = [line["title"] for line in document["lines"] if not line["sku"]]
    if any(not line.code for line in wanted):
        raise Rejected(
            FailureClass.MISSING_REFERENCE,
            f"{erp} needs a product for “{nameless[0] if nameless else 'a line'}”, which has no SKU.",
            answer={"skus": nameless},
        )
    if missing:
        words = missing[0] if len(missing) == 1 else f"{', '.join(missing[:5])}{'…' if len(missing) > 5 else ''}"
        raise Rejected(
            FailureClass.MISSING_REFERENCE, f"{erp} has no product with the code {words}.", answer={"skus": missing}
        )


def refuse_missing(skus: Iterable[str], known: Iterable[str], erp: str) -> None:
    """Rejected where the ERP lacks one of these products."""
    have = set(known)
    if missing := [sku for sku in skus if sku not in have]:
        words = f"{erp} has no product with the code {', '.join(missing[:5])}{'…' if len(missing) > 5 else ''}."
        raise Rejected(FailureClass.MISSING_REFERENCE, words, answer={"skus": missing})


def named(settings: Mapping[str, Any], one: str, many: str, of_what: str, erp: str) -> str:
    """What the ERP calls the channel's customer or the location's warehouse: `many` by our code, else `one` for all."""
    found = settings.get(many, {}).get(of_what) or settings.get(one, "")
    if not found:
        raise Rejected(FailureClass.MISSING_REFERENCE, f"No {one} of {erp}'s is named for {of_what or 'this'}.")
    return str(found)
