"""Stock as plain Python has it, for every operation there is: what the database must agree with, step by step."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

INSIDE = ("sellable", "damaged", "quarantined", "awaiting_inspection", "in_transit_in")
NEW_FROM = ("supplier", "found", "opening")
Place = tuple[int, int]  # (item, location)
Op = dict[str, Any]


class Refused(Exception):
    pass


@dataclass
class Promise:
    place: Place
    held: int
    soft: bool
    past: bool = False
    ended: str = ""  # how the whole of it ended
    expired: bool = False  # some of it ran out


@dataclass
class Model:
    """Units by (item, location, state), named units by (item, code, location, state), promises by demand and place."""

    backorder: set[int]
    tracking: dict[int, str]
    kits: dict[int, list[tuple[int, int]]]
    units: Counter[tuple[int, int, str]] = field(default_factory=Counter)
    named: Counter[tuple[int, str, int, str]] = field(default_factory=Counter)
    known: set[tuple[int, str]] = field(default_factory=set)
    demands: dict[str, tuple[Any, list[Promise]]] = field(default_factory=dict)
    firm: set[str] = field(default_factory=set)
    ends: dict[str, tuple[str, str, int, int]] = field(default_factory=dict)
    posted: dict[str, list[Any]] = field(default_factory=dict)
    taken_back: dict[str, str] = field(default_factory=dict)  # key of what was taken back -> key that did it

    def copy(self) -> Model:
        return copy.deepcopy(self)

    def apply(self, op: Op) -> Any:
        """Do it and say whether it was accepted; what is refused changes nothing (but may have swept)."""
        if op["do"] == "many":
            return [self.apply({"do": "post", **entry}) for entry in op["entries"]]
        try:
            getattr(self, op["do"])(op)
        except Refused:
            return False
        return True

    # --- Promises

    def promises(self, place: Place) -> list[Promise]:
        return [p for _, each in self.demands.values() for p in each if p.place == place and p.held]

    def reserved(self, place: Place) -> int:
        return sum(p.held for p in self.promises(place))

    def free(self, place: Place, *, past_counts: bool = False) -> int:
        past = sum(p.held for p in self.promises(place) if p.past and past_counts)
        return self.units[*place, "sellable"] - self.reserved(place) + past

    def hold(self, op: Op) -> None:
        lines = [
            (part, location, quantity * each)
            for item, location, quantity in op["lines"]
            for part, each in self.kits.get(item, [(item, 1)])
        ]
        wanted: Counter[Place] = Counter()
        for item, location, quantity in lines:
            wanted[item, location] += quantity
        said = (lines, op["soft"])
        if op["uid"] in self.demands:
            _require(self.demands[op["uid"]][0] == said)
            return
        fits = all(p[1] in self.backorder or self.free(p, past_counts=True) >= n for p, n in wanted.items())
        self.sweep({p for p, n in wanted.items() if p[1] not in self.backorder and self.free(p) < n})
        _require(fits)
        made = [Promise((item, location), quantity, op["soft"]) for item, location, quantity in lines]
        self.demands[op["uid"]] = (said, made)
        if not op["soft"]:
            self.firm.add(op["uid"])

    def _standing(self, uid: str) -> list[Promise]:
        _require(uid in self.demands)
        promises = self.demands[uid][1]
        _require(not any(p.expired or (p.held and p.past) for p in promises))
        held = [p for p in promises if p.held]
        _require(bool(held))
        return held

    def extend(self, op: Op) -> None:
        _require(op["uid"] in self.demands and op["uid"] not in self.firm)
        self._standing(op["uid"])

    def confirm(self, op: Op) -> None:
        for promise in self._standing(op["uid"]):
            promise.soft = False
        self.firm.add(op["uid"])

    def release(self, op: Op) -> None:
        self._end(op, "RELEASED")

    def consume(self, op: Op) -> None:
        self._end(op, "CONSUMED")

    def _end(self, op: Op, status: str) -> None:
        uid, n, quantity = op["uid"], op["n"], op["quantity"]
        _require(uid in self.demands and n < len(self.demands[uid][1]))
        if op["key"] in self.ends:
            _require(self.ends[op["key"]][:3] == (status, uid, n) and quantity in {None, self.ends[op["key"]][3]})
            return
        promise = self.demands[uid][1][n]
        if not promise.held:
            _require(quantity is None and status == "RELEASED" and promise.ended != "CONSUMED")
            return
        gone = promise.held if quantity is None else quantity
        _require(gone <= promise.held)
        if status == "CONSUMED":
            _require(not promise.past and self.units[*promise.place, "sellable"] >= gone)
            item, location = promise.place
            self._name([[item, gone, location, "sellable", None, "customer"]], [op["units"]])
            self.units[*promise.place, "sellable"] -= gone
        promise.held -= gone
        promise.ended = "" if promise.held else status
        self.ends[op["key"]] = (status, uid, n, gone)

    def expire(self, op: Op) -> None:
        self.sweep()

    def sweep(self, places: set[Place] | None = None) -> None:
        for _, promises in self.demands.values():
            for promise in promises:
                if promise.held and promise.past and (places is None or promise.place in places):
                    promise.held, promise.ended, promise.expired = 0, "EXPIRED", True

    def time_runs_out(self) -> None:
        for _, promises in self.demands.values():
            for promise in promises:
                promise.past = promise.past or (promise.soft and promise.held > 0)

    # --- Movements

    def post(self, op: Op) -> None:
        moves = [move[:6] for move in op["moves"]]
        names = [[[move[6], move[1]]] if move[6] else [[code, 1] for code in move[7]] for move in op["moves"]]
        self._post(op["key"], moves, names)

    def compensate(self, op: Op) -> None:
        _require(op["of"] in self.posted)
        _require(self.taken_back.get(op["of"], op["key"]) == op["key"])
        moves = [[i, q, to, to_state, at, at_state] for (i, q, at, at_state, to, to_state), _ in self.posted[op["of"]]]
        self._post(op["key"], moves, [names for _, names in self.posted[op["of"]]])
        self.taken_back[op["of"]] = op["key"]

    def _post(self, key: str, moves: list[Any], names: list[Any]) -> None:
        said = [(move, sorted(each)) for move, each in zip(moves, names, strict=True)]
        if key in self.posted:
            _require([(m, sorted(n)) for m, n in self.posted[key]] == said)
            return
        change: Counter[tuple[int, int, str]] = Counter()
        for item, quantity, origin, origin_state, target, target_state in moves:
            if origin is not None:
                change[item, origin, origin_state] -= quantity
            if target is not None:
                change[item, target, target_state] += quantity
        for (item, location, state), delta in change.items():
            have = self.units[item, location, state]
            _require(delta >= 0 or have + delta >= 0)
            if state == "sellable" and delta < 0 and location not in self.backorder:
                _require(self.free((item, location)) >= -delta)
        self._name(moves, names)
        self.units.update(change)
        self.posted[key] = list(zip(moves, names, strict=True))

    def _name(self, moves: list[Any], names: list[Any]) -> None:
        named, known = Counter(self.named), set(self.known)
        for (item, quantity, origin, origin_state, target, target_state), each in zip(moves, names, strict=True):
            tracking = self.tracking[item]
            _require(bool(each) == (tracking != "NONE"))
            _require(not each or sum(n for _, n in each) == quantity)
            _require(len({code for code, _ in each}) == len(each))
            for code, units in each:
                _require(tracking == "LOT" or (units == 1 and code.startswith("S")))
                _require(tracking == "SERIAL" or code.startswith("L"))
                if origin is not None:
                    _require((item, code) in known and named[item, code, origin, origin_state] >= units)
                    named[item, code, origin, origin_state] -= units
                else:
                    _require((item, code) in known or origin_state in NEW_FROM)
                    lying = any(n for (i, c, _, _), n in named.items() if (i, c) == (item, code))
                    _require(tracking == "LOT" or not lying)
                known.add((item, code))
                if target is not None:
                    named[item, code, target, target_state] += units
        self.named, self.known = named, known


def _require(fine: bool) -> None:
    if not fine:
        raise Refused
