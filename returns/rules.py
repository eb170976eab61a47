"""A return policy as it is stored and sent: JSON, every broken rule of it named by its path. Pure.

A document has five parts. `windows`: until when something may come back; the first that fits a line decides, and one
that `extends` only ever gives more time. `refusals`: what else speaks against it. `promises`: what a channel has
promised its buyers, which is never less than a window. `refunds`: on what terms; the first that fits decides.
`places`: where it comes back to. Amounts are compared in the currency of the order.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from core.api.reading import path
from core.errors import Invalid, Problem

MOST_RULES, MOST_WORDS = 40, 50
SEASON_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,4})?")

Standing = Literal["TRUSTED", "KNOWN", "NEW", "WATCHED"]
Kind = Literal["CHANNEL", "SERVICE", "COUNTER", "API", "EDI"]
Proof = Literal["ORDER", "RECEIPT", "LOOKUP", "GIFT", "NONE"]
Reason = Literal[
    "DEFECTIVE", "DAMAGED", "WRONG_ITEM", "MISSING_PARTS", "NOT_AS_DESCRIBED", "LATE", "TOO_SMALL", "TOO_LARGE",
    "COLOUR", "STYLE", "UNWANTED", "OTHER", "UNKNOWN",
]  # fmt: skip
Condition = Literal["NEW", "OPENED", "USED", "DAMAGED", "INCOMPLETE"]
PlaceKind = Literal["STORE", "WAREHOUSE", "THIRD_PARTY", "RETURNS_CENTRE"]
Against = Literal["DENIED", "REVIEW"]


def _amount(value: Any) -> Any:
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        return Decimal(value)
    raise ValueError("must be a decimal string such as '12.50'")


def _season(value: Any) -> Any:
    if isinstance(value, str) and SEASON_DAY.fullmatch(value):
        try:
            date.fromisoformat(f"2024-{value}")
        except ValueError:
            raise ValueError("is not a day that exists") from None
        return value
    raise ValueError("must be a day of the year such as 11-01 (month, day)")


_Word = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True, pattern=r"^[^\x00]*$")]
_Words = Annotated[list[_Word], Field(max_length=MOST_WORDS)]
_Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
_Money = Annotated[Decimal, BeforeValidator(_amount)]
_Percent = Annotated[int, Field(ge=0, le=100)]
_Days = Annotated[int, Field(ge=0, le=3650)]
_SeasonDay = Annotated[str, BeforeValidator(_season)]
_Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class When(_Closed):
    """Which lines a rule is about: all that is said has to fit; what isn't said fits everything.

    `categories` are the item's attribute `category`; `attributes` are others, as name and value. `sold_from` and
    `sold_to` are days of the year, over New Year's Eve as well.
    """

    categories: _Words = []
    attributes: Annotated[list[Annotated[tuple[_Word, _Word], Field(strict=False)]], Field(max_length=MOST_WORDS)] = []
    skus: _Words = []
    channels: _Words = []
    countries: Annotated[list[_Country], Field(max_length=MOST_WORDS)] = []
    kinds: list[Kind] = []
    proofs: list[Proof] = []
    reasons: list[Reason] = []
    not_reasons: list[Reason] = []
    conditions: list[Condition] = []
    standings: list[Standing] = []
    sold_from: _SeasonDay | None = None
    sold_to: _SeasonDay | None = None
    value_from: _Money | None = None
    value_below: _Money | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> When:
        if (self.sold_from is None) != (self.sold_to is None):
            raise ValueError("a season has a first and a last day")
        if self.value_from is not None and self.value_below is not None and self.value_from >= self.value_below:
            raise ValueError("nothing is worth that much and less")
        return self


class _Rule(_Closed):
    code: _Code
    name: Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
    when: When = When()


class Window(_Rule):
    """`days` after it was delivered (sent, ordered), or `until` a day of the year: the first that follows the sale."""

    days: _Days | None = None
    until: _SeasonDay | None = None
    counts_from: Literal["DELIVERED", "SHIPPED", "PLACED"] = "DELIVERED"
    extends: bool = False
    over: Against = "DENIED"

    @model_validator(mode="after")
    def _ends(self) -> Window:
        if (self.days is None) == (self.until is None):
            raise ValueError("a window has a number of days or a last day of the year")
        return self


class Refusal(_Rule):
    """What speaks against a line although its window is open, and whether that refuses it or asks a person.

    FINAL_SALE: sold for good, by its attributes or from `discount_from` percent off. CONDITION: it is not said to be in
    one of `accepts`. SERIAL: its serial number was not said, or is not one we sent. ALWAYS: the rule fits.
    """

    test: Literal["FINAL_SALE", "CONDITION", "SERIAL", "ALWAYS"]
    verdict: Against = "DENIED"
    accepts: list[Condition] = []
    discount_from: _Percent | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Refusal:
        if self.test == "CONDITION" and not self.accepts:
            raise ValueError("which conditions are accepted?")
        if self.discount_from is not None and self.test != "FINAL_SALE":
            raise ValueError("only a final sale goes by the discount")
        return self


class Promise(_Rule):
    """A channel's own promise to its buyers."""

    days: _Days
    counts_from: Literal["DELIVERED", "SHIPPED", "PLACED"] = "DELIVERED"

    @model_validator(mode="after")
    def _of_a_channel(self) -> Promise:
        if not self.when.channels:
            raise ValueError("which channel promises it?")
        return self


