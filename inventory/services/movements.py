"""Posting what happened to units: the ledger and its projection change together or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.events import EventDraft
from core.subjects import Subject
from inventory.events import MOVED
from inventory.models import INSIDE, MAX_UNITS, OUTSIDE, State, StockMovement
from inventory.services import locking
from inventory.services.locking import Pair, Row

COUNTED = (*(state.value for state in INSIDE), "reserved")  # the columns of Stock that hold units


@dataclass(frozen=True, slots=True)
class Move:
    """`quantity` units of an item from one (location, state) to another; outside states have no location."""

    item_id: int
    quantity: int
    from_location_id: int | None
    from_state: str
    to_location_id: int | None
    to_state: str


@dataclass(frozen=True, slots=True)
class Posted:
    """The movements now in the ledger under the key; `replayed` when they were there before."""

    movement_ids: list[int]
    replayed: bool


@dataclass(slots=True)
class Entry:
    """What one call writes: ledger lines, changes of stock rows, and the facts about them."""

    key: str
    cause: Subject
    actor: Actor
    occurred_at: datetime | None = None
    note: str = ""
    moves: list[tuple[Move, int | None]] = field(default_factory=list)  # with the reservation a move fulfils
    changes: dict[Pair, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def add(self, move: Move, reservation_id: int | None = None) -> None:
        self.moves.append((move, reservation_id))
        if move.from_location_id is not None:
            self.changes[move.item_id, move.from_location_id][str(move.from_state)] -= move.quantity
        if move.to_location_id is not None:
            self.changes[move.item_id, move.to_location_id][str(move.to_state)] += move.quantity


def post(
    moves: Sequence[Move],
    *,
    key: str,
    cause: Subject,
    actor: Actor,
    occurred_at: datetime | None = None,
    note: str = "",
) -> Posted:
    """Move units, all or nothing. Safe to repeat: the same moves under the same key are posted once.

    Locks the stock rows. Raises Invalid for moves that make no sense, Refusal("not_enough_stock") naming item and
    location when units are missing or promised to somebody, Refusal("key_reused") when the key stands for other moves.
    """
    _check(moves, key)
    return locking.retrying(lambda: _post(list(moves), Entry(key, cause, actor, occurred_at, note)))


def receive(item_id: int, location_id: int, quantity: int, *, state: str = State.SELLABLE, **about: Any) -> Posted:
    """Units arrived from a supplier. `about` is what `post` asks for: key, cause, actor and the optional rest."""
    return post([Move(item_id, quantity, None, State.SUPPLIER, location_id, state)], **about)


def issue(item_id: int, location_id: int, quantity: int, **about: Any) -> Posted:
    """Units that nobody reserved left for a customer (a sale at a till)."""
    return post([Move(item_id, quantity, location_id, State.SELLABLE, None, State.CUSTOMER)], **about)


def adjust(item_id: int, location_id: int, change: int, *, state: str = State.SELLABLE, **about: Any) -> Posted:
    """Correct a balance by what was found (positive) or is missing (negative)."""
    if change > 0:
        return post([Move(item_id, change, None, State.FOUND, location_id, state)], **about)
    return post([Move(item_id, -change, location_id, state, None, State.SHRINKAGE)], **about)


def _post(moves: list[Move], entry: Entry) -> Posted:
    for move in moves:
        entry.add(move)
    rows = locking.lock_stock(entry.changes.keys(), create=True)
    if posted := _already_posted(entry):
        return Posted(posted, replayed=True)
    return Posted(write(entry, rows), replayed=False)


def write(entry: Entry, rows: dict[Pair, Row], *, more: Collection[EventDraft] = ()) -> list[int]:
    """Change stock rows and append to the ledger in one statement, then record the facts (and `more` with them).

    The caller holds the rows' locks. Refuses before anything is written. Returns the movements' ids.
    """
    require_enough(entry.changes, rows)
    changed = sorted(entry.changes, key=lambda pair: rows[pair].id)
    columns: list[list[Any]] = [[rows[pair].id for pair in changed]]
    columns += [[entry.changes[pair].get(state, 0) for pair in changed] for state in COUNTED]
    moves = [move for move, _ in entry.moves]
    columns += [
        [move.item_id for move in moves],
        [move.quantity for move in moves],
        [move.from_location_id for move in moves],
        [str(move.from_state) for move in moves],
        [move.to_location_id for move in moves],
        [str(move.to_state) for move in moves],
        [reservation_id for _, reservation_id in entry.moves],
    ]
    cause, actor = entry.cause, entry.actor
    about: list[Any] = [entry.key, cause.kind, cause.uid, cause.label[:200], actor.kind, actor.uid, actor.label[:200]]
    about += [entry.note[:500], entry.occurred_at or timezone.now()]
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(_WRITE, [*columns[:7], *about, *columns[7:]])
        ids = [row[0] for row in cursor.fetchall()]
    events.record_many([*more, *(_moved(entry, rows[pair], entry.changes[pair]) for pair in changed)])
    return ids


def require_enough(changes: dict[Pair, dict[str, int]], rows: dict[Pair, Row]) -> None:
    """Refuse changes that would leave a state negative or units promised that aren't there."""
    for pair, change in changes.items():
        row = rows[pair]
        for state in INSIDE:
            delta, have = change.get(state, 0), getattr(row, state)
            if delta < 0 and have + delta < 0:
                raise _not_enough(row, state, wanted=-delta, available=have)
            if have + delta > MAX_UNITS:
                raise Refusal("too_many_units", f"{row.label} can't hold more than {MAX_UNITS} units.", status=422)
        taken, freed = -change.get("sellable", 0), -change.get("reserved", 0)
        free = row.sellable - row.reserved
        if taken > freed and not row.allows_backorder and free < taken - freed:
            raise _not_enough(row, "sellable", wanted=taken - freed, available=free)


