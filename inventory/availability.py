"""Available to promise: the arithmetic and the choice of rules, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

SAFETY, BUFFER = "SAFETY", "BUFFER"
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Terms:
    """What the promise is made of, in units. The larger of the two cushions applies, not their sum."""

    sellable: int
    reserved: int
    safety: int = 0
    buffer: int = 0
    inbound: int = 0  # due before the date asked about


def promisable(terms: Terms) -> int:
    """sellable - reserved - max(safety stock, channel buffer) + inbound in time; never below zero."""
    cushion = max(terms.safety, terms.buffer)
    return max(0, terms.sellable - terms.reserved - cushion + terms.inbound)


# --- Rules


class Rule(NamedTuple):
    """A rule that keeps units back. Empty or None means every channel, location or item."""

    id: int
    kind: str
    measure: str  # UNITS, PERCENT or DERIVED
    amount: Decimal
    channel: str = ""
    location_id: int | None = None
    item_id: int | None = None
    attribute: tuple[str, str] | None = None
    at_least: int = 0
    at_most: int | None = None

    @property
    def specificity(self) -> int:
        """Larger is more specific: an item counts more than an attribute, then a location, then a channel.

        The weights make it a comparison digit by digit, so no number of lesser conditions outweighs a greater one.
        """
        return (
            8 * (self.item_id is not None)
            + 4 * (self.attribute is not None)
            + 2 * (self.location_id is not None)
            + (self.channel != "")
        )

    def applies(self, item_id: int, attributes: Mapping[str, object], location_id: int, channel: str) -> bool:
        return (
            self.item_id in {None, item_id}
            and self.location_id in {None, location_id}
            and self.channel in {"", channel}
            and (self.attribute is None or has_attribute(attributes, *self.attribute))
        )

    def units(self, sellable: int, per_day: float = 0.0, lag_seconds: float = 0.0) -> int:
        """How many units it keeps back there, rounded up: half a unit can't be sold."""
        if self.measure == "UNITS":
            return int(self.amount.to_integral_value(ROUND_CEILING))
        if self.measure == "PERCENT":
            exact = self.amount * max(0, sellable) / 100
        else:
            exact = self.amount * Decimal(per_day) * Decimal(lag_seconds) / DAY_SECONDS
        units = max(self.at_least, int(exact.to_integral_value(ROUND_CEILING)))
        return units if self.at_most is None else min(units, self.at_most)


def has_attribute(attributes: Mapping[str, object], key: str, value: str) -> bool:
    """Does the item's attribute say this? Compared as text; a list says each of its values."""
    held = attributes.get(key)
    if held is None:
        return False
    return value in [_text(each) for each in held] if isinstance(held, list) else _text(held) == value


