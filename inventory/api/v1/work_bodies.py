"""What callers send about counts and transfers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

from inventory.api.v1.bodies import MAX_SERIALS, LotCode, Moment, Note, Place, Sku, Units, closed, sequence
from inventory.models import MAX_UNITS
from inventory.services.counting import MAX_LINES

_Found = Annotated[int, Field(strict=True, ge=0, le=MAX_UNITS)]
_Flag = Annotated[bool, Field(strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCount:
    """Items of one place to be looked at. A blind count keeps the books' figures from whoever counts."""

    __pydantic_config__ = closed

    location: Place
    skus: Annotated[tuple[Sku, ...], Field(min_length=1, max_length=MAX_LINES), BeforeValidator(sequence)]
    blind: _Flag = True
    due_at: Moment | None = None
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLineIn:
    __pydantic_config__ = closed

    sku: Sku
    quantity: Units


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTransfer:
    """Units to be brought from one place to another; lines of one SKU are summed."""

    __pydantic_config__ = closed

    origin: Place
    destination: Place
    lines: Annotated[tuple[TransferLineIn, ...], Field(min_length=1, max_length=MAX_LINES), BeforeValidator(sequence)]
    reason: Note = ""
    due_at: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedLot:
    """Units of one lot, or the one unit of a serial number."""

    __pydantic_config__ = closed

    code: LotCode
    found: _Found = 1
    damaged: _Found = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedLine:
    """Units of a SKU that came out of the box, damaged ones included; of a tracked item, which ones."""

    __pydantic_config__ = closed

    sku: Sku
    found: _Found
    damaged: _Found = 0
    lots: Annotated[tuple[ReceivedLot, ...], Field(max_length=MAX_SERIALS), BeforeValidator(sequence)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What arrived. What isn't named did not arrive, unless somebody scanned it there already."""

    __pydantic_config__ = closed

    lines: Annotated[tuple[ReceivedLine, ...], Field(min_length=1, max_length=MAX_LINES), BeforeValidator(sequence)]
    accept_differences: _Flag = False
    version: Annotated[int, Field(strict=True, ge=1, le=2_147_483_647)] | None = None
