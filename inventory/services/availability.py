"""What can still be promised, read from the database."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import compress, repeat
from operator import add, getitem
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from inventory.availability import Choice, Kept, Known, RuleBook
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

    `room` is what can still be picked there in time, where that is limited. `kept` names the rules by id; a rule that
    lost to the other cushion is named, too.
    """

    item_id: int
    location_id: int
    available: int
    sellable: int
    reserved: int
    inbound: int
    kept: Kept
    room: int | None
    barred: str

    @property
    def safety(self) -> int:
        return self.kept.safety

    @property
    def buffer(self) -> int:
        return self.kept.buffer

    @property
    def safety_rule(self) -> int | None:
        return self.kept.safety_rule

    @property
    def buffer_rule(self) -> int | None:
        return self.kept.buffer_rule


_available = partial(tuple.__new__, Available)  # Available(*columns), without a Python call for each row


@dataclass(frozen=True, slots=True)
class Promised:
    """What may be promised of an item, place by place: the columns of its Available rows. A hundred items at two
    hundred places are twenty thousand rows, and making them takes as long as everything else but reading."""

    item_id: int
    at: list[int]
    available: list[int]
    sellable: list[int]
    reserved: list[int]
    inbound: list[int]
    kept: list[Kept]
    room: list[int | None]
    barred: list[str]

    def rows(self) -> list[Available]:
        columns = (self.at, self.available, self.sellable, self.reserved, self.inbound, self.kept, self.room)
        return list(map(_available, zip(repeat(self.item_id), *columns, self.barred)))


def of(item_ids: Collection[int], **asked: Any) -> list[Available]:
    """One row per item and location that has or expects some; asked like `columns`, which is the quicker way."""
    return _rows(columns(item_ids, **asked))


