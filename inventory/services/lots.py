"""Which units moved, where an item's units are told apart: judged and written together with the movements."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from django.db import transaction

from core.errors import Invalid, Problem
from inventory.models import State, Tracking
from inventory.services.locking import Pair, Row
from inventory.services.moves import Entry, Move, Named, Step

Code = tuple[int, str]  # (item id, lot or serial number)
Place = tuple[int, str]  # (location id, state)
Difference = tuple[int, int, str, int]  # (lot id, location id, state, units)

# Units come into the books from here; from a customer only what left comes back.
_NEW_FROM = frozenset({State.SUPPLIER.value, State.FOUND.value, State.OPENING.value})


class LotBook:
    """Where the units of some lots lie, as the entries of one batch change it. Used under the stock rows' locks.

    Serials of one item may lie at places that aren't locked; two that would come to lie twice meet at a unique index,
    and the one who lost is tried again and sees the other.
    """

    def __init__(self, entries: Iterable[Entry], rows: Mapping[Pair, Row]):
        self.rows = rows
        self.tracked = any(row.tracking != Tracking.NONE for row in rows.values())
        self.lots: dict[Code, int] = {}
        self.dates: dict[Code, date | None] = {}
        self.units: dict[Code, Counter[Place]] = defaultdict(Counter)
        wanted = {(step.move.item_id, each.code) for entry in entries for step in entry.steps for each in step.named}
        if wanted and self.tracked:
            self._read(sorted(wanted))
        self.before = {code: Counter(places) for code, places in self.units.items()}
        self.dates_before = dict(self.dates)

    def _read(self, wanted: Sequence[Code]) -> None:
        with transaction.get_connection().cursor() as cursor:
            cursor.execute(_READ, [[item for item, _ in wanted], [code for _, code in wanted]])
            for lot, item, code, expires_on, location, state, quantity in cursor.fetchall():
                self.lots[item, code], self.dates[item, code] = lot, expires_on
                if quantity:
                    self.units[item, code][location, state] = quantity

    def judge(self, entry: Entry) -> None:
        """Take the entry's steps into the book, or raise Invalid with what is wrong with which, and change nothing."""
        if not self.tracked and not any(step.named for step in entry.steps):
            return
        problems: list[Problem] = []
        touched = {(step.move.item_id, each.code) for step in entry.steps for each in step.named}
        saved = {code: Counter(self.units[code]) for code in touched}
        dates = dict(self.dates)
        for n, step in enumerate(entry.steps):
            problems += self._step(f"moves[{n}]", step)
        if problems:
            self.units.update(saved)
            self.dates = dates
            raise Invalid(problems, status=422, code="tracking")

    def _step(self, path: str, step: Step) -> list[Problem]:
        move, named = step.move, step.named
        tracking = self.rows[move.pairs[0]].tracking
        field = f"{path}.serials" if tracking == Tracking.SERIAL else f"{path}.lot"
        if wrong := _shape(tracking, move, named):
            return [Problem(f"{path}.serials" if move.serials else field, *wrong)]
        found = []
        for n, each in enumerate(named):
            at = f"{field}[{n}]" if tracking == Tracking.SERIAL else field
            if problem := self._take(at, move, each, single=tracking == Tracking.SERIAL):
                found.append(problem)
        return found

    def _take(self, at: str, move: Move, each: Named, *, single: bool) -> Problem | None:
        code = (move.item_id, each.code)
        places = self.units[code]
        if move.from_location_id is not None:
            origin = (move.from_location_id, str(move.from_state))
            if code not in self.dates:
                return Problem(at, "unknown", f"{each.code} was never here.")
            if places[origin] < each.quantity:
                rule, words = ("elsewhere", "is not there") if single else ("short", f"has only {places[origin]} there")
                return Problem(at, rule, f"{each.code} {words}.")
            places[origin] -= each.quantity
        elif code not in self.dates and str(move.from_state) not in _NEW_FROM:
            return Problem(at, "unknown", f"{each.code} never left, so it can't come back.")
        elif single and any(places.values()):
            return Problem(at, "duplicate", f"{each.code} is with us already.")
        if move.expires_on and self.dates.get(code) not in {None, move.expires_on}:
            return Problem(at.replace(".lot", ".expires_on"), "differs", f"{each.code} expires {self.dates[code]}.")
        self.dates[code] = self.dates.get(code) or move.expires_on
        if move.to_location_id is not None:
            places[move.to_location_id, str(move.to_state)] += each.quantity
        return None

    def write(self, steps: Sequence[tuple[int, Step]]) -> None:
        """Write what was judged, with (movement id, step) of every step written."""
        named = [(movement, step.move.item_id, each) for movement, step in steps for each in step.named]
        if not named:
            return
        codes = sorted({(item, each.code) for _, item, each in named})
        self._make(codes)
        less, more = self._differences(codes)
        columns = [list(column) for column in zip(*less, strict=True)] or [[], [], [], []]
        columns += [list(column) for column in zip(*more, strict=True)] or [[], [], [], []]
        columns += [
            [movement for movement, _, _ in named],
            [self.lots[item, each.code] for _, item, each in named],
            [each.quantity for _, _, each in named],
        ]
        with transaction.get_connection().cursor() as cursor:
            cursor.execute(_WRITE, columns)

    def _make(self, codes: Sequence[Code]) -> None:
        """Rows for lots seen for the first time, and dates learnt since."""
        codes = [code for code in codes if code not in self.lots or self.dates[code] != self.dates_before[code]]
        if not codes:
            return
        trackings = {item: row.tracking for (item, _), row in self.rows.items()}
        with transaction.get_connection().cursor() as cursor:
            cursor.execute(
                _MAKE,
                [
                    [item for item, _ in codes],
                    [code for _, code in codes],
                    [str(trackings[item]) for item, _ in codes],
                    [self.dates[code] for code in codes],
                ],
            )
            self.lots |= {(item, code): lot for lot, item, code in cursor.fetchall()}

    def _differences(self, codes: Sequence[Code]) -> tuple[list[Difference], list[Difference]]:
        less: list[Difference] = []
        more: list[Difference] = []
        for code in codes:
            before, after = self.before.get(code, Counter()), self.units[code]
            for place in sorted(before.keys() | after.keys()):
                change = after[place] - before[place]
                if change:
                    (more if change > 0 else less).append((self.lots[code], *place, abs(change)))
        return less, more


