"""What can still be promised, read from the database."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import compress, repeat
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from inventory.availability import Kept, RuleBook
from inventory.services import kits, promising
from inventory.services.promising import Place, Shelf

SHIP, PICKUP = "SHIP", "PICKUP"
METHODS = (SHIP, PICKUP)


@dataclass(frozen=True, slots=True)
class Free:
    """Units of an item at a location that nobody has been promised; negative where a location promised ahead."""

    item_id: int
    location_id: int
    free: int
    allows_backorder: bool


class Available(NamedTuple):
    """What may be promised of an item at a location, with every term. `barred` says why nothing may, in words.

    `room` is what can still be picked there in time, where that is limited. Rules are named by id; a rule that lost to
    the other cushion is named, too.
    """

    item_id: int
    location_id: int
    available: int
    sellable: int
    reserved: int
    safety: int
    buffer: int
    inbound: int
    safety_rule: int | None
    buffer_rule: int | None
    room: int | None
    barred: str


_available = partial(tuple.__new__, Available)  # Available(*columns), without a Python call for each row


def of(
    item_ids: Collection[int],
    *,
    channel: str | None = None,
    location_ids: Collection[int] | None = None,
    by: date | None = None,
    method: str | None = None,
) -> list[Available]:
    """What `channel` may promise of these items: one row per item and location that has or expects some.

    sellable - reserved - max(safety stock, channel buffer) + inbound due by the end of `by` at the place; for a kit,
    what its parts make. Without `location_ids` the network: every active location. `method` asks whether the place may
    send (SHIP) or hand over (PICKUP), is open in time and has hands free. Exact at this moment: soft reservations whose
    time ran out hold nothing. A fixed number of queries whatever is asked; nothing is locked.
    """
    asked = sorted(set(item_ids))
    if not asked:
        return []
    return Reckoning(asked, channel or "", location_ids, by, method).rows()


class Reckoning:
    """One question: what was read for it, and the rows made from that."""

    def __init__(
        self,
        asked: list[int],
        channel: str,
        location_ids: Collection[int] | None,
        by: date | None,
        method: str | None,
    ):
        self.asked = asked
        self.parts = kits.components(asked)
        every = sorted({*asked, *(part for parts in self.parts.values() for part, _ in parts)})
        now = timezone.now()
        self.places: dict[int, Place] = promising.places(location_ids, method=method, by=by, now=now)
        self.limits: dict[int, Place | None] = {pk: None if place.plain else place for pk, place in self.places.items()}
        self.limited = any(self.limits.values())
        book = promising.rule_book(every, channel)
        self.book: RuleBook = book
        self.attributes = promising.attributes(every) if book.asks_attributes else {}
        self.measured = promising.measured(every, channel) if book.asks_rates else promising.NOT_MEASURED
        self.shelves: list[Shelf]
        self.shelves, self.run_out, self.inbound = promising.shelves(
            every, self.places, narrowed=location_ids is not None, by=by, now=now
        )
        if self.inbound:
            _add_empty_shelves(self.shelves, self.inbound)

    def try_rules(self, book: RuleBook) -> None:
        """Reckon with other rules than those in force, from what was read already."""
        every = [item_id for item_id, *_ in self.shelves]
        self.book = book
        if book.asks_attributes and not self.attributes:
            self.attributes = promising.attributes(every)
        if book.asks_rates and self.measured is promising.NOT_MEASURED:
            self.measured = promising.measured(every, book.channel)

    def rows(self) -> list[Available]:
        """Every row. Made without the cycle collector: it would walk the whole heap every few thousand rows, for rows
        that can't be part of a cycle, and take twice as long as making them."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self._rows()
        finally:
            if collecting:
                gc.enable()

    def _rows(self) -> list[Available]:
        wanted = set(self.asked) - self.parts.keys()
        rows: list[Available] = []
        parts: dict[int, dict[int, Available]] = {}
        needed = {part for parts_of_one in self.parts.values() for part, _ in parts_of_one}
        for item_id, *columns in self.shelves:
            made = self._at_places(item_id, *columns)
            if item_id in wanted:
                rows += made
            if item_id in needed:
                parts.setdefault(item_id, {}).update({row.location_id: row for row in made})
        for kit in sorted(self.parts):
            rows += self._kit(kit, parts)
        return rows

    def _at_places(self, item_id: int, at: list[int], sellable: list[int], held: list[int]) -> list[Available]:
        """An item at all its places, column by column: a hundred items at two hundred places are twenty thousand rows,
        and a loop that makes them one by one takes three times as long."""
        if not self.limits.keys() >= set(at):
            at, sellable, held = self._asked_about(at, sellable, held)
        run_out, inbound = self.run_out.get(item_id), self.inbound.get(item_id)
        reserved = [units - run_out.get(place, 0) for place, units in zip(at, held, strict=True)] if run_out else held
        coming = [inbound.get(place, 0) for place in at] if inbound else [0] * len(at)
        kept = self._kept(item_id, at, sellable)
        available = [
            free if (free := units - promised - back.cushion + due) > 0 else 0
            for units, promised, back, due in zip(sellable, reserved, kept, coming, strict=True)
        ]
        room: Iterable[int | None] = repeat(None)
        barred: Iterable[str] = repeat("")
        if self.limited:
            limits = [self.limits[place] for place in at]
            room = [limit and limit.room for limit in limits]
            barred = [limit.barred if limit else "" for limit in limits]
            available = [
                0 if why else free if most is None else min(most, free)
                for free, most, why in zip(available, room, barred, strict=True)
            ]
        safety, buffer, by_safety, by_buffer, _ = zip(*kept, strict=True) if kept else ((),) * 5
        cushions = (safety, buffer, coming, by_safety, by_buffer)
        columns = zip(repeat(item_id), at, available, sellable, reserved, *cushions, room, barred)
        return list(map(_available, columns))

    def _asked_about(self, *columns: list[int]) -> list[list[int]]:
        """The columns without the places that aren't asked about; the first one names the places."""
        wanted = [place in self.limits for place in columns[0]]
        return [list(compress(column, wanted)) for column in columns]

    def _kept(self, item_id: int, at: list[int], sellable: list[int]) -> list[Kept]:
        """What is kept back at each place."""
        most, special = self.book.for_item(item_id, self.attributes.get(item_id, {}))
        choices = [special.get(place, most) for place in at] if special else [most] * len(at)
        if not any(choice.derived for choice in (most, *special.values())):
            return [
                choice.fixed or choice.known.get(units) or choice.kept(units)
                for choice, units in zip(choices, sellable, strict=True)
            ]
        rates, lag = self.measured.rates, self.measured.lag_seconds
        return [
            choice.kept(units, rates.get((item_id, place), 0.0), lag)
            for choice, place, units in zip(choices, at, sellable, strict=True)
        ]

    def _kit(self, kit: int, found: dict[int, dict[int, Available]]) -> list[Available]:
        """A kit at every place that has all of its parts; its own rules come off last."""
        parts = self.parts[kit]
        at_all = set.intersection(*(set(found.get(part, {})) for part, _ in parts)) if parts else set()
        most, special = self.book.for_item(kit, self.attributes.get(kit, {}), general=False)
        rows = []
        for at in sorted(at_all):
            rows_here = {part: found[part][at] for part, _ in parts}
            made = kits.whole(parts, {part: row.available for part, row in rows_here.items()})
            sellable = kits.whole(parts, {part: row.sellable for part, row in rows_here.items()})
            choice = special.get(at, most)
            safety, buffer, by_safety, by_buffer, cushion = choice.kept(sellable)
            place = self.places[at]
            rows.append(
                Available(
                    kit, at, max(0, made - cushion), sellable, sellable - made, safety, buffer, 0,
                    by_safety, by_buffer, place.room, place.barred,
                )
            )  # fmt: skip
        return rows


