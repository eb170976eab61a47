"""What callers send about stock."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from core.api.kinds import Moment, closed, sequence, text
from inventory import skus
from inventory.models import MAX_UNITS, AdjustmentReason
from inventory.models.lots import MAX_CODE

MAX_LINES, MAX_MOVES, MAX_SERIALS = 200, 500, 1_000
MAX_TTL_SECONDS = 30 * 24 * 3600
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _code(value: str) -> str:
    if not text(value).isprintable() or value != value.strip():
        raise PydanticCustomError("text", "must be printable, without outer blanks")
    return value


def _reason(value: str) -> str:
    if value not in AdjustmentReason.values:
        raise PydanticCustomError("enum", "must be one of the reasons the schema lists")
    return value


def _day(value: Any) -> date:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("date", "must be a date such as 2026-01-31")


Word = Annotated[str, Field(strict=True, min_length=1, max_length=120), AfterValidator(_code)]
Sku = Annotated[str, Field(strict=True, min_length=1, max_length=skus.MAX_LENGTH), AfterValidator(_code)]
Place = Annotated[str, Field(strict=True, min_length=1, max_length=40), AfterValidator(_code)]
Note = Annotated[str, Field(strict=True, max_length=200), AfterValidator(text)]
Units = Annotated[int, Field(strict=True, ge=1, le=MAX_UNITS)]
Seconds = Annotated[int, Field(strict=True, ge=1, le=MAX_TTL_SECONDS)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
LotCode = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_CODE), AfterValidator(_code)]
# It is part of the address, so it holds nothing that would have to be escaped there.
DemandUid = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._~-]{1,80}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationLine:
    """Units of one SKU at one location. A kit is held as its parts, under the same `ref`."""

    __pydantic_config__ = closed

    ref: Word
    sku: Sku
    location: Place
    quantity: Units


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReservation:
    """What a cart wants held for a while: every line, or none. `channel` says whose SKUs these are."""

    __pydantic_config__ = closed

    demand: DemandUid
    ttl_seconds: Seconds
    lines: Annotated[tuple[ReservationLine, ...], Field(min_length=1, max_length=MAX_LINES), BeforeValidator(sequence)]
    channel: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    __pydantic_config__ = closed

    ttl_seconds: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """`order` is the caller's own name for what the units are for now."""

    __pydantic_config__ = closed

    order: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    __pydantic_config__ = closed

    reason: Note = ""


Inside = Literal["sellable", "damaged", "quarantined", "awaiting_inspection", "in_transit_in"]
Reason = Annotated[str, AfterValidator(_reason), WithJsonSchema({"type": "string", "enum": AdjustmentReason.values})]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLine:
    """One step of units.

    `receive` from a supplier, `issue` to a customer, `return` from one, `found` and `missing` to put a balance right
    (with `reason`), `move` between states (`to_state`), `transfer_out` to `to_location`, where `transfer_in` ends it.
    """

    __pydantic_config__ = closed

    type: Literal["receive", "issue", "return", "found", "missing", "move", "transfer_out", "transfer_in"]
    sku: Sku
    location: Place
    quantity: Units
    state: Inside | None = None
    to_state: Inside | None = None
    to_location: Place | None = None
    reason: Reason | None = None
    lot: LotCode | None = None
    expires_on: Day | None = None
    serials: Annotated[tuple[LotCode, ...], Field(max_length=MAX_SERIALS), BeforeValidator(sequence)] = field(
        default=()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMovements:
    """A document of the caller's: posted as a whole, once for its `reference`."""

    __pydantic_config__ = closed

    reference: Annotated[str, Field(strict=True, min_length=1, max_length=60), AfterValidator(_code)]
    moves: Annotated[tuple[MoveLine, ...], Field(min_length=1, max_length=MAX_MOVES), BeforeValidator(sequence)]
    occurred_at: Moment | None = None
    note: Note = ""
    channel: Word | None = None
