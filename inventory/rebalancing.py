"""Who should send what to whom so that everybody's stock lasts about as long: the arithmetic, without a database."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One item at one place: units nobody was promised, units coming, and what sells a day."""

    location_id: int
    free: int
    coming: int
    per_day: float

    @property
    def cover(self) -> float:
        """How many days it lasts; endless where nothing sells."""
        return (self.free + self.coming) / self.per_day if self.per_day > 0 else math.inf


@dataclass(frozen=True, slots=True)
class Goal:
    """Below `low` days a place needs units, up to `target`; nobody gives below `keep` days or their last `last` units.
    Fewer than `least` units aren't worth the way."""

    low: int = 7
    target: int = 14
    keep: int = 28
    last: int = 1
    least: int = 1


@dataclass(frozen=True, slots=True)
class Proposal:
    """Send `units`; cover in days at both ends, before and after (None: endless)."""

    item_id: int
    origin_id: int
    destination_id: int
    units: int
    origin_before: float | None
    origin_after: float | None
    destination_before: float | None
    destination_after: float | None


def propose(item_id: int, places: Sequence[Place], goal: Goal) -> list[Proposal]:
    """The most urgent need is served first, by whoever has most to spare. A place that needs units never gives any."""
    needs = sorted((p for p in places if p.cover < goal.low), key=lambda p: (p.cover, -p.per_day, p.location_id))
    in_need = {place.location_id for place in needs}
    spare = [(-_spare(p, goal), p.location_id) for p in places if p.location_id not in in_need]
    heapq.heapify(spare)  # whoever has most to spare comes first
    least = max(1, goal.least)
    by_id = {place.location_id: place for place in places}
    given: dict[int, int] = {}
    proposals = []
    for place in needs:
        wanted = math.ceil(goal.target * place.per_day) - place.free - place.coming
        got = 0
        while spare and (units := min(wanted - got, -spare[0][0])) >= least:
            left, giver = spare[0]
            origin = by_id[giver]
            before = given.get(giver, 0)
            proposals.append(
                Proposal(
                    item_id, giver, place.location_id, units,
                    _days(origin, -before), _days(origin, -before - units),
                    _days(place, got), _days(place, got + units),
                )
            )  # fmt: skip
            heapq.heapreplace(spare, (left + units, giver))
            given[giver] = before + units
            got += units
    return proposals


def _spare(place: Place, goal: Goal) -> int:
    return max(0, place.free - max(math.ceil(goal.keep * place.per_day), goal.last))


def _days(place: Place, change: int) -> float | None:
    return round((place.free + place.coming + change) / place.per_day, 1) if place.per_day > 0 else None