def _add_empty_shelves(shelves: list[Shelf], inbound: Mapping[int, Mapping[int, int]]) -> None:
    """Places that expect an item they never had promise it, too."""
    known = {item_id: set(at) for item_id, at, *_ in shelves}
    for item_id, coming in sorted(inbound.items()):
        if new := sorted(coming.keys() - known.get(item_id, set())):
            shelves.append((item_id, new, [0] * len(new), [0] * len(new)))


def free_stock(item_ids: Collection[int], *, location_ids: Collection[int] | None = None) -> list[Free]:
    """One row per item and active location that stocks it, in one query.

    Exact at this moment: soft reservations whose time ran out count as free even before they are swept. Nothing is
    locked, so a later `reservations.hold` may still find less.
    """
    if not item_ids:
        return []
    wanted = sorted(set(item_ids))
    with connection.cursor() as cursor:
        if location_ids is None:
            cursor.execute(_FREE.format(where=""), [wanted, wanted])
        else:
            cursor.execute(
                _FREE.format(where="AND stock.location_id = ANY(%s::bigint[])"),
                [wanted, wanted, sorted(set(location_ids))],
            )
        return [Free(*row) for row in cursor.fetchall()]


_FREE = """
WITH run_out AS (
    SELECT item_id, location_id, sum(quantity)::int AS quantity
    FROM inventory_reservation
    WHERE status = 'HELD' AND kind = 'SOFT' AND expires_at <= statement_timestamp() AND item_id = ANY(%s::bigint[])
    GROUP BY item_id, location_id
)
SELECT stock.item_id, stock.location_id, stock.sellable - stock.reserved + coalesce(run_out.quantity, 0),
    stock.allows_backorder
FROM inventory_stock stock
JOIN inventory_location location ON location.id = stock.location_id AND location.status = 'ACTIVE'
LEFT JOIN run_out ON run_out.item_id = stock.item_id AND run_out.location_id = stock.location_id
WHERE stock.item_id = ANY(%s::bigint[]) {where}
ORDER BY stock.item_id, stock.location_id
"""
