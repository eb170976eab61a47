"""One step of units from a place to another, and whether it makes sense at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from core.actors import Actor
from core.errors import Invalid, Problem
from core.subjects import Subject
from inventory import skus
from inventory.models import INSIDE, MAX_UNITS, OUTSIDE, AdjustmentReason
from inventory.models.lots import MAX_CODE
from inventory.services.locking import Pair

MAX_MOVES, MAX_SERIALS = 10_000, 10_000
CLOCKS_DIFFER = timedelta(minutes=5)  # a till's clock may run ahead of ours by this much
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_INSIDE, _OUTSIDE = {s.value for s in INSIDE}, {s.value for s in OUTSIDE}


class Named(NamedTuple):
    """Units told apart: of a lot, or the one unit of a serial number."""

    code: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Move:
    """`quantity` units of an item from one (location, state) to another; outside states have no location.

    Where the item is tracked, `serials` names each unit, or `lot` the lot they are of (`expires_on` with a new one).
    """

    item_id: int
    quantity: int
    from_location_id: int | None
    from_state: str
    to_location_id: int | None
    to_state: str
    reason: str = ""
    serials: tuple[str, ...] = ()
    lot: str = ""
    expires_on: date | None = None
    compensates: int | None = None

    @property
    def pairs(self) -> list[Pair]:
        """The stock rows it touches."""
        ends = dict.fromkeys((self.from_location_id, self.to_location_id))
        return [(self.item_id, location_id) for location_id in ends if location_id is not None]

    @property
    def named(self) -> tuple[Named, ...]:
        if self.lot:
            return (Named(skus.normalise(self.lot), self.quantity),)
        return tuple(Named(skus.normalise(serial), 1) for serial in self.serials)


@dataclass(frozen=True, slots=True)
class Step:
    """A move as it is written: with the reservation it fulfils and the units by name."""

    move: Move
    reservation_id: int | None = None
    named: tuple[Named, ...] = ()


@dataclass(slots=True)
class Entry:
    """What is written under one key: ledger lines, changes of stock rows, and the facts about them."""

    key: str
    cause: Subject
    actor: Actor
    occurred_at: datetime | None = None
    note: str = ""
    steps: list[Step] = field(default_factory=list)
    changes: dict[Pair, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def add(self, move: Move, named: tuple[Named, ...] | None = None) -> None:
        self.steps.append(Step(move, None, move.named if named is None else named))
        if move.from_location_id is not None:
            self.changes[move.item_id, move.from_location_id][str(move.from_state)] -= move.quantity
        if move.to_location_id is not None:
            self.changes[move.item_id, move.to_location_id][str(move.to_state)] += move.quantity


def check(moves: Sequence[Move], key: str, occurred_at: datetime | None, *, now: datetime) -> None:
    """Raises Invalid with everything that makes no sense whatever lies on the shelves."""
    problems = _key(key)
    if not moves:
        problems.append(Problem("moves", "required", "Nothing to move."))
    if len(moves) > MAX_MOVES:
        raise Invalid([Problem("moves", "too_long", f"At most {MAX_MOVES} moves at once.")], status=413)
    if occurred_at is not None:
        problems += _time(occurred_at, now)
    for n, move in enumerate(moves):
        problems += _problems(f"moves[{n}]", move)
    if problems:
        raise Invalid(problems)


def check_key(key: str) -> None:
    if problems := _key(key):
        raise Invalid(problems)


def _key(key: str) -> list[Problem]:
    fine = key and len(key) <= 200
    return [] if fine else [Problem("key", "required", "A key of 1 to 200 characters is needed.")]


def _time(occurred_at: datetime, now: datetime) -> list[Problem]:
    if occurred_at.tzinfo is None:
        return [Problem("occurred_at", "timezone", "A time needs its offset.")]
    if occurred_at > now + CLOCKS_DIFFER:
        return [Problem("occurred_at", "future", "It can't have happened yet.")]
    if occurred_at < EARLIEST:
        return [Problem("occurred_at", "past", "Before 1970 nothing was recorded.")]
    return []


def _problems(path: str, move: Move) -> list[Problem]:
    found = []
    if isinstance(move.quantity, bool) or not isinstance(move.quantity, int) or not 0 < move.quantity <= MAX_UNITS:
        found.append(Problem(f"{path}.quantity", "range", f"A quantity is a whole number from 1 to {MAX_UNITS}."))
    for end, location_id, state in (
        ("from", move.from_location_id, move.from_state),
        ("to", move.to_location_id, move.to_state),
    ):
        if state not in (_OUTSIDE if location_id is None else _INSIDE):
            found.append(Problem(f"{path}.{end}_state", "choice", f"{state} is no state {end} such a place."))
    if (move.from_location_id, move.from_state) == (move.to_location_id, move.to_state) or (
        move.from_location_id is None and move.to_location_id is None
    ):
        found.append(Problem(path, "pointless", "A movement must change something at one of our places."))
    if move.reason and move.reason not in AdjustmentReason.values:
        found.append(Problem(f"{path}.reason", "choice", f"One of {', '.join(AdjustmentReason.values)}."))
    return found + (_codes(path, move) if move.serials or move.lot or move.expires_on else [])


def _codes(path: str, move: Move) -> list[Problem]:
    found = []
    if move.serials and move.lot:
        found.append(Problem(f"{path}.lot", "choice", "Units have serial numbers or a lot, not both."))
    if move.expires_on and not move.lot:
        found.append(Problem(f"{path}.expires_on", "lot", "A date belongs to a lot."))
    if len(move.serials) > MAX_SERIALS:
        return [Problem(f"{path}.serials", "too_long", f"At most {MAX_SERIALS} serial numbers at once.")]
    at = [(f"{path}.lot", move.lot)] if move.lot else []
    for where, code in [*at, *((f"{path}.serials[{n}]", serial) for n, serial in enumerate(move.serials))]:
        normal = skus.normalise(code)
        if not 0 < len(normal) <= MAX_CODE or not normal.isprintable():
            found.append(Problem(where, "code", f"A code has 1 to {MAX_CODE} visible characters."))
    return found
