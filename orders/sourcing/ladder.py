"""The ladder: rules tried in order until one finds nodes for everything that is wanted.

`one_node`: the best node that has everything. `fewest_nodes`: the smallest set of nodes that has everything together;
among sets of that size, the one whose nodes rank best in total. Nodes rank by the rule's criteria, compared in order,
then by priority and code, so the same values always give the same plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from orders.sourcing.candidates import Node, Pick, Request, Want, covers, exclusion
from orders.sourcing.criteria import scores
from orders.sourcing.sharing import share, unmet

MAX_NODES = 6
MAX_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    split: bool
    criteria: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    name: str
    version: int
    rules: tuple[Rule, ...]


STANDARD = Ladder(
    "standard",
    1,
    (
        Rule("one_node", split=False, criteria=("domestic", "nearness", "priority", "depth")),
        Rule("fewest_nodes", split=True, criteria=("domestic", "nearness", "priority", "depth")),
    ),
)


@dataclass(slots=True)
class Plan:
    """The picks, empty when no rule found enough; with what each node scored or why it was left out."""

    ladder: Ladder
    rule: str = ""
    picks: list[Pick] = field(default_factory=list)
    ranked: list[tuple[Node, tuple[float, ...]]] = field(default_factory=list)
    excluded: list[tuple[Node, str]] = field(default_factory=list)
    short: list[tuple[Want, int]] = field(default_factory=list)  # the want, and what all nodes together have for it
    exhaustive: bool = True  # False: the search was cut short, so a smaller split may exist


def plan(request: Request, nodes: list[Node], ladder: Ladder = STANDARD) -> Plan:
    """Where every want comes from, or what is missing. All or nothing."""
    found = Plan(ladder)
    fit = []
    for node in nodes:
        why = exclusion(request, node)
        if why is None:
            fit.append(node)
        else:
            found.excluded.append((node, why))
    for rule in ladder.rules:
        found.ranked = _ranked(request, fit, rule)
        ranked = [node for node, _ in found.ranked]
        picks = _split(request, ranked, found) if rule.split else _whole(request, ranked)
        if picks:
            found.rule, found.picks = rule.name, picks
            return found
    found.short = _short(request, fit)
    return found


def _ranked(request: Request, nodes: list[Node], rule: Rule) -> list[tuple[Node, tuple[float, ...]]]:
    scored = [(node, scores(request, node, rule.criteria)) for node in nodes]
    scored.sort(key=lambda pair: (tuple(-score for score in pair[1]), pair[0].priority, pair[0].code))
    return scored


def _whole(request: Request, ranked: list[Node]) -> list[Pick]:
    for node in ranked:
        if covers(request, node):
            return [Pick(w.line_id, w.item_id, node.location_id, w.quantity) for w in request.wants]
    return []


def _split(request: Request, ranked: list[Node], found: Plan) -> list[Pick]:
    """Deepen by number of nodes; at each size the search is complete, so the first size that works is the smallest."""
    if _short(request, ranked):
        return []
    for size in range(2, MAX_NODES + 1):
        search = _Search(request, ranked, size)
        search.run()
        if not search.complete:
            found.exhaustive = False
        if search.best is not None:
            return share(request, [ranked[i] for i in search.best])
    found.exhaustive = False
    return share(request, ranked)


class _Search:
    """Every cover must hold a node that helps the want hardest to meet: branch on those, best rank first."""

    def __init__(self, request: Request, ranked: list[Node], size: int):
        self.request, self.ranked, self.size = request, ranked, size
        self.best: tuple[int, ...] | None = None
        self.best_cost: tuple[int, tuple[int, ...]] = (2**62, ())
        self.seen: set[tuple[int, ...]] = set()
        self.steps = 0
        self.complete = True

    def run(self) -> None:
        self._extend(())

    def _extend(self, chosen: tuple[int, ...]) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            self.complete = False
            return
        missing = unmet(self.request, [self.ranked[i] for i in chosen])
        if not missing:
            cost = (sum(chosen), chosen)
            if cost < self.best_cost:
                self.best, self.best_cost = chosen, cost
            return
        if len(chosen) == self.size:
            return
        options = min((self._helpers(group, chosen) for group in missing), key=len)
        for option in options:
            larger = tuple(sorted((*chosen, option)))
            if larger in self.seen or sum(larger) > self.best_cost[0]:
                continue
            self.seen.add(larger)
            self._extend(larger)

    def _helpers(self, group: list[Want], chosen: tuple[int, ...]) -> list[int]:
        """Nodes one of which every larger set must hold, for the group's first want to be met."""
        let_down = self.request.let_down
        return [
            i
            for i, node in enumerate(self.ranked)
            if i not in chosen
            and node.free.get(group[0].item_id, 0) > 0
            and any(node.location_id not in let_down.get(want.line_id, ()) for want in group)
        ]


def _short(request: Request, nodes: list[Node]) -> list[tuple[Want, int]]:
    return [
        (
            group[0],
            sum(
                max(0, node.free.get(group[0].item_id, 0))
                for node in nodes
                if node.location_id not in request.let_down.get(group[0].line_id, ())
            ),
        )
        for group in unmet(request, nodes)
    ]