def _rows(found: Iterable[Promised]) -> list[Available]:
    """Made without the cycle collector: it would walk the whole heap every few thousand rows, for rows that can't be
    part of a cycle, and take longer than making them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return [row for each in found for row in each.rows()]
    finally:
        if collecting:
            gc.enable()


def columns(
    item_ids: Collection[int],
    *,
    channel: str | None = None,
    location_ids: Collection[int] | None = None,
    by: date | None = None,
    method: str | None = None,
) -> list[Promised]:
    """What `channel` may promise of these items at every location that has or expects some. An item may come twice,
    with other locations; an item that is nowhere doesn't come.

    sellable - reserved - max(safety stock, channel buffer) + inbound due by the end of `by` at the place; for a kit,
    what its parts make. Without `location_ids` the network: every active location. `method` asks whether the place may
    send (SHIP) or hand over (PICKUP), is open in time and has hands free. Exact at this moment: soft reservations whose
    time ran out hold nothing. A fixed number of queries whatever is asked; nothing is locked.
    """
    asked = sorted(set(item_ids))
    if not asked:
        return []
    return Reckoning(asked, channel or "", location_ids, by, method).promised()


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
        self.grounds: dict[tuple[int, ...], _Ground] = {}
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
        self.book, self.grounds = book, {}
        if book.asks_attributes and not self.attributes:
            self.attributes = promising.attributes(every)
        if book.asks_rates and self.measured is promising.NOT_MEASURED:
            self.measured = promising.measured(every, book.channel)

    def rows(self) -> list[Available]:
        return _rows(self.promised())

    def promised(self) -> list[Promised]:
        wanted = set(self.asked) - self.parts.keys()
        needed = {part for parts_of_one in self.parts.values() for part, _ in parts_of_one}
        found: list[Promised] = []
        parts: dict[int, dict[int, Available]] = {}
        for item_id, *columns_read in self.shelves:
            made = self._at_places(item_id, *columns_read)
            if item_id in wanted:
                found.append(made)
            if item_id in needed:
                parts.setdefault(item_id, {}).update({row.location_id: row for row in made.rows()})
        return found + [self._kit(kit, parts) for kit in sorted(self.parts)]

    def _at_places(self, item_id: int, at: list[int], sellable: list[int], held: list[int]) -> Promised:
        """An item at all its places, column by column: a loop over rows takes three times as long."""
        key = tuple(at)
        ground = self.grounds.get(key) or self.grounds.setdefault(key, _Ground(at, self.limits))
        if ground.asked is not None:
            at, sellable, held = ground.at, _of(ground, sellable), _of(ground, held)
        run_out, inbound = self.run_out.get(item_id), self.inbound.get(item_id)
        reserved = [units - run_out.get(place, 0) for place, units in zip(at, held, strict=True)] if run_out else held
        kept = self._kept(item_id, ground, sellable)
        free = [units - promised - back.cushion for units, promised, back in zip(sellable, reserved, kept, strict=True)]
        coming = ground.nothing
        if inbound:
            coming = [inbound.get(place, 0) for place in at]
            free = list(map(add, free, coming))
        available = [max(0, units) for units in free]
        if ground.limited:
            available = [
                0 if why else units if most is None else min(most, units)
                for units, most, why in zip(available, ground.room, ground.barred, strict=True)
            ]
        return Promised(item_id, at, available, sellable, reserved, coming, kept, ground.room, ground.barred)

    def _kept(self, item_id: int, ground: _Ground, sellable: list[int]) -> list[Kept]:
        """What is kept back at each place."""
        most, special = self.book.for_item(item_id, self.attributes.get(item_id, {}))
        choices = ground.choices.get(most)
        if choices is None:
            choices = ground.choices[most] = [special.get(place, most) for place in ground.at]
            ground.known[most] = [choice.known for choice in choices]
        if not any(choice.derived for choice in (most, *special.values())):
            return list(map(getitem, ground.known[most], sellable))
        rates, lag = self.measured.rates, self.measured.lag_seconds
        return [
            choice.kept(units, rates.get((item_id, place), 0.0), lag)
            for choice, place, units in zip(choices, ground.at, sellable, strict=True)
        ]

    def _kit(self, kit: int, found: dict[int, dict[int, Available]]) -> Promised:
        """A kit at every place that has all of its parts; its own rules come off last."""
        parts = self.parts[kit]
        at_all = sorted(set.intersection(*(set(found.get(part, {})) for part, _ in parts))) if parts else []
        here = [{part: found[part][at] for part, _ in parts} for at in at_all]
        made = [kits.whole(parts, {part: row.available for part, row in rows.items()}) for rows in here]
        sellable = [kits.whole(parts, {part: row.sellable for part, row in rows.items()}) for rows in here]
        most, special = self.book.for_item(kit, self.attributes.get(kit, {}), general=False)
        kept = [special.get(at, most).kept(units) for at, units in zip(at_all, sellable, strict=True)]
        places = [self.places[at] for at in at_all]
        return Promised(
            kit,
            at_all,
            [max(0, free - back.cushion) for free, back in zip(made, kept, strict=True)],
            sellable,
            [units - free for units, free in zip(sellable, made, strict=True)],
            [0] * len(at_all),
            kept,
            [place.room for place in places],
            [place.barred for place in places],
        )


class _Ground:
    """A list of places as several items have it, with what is the same for all of them: most goods lie at the same
    places. `asked` says which of the places are asked about, None for all; the other columns are of those."""

    def __init__(self, at: list[int], limits: Mapping[int, Place | None]):
        asked = [place in limits for place in at]
        self.asked = None if all(asked) else asked
        self.at = list(compress(at, asked))
        found = [limits[place] for place in self.at]
        self.limited = any(found)
        self.room = [limit and limit.room for limit in found]
        self.barred = [limit.barred if limit else "" for limit in found]
        self.nothing = [0] * len(found)
        # By the choice that holds at most places: the items it serves have the same rules everywhere.
        self.choices: dict[Choice, list[Choice]] = {}
        self.known: dict[Choice, list[Known]] = {}


def _of(ground: _Ground, column: list[int]) -> list[int]:
    return list(compress(column, ground.asked or ()))


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
