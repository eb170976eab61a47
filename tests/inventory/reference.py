"""Stock as plain Python has it: what the real thing must agree with, step by step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

Place = tuple[int, int]  # (item, location)


class Refused(Exception):
    pass


@dataclass
class Promise:
    place: Place
    quantity: int
    soft: bool
    past: bool = False


@dataclass
class Reference:
    """Units by (item, location, state), and promises by their number."""

    backorder: set[int]
    units: Counter[tuple[int, int, str]] = field(default_factory=Counter)
    promises: dict[int, Promise] = field(default_factory=dict)

    def reserved(self, place: Place) -> int:
        return sum(p.quantity for p in self.promises.values() if p.place == place)

    def free(self, place: Place, *, past_counts: bool = False) -> int:
        past = sum(p.quantity for p in self.promises.values() if p.place == place and p.past and past_counts)
        return self.units[*place, "sellable"] - self.reserved(place) + past

    def fits(self, wanted: dict[Place, int]) -> bool:
        return all(
            place[1] in self.backorder or self.free(place, past_counts=True) >= quantity
            for place, quantity in wanted.items()
        )

    def needs_a_sweep(self, wanted: dict[Place, int]) -> set[Place]:
        return {
            place
            for place, quantity in wanted.items()
            if place[1] not in self.backorder and self.free(place) < quantity
        }

    def sweep(self, places: set[Place] | None = None) -> int:
        gone = [n for n, p in self.promises.items() if p.past and (places is None or p.place in places)]
        for n in gone:
            del self.promises[n]
        return len(gone)

    def shrink(self, number: int, quantity: int | None) -> tuple[Place, int]:
        promise = self.promises.get(number)
        if promise is None or (quantity or 0) > promise.quantity:
            raise Refused
        ended = quantity or promise.quantity
        promise.quantity -= ended
        if not promise.quantity:
            del self.promises[number]
        return promise.place, ended

    def move(self, moves: list[tuple[int, int, int | None, str, int | None, str]]) -> None:
        after = Counter(self.units)
        for item, quantity, origin, origin_state, target, target_state in moves:
            if origin is not None:
                after[item, origin, origin_state] -= quantity
            if target is not None:
                after[item, target, target_state] += quantity
        for item, location, state in after:
            have = after[item, location, state]
            less = have < self.units[item, location, state]
            promised = self.reserved((item, location)) if state == "sellable" and location not in self.backorder else 0
            if (less and have < promised) or have < 0:
                raise Refused
        self.units = after
