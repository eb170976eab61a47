"""Ending promises: whole or in part, once, with the stock they stood for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from core import events
from core.actors import SYSTEM, Actor
from core.errors import Invalid, Problem, Refusal
from core.events import EventDraft
from core.subjects import Subject
from inventory.events import EXPIRED
from inventory.models import MAX_UNITS, Reservation, ReservationStatus, State
from inventory.services import locking, posting
from inventory.services.locking import Pair, Row
from inventory.services.lots import LotBook
from inventory.services.moves import Entry, Move, Named, Step

EXPIRY_KEY = "expired"  # one key for all: a reservation runs out once
Part = tuple[int, int | None]  # (reservation id, quantity; None = all that is still held)


@dataclass(frozen=True, slots=True)
class Ended:
    """A part that ended: `id` is its own row, `reservation_id` the reservation it was part of (often the same)."""

    id: int
    reservation_id: int
    ref: str
    item_id: int
    location_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Ending:
    status: ReservationStatus
    event: str
    key: str
    reason: str
    actor: Actor
    cause: Subject | None = None
    occurred_at: datetime | None = None
    units: Mapping[int, Sequence[Named]] = field(default_factory=dict)  # by reservation, where its item is tracked

    @property
    def repeatable(self) -> bool:
        """Ending all of what ended already is fine, unless units would have to leave twice."""
        return self.status != ReservationStatus.CONSUMED


def run_out(ids: Sequence[int]) -> int:
    ending = Ending(ReservationStatus.EXPIRED, EXPIRED, EXPIRY_KEY, "Its time ran out.", SYSTEM)
    return len(end(dict.fromkeys(ids), ending))


def summed(parts: Sequence[Part]) -> dict[int, int | None]:
    """One entry a reservation; naming it twice adds up, and None wins."""
    summed: dict[int, int | None] = {}
    for pk, quantity in parts:
        if quantity is not None and (isinstance(quantity, bool) or not 0 < quantity <= MAX_UNITS):
            raise Invalid([Problem("parts.quantity", "range", f"A quantity is a whole number from 1 to {MAX_UNITS}.")])
        before = summed.get(pk, 0)
        summed[pk] = None if quantity is None or before is None else before + quantity
    return summed


def end(parts: dict[int, int | None], ending: Ending) -> list[Ended]:
    demands = _lock_demands(parts)
    if ended := _ended_before(parts, ending):
        return ended
    reservations = Reservation.objects.annotate(is_past=Q(expires_at__lte=Now())).in_bulk(list(parts))
    ends = _judge(parts, reservations, ending)
    if not ends:
        return []
    rows = locking.lock_stock({(r.item_id, r.location_id) for r, _ in ends})
    entry = _entry(ends, ending)
    book = LotBook([entry], rows)
    touched = posting.judge(entry, rows, book)
    ended = _write_ends(ends, ending, [] if ending.cause else _freed(entry, rows))
    facts = _facts(ended, reservations, demands, rows, ending)
    if ending.cause is None:
        events.record_many(facts)
        return ended
    entry.steps = [replace(step, reservation_id=part.id) for step, part in zip(entry.steps, ended, strict=True)]
    posting.write([entry], rows, book, [*facts, *touched])
    return ended


def _lock_demands(parts: Collection[int]) -> dict[int, str]:
    """Lock the demands of these reservations in id order: only one ending of a demand's promises goes on at a time."""
    return dict(locking.execute(_LOCK_DEMANDS, [list(parts)])) if parts else {}


def _ended_before(parts: dict[int, int | None], ending: Ending) -> list[Ended]:
    if ending.key == EXPIRY_KEY:
        return []
    rows = Reservation.objects.filter(ended_key=ending.key).order_by("id")
    ended = [Ended(r.id, r.split_from_id or r.id, r.ref, r.item_id, r.location_id, r.quantity) for r in rows]
    if any(
        part.reservation_id not in parts or parts[part.reservation_id] not in (None, part.quantity) for part in ended
    ) or any(r.status != ending.status for r in rows):
        raise Refusal("key_reused", "This key was used to end other reservations.", key=ending.key)
    return ended


def _judge(
    parts: dict[int, int | None], reservations: dict[int, Reservation], ending: Ending
) -> list[tuple[Reservation, int]]:
    """The reservations with how much of each ends; refuses before anything is written."""
    ends = []
    for pk, quantity in sorted(parts.items()):
        reservation = reservations.get(pk)
        if reservation is None:
            raise Refusal("unknown_reservation", "No such reservation.", status=404, reservation_id=pk)
        if reservation.status != ReservationStatus.HELD:
            if quantity is None and ending.repeatable and reservation.status != ReservationStatus.CONSUMED:
                continue
            raise _not_held(reservation, quantity, held=0)
        if ending.status == ReservationStatus.EXPIRED and not getattr(reservation, "is_past", False):
            continue  # extended or made firm since somebody saw that its time was over
        if quantity is not None and quantity > reservation.quantity:
            raise _not_held(reservation, quantity, held=reservation.quantity)
        if ending.cause and getattr(reservation, "is_past", False):
            raise Refusal("reservation_expired", "The time of this reservation ran out.", reservation_id=pk)
        ends.append((reservation, quantity or reservation.quantity))
    return ends


