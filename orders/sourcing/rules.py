"""A policy as values: rules in order, which orders and nodes each is for, and what happens when none finds enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from orders.sourcing.candidates import Node, Request
from orders.sourcing.criteria import Criterion


class Then(StrEnum):
    """After a rule that was asked and found too little."""

    NEXT = "NEXT"
    BACKORDER = "BACKORDER"
    HOLD = "HOLD"
    CARE = "CARE"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Orders:
    """Which orders a rule is for. What is empty doesn't matter; values of one kind are alternatives."""

    channels: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    attribute: tuple[str, str] | None = None  # something wanted has it
    value_from: float | None = None
    value_below: float | None = None

    def fits(self, request: Request) -> bool:
        return (
            (not self.channels or request.channel in self.channels)
            and (not self.methods or request.method in self.methods)
            and (not self.regions or request.place.within(self.regions))
            and (not self.tags or any(tag in self.tags for tag in request.tags))
            and (self.value_from is None or request.value >= self.value_from)
            and (self.value_below is None or request.value < self.value_below)
            and (self.attribute is None or self._has(request, *self.attribute))
        )

    @staticmethod
    def _has(request: Request, key: str, value: str) -> bool:
        for want in request.wants:
            held = request.article(want).attributes.get(key)
            words = held if isinstance(held, list) else [held]
            if any(str(word).casefold() == value.casefold() for word in words if word is not None):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Nodes:
    """Which nodes a rule may ask."""

    kinds: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()

    def fits(self, node: Node) -> bool:
        return (
            (not self.kinds or node.kind in self.kinds)
            and (not self.codes or node.code in self.codes)
            and (not self.countries or node.country in self.countries)
        )


EVERY_ORDER, EVERY_NODE = Orders(), Nodes()


@dataclass(frozen=True, slots=True)
class Rule:
    """`split`: several nodes may share the order, as few as possible, at most `max_nodes` where that is set."""

    name: str
    split: bool
    criteria: tuple[Criterion, ...]
    max_nodes: int | None = None
    orders: Orders = EVERY_ORDER
    nodes: Nodes = EVERY_NODE
    then: Then = Then.NEXT


@dataclass(frozen=True, slots=True)
class Ladder:
    """`version_id` is the stored version's; the built-in ladder has none."""

    name: str
    version: int
    rules: tuple[Rule, ...]
    version_id: int | None = None
    needs: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        kinds = (criterion.kind for rule in self.rules for criterion in rule.criteria)
        object.__setattr__(self, "needs", frozenset(need for kind in kinds for need in kind.needs))


_USUAL = tuple(Criterion(name) for name in ("domestic", "distance", "priority", "depth"))
STANDARD = Ladder(
    "standard", 1, (Rule("one_node", split=False, criteria=_USUAL), Rule("fewest_nodes", split=True, criteria=_USUAL))
)
