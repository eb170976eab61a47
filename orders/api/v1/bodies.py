"""What callers send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from orders.canonical import Currency, Flag, IncomingOrder, Key, Money, Short, Terms, closed
from orders.canonical import _text as text_a_database_keeps
from orders.models import NOTE_LENGTH

MAX_BATCH = 100
MAX_IMPORT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder(IncomingOrder):
    """The canonical order and the channel it belongs to."""

    __pydantic_config__ = closed

    channel: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """Why, in the words of whoever cancels."""

    __pydantic_config__ = closed

    reason: Short = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHold:
    """What stops the order, and from which step on: its release to a node unless said otherwise."""

    __pydantic_config__ = closed

    reason: Annotated[str, Field(strict=True, min_length=1, max_length=255), AfterValidator(text_a_database_keeps)]
    type: Literal["PAYMENT", "FRAUD", "ADDRESS", "CREDIT", "APPROVAL", "PRICE", "DUPLICATE", "MANUAL"] = "MANUAL"
    blocks: Literal["ALLOCATE", "RELEASE", "SHIP", "CAPTURE"] = "RELEASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVerdict:
    """What a provider thinks of the order's risk; the newest word of each provider counts."""

    __pydantic_config__ = closed

    provider: Annotated[str, Field(strict=True, min_length=1, max_length=60), AfterValidator(text_a_database_keeps)]
    level: Literal["low", "medium", "high"]
    score: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None
    reasons: Annotated[tuple[Short, ...], Field(max_length=20)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNote:
    """For whoever looks at the order next; the customer never sees it."""

    __pydantic_config__ = closed

    text: Annotated[
        str, Field(strict=True, min_length=1, max_length=NOTE_LENGTH), AfterValidator(text_a_database_keeps)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApproval:
    """A word that the order may go on as it stands: approved, or let through over the credit limit."""

    __pydantic_config__ = closed

    kind: Literal["APPROVAL", "CREDIT"]
    note: Short = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBody:
    """A business that buys on terms. Left out, a limit isn't watched and every channel is open to it."""

    __pydantic_config__ = closed

    name: Annotated[str, Field(strict=True, min_length=1, max_length=120), AfterValidator(text_a_database_keeps)]
    currency: Currency
    payment_terms: Terms = "NET30"
    credit_limit: Money | None = None
    requires_approval: Flag = False
    approval_above: Money | None = None
    on_stop: Flag = False
    channel: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount(AccountBody):
    """The code is for ever: orders name the account by it."""

    __pydantic_config__ = closed

    code: Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._~-]{1,60}$")]