def _not_held(reservation: Reservation, quantity: int | None, *, held: int) -> Refusal:
    return Refusal(
        "not_held",
        f"The reservation holds {held} units.",
        reservation_id=reservation.pk,
        status_now=reservation.status,
        wanted=quantity,
        held=held,
    )


def _entry(ends: list[tuple[Reservation, int]], ending: Ending) -> Entry:
    """What ending these parts does to stock; movements learn the ended rows' ids once those are written."""
    cause = ending.cause or Subject("demand", str(ends[0][0].demand_id))
    entry = Entry(f"consume:{ending.key}", cause, ending.actor, ending.occurred_at)
    for reservation, quantity in ends:
        change = entry.changes[reservation.item_id, reservation.location_id]
        change["reserved"] -= quantity
        if ending.cause:
            change[State.SELLABLE.value] -= quantity
            place = (reservation.location_id, State.SELLABLE, None, State.CUSTOMER)
            named = tuple(ending.units.get(reservation.pk, ()))
            entry.steps.append(Step(Move(reservation.item_id, quantity, *place), None, named))
    return entry


def _freed(entry: Entry, rows: dict[Pair, Row]) -> list[tuple[int, int]]:
    return [(rows[pair].id, -change["reserved"]) for pair, change in entry.changes.items()]


def _write_ends(ends: list[tuple[Reservation, int]], ending: Ending, freed: list[tuple[int, int]]) -> list[Ended]:
    """Whole reservations end where they are; of the others a part is split off and ends."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(
            _END,
            [
                [reservation.id for reservation, _ in ends],
                [quantity for _, quantity in ends],
                [quantity == reservation.quantity for reservation, quantity in ends],
                [stock_id for stock_id, _ in freed],
                [quantity for _, quantity in freed],
                *2 * [str(ending.status), ending.key, ending.reason[:200]],
            ],
        )
        return [Ended(*row) for row in cursor.fetchall()]


def _facts(
    ended: list[Ended],
    reservations: dict[int, Reservation],
    demands: dict[int, str],
    rows: dict[Pair, Row],
    ending: Ending,
) -> list[EventDraft]:
    """One fact a demand."""
    by_demand: dict[int, list[Ended]] = defaultdict(list)
    for part in ended:
        by_demand[reservations[part.reservation_id].demand_id].append(part)
    return [
        EventDraft(
            ending.event,
            Subject("demand", str(demand_id), demands[demand_id]),
            ending.actor,
            {"parts": [asdict(part) for part in parts], "reason": ending.reason, "key": ending.key},
            [
                *_touched({(part.item_id, part.location_id) for part in parts}, rows),
                *([(ending.cause, "cause")] if ending.cause else []),
            ],
            ending.occurred_at,
        )
        for demand_id, parts in sorted(by_demand.items())
    ]


def _touched(pairs: set[Pair], rows: dict[Pair, Row]) -> list[tuple[Subject, str]]:
    items = {item: rows[item, location].sku for item, location in pairs}
    locations = {location: rows[item, location].location for item, location in pairs}
    return [(Subject("item", str(pk), sku), "item") for pk, sku in sorted(items.items())] + [
        (Subject("location", str(pk), code), "location") for pk, code in sorted(locations.items())
    ]


_LOCK_DEMANDS = """
SELECT id, demand_uid FROM inventory_reservationdemand
WHERE id IN (SELECT demand_id FROM inventory_reservation WHERE id = ANY(%s::bigint[]))
ORDER BY id
FOR NO KEY UPDATE
"""

_END = """
WITH part AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[], %s::int[], %s::bool[]) AS part(id, quantity, whole)
), freed AS (
    UPDATE inventory_stock stock
    SET reserved = stock.reserved - freed.quantity, version = stock.version + 1, updated_at = now()
    FROM unnest(%s::bigint[], %s::int[]) AS freed(id, quantity)
    WHERE stock.id = freed.id
), ended AS (
    UPDATE inventory_reservation held
    SET status = %s, ended_key = %s, ended_reason = %s, ended_at = clock_timestamp()
    FROM part WHERE held.id = part.id AND part.whole
    RETURNING held.id, held.id AS reservation_id, held.ref, held.item_id, held.location_id, held.quantity
), shrunk AS (
    UPDATE inventory_reservation held SET quantity = held.quantity - part.quantity
    FROM part WHERE held.id = part.id AND NOT part.whole
), split AS (
    INSERT INTO inventory_reservation (
        demand_id, ref, kind, item_id, location_id, quantity, expires_at, created_at, split_from_id, status, ended_key,
        ended_reason, ended_at
    )
    SELECT held.demand_id, held.ref, held.kind, held.item_id, held.location_id, part.quantity, held.expires_at,
        held.created_at, held.id, %s, %s, %s, clock_timestamp()
    FROM part JOIN inventory_reservation held USING (id)
    WHERE NOT part.whole
    RETURNING id, split_from_id AS reservation_id, ref, item_id, location_id, quantity
)
SELECT * FROM ended UNION ALL SELECT * FROM split ORDER BY reservation_id
"""
