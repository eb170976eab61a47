"""The order as Backroom understands it, whoever sent it: one frozen shape for every channel, the API and files.

A translator builds these dataclasses from a vendor's payload and passes the result through `check`, which normalises
(SKU by NFKC, money to four places, times to UTC) and raises `Invalid` naming every broken rule with its path. The API
parses strict JSON straight into `IncomingOrder` by the same rules. Nothing here touches the database.

How quantities are meant, per line and cumulative as the source sees them at `version`:

* `quantity`: units ordered, before any were taken off;
* `cancelled_quantity`: of those, units that will not be delivered (removed, cancelled, refunded before dispatch);
* `fulfilled_elsewhere`: of those, units that have left already, whoever sent them (including those we told it about).

How money is meant: `lines - discount_total + shipping_total + tax_total (unless tax_included) + other_total = total`,
where lines are `quantity * unit_price` of the ordered quantities, `discount_total` is every discount of the order
(those of its lines and of its shipping included), and `shipping_total` is before discounts. None means "the source
didn't say", which is not zero.
"""

from __future__ import annotations

import hashlib
import operator
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, core_schema

from core.errors import Invalid, Problem
from inventory import skus
from orders import currencies

MAX_LINES = 500
MAX_QUANTITY = 1_000_000
MAX_VERSION = 2**63 - 1

# --- The smallest pieces -------------------------------------------------------------------------------------------

_DECIMAL = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,4}0{0,12})?")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:?[0-9]{2})"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_FOUR_PLACES = Decimal("0.0001")
_LIMIT = Decimal(10) ** 12
_BUILT = {"built": True}  # the context of `check`
Shape = TypeVar("Shape", "IncomingOrder", "IncomingRefund", "IncomingPayment")


def clean(text: str | None) -> str:
    """Text a database can keep: no NUL, no lone surrogates, no outer blanks. For translators; the API refuses."""
    if not text:
        return ""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()


def sku_text(sku: str | None) -> str:
    """The one spelling of a SKU as inventory compares it, without invisible characters."""
    if not sku:
        return ""
    if not sku.isprintable():
        sku = "".join(c for c in sku if c.isspace() or unicodedata.category(c)[0] != "C")
    return skus.normalise(sku)


def microseconds(moment: datetime) -> int:
    """An aware time as a version: microseconds since 1970."""
    delta = moment - _EARLIEST
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _amount(value: Any, info: Any) -> Decimal:
    # A JSON number is no amount, even where a reader keeps it exact: only what a translator built may be a Decimal.
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise PydanticCustomError(
                "decimal_string", "must be a decimal string such as '12.50', at most 12 digits and 4 decimals"
            )
        value = Decimal(value)
    elif not isinstance(value, Decimal) or info.context is not _BUILT:
        raise PydanticCustomError("decimal_string", "must be a decimal string such as '12.50'")
    if not value.is_finite() or abs(value) >= _LIMIT:
        raise PydanticCustomError("decimal_range", "must be finite and under 1 000 000 000 000")
    if value < 0:
        raise PydanticCustomError("greater_than_equal", "must not be negative")
    exact = value.quantize(_FOUR_PLACES)
    if exact != value:
        raise PydanticCustomError("decimal_places", "must have at most 4 decimals")
    return abs(exact)  # minus zero is zero


def _moment(value: Any, info: Any) -> datetime:
    if isinstance(value, str):
        match = _DATETIME.fullmatch(value)
        if match is None:
            raise PydanticCustomError("datetime", "must be an ISO 8601 date and time with its offset")
        day, clock, fraction, zone = match.groups()
        zone = "+00:00" if zone in "Zz" else zone
        try:
            value = datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{zone}")
        except ValueError:
            raise PydanticCustomError("datetime", "is not a date and time that exists") from None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise PydanticCustomError("datetime", "must be a date and time with its offset")
    if not 1970 <= value.year < 9000:
        raise PydanticCustomError("datetime_range", "must be between 1970 and 9000")
    value = value.astimezone(UTC)
    if not _EARLIEST <= value < _LATEST:
        raise PydanticCustomError("datetime_range", "must be between 1970 and 9000")
    return value


