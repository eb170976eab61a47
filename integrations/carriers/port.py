"""What Backroom asks of an account that makes labels, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from integrations.failures import FailureClass
from orders.tracking import Scan


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel to be sent. Addresses in the shape of an order's; weight in grams; `reference` is ours, for ever.

    `comes_back`: a customer sends it to us, which some carriers price and bill otherwise. The sender is the customer.
    """

    reference: str
    sender: Mapping[str, Any]
    receiver: Mapping[str, Any]
    grams: int
    carrier: str
    service: str
    order: str = ""
    contents: tuple[Content, ...] = ()
    currency: str = ""
    comes_back: bool = False

    @property
    def crosses_a_border(self) -> bool:
        return bool(self.receiver.get("country")) and self.sender.get("country") != self.receiver.get("country")


@dataclass(frozen=True, slots=True)
class Content:
    """What customs want to know of one line: value is of all its units."""

    title: str
    quantity: int
    value: Decimal
    grams: int
    origin: str = ""
    hs_code: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """What the account would charge for one service now."""

    carrier: str
    service: str
    cost: Decimal
    currency: str
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Bought:
    """The label. `content` is the carrier's own file, printed as it is."""

    tracking_number: str
    tracking_url: str
    cost: Decimal | None
    currency: str
    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Voided:
    """Whether the money comes back, as far as the carrier says now."""

    taken_back: bool
    words: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection that was arranged: the carrier's own number of it, and what it costs where it says so."""

    ref: str
    confirmation: str = ""
    cost: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """From when until when a place is open on one day of the week (0 is Monday), in minutes of its own clock."""

    day: int
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class DropOff:
    """A place where a parcel with this carrier's label may be handed in. `address` is in the shape of an order's."""

    ref: str
    carrier: str
    name: str
    kind: str
    address: Mapping[str, str]
    metres: int | None = None
    hours: tuple[Opening, ...] = ()
    note: str = ""
    latitude: float | None = None
    longitude: float | None = None


class Rejected(Exception):
    """The carrier will not do it as it is; trying again changes nothing until somebody puts something right."""

    def __init__(self, failure_class: FailureClass, reason: str):
        super().__init__(reason)
        self.failure_class = failure_class
        self.reason = reason


class Memory(Protocol):
    """What one try of buying leaves for the next, should it not come to an end."""

    @property
    def ref(self) -> str:
        """The account's own key of the parcel, once a try learnt it; else empty."""

    def keep(self, ref: str) -> str:
        """Remember it before any money moves; answers the one that counts, should another try have been faster."""

    def still_wanted(self) -> None:
        """Raises TryLater when nobody wants the label any more: stop before it costs anything."""


class PlacesPort(Protocol):
    """An account that knows where its carrier takes parcels; it need not make labels."""

    def places(self, address: Mapping[str, Any], *, limit: int) -> Sequence[DropOff]:
        """Places to hand a parcel in near an address in the shape of an order's, the nearest first.

        Raises Rejected where the address is none the carrier understands, TryLater, Permanent.
        """


class CarrierPort(Protocol):
    def rates(self, parcel: Parcel) -> Sequence[Rate]:
        """What every service of the account would cost."""

    def label(self, parcel: Parcel, memory: Memory) -> Bought:
        """Buy one label, once whatever is repeated. Raises Rejected, or TryLater for what time may heal."""

    def void(self, ref: str) -> Voided:
        """Give a label back; nothing was bought counts as given back. Safe to repeat."""

    def track(self, tracking_number: str, carrier: str) -> Sequence[Scan]:
        """Everything the carrier has said of this parcel so far."""

    def collect(
        self, refs: Sequence[str], address: Mapping[str, Any], memory: Memory, *, since: datetime, until: datetime
    ) -> Collection:
        """Have parcels fetched at an address between two moments, once whatever is repeated. Raises Rejected, or
        TryLater for what time may heal."""

    def call_off(self, ref: str) -> Voided:
        """Cancel a collection; nothing was booked counts as cancelled. Safe to repeat."""

    def ping(self) -> str:
        """One harmless call that needs the credentials; returns a sentence about what answered."""