class Terms(_Rule):
    """How money goes back. INSTANT and KEEP_IT only `up_to` the value of the whole return, where that is said."""

    plan: Literal["INSTANT", "ON_RECEIPT", "KEEP_IT"] = "ON_RECEIPT"
    to: list[Literal["ORIGINAL", "STORE_CREDIT", "EXCHANGE"]] = []
    up_to: _Money | None = None
    fee: _Money = Decimal(0)
    restocking_percent: _Percent = 0
    refunds_shipping: bool = False


class PlaceRule(_Rule):
    """Where such a line may go: places of these kinds, or with these codes."""

    to_kinds: list[PlaceKind] = []
    to_codes: _Words = []

    @model_validator(mode="after")
    def _somewhere(self) -> PlaceRule:
        if not self.to_kinds and not self.to_codes:
            raise ValueError("where to?")
        return self


class Routing(_Closed):
    """What makes one place better than another. Money is in `currency`, apart from the value of the goods."""

    places: Annotated[list[PlaceRule], Field(max_length=MOST_RULES)] = []
    loses_percent_a_week: Annotated[int, Field(ge=0, le=100)] = 4
    handling: _Money = Decimal(1)
    per_km: _Money = Decimal("0.02")
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "EUR"
    abroad: bool = False


class StandingRules(_Closed):
    """From which figures on a customer is trusted, or watched. Shares are of the units they bought."""

    trusted_orders: Annotated[int, Field(ge=1, le=10_000)] = 5
    trusted_share: _Percent = 30
    watched_units: Annotated[int, Field(ge=1, le=10_000)] = 6
    watched_share: _Percent = 60


class Policy(_Closed):
    windows: Annotated[list[Window], Field(min_length=1, max_length=MOST_RULES)]
    refusals: Annotated[list[Refusal], Field(max_length=MOST_RULES)] = []
    promises: Annotated[list[Promise], Field(max_length=MOST_RULES)] = []
    refunds: Annotated[list[Terms], Field(max_length=MOST_RULES)] = []
    routing: Routing = Routing()
    standing: StandingRules = StandingRules()
    expires_days: Annotated[int, Field(ge=1, le=365)] = 21

    @model_validator(mode="after")
    def _codes_are_told_apart(self) -> Policy:
        codes = [rule.code for part in (self.windows, self.refusals, self.promises, self.refunds) for rule in part]
        codes += [rule.code for rule in self.routing.places]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"more than one rule is called {', '.join(twice)}")
        if taken := sorted(set(codes) & LAWS):
            raise ValueError(f"{', '.join(taken)} is the name of a rule that always holds")
        return self


LAWS = frozenset({"already-returned", "not-sent-yet", "channel-agreed", "no-window", "plain-terms"})


def read(rules: Any) -> Policy:
    """The policy. Invalid (422) names every broken rule: `windows[1].days: …`."""
    try:
        return Policy.model_validate(rules)
    except ValidationError as error:
        each = error.errors(include_url=False, include_context=False, include_input=False)
        raise Invalid(
            [Problem(path(e["loc"]), e["type"], e["msg"].removeprefix("Value error, ")) for e in each[:50]], status=422
        ) from None


def write(policy: Policy) -> dict[str, Any]:
    """What is stored: only what somebody said."""
    stored: dict[str, Any] = policy.model_dump(mode="json", exclude_defaults=True)
    return stored


@lru_cache(maxsize=1)
def standard() -> Policy:
    """The rules in force while nobody has put a policy live."""
    return read(STANDARD)


_FAULTS = ["DEFECTIVE", "DAMAGED", "WRONG_ITEM", "MISSING_PARTS", "NOT_AS_DESCRIBED"]
STANDARD: dict[str, Any] = {
    "windows": [
        {"code": "faulty", "name": "Faulty or wrong: two years", "when": {"reasons": _FAULTS}, "days": 730},
        {"code": "standard", "name": "30 days", "days": 30},
        {"code": "holidays", "name": "Bought for the holidays: until 31 January", "extends": True, "until": "01-31",
         "when": {"sold_from": "11-01", "sold_to": "12-31"}},
    ],
    "refusals": [
        {"code": "final-sale", "name": "Final sale", "test": "FINAL_SALE", "when": {"not_reasons": _FAULTS}},
        {"code": "worn", "name": "Used or incomplete goods", "test": "CONDITION", "accepts": ["NEW", "OPENED"],
         "when": {"not_reasons": _FAULTS}, "verdict": "REVIEW"},
        {"code": "serial", "name": "Serial number", "test": "SERIAL", "verdict": "REVIEW"},
        {"code": "no-proof", "name": "Nothing shows that it was bought here", "test": "ALWAYS", "verdict": "REVIEW",
         "when": {"proofs": ["NONE"], "value_from": "50"}},
        {"code": "watched", "name": "A customer who returns most of what they buy", "test": "ALWAYS",
         "verdict": "REVIEW", "when": {"standings": ["WATCHED"]}},
    ],
    "refunds": [
        {"code": "our-fault", "name": "Our fault", "when": {"reasons": [*_FAULTS, "LATE"]}, "refunds_shipping": True},
        {"code": "credit-only", "name": "Store credit without proof or for a gift", "to": ["STORE_CREDIT", "EXCHANGE"],
         "when": {"proofs": ["NONE", "GIFT"]}},
        {"code": "trusted", "name": "At once for customers we trust", "plan": "INSTANT", "up_to": "150",
         "when": {"standings": ["TRUSTED"]}},
    ],
}  # fmt: skip
