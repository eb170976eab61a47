"""When an order is held: pure rules over what is known about it.

A rule is data: a list of tests that all have to be true, what its hold blocks, how long somebody may take to decide,
and which rule's hold follows. A test answers with a Finding (the sentence and the rows that prove it) or None. What a
test needs beyond the order itself (earlier orders, list prices) it asks of `About.world`, so nothing is read that no
rule in force needs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from core.errors import Problem
from core.formats import money, plural
from orders import addressing
from orders.canonical import Address, Money, problems_of

LEVELS = ("low", "medium", "high")
MAX_TESTS = 10


class Trigger(StrEnum):
    """INTAKE: true of the order as it stands, so it ends by itself once false. CHANGE: what was just changed called for
    it. RULE: only follows another. PERSON: a person chooses it. The last three end only by a person."""

    INTAKE = "INTAKE"
    CHANGE = "CHANGE"
    RULE = "RULE"
    PERSON = "PERSON"


TRIGGERS = (
    (Trigger.INTAKE, "While it is true of the order"),
    (Trigger.CHANGE, "When the order is changed"),
    (Trigger.RULE, "After another hold"),
    (Trigger.PERSON, "When a person chooses it"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Why an order is held. `key` names what was found: a person who accepts it isn't asked about it again, so it must
    change whenever they would want to know. A `firm` one can't be accepted, only put right."""

    why: str
    rows: tuple[tuple[str, str], ...] = ()
    key: str = ""
    firm: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    ref: str
    sku: str
    title: str
    units: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Earlier:
    """An order that came in before this one, by the same e-mail, address or card."""

    number: str
    placed_at: datetime
    total: Decimal | None
    currency: str
    goods: tuple[tuple[str, int], ...] = ()  # (sku, units), sorted


@dataclass(frozen=True, slots=True)
class ListPrice:
    price: Decimal
    tolerance: Decimal  # percent


class World(Protocol):
    """What lies beyond the order, each read once and only when asked for."""

    def earlier(self, same: str, hours: int) -> Sequence[Earlier]: ...

    def prices(self) -> Mapping[str, ListPrice]: ...

    def known(self, kind: str) -> Finding | None: ...


@dataclass(frozen=True, slots=True)
class About:
    """The order as rules see it. `changed` are the fields that were just changed; empty at intake."""

    world: World
    channel: str
    method: str
    currency: str
    total: Decimal | None
    lines: tuple[Line, ...]
    email: str = ""
    card: str = ""
    ship_to: Address | None = None
    bill_to: Address | None = None
    tags: frozenset[str] = frozenset()
    risk: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    physical: bool = True

    @property
    def goods(self) -> tuple[tuple[str, int], ...]:
        units: dict[str, int] = {}
        for line in self.lines:
            units[line.sku] = units.get(line.sku, 0) + line.units
        return tuple(sorted((sku, count) for sku, count in units.items() if count))


# --- Tests ---------------------------------------------------------------------------------------------------------


class _Test(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Hours = Annotated[int, Field(strict=True, ge=1, le=24 * 90)]
Code = Annotated[str, Field(strict=True, min_length=1, max_length=60)]
Codes = Annotated[list[Code], Field(min_length=1, max_length=50)]
Same = Literal["email", "address", "card"]
_SAME_WORDS = {"email": "e-mail address", "address": "delivery address", "card": "card"}


class Known(_Test):
    """What the app itself knows to be wrong (services.holds.PREDICATES)."""

    test: Literal["known"]
    kind: Code

    def find(self, about: About) -> Finding | None:
        return about.world.known(self.kind)


class TotalOver(_Test):
    test: Literal["total_over"]
    amount: Money
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]

    def find(self, about: About) -> Finding | None:
        if about.total is None or about.currency != self.currency or about.total <= self.amount:
            return None
        limit = money(self.amount, self.currency)
        return Finding(
            f"Worth more than {limit}.", (("Total", money(about.total, about.currency)), ("Limit", limit)),
            key=f"total_over:{about.total}",
        )  # fmt: skip


class UnitsOver(_Test):
    test: Literal["units_over"]
    units: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]

    def find(self, about: About) -> Finding | None:
        many = [(sku, units) for sku, units in about.goods if units > self.units]
        rows = tuple((sku, plural(units, "unit")) for sku, units in many)
        return (
            Finding(f"More than {plural(self.units, 'unit')} of one article.", rows, f"units:{many}") if many else None
        )