def _day(value: Any, info: Any) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("date", "is not a day that exists") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise PydanticCustomError("date", "must be a day such as 2026-01-31")
    if not 1970 <= value.year < 9000:
        raise PydanticCustomError("date_range", "must be between 1970 and 9000")
    return value


def _text(value: str) -> str:
    if value.isascii():
        bad = "\x00" in value
    else:
        bad = "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)
    if bad:
        raise PydanticCustomError("text", "must not hold NUL or half a character")
    return value


def _key(value: str) -> str:
    _text(value)
    if not value.isprintable() or value != value.strip():
        raise PydanticCustomError("text", "must be printable, without outer blanks")
    return value


def _sku(value: Any) -> Any:
    return sku_text(value) if isinstance(value, str) else value


def _currency(value: str) -> str:
    if not currencies.is_known(value):
        raise PydanticCustomError("currency", "must be a currency of ISO 4217 in capitals")
    return value


def _degrees(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise PydanticCustomError("number", "must be a number")
    return float(value)


def _some(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if not value:
        raise PydanticCustomError("too_few", "must not be empty")
    return value


def _sequence(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class _Read:
    """Read by `function` alone, written as text. (PlainValidator would serialise twice.)"""

    function: Callable[[Any, Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self.function, serialization=core_schema.to_string_ser_schema(when_used="always")
        )


# --- Field types ---------------------------------------------------------------------------------------------------

_MONEY_SCHEMA = {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,4})?$", "example": "12.50"}
Money = Annotated[Decimal, _Read(_amount), WithJsonSchema(_MONEY_SCHEMA)]
Moment = Annotated[datetime, _Read(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[date, _Read(_day), WithJsonSchema({"type": "string", "format": "date"})]
Key = Annotated[str, Field(strict=True, min_length=1, max_length=120), AfterValidator(_key)]
OptionalKey = Annotated[str, Field(strict=True, max_length=120), AfterValidator(_key)]
Short = Annotated[str, Field(strict=True, max_length=255), AfterValidator(_text)]
Long = Annotated[str, Field(strict=True, max_length=5000), AfterValidator(_text)]
Sku = Annotated[str, Field(strict=True, max_length=120), BeforeValidator(_sku)]
Quantity = Annotated[int, Field(strict=True, ge=1, le=MAX_QUANTITY)]
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_QUANTITY)]
Flag = Annotated[bool, Field(strict=True)]
Currency = Annotated[str, Field(strict=True, min_length=3, max_length=3), AfterValidator(_currency)]
Country = Annotated[str, Field(strict=True, pattern=r"^([A-Z]{2})?$")]
Language = Annotated[str, Field(strict=True, pattern=r"^([a-z]{2}(-[A-Z]{2})?)?$")]
Terms = Annotated[str, Field(strict=True, pattern=r"^(PREPAID|NET[1-9][0-9]{0,2})?$")]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False), BeforeValidator(_degrees)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False), BeforeValidator(_degrees)]

OrderState = Literal["open", "cancelled"]
PaymentState = Literal[
    "pending", "authorised", "partially_paid", "paid", "partially_refunded", "refunded", "voided", "unknown"
]
Method = Literal["SHIP", "PICKUP"]
PaymentKind = Literal[
    "authorised",
    "captured",
    "voided",
    "refunded",
    "failed",
    "disputed",
    "chargeback",
    "reinstated",
    "dispute_lost",
    "capture_failed",
    "refund_failed",
]
Restock = Literal["cancel", "return", "none"]
RiskLevel = Literal["low", "medium", "high"]
Funder = Literal["merchant", "marketplace", "supplier"]

closed = ConfigDict(extra="forbid", revalidate_instances="always")

