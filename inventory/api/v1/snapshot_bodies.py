"""What a system sends when it says what it believes we have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from core.api.kinds import Moment, closed
from inventory.snapshots import LIMIT, STATUS_LENGTH

MAX_LINES = 10_000  # in one call; a larger stock comes in several, or as a file


def _shown(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise PydanticCustomError("text", "must be printable, and more than blanks")
    return value


_printable = AfterValidator(_shown)
_Code = Annotated[str, Field(strict=True, min_length=1, max_length=200), _printable]
_Units = Annotated[int, Field(strict=True, ge=-LIMIT, le=LIMIT)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotLineIn:
    """One figure: units of a SKU (or of a code the source has an alias for) at a place, under the source's own word."""

    __pydantic_config__ = closed

    sku: Annotated[str, Field(strict=True, min_length=1, max_length=100), _printable]
    location: _Code
    status: Annotated[str, Field(strict=True, min_length=1, max_length=STATUS_LENGTH), _printable]
    quantity: _Units | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotIn:
    """What one source believes at one moment. `complete`: it has none of what it doesn't name at a place it names."""

    __pydantic_config__ = closed

    source: _Code
    ref: Annotated[str, Field(strict=True, min_length=1, max_length=120), _printable]
    as_of: Moment
    lines: Annotated[list[SnapshotLineIn], Field(min_length=1, max_length=MAX_LINES)]
    complete: Annotated[bool, Field(strict=True)] = False
