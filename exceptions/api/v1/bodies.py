"""What callers send about cases. `version` may be said here or as If-Match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from core.api import parse
from core.api.kinds import Moment, Text, closed
from core.api.reading import validate
from exceptions.services.handling import NOTE_LENGTH

T = TypeVar("T")

Version = Annotated[int, Field(strict=True, ge=1, le=2_147_483_647)]
Email = Annotated[str, Field(strict=True, min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"), Text]
Said = Annotated[str, Field(strict=True, max_length=500), Text]
Words = Annotated[str, Field(strict=True, min_length=1, max_length=NOTE_LENGTH), Text]
Ending = Annotated[str, Field(strict=True, max_length=NOTE_LENGTH), Text]
Number = Annotated[str, Field(strict=True, pattern=r"^(EX-)?[0-9]{1,18}$")]
WaitsFor = Literal["customer", "store", "supplier", "carrier", "system", "colleague"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The version the caller saw; without it the change is made to whatever the case is now."""

    __pydantic_config__ = closed

    version: Version | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForPerson(Seen):
    """Who takes the case, by e-mail."""

    person: Email


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Seen):
    """Whom the case waits for, and until when at the latest."""

    on: WaitsFor
    until: Moment | None = None
    note: Said = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution(Seen):
    """Fixed, or the same as another open case."""

    outcome: Literal["fixed", "duplicate"] = "fixed"
    duplicate_of: Number | None = None
    note: Ending = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver(Seen):
    """Why it may stay as it is."""

    reason: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Again(Seen):
    """Why it is not over."""

    note: Said = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the next one should know."""

    __pydantic_config__ = closed

    text: Words


def read(request: Any, kind: type[T]) -> T:
    """The body as `kind`; where every field may be left out, so may the body."""
    if request.META.get("CONTENT_LENGTH") in {None, "", "0"}:
        return validate(kind, {})
    return parse(request, kind)