def _not_enough(row: Row, state: str, *, wanted: int, available: int) -> Refusal:
    return Refusal(
        "not_enough_stock",
        f"{row.location} can spare {available} {State(state).label.lower()} units of {row.sku}, {wanted} are needed.",
        item_id=row.item_id,
        location_id=row.location_id,
        sku=row.sku,
        location=row.location,
        state=str(state),
        wanted=wanted,
        available=available,
    )


def _already_posted(entry: Entry) -> list[int]:
    """The ids posted under this key before. Read after the lock, so a twin that was just committed is seen."""
    fields = ("item_id", "quantity", "from_location_id", "from_state", "to_location_id", "to_state")
    posted = list(StockMovement.objects.filter(key=entry.key).order_by("line").values_list("id", *fields))
    wanted = [tuple(getattr(move, name) for name in fields) for move, _ in entry.moves]
    if posted and [tuple(values) for _, *values in posted] != wanted:
        raise Refusal("key_reused", "This key was used for other movements.", key=entry.key)
    return [movement_id for movement_id, *_ in posted]


def _moved(entry: Entry, row: Row, change: dict[str, int]) -> EventDraft:
    now = {state: getattr(row, state) + change.get(state, 0) for state in COUNTED}
    return EventDraft(
        MOVED,
        Subject("stock", str(row.id), row.label),
        entry.actor,
        {
            "item": row.item_id,
            "location": row.location_id,
            "change": {state: delta for state, delta in change.items() if delta},
            "now": now,
            "key": entry.key,
        },
        (
            (Subject("item", str(row.item_id), row.sku), "item"),
            (Subject("location", str(row.location_id), row.location), "location"),
            (entry.cause, "cause"),
        ),
        entry.occurred_at,
    )


def _check(moves: Sequence[Move], key: str) -> None:
    problems = (
        [] if key and len(key) <= 200 else [Problem("key", "required", "A key of 1 to 200 characters is needed.")]
    )
    if not moves:
        problems.append(Problem("moves", "required", "Nothing to move."))
    for n, move in enumerate(moves):
        problems += _problems(f"moves[{n}]", move)
    if problems:
        raise Invalid(problems)


def _problems(path: str, move: Move) -> list[Problem]:
    found = []
    if isinstance(move.quantity, bool) or not isinstance(move.quantity, int) or not 0 < move.quantity <= MAX_UNITS:
        found.append(Problem(f"{path}.quantity", "range", f"A quantity is a whole number from 1 to {MAX_UNITS}."))
    for end, location_id, state in (
        ("from", move.from_location_id, move.from_state),
        ("to", move.to_location_id, move.to_state),
    ):
        allowed = OUTSIDE if location_id is None else INSIDE
        if state not in {s.value for s in allowed}:
            found.append(Problem(f"{path}.{end}_state", "choice", f"{state} is no state {end} such a place."))
    if (move.from_location_id, move.from_state) == (move.to_location_id, move.to_state) or (
        move.from_location_id is None and move.to_location_id is None
    ):
        found.append(Problem(path, "pointless", "A movement must change something at one of our places."))
    return found


_WRITE = """
WITH changed AS (
    UPDATE inventory_stock stock SET
        sellable = stock.sellable + delta.sellable,
        damaged = stock.damaged + delta.damaged,
        quarantined = stock.quarantined + delta.quarantined,
        awaiting_inspection = stock.awaiting_inspection + delta.awaiting_inspection,
        in_transit_in = stock.in_transit_in + delta.in_transit_in,
        reserved = stock.reserved + delta.reserved,
        version = stock.version + 1,
        updated_at = now()
    FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[])
        AS delta(id, sellable, damaged, quarantined, awaiting_inspection, in_transit_in, reserved)
    WHERE stock.id = delta.id
)
INSERT INTO inventory_stockmovement (
    key, cause_kind, cause_uid, cause_label, actor_kind, actor_uid, actor_label, note, occurred_at, recorded_at,
    item_id, quantity, from_location_id, from_state, to_location_id, to_state, reservation_id, line
)
SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s, now(), move.item_id, move.quantity, move.from_location_id, move.from_state,
    move.to_location_id, move.to_state, move.reservation_id, move.n - 1
FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::bigint[])
    WITH ORDINALITY AS move(
        item_id, quantity, from_location_id, from_state, to_location_id, to_state, reservation_id, n
    )
ORDER BY move.n
RETURNING id
"""
