"""Writing the ledger and its projection: they change together or not at all, in one statement for many entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import events
from core.errors import Refusal
from core.events import EventDraft
from core.subjects import Subject
from inventory.events import MOVED
from inventory.models import INSIDE, MAX_UNITS, LotStep, State, StockMovement
from inventory.services.locking import Pair, Row
from inventory.services.lots import LotBook
from inventory.services.moves import Entry, Step

COUNTED = (*(state.value for state in INSIDE), "reserved")  # the columns of Stock that hold units
_INSIDE = tuple(state.value for state in INSIDE)


def judge(entry: Entry, rows: Mapping[Pair, Row], book: LotBook) -> list[EventDraft]:
    """Take the entry into `rows` and `book`, which stand under our lock; returns the facts of it.

    Raises Refusal, and then nothing was taken.
    """
    require_enough(entry.changes, rows)
    book.judge(entry)
    facts = []
    for pair, change in entry.changes.items():
        row = rows[pair]
        for state, delta in change.items():
            setattr(row, state, getattr(row, state) + delta)
        facts.append(_moved(entry, row, change))
    return facts


def write(
    entries: Sequence[Entry], rows: Mapping[Pair, Row], book: LotBook, facts: Collection[EventDraft]
) -> list[int]:
    """Change stock rows, append to the ledger, and record the facts. What is written was judged before.

    The caller holds the rows' locks. Returns the movements' ids in the order of entries and their steps.
    """
    totals: dict[Pair, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for entry in entries:
        for pair, change in entry.changes.items():
            for state, delta in change.items():
                totals[pair][state] += delta
    changed = sorted(totals, key=lambda pair: rows[pair].id)
    columns: list[list[Any]] = [[rows[pair].id for pair in changed]]
    columns += [[totals[pair].get(state, 0) for pair in changed] for state in COUNTED]
    steps = [(n, line, step) for n, entry in enumerate(entries, 1) for line, step in enumerate(entry.steps)]
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(_WRITE, [*columns, *_about(entries), *_lines(steps)])
        ids = [row[0] for row in cursor.fetchall()]
    book.write([(pk, step) for pk, (_, _, step) in zip(ids, steps, strict=True)])
    events.record_many(list(facts))
    return ids


def _about(entries: Sequence[Entry]) -> list[list[Any]]:
    now = timezone.now()
    return [
        [entry.key for entry in entries],
        [entry.cause.kind for entry in entries],
        [entry.cause.uid for entry in entries],
        [entry.cause.label[:200] for entry in entries],
        [entry.actor.kind for entry in entries],
        [entry.actor.uid for entry in entries],
        [entry.actor.label[:200] for entry in entries],
        [entry.note[:500] for entry in entries],
        [entry.occurred_at or now for entry in entries],
    ]


def _lines(steps: Sequence[tuple[int, int, Step]]) -> list[list[Any]]:
    moves = [step.move for _, _, step in steps]
    return [
        [n for n, _, _ in steps],
        [line for _, line, _ in steps],
        [move.item_id for move in moves],
        [move.quantity for move in moves],
        [move.from_location_id for move in moves],
        [str(move.from_state) for move in moves],
        [move.to_location_id for move in moves],
        [str(move.to_state) for move in moves],
        [str(move.reason) for move in moves],
        [move.compensates for move in moves],
        [step.reservation_id for _, _, step in steps],
    ]


def require_enough(changes: Mapping[Pair, Mapping[str, int]], rows: Mapping[Pair, Row]) -> None:
    """Refuse changes that would leave a state negative or units promised that aren't there."""
    for pair, change in changes.items():
        row = rows.get(pair)
        if row is None:
            raise Refusal("unknown_place", "No such item or location.", status=404, pairs=[pair])
        for state in _INSIDE:
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


def posted_before(entries: Sequence[Entry]) -> dict[str, tuple[list[int], list[Any]]]:
    """{key: (movement ids, what they say)} of the entries whose key is in the ledger.

    Read after the lock, so a twin that was just committed is seen.
    """
    fields = ("item_id", "quantity", "from_location_id", "from_state", "to_location_id", "to_state")
    keys = {entry.key for entry in entries}
    rows = StockMovement.objects.filter(key__in=keys).order_by("key", "line").values_list("key", "id", *fields)
    found: dict[str, tuple[list[int], list[Any]]] = {}
    for key, pk, *values in rows:
        ids, said = found.setdefault(key, ([], []))
        ids.append(pk)
        said.append([*values, ()])
    if found and any(step.named for entry in entries for step in entry.steps):
        places = {pk: (key, n) for key, (ids, _) in found.items() for n, pk in enumerate(ids)}
        named: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for pk, code, quantity in LotStep.objects.filter(movement__in=places).values_list(
            "movement_id", "lot__code", "quantity"
        ):
            named[pk].append((code, quantity))
        for pk, codes in named.items():
            key, n = places[pk]
            found[key][1][n][-1] = tuple(sorted(codes))
    return found


def said(entry: Entry) -> list[Any]:
    """What the entry says, to be compared with what was posted under its key before."""
    return [
        [
            step.move.item_id,
            step.move.quantity,
            step.move.from_location_id,
            str(step.move.from_state),
            step.move.to_location_id,
            str(step.move.to_state),
            tuple(sorted((each.code, each.quantity) for each in step.named)),
        ]
        for step in entry.steps
    ]


def _moved(entry: Entry, row: Row, change: Mapping[str, int]) -> EventDraft:
    return EventDraft(
        MOVED,
        Subject("stock", str(row.id), row.label),
        entry.actor,
        {
            "item": row.item_id,
            "location": row.location_id,
            "change": {state: delta for state, delta in change.items() if delta},
            "now": {state: getattr(row, state) for state in COUNTED},
            "key": entry.key,
        },
        (
            (Subject("item", str(row.item_id), row.sku), "item"),
            (Subject("location", str(row.location_id), row.location), "location"),
            (entry.cause, "cause"),
        ),
        entry.occurred_at,
    )


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
    line, item_id, quantity, from_location_id, from_state, to_location_id, to_state, reason, compensates_id,
    reservation_id
)
SELECT entry.key, entry.cause_kind, entry.cause_uid, entry.cause_label, entry.actor_kind, entry.actor_uid,
    entry.actor_label, entry.note, entry.occurred_at, now(), move.line, move.item_id, move.quantity,
    move.from_location_id, move.from_state, move.to_location_id, move.to_state, move.reason, move.compensates_id,
    move.reservation_id
FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[]
) WITH ORDINALITY AS entry(
    key, cause_kind, cause_uid, cause_label, actor_kind, actor_uid, actor_label, note, occurred_at, n
)
JOIN unnest(
    %s::bigint[], %s::int[], %s::bigint[], %s::int[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[],
    %s::bigint[], %s::bigint[]
) WITH ORDINALITY AS move(
    entry, line, item_id, quantity, from_location_id, from_state, to_location_id, to_state, reason, compensates_id,
    reservation_id, n
) ON move.entry = entry.n
ORDER BY move.n
RETURNING id
"""
