"""What another system keeps the master data of: items and places as it describes them. Values, no database.

A field that is None is one the other side says nothing about: what stands here stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

# The fields of an item that its master system keeps; all others (SKU, measures, parts of a kit, stock) are ours.
OF_ITEMS = (
    "name", "gtin", "active", "weight_grams", "tracking", "cost", "country_of_origin", "hs_code", "facts",
)  # fmt: skip
OF_PLACES = ("name", "address", "gln")


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingItem:
    """One article. `cost` is a price of one unit with its currency; `facts` go among its attributes by their names
    (unit of measure, tax class, category); `barcodes` that are no GTIN become names it is found by."""

    code: str
    name: str | None = None
    gtin: str | None = None
    barcodes: tuple[str, ...] = ()
    active: bool | None = None
    weight_grams: int | None = None
    tracking: str | None = None
    cost: tuple[Decimal, str] | None = None
    country_of_origin: str | None = None
    hs_code: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingPlace:
    """One place that holds stock."""

    code: str
    name: str | None = None
    address: Mapping[str, str] | None = None
    gln: str | None = None
    active: bool | None = None


def is_gtin(code: str) -> bool:
    """Whether digits of a GS1 length end in the check digit GS1 asks for."""
    if not (code.isascii() and code.isdigit() and len(code) in {8, 12, 13, 14}) or not code.strip("0"):
        return False
    weighed = sum(int(digit) * (3 if n % 2 else 1) for n, digit in enumerate(reversed(code)))
    return weighed % 10 == 0