def _shape(tracking: str, move: Move, named: Sequence[Named]) -> tuple[str, str] | None:
    """What is wrong with the names as such, as (rule, words)."""
    if tracking == Tracking.NONE:
        return ("not_tracked", "Units of this item aren't told apart.") if named else None
    if not named:
        what = "its serial number" if tracking == Tracking.SERIAL else "its lot"
        return "required", f"Every unit of this item moves under {what}."
    if tracking == Tracking.SERIAL and (move.lot or any(each.quantity != 1 for each in named)):
        return "required", "Every unit of this item moves under its serial number."
    if tracking == Tracking.LOT and move.serials:
        return "required", "Units of this item move under their lot."
    if len({each.code for each in named}) < len(named):
        return "duplicate", "One of them is named twice."
    if sum(each.quantity for each in named) != move.quantity:
        return "count", f"{sum(each.quantity for each in named)} are named, {move.quantity} move."
    return None


_READ = """
SELECT lot.id, lot.item_id, lot.code, lot.expires_on, stock.location_id, stock.state, stock.quantity
FROM unnest(%s::bigint[], %s::text[]) AS wanted(item_id, code)
JOIN inventory_lot lot ON lot.item_id = wanted.item_id AND lot.code = wanted.code
LEFT JOIN inventory_lotstock stock ON stock.lot_id = lot.id AND stock.quantity > 0
"""

_MAKE = """
INSERT INTO inventory_lot AS lot (item_id, code, tracking, single, expires_on, created_at)
SELECT item_id, code, tracking, tracking = 'SERIAL', expires_on, now()
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::date[]) AS wanted(item_id, code, tracking, expires_on)
ORDER BY item_id, code
ON CONFLICT (item_id, code) DO UPDATE SET expires_on = coalesce(lot.expires_on, excluded.expires_on)
RETURNING id, item_id, code
"""

# First what becomes less: a serial leaves its place before it is at another, or the unique index would refuse.
_WRITE = """
UPDATE inventory_lotstock stock SET quantity = stock.quantity - less.quantity
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::int[]) AS less(lot_id, location_id, state, quantity)
WHERE stock.lot_id = less.lot_id AND stock.location_id = less.location_id AND stock.state = less.state;

INSERT INTO inventory_lotstock AS stock (lot_id, location_id, state, quantity, single)
SELECT more.lot_id, more.location_id, more.state, more.quantity, lot.single
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::int[]) AS more(lot_id, location_id, state, quantity)
JOIN inventory_lot lot ON lot.id = more.lot_id
ORDER BY 1, 2, 3
ON CONFLICT (lot_id, location_id, state) DO UPDATE SET quantity = stock.quantity + excluded.quantity;

INSERT INTO inventory_lotstep (movement_id, lot_id, quantity)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::int[])
"""