def _text(value: object) -> str:
    """As JSON and people write it: true, not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class Kept(NamedTuple):
    """The two cushions in units, and the ids of the rules that say so."""

    safety: int
    buffer: int
    safety_rule: int | None
    buffer_rule: int | None
    cushion: int  # the larger of the two


class Known(dict[int, Kept]):
    """What a choice keeps back of so many sellable units, reckoned when it is first asked for.

    Most rules say a number or a share, and the same few figures are met again and again: twenty thousand times the
    difference between a call and a look-up is the difference between a slow answer and a quick one.
    """

    def __init__(self, choice: Choice):
        self.choice = choice

    def __missing__(self, sellable: int) -> Kept:
        kept = self[sellable] = self.choice.kept(sellable)
        return kept


class Choice:
    """The rules that may win at one place: of each kind the most specific, several where they are equally so."""

    __slots__ = ("buffer", "derived", "fixed", "known", "safety")

    def __init__(self, rules: Sequence[Rule] = ()):
        self.safety, self.buffer = _most_specific(rules, SAFETY), _most_specific(rules, BUFFER)
        measures = {rule.measure for rule in (*self.safety, *self.buffer)}
        self.derived = "DERIVED" in measures
        self.fixed: Kept | None = self._reckon(0, 0.0, 0.0) if measures <= {"UNITS"} else None
        self.known = Known(self)  # means nothing where a sell rate matters, too

    def kept(self, sellable: int, per_day: float = 0.0, lag_seconds: float = 0.0) -> Kept:
        """What is kept back of so many sellable units."""
        return self.fixed or self._reckon(sellable, per_day, lag_seconds)

    def _reckon(self, sellable: int, per_day: float, lag_seconds: float) -> Kept:
        safety, by_safety = winner(self.safety, sellable, per_day, lag_seconds)
        buffer, by_buffer = winner(self.buffer, sellable, per_day, lag_seconds)
        return Kept(
            safety,
            buffer,
            by_safety.id if by_safety else None,
            by_buffer.id if by_buffer else None,
            max(safety, buffer),
        )


def _most_specific(rules: Sequence[Rule], kind: str) -> list[Rule]:
    of_kind = [rule for rule in rules if rule.kind == kind]
    top = max((rule.specificity for rule in of_kind), default=0)
    return [rule for rule in of_kind if rule.specificity == top]


def winner(
    rules: Sequence[Rule], sellable: int, per_day: float = 0.0, lag_seconds: float = 0.0
) -> tuple[int, Rule | None]:
    """The units kept back and the rule that says so. Of equally specific rules the one keeping more, then the older."""
    if not rules:
        return 0, None
    if len(rules) == 1:
        return rules[0].units(sellable, per_day, lag_seconds), rules[0]
    return min(
        ((rule.units(sellable, per_day, lag_seconds), rule) for rule in rules),
        key=lambda pair: (-pair[0], pair[1].id),
    )


class RuleBook:
    """The rules in force for one channel, arranged so that an item's rules are found without looking at all of them."""

    def __init__(self, rules: Iterable[Rule], channel: str):
        self.channel = channel
        self.rules = [rule for rule in rules if rule.channel in {"", channel}]
        self._by_item: dict[int, list[Rule]] = {}
        self._general: list[Rule] = []
        self._by_attribute: list[Rule] = []
        for rule in self.rules:
            if rule.item_id is not None:
                self._by_item.setdefault(rule.item_id, []).append(rule)
            elif rule.attribute is not None:
                self._by_attribute.append(rule)
            else:
                self._general.append(rule)
        self.asks_attributes = bool(self._by_attribute)
        self.asks_rates = any(rule.measure == "DERIVED" for rule in self.rules)
        self._arranged: dict[tuple[int, ...], tuple[Choice, dict[int, Choice]]] = {}

    def for_item(
        self, item_id: int, attributes: Mapping[str, object], *, general: bool = True
    ) -> tuple[Choice, dict[int, Choice]]:
        """What applies to an item: the choice at most places, and the choice at those places that have rules of theirs.

        Without `general` only rules that name the item or its attributes count (a kit: its parts obey the others).
        """
        rules = [
            *self._by_item.get(item_id, ()),
            *(rule for rule in self._by_attribute if has_attribute(attributes, *(rule.attribute or ("", "")))),
            *(self._general if general else ()),
        ]
        key = tuple(rule.id for rule in rules)
        if key not in self._arranged:
            self._arranged[key] = _arrange(rules)
        return self._arranged[key]

    def matching(self, item_id: int, attributes: Mapping[str, object], location_id: int) -> list[Rule]:
        """Every rule that applies at the place, the winners of each kind first: what the screen lists as beaten."""
        found = [rule for rule in self.rules if rule.applies(item_id, attributes, location_id, self.channel)]
        return sorted(found, key=lambda rule: (-rule.specificity, rule.id))


def _arrange(rules: Sequence[Rule]) -> tuple[Choice, dict[int, Choice]]:
    anywhere = [rule for rule in rules if rule.location_id is None]
    places = {rule.location_id for rule in rules if rule.location_id is not None}
    return Choice(anywhere), {
        place: Choice([*anywhere, *(rule for rule in rules if rule.location_id == place)]) for place in places
    }


# --- In words


@dataclass(frozen=True, slots=True)
class Step:
    """One line of "why this number": what, how many units it adds or takes, and why. `used` is False for a loser."""

    name: str
    units: int
    words: str
    rule_id: int | None = None
    used: bool = True


def steps(
    terms: Terms, *, safety: Rule | None = None, buffer: Rule | None = None, room: int | None = None, barred: str = ""
) -> list[Step]:
    """Every term in the order it is reckoned. The used steps before the last add up to it, unless it stops at zero."""
    made = [
        Step("sellable", terms.sellable, "Units on the shelf that may be sold"),
        Step("reserved", -terms.reserved, "Promised to somebody already"),
    ]
    by_buffer = terms.buffer > terms.safety
    beaten = "Not added: only the larger of the two cushions counts"
    if safety or terms.safety:
        words = beaten if by_buffer else "Safety stock, kept back from everybody"
        made.append(Step("safety", -terms.safety, words, safety.id if safety else None, not by_buffer))
    if buffer or terms.buffer:
        words = "Channel buffer, kept back because figures lag" if by_buffer else beaten
        made.append(Step("buffer", -terms.buffer, words, buffer.id if buffer else None, by_buffer))
    if terms.inbound:
        made.append(Step("inbound", terms.inbound, "Arrives before the date asked about"))
    total = promisable(terms)
    if room is not None and room < total:
        made.append(Step("capacity", room - total, "More than can be picked there in time"))
        total = room
    if barred:
        made.append(Step("barred", -total, barred))
        total = 0
    return [*made, Step("available", total, "Available to promise")]
