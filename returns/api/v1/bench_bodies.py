"""What callers send about goods that came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from core.api.kinds import closed, sequence
from inventory.api.v1.bodies import Note, Place, Sku
from orders.canonical import Money, OptionalKey
from returns.services.exchanges import MOST_LINES

_Units = Annotated[int, Field(strict=True, ge=1, le=10_000)]
_Flag = Annotated[bool, Field(strict=True)]
_Position = Annotated[int, Field(strict=True, ge=1, le=32_767)]
_Id = Annotated[int, Field(strict=True, ge=1, le=2**62)]
_Code = Annotated[str, Field(strict=True, min_length=1, max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReceipt:
    """Units that came: `code` is a GTIN, a SKU, or the serial or lot of a tracked article.

    `unexpected` takes in what nobody announced, `instead_of` (a line's position) what came in place of it,
    `other_serial` a unit whose number was not sold on the order.
    """

    __pydantic_config__ = closed

    location: Place
    code: _Code
    quantity: _Units = 1
    line: _Position | None = None
    unexpected: _Flag = False
    instead_of: _Position | None = None
    other_serial: _Flag = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyBox:
    """Everything is out of the parcel: what is still awaited never came."""

    __pydantic_config__ = closed

    location: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInspection:
    """What was seen of units of one line at one place. Without `disposition`, what becomes of them is said later."""

    __pydantic_config__ = closed

    location: Place
    line: _Position
    grade: Literal["A", "B", "C", "D", "E"]
    verdict: Literal["ACCEPTED", "REJECTED", "REVIEW"] = "ACCEPTED"
    quantity: _Units = 1
    serial: Annotated[str, Field(strict=True, max_length=100)] = ""
    disposition: Literal[
        "", "RULE", "RESTOCK", "REFURBISH", "OUTLET", "RETURN_TO_VENDOR", "QUARANTINE", "SCRAP"
    ] = ""  # fmt: skip
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What somebody decided about an inspection that was left open."""

    __pydantic_config__ = closed

    verdict: Literal["ACCEPTED", "REJECTED"]
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDisposition:
    """What becomes of inspected units; `after` names the disposition they had until now."""

    __pydantic_config__ = closed

    inspection: _Id
    disposition: Literal["RESTOCK", "REFURBISH", "OUTLET", "RETURN_TO_VENDOR", "QUARANTINE", "SCRAP", "MISSING"]
    quantity: _Units | None = None
    after: _Id | None = None
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChoice:
    """What becomes of rejected units: BACK (in a parcel of `service`, else the cheapest; `by_hand` over a counter),
    KEEP or SCRAP, which need what the customer said in `words`."""

    __pydantic_config__ = closed

    choice: Literal["BACK", "KEEP", "SCRAP"]
    quantity: _Units | None = None
    service: OptionalKey = ""
    by_hand: _Flag = False
    words: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsteadIn:
    """One article that goes out. Without a price it costs what the returned unit cost."""

    __pydantic_config__ = closed

    sku: Sku
    quantity: _Units = 1
    unit_price: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExchange:
    """What goes out instead of what comes back. `advance` sends it at once, against a hold of its worth."""

    __pydantic_config__ = closed

    items: Annotated[tuple[InsteadIn, ...], Field(min_length=1, max_length=MOST_LINES), BeforeValidator(sequence)]
    advance: _Flag = False
