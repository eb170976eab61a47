"""The smallest set of nodes that has everything together: pure, exact, and quick over hundreds of nodes.

What is wanted becomes a few sums that a set of nodes has to reach. For an item wanted by one line that is its quantity;
where several lines want it and different nodes let them down, every group of those lines has a sum of its own (the cut
condition of a transport problem), so that reaching all sums is the same as being able to serve every line.

A node that some better node can replace in every sum is needed only beside that node. So for sets of k nodes only
those with fewer than k such betters are looked at: a handful of hundreds.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from itertools import combinations
from operator import ge

from orders.sourcing.candidates import Node, Request, Want

MAX_NODES = 6
MAX_STEPS = 20_000

Vector = tuple[int, ...]


class Needs:
    """The sums to reach, and what each node gives towards them, never more than wanted."""

    def __init__(self, request: Request):
        self.sums: list[tuple[int, int, frozenset[int]]] = []  # item, units, the nodes that may serve none of these
        by_item: dict[int, list[Want]] = {}
        for want in request.wants:
            by_item.setdefault(want.item_id, []).append(want)
        for item, wants in by_item.items():
            self.sums += _sums(request, item, wants)
        self.wanted: Vector = tuple(units for _, units, _ in self.sums)

    def given_by(self, nodes: Sequence[Node]) -> list[Vector]:
        if any(barred for _, _, barred in self.sums):
            return [
                tuple(
                    0 if node.location_id in barred else max(0, min(node.free.get(item, 0), units))
                    for item, units, barred in self.sums
                )
                for node in nodes
            ]
        free = [node.free for node in nodes]
        columns = []
        for item, units, _ in self.sums:
            there = [has.get(item, 0) for has in free]
            columns.append([units if has >= units else has * (has > 0) for has in there])
        return list(zip(*columns, strict=True))


def _sums(request: Request, item: int, wants: list[Want]) -> list[tuple[int, int, frozenset[int]]]:
    classes: dict[frozenset[int], int] = {}  # wants that the same nodes let down are one
    for want in wants:
        barred = request.let_down.get(want.line_id, frozenset())
        classes[barred] = classes.get(barred, 0) + want.quantity
    groups = [group for size in range(1, len(classes) + 1) for group in combinations(classes.items(), size)]
    return [
        (item, sum(units for _, units in group), frozenset.intersection(*(barred for barred, _ in group)))
        for group in groups
    ]


def smallest(given: Sequence[Vector], wanted: Vector, most: int) -> tuple[tuple[int, ...] | None, bool]:
    """The places of the fewest nodes (at most `most`) that reach every sum, or None; and whether that is sure.

    Of sets of that size, the one whose places add up to least, then the first in order.
    """
    sure = True
    for size in range(1, most + 1):
        if any(sum(nlargest(size, (vector[d] for vector in given))) < wanted[d] for d in range(len(wanted))):
            continue
        search = _Search(given, wanted, size)
        search.extend((), 0, wanted)
        sure = sure and search.complete
        if search.best is not None:
            return search.best, sure
    return None, sure


def _worth_trying(given: Sequence[Vector], size: int) -> list[int]:
    kept: list[int] = []
    counts: dict[Vector, int] = {}
    useless: set[Vector] = set()
    for place, vector in enumerate(given):
        if vector in useless:
            continue
        betters = 0
        for other, times in counts.items():
            if all(map(ge, other, vector)):
                betters += times
                if betters >= size:
                    break
        if betters >= size or not any(vector):
            useless.add(vector)
            continue
        counts[vector] = counts.get(vector, 0) + 1
        kept.append(place)
    return kept


class _Search:
    """Every set must hold a node that gives to the sum hardest to reach: branch on those, the best first."""

    def __init__(self, given: Sequence[Vector], wanted: Vector, size: int):
        self.given, self.size = given, size
        self.places = _worth_trying(given, size)
        self.helpers = [[p for p in self.places if given[p][d] > 0] for d in range(len(wanted))]
        self.best: tuple[int, ...] | None = None
        self.cost = 2**62
        self.seen: set[tuple[int, ...]] = set()
        self.steps = 0
        self.complete = True

    def extend(self, chosen: tuple[int, ...], cost: int, missing: Vector) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            self.complete = False
            return
        if not any(missing):
            self._take(chosen, cost)
        elif len(chosen) == self.size - 1:
            self._finish(chosen, cost, missing)
        elif len(chosen) < self.size:
            hardest = min((d for d, units in enumerate(missing) if units), key=lambda d: len(self.helpers[d]))
            for place in self.helpers[hardest]:
                if cost + place > self.cost:
                    break
                larger = tuple(sorted((*chosen, place)))
                if place in chosen or larger in self.seen:
                    continue
                self.seen.add(larger)
                left = tuple([m - g if m > g else 0 for m, g in zip(missing, self.given[place], strict=True)])
                self.extend(larger, cost + place, left)

    def _finish(self, chosen: tuple[int, ...], cost: int, missing: Vector) -> None:
        """One node is left to choose: the first that gives all that is missing."""
        needed = [(d, units) for d, units in enumerate(missing) if units]
        (first, units), rest = needed[0], needed[1:]
        given = self.given
        for place in self.helpers[first]:
            if cost + place > self.cost:
                return
            gives = given[place]
            if gives[first] >= units and place not in chosen and all(gives[d] >= more for d, more in rest):
                self._take(tuple(sorted((*chosen, place))), cost + place)
                return

    def _take(self, chosen: tuple[int, ...], cost: int) -> None:
        if self.best is None or (cost, chosen) < (self.cost, self.best):
            self.best, self.cost = chosen, cost
