"""The ladder: rules tried in order until one finds nodes for everything that is wanted.

A rule that may not split gives everything to the best node that has it. One that may finds the smallest set of nodes
that has everything together; among sets of that size, the one whose nodes rank best in total. Nodes rank by the rule's
criteria, compared in order, then by priority and code, so the same values always give the same plan. What ships alone
is planned by itself: it needs a parcel of its own wherever it comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from orders.sourcing.candidates import Node, Pick, Request, Want, exclusions
from orders.sourcing.covering import MAX_NODES, Needs, smallest
from orders.sourcing.criteria import Criterion, Verdict
from orders.sourcing.rules import EVERY_NODE, STANDARD, Ladder, Rule, Then
from orders.sourcing.sharing import share, unmet

Ranked = list[tuple[Node, tuple[float, ...]]]


@dataclass(slots=True)
class Plan:
    """The picks, empty when no rule found enough; with what each node scored or why it was left out.

    `rule` decided, `asked` is the last rule that was tried; `then` says what is to happen when nothing was found.
    """

    ladder: Ladder
    rule: str = ""
    asked: Rule | None = None
    then: Then = Then.NEXT
    picks: list[Pick] = field(default_factory=list)
    ranked: Ranked = field(default_factory=list)
    excluded: list[tuple[Node, str]] = field(default_factory=list)
    short: list[tuple[Want, int]] = field(default_factory=list)  # the want, and what all nodes together have for it
    tried: list[tuple[str, str]] = field(default_factory=list)  # rules passed over, each with why
    exhaustive: bool = True  # False: the search was cut short, so a smaller split may exist
    wants: tuple[Want, ...] = ()
    alone: list[Plan] = field(default_factory=list)  # the plans of what ships by itself


def plan(request: Request, nodes: Sequence[Node], ladder: Ladder = STANDARD) -> Plan:
    """Where every want comes from, or what is missing. All or nothing."""
    plans = [_plan(group, nodes, ladder) for group in request.groups()]
    found, found.alone = plans[0], plans[1:]
    if not found.alone:
        return found
    found.short = [each for one in plans for each in one.short]
    failed = next((one for one in plans if not one.picks), None)
    found.picks = [] if failed else [pick for one in plans for pick in one.picks]
    if failed:
        found.rule, found.then, found.asked = "", failed.then, failed.asked
    return found


def _plan(request: Request, nodes: Sequence[Node], ladder: Ladder) -> Plan:
    found = Plan(ladder, wants=request.wants)
    fit, found.excluded = exclusions(request, nodes)
    judged = _Judged(request, fit)
    for rule in ladder.rules:
        if not rule.orders.fits(request):
            found.tried.append((rule.name, "is for other orders"))
            continue
        found.asked = rule
        found.picks = _picks(judged, rule, found)
        if found.picks:
            found.rule = rule.name
            break
        if rule.then != Then.NEXT:
            found.then = rule.then
            break
    if found.asked is not None:
        found.ranked, out = judged.ranked(found.asked)
        found.excluded += out
    if not found.picks:
        found.short = _short(request, [node for node, _ in found.ranked])
    return found


class _Judged:
    """The nodes that may take part, with what each gives and what each criterion says of it: worked out once."""

    def __init__(self, request: Request, fit: list[Node]):
        self.request, self.fit = request, fit
        self.needs = Needs(request)
        self.given = self.needs.given_by(fit)
        self.verdicts: dict[Criterion, Verdict] = {}
        self.rankings: dict[Rule, _Ranking] = {}

    def ranking(self, rule: Rule) -> _Ranking:
        if rule not in self.rankings:
            self.rankings[rule] = self._rank(rule)
        return self.rankings[rule]

    def ranked(self, rule: Rule) -> tuple[Ranked, list[tuple[Node, str]]]:
        found, fit = self.ranking(rule), self.fit
        return [(fit[n], found.scores[n]) for n in found.places], [
            (fit[n], why) for n, why in sorted(found.out.items())
        ]

    def _rank(self, rule: Rule) -> _Ranking:
        out: dict[int, str] = {}
        columns: list[list[float]] = []
        for criterion in rule.criteria:
            if criterion not in self.verdicts:
                self.verdicts[criterion] = criterion.judge(self.request, self.fit)
            scores, because = self.verdicts[criterion]
            columns.append(scores)
            out = because | out
        if rule.nodes != EVERY_NODE:
            out |= {n: "not asked by this rule" for n, node in enumerate(self.fit) if not rule.nodes.fits(node)}
        rows: list[tuple[float, ...]] = list(zip(*columns, strict=True)) if columns else [()] * len(self.fit)
        fit = self.fit
        places = [n for n in range(len(fit)) if n not in out]
        codes, priorities = [node.code for node in fit], [node.priority for node in fit]
        places.sort(key=codes.__getitem__)
        places.sort(key=priorities.__getitem__)
        places.sort(key=rows.__getitem__, reverse=True)  # stable, so that priority and code still decide
        return _Ranking(places, out, rows)


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Places of nodes, best first; those left out, with why; the scores of every place."""

    places: list[int]
    out: dict[int, str]
    scores: list[tuple[float, ...]]


def _picks(judged: _Judged, rule: Rule, found: Plan) -> list[Pick]:
    wanted, given, fit = judged.needs.wanted, judged.given, judged.fit
    if not rule.split or rule.max_nodes == 1:
        # Asked first: most orders that must be split need no ranking here.
        whole = judged.ranking(rule).places if wanted in given else []
        at = next((fit[n].location_id for n in whole if given[n] == wanted), None)
        if at is None:
            found.tried.append((rule.name, "no node has everything"))
            return []
        return [Pick(want.line_id, want.item_id, at, want.quantity) for want in judged.request.wants]
    places = judged.ranking(rule).places
    most = rule.max_nodes or MAX_NODES
    chosen, sure = smallest([given[n] for n in places], wanted, min(most, len(places)))
    found.exhaustive = found.exhaustive and sure
    if chosen is not None:
        return share(judged.request, [fit[places[n]] for n in chosen])
    if rule.max_nodes is None and (picks := share(judged.request, [fit[n] for n in places])):
        found.exhaustive = False
        return picks
    found.tried.append((rule.name, f"no {most} nodes have everything together" if rule.max_nodes else "too few units"))
    return []


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