# --- The order -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to deliver or bill. Every part may be empty: `missing_parts` says what a parcel can't do without."""

    __pydantic_config__ = closed

    name: Short = ""
    company: Short = ""
    line1: Short = ""
    line2: Short = ""
    city: Short = ""
    region: Short = ""
    postal_code: Short = ""
    country: Country = ""
    phone: Short = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who bought, as far as the source tells. `ref` is the source's own id of the person."""

    __pydantic_config__ = closed

    ref: OptionalKey = ""
    name: Short = ""
    email: Short = ""
    phone: Short = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """How likely this is fraud, as the source or somebody it asked judged it. Rules say what that leads to."""

    __pydantic_config__ = closed

    level: RiskLevel
    provider: OptionalKey = ""
    score: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None
    reasons: Annotated[tuple[Short, ...], Field(max_length=20), BeforeValidator(_sequence)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingDiscount:
    """A discount by its name. `line_ref` names the line it is on; without one it is the order's, or its shipping's."""

    __pydantic_config__ = closed

    amount: Money
    code: Short = ""
    title: Short = ""
    line_ref: OptionalKey = ""
    on_shipping: Flag = False
    funded_by: Funder = "merchant"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentmentLine:
    __pydantic_config__ = closed

    line_ref: Key
    unit_price: Money | None = None
    discount_total: Money | None = None
    tax_total: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentment:
    """The order's figures as the buyer saw them, in another currency than the shop's.

    None is converted at the rate of the totals.
    """

    __pydantic_config__ = closed

    currency: Currency
    total: Money
    discount_total: Money | None = None
    shipping_total: Money | None = None
    tax_total: Money | None = None
    other_total: Money | None = None
    lines: Annotated[tuple[PresentmentLine, ...], Field(max_length=MAX_LINES), BeforeValidator(_sequence)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingLine:
    """One line. `ref` is the source's id of it, unique within the order; it stays the same through every edit.

    `sku` may be empty or unknown: the line is kept with its title and price, and a case asks for a mapping.
    `discount_total` and `tax_total` are for the whole line; None where the source states them for the order only.
    """

    __pydantic_config__ = closed

    ref: Key
    sku: Sku = ""
    title: Short = ""
    quantity: Quantity
    unit_price: Money
    discount_total: Money | None = None
    tax_total: Money | None = None
    requires_shipping: Flag = True
    gift_card: Flag = False
    cancelled_quantity: Count = 0
    fulfilled_elsewhere: Count = 0
    # Of the line's tax, what the marketplace collects and hands on itself.
    marketplace_tax_total: Annotated[Money | None, Field(exclude_if=operator.not_)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingPayment:
    """One money event at the provider, once by `ref` and kind. A pending or merely attempted one is not sent."""

    __pydantic_config__ = closed

    ref: Key
    kind: PaymentKind
    amount: Money
    currency: Currency
    at: Moment
    gateway: Short = ""
    parent_ref: OptionalKey = ""
    expires_at: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    """Units of one line given back. `restock`: "cancel" they had not left yet, "return" they come back, "none" kept."""

    __pydantic_config__ = closed

    line_ref: Key
    quantity: Quantity
    restock: Restock
    amount: Money | None = None
    tax: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRefund:
    """A refund as the source issued it, once by `ref`. `amount` is what went back to the buyer, None if not said."""

    __pydantic_config__ = closed

    ref: Key
    order_ref: Key
    at: Moment
    currency: Currency
    lines: Annotated[tuple[RefundLine, ...], Field(max_length=MAX_LINES), BeforeValidator(_sequence)] = ()
    payments: Annotated[tuple[IncomingPayment, ...], Field(max_length=100), BeforeValidator(_sequence)] = ()
    amount: Money | None = None
    shipping_amount: Money | None = None
    note: Long = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingOrder:
    """One order as its source sees it at `version` (the source's last change, in microseconds since 1970).

    `channel_ref` is the source's immutable id, as text; `number` what the source shows to people ("#1001").
    `refunds` and `payments` may repeat what was sent before or separately: each counts once by its ref. `card_ref` is
    the source's fingerprint of the card or account paid with, never its number.

    A business names its `account`; `payment_terms` are the account's where the source says none, `po_number` is the
    buyer's own number, and nothing leaves before `requested_ship_on`. `language` is the one the buyer ordered in.
    """

    __pydantic_config__ = closed

    channel_ref: Key
    placed_at: Moment
    currency: Currency
    lines: Annotated[
        tuple[IncomingLine, ...], Field(max_length=MAX_LINES), BeforeValidator(_sequence), AfterValidator(_some)
    ]
    total: Money | None
    version: Annotated[int, Field(strict=True, ge=0, le=MAX_VERSION)]
    number: OptionalKey = ""
    status: OrderState = "open"
    cancelled_at: Moment | None = None
    cancel_reason: Short = ""
    payment_state: PaymentState = "unknown"
    card_ref: OptionalKey = ""
    risk: Risk | None = None
    buyer: Buyer | None = None
    ship_to: Address | None = None
    bill_to: Address | None = None
    method: Method = "SHIP"
    pickup_location_code: OptionalKey | None = None
    subtotal: Money | None = None
    discount_total: Money | None = None
    shipping_total: Money | None = None
    shipping_tax_total: Money | None = None
    tax_total: Money | None = None
    other_total: Money | None = None
    tax_included: Flag = False
    payments: Annotated[tuple[IncomingPayment, ...], Field(max_length=200), BeforeValidator(_sequence)] = ()
    refunds: Annotated[tuple[IncomingRefund, ...], Field(max_length=200), BeforeValidator(_sequence)] = ()
    note: Long = ""
    tags: Annotated[tuple[Short, ...], Field(max_length=250), BeforeValidator(_sequence)] = ()
    test: Flag = False
    account: OptionalKey = ""
    po_number: OptionalKey = ""
    payment_terms: Terms = ""
    requested_ship_on: Day | None = None
    # Here and in every shape above: a field that comes later counts in `digest` only where something is said of it.
    language: Annotated[Language, Field(exclude_if=operator.not_)] = ""
    discounts: Annotated[
        tuple[IncomingDiscount, ...],
        Field(max_length=1000, exclude_if=operator.not_),
        BeforeValidator(_sequence),
    ] = ()
    marketplace_shipping_tax_total: Annotated[Money | None, Field(exclude_if=operator.not_)] = None
    presentment: Annotated[Presentment | None, Field(exclude_if=operator.not_)] = None


# --- Reading it ----------------------------------------------------------------------------------------------------


_adapters: dict[Any, TypeAdapter[Any]] = {}


def adapter(kind: Any = IncomingOrder) -> TypeAdapter[Any]:
    """The pydantic adapter of one of the shapes above, built once."""
    known = _adapters.get(kind)
    if known is None:
        known = _adapters[kind] = TypeAdapter(kind)
    return known


def check(incoming: Shape) -> Shape:
    """The same shape, normalised; raises Invalid naming each broken rule. Every translator ends with this."""
    try:
        checked: Shape = adapter(type(incoming)).validate_python(incoming, context=_BUILT)
    except ValidationError as error:
        raise Invalid(problems_of(error)) from None
    found: list[Problem] = list(_contradictions(checked)) if isinstance(checked, IncomingOrder) else []
    if found:
        raise Invalid(found)
    return checked


def contradictions(incoming: IncomingOrder) -> list[Problem]:
    """What no single field can show: repeated line refs, more units gone than ordered, a pickup without its place."""
    return list(_contradictions(incoming))


_WORDS = {
    "unexpected_keyword_argument": ("unknown_field", "is not a field here"),
    "missing_argument": ("missing", "is needed"),
    "string_unicode": ("text", "must not hold NUL or half a character"),
}


def problems_of(error: ValidationError) -> list[Problem]:
    """Pydantic's findings in our words: path such as `lines[2].quantity`, rule, message. Never the offending value."""
    return [
        Problem(path(item["loc"]), *_WORDS.get(item["type"], (item["type"], item["msg"])))
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def path(location: Iterable[int | str]) -> str:
    words = ""
    for step in location:
        words += f"[{step}]" if isinstance(step, int) else f".{step}" if words else str(step)
    return words


def _contradictions(order: IncomingOrder) -> Iterable[Problem]:
    seen: set[str] = set()
    for index, line in enumerate(order.lines):
        if line.ref in seen:
            yield Problem(f"lines[{index}].ref", "repeated", "is the ref of another line of this order")
        seen.add(line.ref)
        if line.cancelled_quantity + line.fulfilled_elsewhere > line.quantity:
            yield Problem(
                f"lines[{index}].quantity", "quantities", "is less than what was cancelled and fulfilled together"
            )
    if sum((line.unit_price * line.quantity for line in order.lines), Decimal(0)) >= _LIMIT:
        yield Problem("lines", "decimal_range", "are worth 1 000 000 000 000 or more together")
    if order.method == "PICKUP" and not order.pickup_location_code and order.status == "open":
        yield Problem("pickup_location_code", "missing", "is needed when the order is collected")
    if order.payment_terms and not order.account:
        yield Problem("account", "missing", "is needed where payment terms are said")
    for index, refund in enumerate(order.refunds):
        if refund.order_ref != order.channel_ref:
            yield Problem(f"refunds[{index}].order_ref", "foreign", "is not the ref of this order")


def digest(order: IncomingOrder) -> bytes:
    """SHA-256 of the canonical form: equal exactly when the two orders say the same.

    The digests of orders taken in long ago stay comparable: a field that didn't exist then is left out while it says
    nothing (`exclude_if`).
    """
    return hashlib.sha256(adapter(IncomingOrder).dump_json(order)).digest()


def totals_problem(order: IncomingOrder) -> list[str]:
    """The figures that disagree, each with what was stated and what the others make it; empty when all agree.

    Compared to the smallest unit of the currency. A total the source didn't state can't be confirmed, so it is named.
    """
    zero = Decimal(0)
    goods = sum((line.unit_price * line.quantity for line in order.lines), zero)
    discounts = order.discount_total or zero
    taxes = order.tax_total or zero
    found: list[str] = []

    def disagrees(name: str, stated: Decimal, reckoned: Decimal) -> bool:
        stated, reckoned = currencies.rounded(stated, order.currency), currencies.rounded(reckoned, order.currency)
        if stated != reckoned:
            found.append(f"{name}: stated {stated}, reckoned {reckoned}")
        return stated != reckoned

    if order.subtotal is not None:
        disagrees("subtotal", order.subtotal, goods)
    line_discounts = sum((line.discount_total or zero for line in order.lines), zero)
    if line_discounts > discounts:
        # Less is no contradiction: the rest is a discount on the order or its shipping.
        disagrees("discount_total", discounts, line_discounts)
    line_taxes = sum((line.tax_total or zero for line in order.lines), order.shipping_tax_total or zero)
    if line_taxes:
        disagrees("tax_total", taxes, line_taxes)
    if order.total is None:
        found.append("total: not stated")
    else:
        reckoned = goods - discounts + (order.shipping_total or zero) + (order.other_total or zero)
        disagrees("total", order.total, reckoned if order.tax_included else reckoned + taxes)
        if not currencies.EXPONENTS.get(order.currency, 2) and order.total != order.total.to_integral_value():
            # 19.99 yen aren't rounded away: where there are no hundredths, the currency is another one.
            found.append(f"total: stated {order.total.normalize():f}, but {order.currency} has no hundredths")
    return found


# A few countries deliver without postal codes.
_NO_POSTAL_CODE = (
    "AE AG AN AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM DJ DM ER FJ GD GH GM GQ GY HK IE JM KI KM KN KP LC ML MO "
    "MR MW NR NU PA QA RW SB SC SL SR ST SY TD TG TK TO TT TV UG VU YE ZW"
)


def missing_parts(address: Address | None) -> list[str]:
    """What a parcel still needs before it can be sent there; empty when the address is complete."""
    if address is None:
        return ["address"]
    missing = [part for part in ("line1", "city", "country") if not getattr(address, part).strip()]
    if not (address.name.strip() or address.company.strip()):
        missing.insert(0, "name")
    if not address.postal_code.strip() and address.country not in _NO_POSTAL_CODE.split():
        missing.append("postal_code")
    return missing
