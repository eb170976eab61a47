"""What callers send about cases. `version` may be said here or as If-Match."""

from __future__ import annotations

from dataclasses import dataclass, field
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


_Whole = Annotated[int, Field(strict=True, ge=0, le=999_999_999)]
Value = Annotated[str, Field(strict=True, max_length=500), Text] | _Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing(Seen):
    """What the action has to be told, and whether it is only to be looked at."""

    params: Annotated[dict[Annotated[str, Field(max_length=40), Text], Value], Field(max_length=20)] = field(
        default_factory=dict
    )
    dry_run: Annotated[bool, Field(strict=True)] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside(Seen):
    """Until when, until what happens, or whichever is first."""

    until: Moment | None = None
    wake_on: Annotated[str, Field(strict=True, max_length=40), Text] = ""
    note: Said = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Under(Seen):
    """The case it is a symptom of."""

    root: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging(Seen):
    """The cases that are the same as this one."""

    cases: Annotated[list[Number], Field(min_length=1, max_length=50)]
    note: Ending = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """There is nothing to say."""

    __pydantic_config__ = closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Who hears of the case, by e-mail."""

    __pydantic_config__ = closed

    person: Email


def read(request: Any, kind: type[T]) -> T:
    """The body as `kind`; where every field may be left out, so may the body."""
    if request.META.get("CONTENT_LENGTH") in {None, "", "0"}:
        return validate(kind, {})
    return parse(request, kind)
