"""Kinds of value several bodies share: text a database keeps, and moments that say where on earth they are."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

closed = ConfigDict(extra="forbid")

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")

_YEARS = range(1970, 2200)  # beyond them a typing error, or a moment some database or clock cannot hold


def text(value: str) -> str:
    if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise PydanticCustomError("text", "must not hold NUL or half a character")
    return value


def moment(value: Any) -> datetime:
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            found = datetime.fromisoformat(value).astimezone(UTC)
            if found.year in _YEARS:
                return found
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("datetime", "must be an ISO 8601 date and time with its offset, from 1970 to 2199")


def sequence(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Text = AfterValidator(text)
Moment = Annotated[datetime, BeforeValidator(moment), WithJsonSchema({"type": "string", "format": "date-time"})]
