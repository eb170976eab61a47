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
from orders.sourcing.rules import STANDARD, Ladder, Rule, Then
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
    fit, barred = exclusions(request, nodes)
    found.excluded = barred
    candidates: list[Node] = []
    ranks: dict[object, tuple[list[Node], Ranked, list[tuple[Node, str]]]] = {}
    for rule in ladder.rules:
        if not rule.orders.fits(request):
            found.tried.append((rule.name, "is for other orders"))
            continue
        if (rule.nodes, rule.criteria) not in ranks:
            ranks[rule.nodes, rule.criteria] = _ranked(request, fit, rule)
        candidates, found.ranked, out = ranks[rule.nodes, rule.criteria]
        found.asked, found.excluded = rule, barred + out
        picks = _picks(request, candidates, rule, found)
        if picks:
            found.rule, found.picks = rule.name, picks
            return found
        if rule.then != Then.NEXT:
            found.then = rule.then
            break
    found.short = _short(request, candidates)
    return found


def _ranked(request: Request, fit: list[Node], rule: Rule) -> tuple[list[Node], Ranked, list[tuple[Node, str]]]:
    """The rule's nodes best first, the same with their scores, and those its criteria leave out."""
    out: list[tuple[Node, str]] = []
    if rule.nodes.kinds or rule.nodes.codes or rule.nodes.countries:
        out = [(node, "not asked by this rule") for node in fit if not rule.nodes.fits(node)]
        fit = [node for node in fit if rule.nodes.fits(node)]
    verdicts = [criterion.judge(request, fit) for criterion in rule.criteria]
    left_out: dict[int, str] = {}
    for _, because in reversed(verdicts):
        left_out.update(because)
    rows = zip(*(scores for scores, _ in verdicts), strict=True) if verdicts else (() for _ in fit)
    pairs = list(zip(fit, rows, strict=True))
    if left_out:
        out += [(fit[n], why) for n, why in sorted(left_out.items())]
        pairs = [pair for n, pair in enumerate(pairs) if n not in left_out]
    pairs.sort(key=lambda pair: (pair[0].priority, pair[0].code))
    pairs.sort(key=lambda pair: pair[1], reverse=True)  # stable, so that priority and code still decide
    return [node for node, _ in pairs], pairs, out


def _picks(request: Request, ranked: list[Node], rule: Rule, found: Plan) -> list[Pick]:
    needs = Needs(request)
    given = needs.given_by(ranked)
    if not rule.split or rule.max_nodes == 1:
        place = next((n for n, vector in enumerate(given) if vector == needs.wanted), None)
        if place is None:
            found.tried.append((rule.name, "no node has everything"))
            return []
        at = ranked[place].location_id
        return [Pick(want.line_id, want.item_id, at, want.quantity) for want in request.wants]
    most = rule.max_nodes or MAX_NODES
    chosen, sure = smallest(given, needs.wanted, min(most, len(ranked)))
    found.exhaustive = found.exhaustive and sure
    if chosen is not None:
        return share(request, [ranked[place] for place in chosen])
    if rule.max_nodes is None and (picks := share(request, ranked)):
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