class AddressesDiffer(_Test):
    """Where it goes isn't where the bill goes."""

    test: Literal["addresses_differ"]
    by: Literal["country", "postal_code"]

    def find(self, about: About) -> Finding | None:
        ship, bill = about.ship_to, about.bill_to
        if ship is None or bill is None:
            return None
        here, there = (_squeezed(getattr(each, self.by)) for each in (ship, bill))
        if not here or not there or (here == there and ship.country == bill.country):
            return None
        rows = (("Delivered to", _in_short(ship)), ("Billed to", _in_short(bill)))
        word = self.by.replace("_", " ")
        return Finding(f"The {word} it goes to is not that of the bill.", rows, f"differ:{here}:{there}")


class Velocity(_Test):
    """So many orders of one e-mail, address or card within so many hours, this one included."""

    test: Literal["velocity"]
    same: Same
    orders: Annotated[int, Field(strict=True, ge=2, le=100)]
    hours: Hours

    def find(self, about: About) -> Finding | None:
        found = about.world.earlier(self.same, self.hours)
        if len(found) + 1 < self.orders:
            return None
        rows = tuple((each.number, f"{each.placed_at:%d %b %H:%M} UTC") for each in found[:10])
        return Finding(
            f"{len(found) + 1} orders of one {_SAME_WORDS[self.same]} within {plural(self.hours, 'hour')}.", rows,
            key=f"velocity:{self.same}:{len(found)}",
        )  # fmt: skip


class Duplicate(_Test):
    """The same goods, ordered a moment ago by the same buyer under another reference."""

    test: Literal["duplicate"]
    hours: Hours

    def find(self, about: About) -> Finding | None:
        if not about.goods:
            return None
        same = [*about.world.earlier("email", self.hours), *about.world.earlier("address", self.hours)]
        twins = {each.number: each for each in same if each.goods == about.goods}
        if not twins:
            return None
        rows = tuple((number, f"{each.placed_at:%d %b %H:%M} UTC") for number, each in twins.items())
        return Finding("The same goods were ordered before by the same buyer.", rows, f"duplicate:{sorted(twins)}")


class Verdict(_Test):
    """Somebody who judges fraud said so: the source in the order itself, or a provider afterwards."""

    test: Literal["verdict"]
    at_least: Literal["medium", "high"]
    provider: Annotated[str, Field(max_length=60)] = ""

    def find(self, about: About) -> Finding | None:
        worst = [
            (name, said)
            for name, said in sorted(about.risk.items())
            if (not self.provider or name == self.provider)
            and LEVELS.index(said["level"]) >= LEVELS.index(self.at_least)
        ]
        if not worst:
            return None
        rows = tuple(
            (name, ", ".join([str(said["level"]), *(str(why) for why in said.get("reasons", ())[:5])]))
            for name, said in worst
        )
        return Finding("The risk of fraud was judged too high.", rows, f"verdict:{[(n, s['level']) for n, s in worst]}")


class PriceOff(_Test):
    """A line's price isn't the list's, further off than the list tolerates."""

    test: Literal["price_off"]

    def find(self, about: About) -> Finding | None:
        listed = about.world.prices()
        off = [
            (line, listed[line.sku].price)
            for line in about.lines
            if line.units
            and line.sku in listed
            and abs(line.price - listed[line.sku].price) * 100 > listed[line.sku].price * listed[line.sku].tolerance
        ]
        if not off:
            return None
        rows = tuple(
            (line.sku, f"{money(line.price, about.currency)}, listed at {money(price, about.currency)}")
            for line, price in off
        )
        key = f"price:{sorted((line.ref, str(line.price)) for line, _ in off)}"
        return Finding(f"{plural(len(off), 'line')} off the price list.", rows, key)


class AddressShape(_Test):
    """The postal code isn't one of the country's, or the street looks like none."""

    test: Literal["address_shape"]

    def find(self, about: About) -> Finding | None:
        if about.ship_to is None or about.method != "SHIP" or not about.physical:
            return None
        wrong = addressing.doubts(about.ship_to)
        rows = tuple((part.replace("_", " ").capitalize(), words) for part, words in wrong)
        key = f"shape:{addressing.key(about.ship_to)}"
        return Finding("The delivery address looks wrong.", rows, key) if wrong else None


class Among(_Test):
    """One of these channels, methods, countries, or tags."""

    test: Literal["among"]
    what: Literal["channel", "method", "country", "tag"]
    codes: Codes

    def find(self, about: About) -> Finding | None:
        country = about.ship_to.country if about.ship_to else ""
        has = {"channel": {about.channel}, "method": {about.method}, "country": {country}, "tag": about.tags}[self.what]
        both = sorted(set(has) & set(self.codes))
        return Finding(f"Its {self.what} is {', '.join(both)}.", key=f"among:{both}") if both else None


class FirstOrder(_Test):
    """Nobody ordered with this e-mail address in the last ninety days."""

    test: Literal["first_order"]

    def find(self, about: About) -> Finding | None:
        if not about.email or about.world.earlier("email", 24 * 90):
            return None
        return Finding("The first order of this e-mail address.", key="first_order")


