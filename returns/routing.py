"""Where should it come back to? Pure: every place is weighed, and the answer says why it was taken or left.

What a place is worth is what the goods bring when they sell there again, less what the way there and the work cost:

    value - value * weeks until they sell * loss a week - way back - handling

Weeks until they sell are the units lying there and coming in over what the place sells of the article in a week. Where
an article doesn't sell at all it counts as unsold for a year. A way that costs more than the goods are worth is told,
so that the customer may keep them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from returns.eligibility import Around, Goods, fits
from returns.rules import PlaceRule, Policy

UNSOLD_WEEKS = Decimal(52)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Node:
    """A place that takes returns. `way_back` is what a carrier asks from the customer to it, None where nobody says;
    `sells` and `lies` are units of each line's article: sold there in a week, and there already."""

    id: int
    code: str
    name: str
    kind: str
    country: str = ""
    kilometres: float | None = None
    way_back: Decimal | None = None
    sells: Mapping[str, Decimal] = field(default_factory=dict)
    lies: Mapping[str, int] = field(default_factory=dict)
    priority: int = 100
    open: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """One place weighed: what it is worth and from what, or why it is out of the question."""

    node: Node
    worth: Decimal = Decimal(0)
    resale: Decimal = Decimal(0)
    weeks: Decimal = Decimal(0)
    way_back: Decimal = Decimal(0)
    handling: Decimal = Decimal(0)
    excluded: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """The place chosen, the rule that limited the choice, all that were weighed (best first), and the sentence."""

    chosen: Choice | None
    choices: tuple[Choice, ...]
    rule: str
    why: str
    keep_it: bool = False


def route(policy: Policy, lines: Sequence[Goods], around: Around, nodes: Sequence[Node]) -> Route:
    """The best place for these lines together. `keep_it`: even the best costs more than the goods bring again."""
    limits = [rule for goods in lines if (rule := _limit(policy, goods, around))]
    choices = [_weigh(policy, lines, around, node, limits) for node in nodes]
    possible = sorted((c for c in choices if not c.excluded), key=_best_first)
    out = sorted((c for c in choices if c.excluded), key=lambda c: c.node.code)
    decided = limits[0].code if limits else ""
    if not possible:
        return Route(None, tuple(out), decided, "No place takes it back.")
    best = possible[0]
    return Route(best, (*possible, *out), decided, _words(best, limits, policy), best.worth < 0)


def _limit(policy: Policy, goods: Goods, around: Around) -> PlaceRule | None:
    return next((rule for rule in policy.routing.places if fits(rule.when, goods, around)), None)


def _best_first(choice: Choice) -> tuple[Decimal, float, int, str]:
    distance = choice.node.kilometres if choice.node.kilometres is not None else 1e9
    return (-choice.worth, distance, choice.node.priority, choice.node.code)


def _weigh(policy: Policy, lines: Sequence[Goods], around: Around, node: Node, limits: Sequence[PlaceRule]) -> Choice:
    if excluded := _excluded(policy, around, node, limits):
        return Choice(node, excluded=excluded)
    resale, longest = Decimal(0), Decimal(0)
    loss = Decimal(policy.routing.loses_percent_a_week) / 100
    for goods in lines:
        weeks = _weeks(goods, node)
        longest = max(longest, weeks)
        resale += goods.value * max(Decimal(0), 1 - loss * weeks)
    way_back = node.way_back
    if way_back is None:
        way_back = policy.routing.per_km * Decimal(str(node.kilometres or 0))
    resale, way_back, handling = (
        amount.quantize(CENT, ROUND_HALF_UP) for amount in (resale, way_back, policy.routing.handling)
    )
    return Choice(node, resale - way_back - handling, resale, longest.quantize(CENT), way_back, handling)


def _weeks(goods: Goods, node: Node) -> Decimal:
    a_week = node.sells.get(goods.sku, Decimal(0))
    if a_week <= 0:
        return UNSOLD_WEEKS
    return min(UNSOLD_WEEKS, (node.lies.get(goods.sku, 0) + goods.quantity) / a_week)


def _excluded(policy: Policy, around: Around, node: Node, limits: Sequence[PlaceRule]) -> str:
    if not node.open:
        return "It is closed."
    if not policy.routing.abroad and around.country and node.country and node.country != around.country:
        return f"It is in {node.country}, and the policy keeps returns in {around.country}."
    for rule in limits:
        if node.kind not in rule.to_kinds and node.code not in rule.to_codes:
            return f"“{rule.name}” sends it elsewhere."
    return ""


def _words(best: Choice, limits: Sequence[PlaceRule], policy: Policy) -> str:
    currency = policy.routing.currency
    sells = (
        "has not sold it lately" if best.weeks >= UNSOLD_WEEKS else f"sells it within {best.weeks.normalize():f} weeks"
    )
    unknown = best.node.way_back is None and best.node.kilometres is None
    costs = "nobody knows what the way back costs" if unknown else f"the way back costs {best.way_back} {currency}"
    words = f"{best.node.name} {sells}; {costs}."
    return f"“{limits[0].name}”: {words}" if limits else words
