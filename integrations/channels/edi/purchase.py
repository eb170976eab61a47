"""A purchase order as EDI states it, whichever syntax it came in. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from integrations.reading import ZERO

FOUR_PLACES = Decimal("0.0001")
NEW, CANCEL, CHANGE = "new", "cancel", "change"


@dataclass(slots=True)
class Party:
    """An N1 loop or a NAD group."""

    role: str
    name: str = ""
    code: str = ""
    lines: list[str] = field(default_factory=list)
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    contact: str = ""
    phone: str = ""
    email: str = ""
    more_names: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, ...]:
        """What tells two places apart: the code, or else the address without regard to capitals."""
        if self.code:
            return (self.code,)
        parts = (*self.lines, self.city, self.region, self.postal_code)
        return tuple(part.casefold() for part in parts if part)

    @property
    def is_addressed(self) -> bool:
        return bool(self.lines or self.city or self.postal_code)


@dataclass(slots=True)
class PurchaseLine:
    """One line. `quantity` is in `unit`s; `price` is for one of them, None where the buyer states none."""

    ref: str
    quantity: int
    unit: str
    path: str
    price: Decimal | None = None
    ids: tuple[tuple[str, str], ...] = ()
    title: str = ""
    discount: Decimal = ZERO
    charge: Decimal = ZERO
    tax: Decimal = ZERO
    spread: list[tuple[str, int]] = field(default_factory=list)  # (shop, units)
    place: Party | None = None
    change: str = ""  # what an order change does to it
    quantity_said: bool = True

    @property
    def value(self) -> Decimal:
        """What its units cost, to four places: the price of a dozen or a hundred rarely divides."""
        return ((self.price or ZERO) * self.quantity).quantize(FOUR_PLACES, ROUND_HALF_UP)


@dataclass(slots=True)
class Purchase:
    """The document, as stated. `purpose` is NEW, CANCEL or CHANGE, and `version` the moment it was written."""

    number: str
    purpose: str
    version: int
    day: date
    currency: str
    codes: tuple[str, ...]  # which of a line's numbers is taken for ours, the likeliest first
    po: str = ""  # the buyer's number, where `number` says more: a release, a place
    test: bool = False
    lines: list[PurchaseLine] = field(default_factory=list)
    parties: list[Party] = field(default_factory=list)
    discount: Decimal = ZERO
    shipping: Decimal = ZERO
    other: Decimal = ZERO
    tax: Decimal = ZERO
    total: Decimal | None = None
    unsettled: list[str] = field(default_factory=list)  # why the total can't be reckoned
    dates: dict[str, date] = field(default_factory=dict)
    net_days: int = 0
    notes: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    @property
    def sums(self) -> list[Decimal]:
        """What is granted or charged for the whole."""
        return [self.discount, self.shipping, self.other, self.tax]

    @sums.setter
    def sums(self, values: Sequence[Decimal]) -> None:
        self.discount, self.shipping, self.other, self.tax = values

    def party(self, *roles: str) -> Party | None:
        """The first of these roles that is named."""
        return next((each for role in roles for each in self.parties if each.role == role), None)
