"""What callers send about returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from orders.canonical import Address, Currency, Key, Long, Moment, Money, OptionalKey, Quantity, Short, Sku, closed
from returns.rules import Condition, Reason
from returns.services.asking import MOST_LINES

MAX_SERIALS = 1_000


def _sequence(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReturnLine:
    """Units that come back: of a line of the order by its `ref`, or by the article's SKU."""

    __pydantic_config__ = closed

    quantity: Quantity
    line: OptionalKey = ""
    sku: Sku = ""
    reason: Reason = "UNKNOWN"
    reason_text: Annotated[Short, Field(max_length=255)] = ""
    condition: Condition | None = None
    serials: Annotated[tuple[Key, ...], Field(max_length=MAX_SERIALS), BeforeValidator(_sequence)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReturn:
    """A return of an order by its number here, or by the channel and its own reference of it.

    Without an order it is a blind one: `proof` says what shows that it was bought here. `ref` is the caller's own id of
    the return, once per channel. `promised_until` is the day the channel named to its buyer.
    """

    __pydantic_config__ = closed

    lines: Annotated[tuple[NewReturnLine, ...], Field(min_length=1, max_length=MOST_LINES), BeforeValidator(_sequence)]
    order: OptionalKey = ""
    channel: OptionalKey = ""
    channel_ref: OptionalKey = ""
    ref: OptionalKey = ""
    proof: Literal["ORDER", "RECEIPT", "LOOKUP", "GIFT", "NONE"] = "ORDER"
    receipt_ref: OptionalKey = ""
    refund_to: Literal["ORIGINAL", "STORE_CREDIT", "EXCHANGE"] = "ORIGINAL"
    currency: Currency | None = None
    buyer_name: Short = ""
    buyer_email: Short = ""
    sent_from: Address | None = None
    promised_until: Moment | None = None
    note: Long = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Yes, on the policy's terms where nothing else is said. What the policy denies needs `override`, the reason."""

    __pydantic_config__ = closed

    location: OptionalKey = ""
    refund_plan: Literal["INSTANT", "ON_RECEIPT", "KEEP_IT"] | None = None
    refund_to: Literal["ORIGINAL", "STORE_CREDIT", "EXCHANGE"] | None = None
    fee: Money | None = None
    override: Short = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Why, in the words of whoever decides."""

    __pydantic_config__ = closed

    reason: Annotated[Short, Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLabel:
    """The label of the way back: of the service named, else of the cheapest."""

    __pydantic_config__ = closed

    service: OptionalKey = ""
    grams: Annotated[int, Field(strict=True, ge=1, le=2_000_000)] | None = None