class Changed(_Test):
    """One of these was just changed. Only for rules about changes."""

    test: Literal["changed"]
    fields: Annotated[
        list[Literal["address", "quantity", "lines", "method", "price"]], Field(min_length=1, max_length=5)
    ]

    def find(self, about: About) -> Finding | None:
        both = sorted(about.changed & set(self.fields))
        return Finding(f"Changed: {', '.join(both)}.", key=f"changed:{both}") if both else None


Test = Annotated[
    Known | TotalOver | UnitsOver | AddressesDiffer | Velocity | Duplicate | Verdict | PriceOff | AddressShape | Among
    | FirstOrder | Changed,
    Field(discriminator="test"),
]  # fmt: skip
_tests: TypeAdapter[list[Any]] = TypeAdapter(Annotated[list[Test], Field(max_length=MAX_TESTS)])


# --- Rules ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    name: str
    kind: str
    trigger: Trigger
    tests: tuple[Any, ...] = ()
    blocks: str = "RELEASE"
    minutes: int = 240
    then: str = ""

    def find(self, about: About) -> list[Finding] | None:
        """What every test found, or None where one isn't true. A rule without tests is always true."""
        found = []
        for test in self.tests:
            finding: Finding | None = test.find(about)
            if finding is None:
                return None
            found.append(finding)
        return found


# What always holds unless an administrator puts a rule of the same code in its place.
STANDARD: tuple[Rule, ...] = tuple(
    Rule(code, name, kind, Trigger.INTAKE, (Known(test="known", kind=kind),))
    for code, name, kind in (
        ("payment", "Payment not authorised", "PAYMENT"),
        ("address", "Address incomplete", "ADDRESS"),
        ("credit", "Over the credit limit", "CREDIT"),
        ("approval", "Needs approval", "APPROVAL"),
    )
)


def read_tests(data: Any) -> tuple[tuple[Any, ...], list[Problem]]:
    """The tests of a rule from JSON, and what is wrong with them, each with its path (`tests[1].hours`)."""
    try:
        return tuple(_tests.validate_python(data)), []
    except ValidationError as error:
        return (), [Problem("tests" + _without_tag(each.path), each.rule, each.message) for each in problems_of(error)]


def _without_tag(where: str) -> str:
    """Pydantic puts the name of the variant into the path: `[0].velocity.hours`."""
    index, _, rest = where.partition(".")
    names = rest.split(".")
    rest = ".".join(names[1:]) if names and names[0] in KINDS_OF_TEST else rest
    return f"{index}.{rest}" if rest else index


def problems(rule: Rule) -> list[Problem]:
    """What makes no sense about one rule by itself."""
    found = []
    about_changes = any(isinstance(test, Changed) for test in rule.tests)
    if about_changes and rule.trigger != Trigger.CHANGE:
        found.append(Problem("tests", "trigger", "“Changed” is only for rules about changes."))
    if rule.trigger == Trigger.INTAKE and not rule.tests:
        found.append(Problem("tests", "too_few", "Without a test it would hold every order."))
    if rule.trigger == Trigger.PERSON and rule.tests:
        found.append(Problem("tests", "too_many", "A person chooses it: there is nothing to test."))
    if not 1 <= rule.minutes <= 60 * 24 * 30:
        found.append(Problem("minutes", "range", "Between one minute and thirty days."))
    return found


def loop(rules: Mapping[str, Rule], start: str) -> list[str]:
    """The codes of the loop that following `then` from `start` runs into, first and last the same; empty where it
    ends."""
    seen: list[str] = []
    at = start
    while at and at in rules:
        if at in seen:
            return [*seen[seen.index(at) :], at]
        seen.append(at)
        at = rules[at].then
    return []


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _squeezed(text: str) -> str:
    return "".join(text.upper().split())


def _in_short(address: Address) -> str:
    return ", ".join(part for part in (address.line1, address.city, address.postal_code, address.country) if part)


KINDS_OF_TEST: dict[str, tuple[str, type[_Test]]] = {
    "known": ("What is known to be wrong", Known),
    "total_over": ("The total is over", TotalOver),
    "units_over": ("Units of one article are over", UnitsOver),
    "addresses_differ": ("Delivery and billing differ", AddressesDiffer),
    "velocity": ("Many orders in a short time", Velocity),
    "duplicate": ("Looks like a duplicate", Duplicate),
    "verdict": ("A verdict on fraud", Verdict),
    "price_off": ("Off the price list", PriceOff),
    "address_shape": ("The address looks wrong", AddressShape),
    "among": ("Is one of", Among),
    "first_order": ("A first order", FirstOrder),
    "changed": ("Was changed", Changed),
}
