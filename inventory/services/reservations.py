"""Promising units to a demand, and ending the promise: sold, given back, or run out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Now

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory.events import CONSUMED, HELD, RELEASED
from inventory.models import MAX_UNITS, Reservation, ReservationDemand, ReservationKind, ReservationStatus
from inventory.services import ending, locking


@dataclass(frozen=True, slots=True)
class Want:
    """Units of an item at a location for one line (`ref`, in the owner's words) of a demand."""

    ref: str
    item_id: int
    location_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Line:
    """What one line got."""

    id: int
    ref: str
    item_id: int
    location_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Short:
    """Why not: all lines together wanted more of the item there than is free."""

    item_id: int
    location_id: int
    wanted: int
    available: int


@dataclass(frozen=True, slots=True)
class Held:
    """`ok` with every line, or not ok with everything that is short. `replayed`: this is an earlier call's result."""

    ok: bool
    replayed: bool
    reservations: list[Line]
    short: list[Short]


def hold(
    demand_uid: str, wants: Sequence[Want], *, kind: str = "FIRM", ttl: timedelta | None = None, actor: Actor
) -> Held:
    """Promise every wanted unit or none. Safe to repeat: a demand that was met answers its stored result.

    One statement locks the stock rows in id order, judges, and writes (lines of the same item and location are judged
    together). A shortage changes nothing and is not remembered: the same demand may be made again later. SOFT
    reservations need a `ttl`. Raises Invalid, or Refusal("demand_differs") when the uid stands for other wants.
    """
    _check(demand_uid, wants, kind, ttl)
    fingerprint = _fingerprint(kind, wants)
    return locking.retrying(lambda: _hold(demand_uid, wants, kind, ttl, fingerprint, actor))


def release(parts: Sequence[ending.Part], *, key: str, reason: str, actor: Actor) -> list[ending.Ended]:
    """Give promised units back to everybody. Safe to repeat by `key`.

    Releasing all of a reservation that was given back or ran out already is no error. Locks demands, then stock rows.
    Raises Refusal("unknown_reservation"), Refusal("not_held") when fewer units are held than named.
    """
    how = ending.Ending(ReservationStatus.RELEASED, RELEASED, key, reason, actor)
    return locking.retrying(lambda: ending.end(ending.summed(parts), how))


def consume(
    parts: Sequence[ending.Part], *, key: str, cause: Subject, actor: Actor, occurred_at: datetime | None = None
) -> list[ending.Ended]:
    """Promised units left for the customer: the promise and the sellable units go down together. Safe to repeat by key.

    Locks demands, then stock rows. Raises Refusal("unknown_reservation"), ("not_held"), ("reservation_expired"), or
    ("not_enough_stock") where a location promised ahead of its stock.
    """
    how = ending.Ending(ReservationStatus.CONSUMED, CONSUMED, key, "", actor, cause, occurred_at)
    return locking.retrying(lambda: ending.end(ending.summed(parts), how))


def expire(*, limit: int = 500) -> int:
    """Give back what soft reservations past their time still hold; returns how many. Safe to run anywhere, any time."""
    due = Reservation.objects.held().filter(kind=ReservationKind.SOFT, expires_at__lte=Now())
    ids = list(due.order_by("expires_at").values_list("id", flat=True)[:limit])
    return locking.retrying(lambda: ending.run_out(ids))


# --- holding


@dataclass(frozen=True, slots=True)
class Judged:
    """What a wanted place said when the demand wasn't met; `free` is None where there is no stock row."""

    item_id: int
    location_id: int
    wanted: int
    free: int | None
    ahead: bool | None  # the location promises ahead; None for a location that doesn't exist

    @property
    def is_short(self) -> bool:
        return not self.ahead and (self.free or 0) < self.wanted


def _hold(
    demand_uid: str, wants: Sequence[Want], kind: str, ttl: timedelta | None, fingerprint: bytes, actor: Actor
) -> Held:
    judged: list[Judged] = []
    for another_try in (True, False):
        lines, judged = _try_hold(demand_uid, wants, kind, ttl, fingerprint)
        if lines:
            _record_held(demand_uid, kind, lines, actor)
            return Held(True, False, [line for line, _ in lines], [])
        if stored := _stored(demand_uid, fingerprint):
            return stored
        if not (another_try and _make_room(judged)):
            break
    short = [Short(row.item_id, row.location_id, row.wanted, row.free or 0) for row in judged if row.is_short]
    return Held(False, False, [], short)


def _try_hold(
    demand_uid: str, wants: Sequence[Want], kind: str, ttl: timedelta | None, fingerprint: bytes
) -> tuple[list[tuple[Line, int]], list[Judged]]:
    """(lines with the demand's id, nothing) when it was met, else (nothing, what each stock row had to say)."""
    rows = locking.execute(
        _HOLD,
        [
            [want.item_id for want in wants],
            [want.location_id for want in wants],
            [want.quantity for want in wants],
            [want.ref for want in wants],
            demand_uid,
            kind,
            fingerprint,
            kind,
            ttl,
        ],
    )
    if rows[0][0] is not None:
        return [(Line(*line), demand_id) for *line, demand_id, _ in rows], []
    return [], [Judged(*row[2:]) for row in rows]


def _record_held(demand_uid: str, kind: str, lines: list[tuple[Line, int]], actor: Actor) -> None:
    places = sorted(
        {("item", line.item_id) for line, _ in lines} | {("location", line.location_id) for line, _ in lines}
    )
    events.record(
        HELD,
        Subject("demand", str(lines[0][1]), demand_uid),
        actor=actor,
        data={
            "kind": kind,
            "lines": [
                {
                    "reservation": line.id,
                    "ref": line.ref,
                    "item": line.item_id,
                    "location": line.location_id,
                    "quantity": line.quantity,
                }
                for line, _ in lines
            ],
        },
        related=[(Subject(what, str(pk)), what) for what, pk in places],
    )


def _stored(demand_uid: str, fingerprint: bytes) -> Held | None:
    """What an earlier call got, as it was then. A fresh statement, so a twin that won a moment ago is seen."""
    demand = ReservationDemand.objects.filter(demand_uid=demand_uid).first()
    if demand is None:
        return None
    if bytes(demand.fingerprint) != fingerprint:
        raise Refusal("demand_differs", "This demand was made before with other lines.", demand_uid=demand_uid)
    lines: dict[int, Line] = {}
    rows = demand.reservations.order_by("id").values_list(
        "id", "split_from_id", "ref", "item_id", "location_id", "quantity"
    )
    for pk, origin, ref, item_id, location_id, quantity in rows:
        before = lines[origin].quantity if origin else 0
        lines[origin or pk] = Line(origin or pk, ref, item_id, location_id, before + quantity)
    return Held(True, True, list(lines.values()), [])


def _make_room(judged: list[Judged]) -> bool:
    """Whether another try may go better: promises that ran out are swept, rows made where promising ahead is fine."""
    missing = [(row.item_id, row.location_id) for row in judged if row.free is None and row.ahead]
    locking.lock_stock(missing, create=True)
    short = {(row.item_id, row.location_id) for row in judged if row.is_short}
    due = Reservation.objects.held().filter(kind=ReservationKind.SOFT, expires_at__lte=Now())
    due = due.filter(item_id__in={item for item, _ in short}, location_id__in={location for _, location in short})
    ids = [pk for pk, *pair in due.values_list("id", "item_id", "location_id") if tuple(pair) in short]
    return ending.run_out(ids) > 0 or bool(missing)


# --- checking


def _fingerprint(kind: str, wants: Sequence[Want]) -> bytes:
    lines = sorted([want.ref, want.item_id, want.location_id, want.quantity] for want in wants)
    return hashlib.sha256(json.dumps([kind, lines], separators=(",", ":")).encode()).digest()


def _check(demand_uid: str, wants: Sequence[Want], kind: str, ttl: timedelta | None) -> None:
    problems = []
    if not demand_uid or len(demand_uid) > 120:
        problems.append(Problem("demand_uid", "length", "A demand has a uid of 1 to 120 characters."))
    if kind not in ReservationKind.values or (kind == ReservationKind.SOFT) != (ttl is not None):
        problems.append(Problem("kind", "choice", "A SOFT reservation has a time to live, a FIRM one has none."))
    if not wants:
        problems.append(Problem("wants", "required", "Nothing is wanted."))
    for n, want in enumerate(wants):
        if isinstance(want.quantity, bool) or not isinstance(want.quantity, int) or not 0 < want.quantity <= MAX_UNITS:
            message = f"A quantity is a whole number from 1 to {MAX_UNITS}."
            problems.append(Problem(f"wants[{n}].quantity", "range", message))
    if problems:
        raise Invalid(problems)


# Lines of one item at one place are summed (want), their rows locked in id order (locked), judged as a whole (header),
# and only then written. The rows read under the lock are the newest versions: FOR NO KEY UPDATE waits and re-reads.
# The UPDATE finds the row as the statement's snapshot has it, and PostgreSQL checks the constraints on that before it
# notices a newer version; so every column the CHECK looks at is set from the locked row, or units freed while we waited
# would fail the CHECK. When nothing was written, the answer is what every wanted place had to say instead.
_HOLD = """
WITH line AS MATERIALIZED (
    SELECT *
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
        WITH ORDINALITY AS line(item_id, location_id, quantity, ref, n)
), want AS MATERIALIZED (
    SELECT item_id, location_id, sum(quantity)::bigint AS quantity FROM line GROUP BY item_id, location_id
), locked AS MATERIALIZED (
    SELECT stock.id, item_id, location_id, want.quantity, stock.sellable, stock.reserved, stock.allows_backorder,
        stock.sellable - stock.reserved AS free
    FROM want JOIN inventory_stock stock USING (item_id, location_id)
    ORDER BY stock.id
    FOR NO KEY UPDATE OF stock
), header AS (
    INSERT INTO inventory_reservationdemand (demand_uid, kind, fingerprint, created_at)
    SELECT %s, %s, %s, statement_timestamp()
    WHERE (SELECT count(*) FROM want)
        = (SELECT count(*) FROM locked WHERE free >= quantity OR allows_backorder)
    ON CONFLICT (demand_uid) DO NOTHING
    RETURNING id
), taken AS (
    UPDATE inventory_stock stock
    SET reserved = locked.reserved + locked.quantity, sellable = locked.sellable,
        allows_backorder = locked.allows_backorder, version = stock.version + 1, updated_at = statement_timestamp()
    FROM locked, header
    WHERE stock.id = locked.id
), held AS (
    INSERT INTO inventory_reservation (
        demand_id, ref, kind, item_id, location_id, quantity, status, expires_at, ended_key, ended_reason, created_at
    )
    SELECT header.id, line.ref, %s, line.item_id, line.location_id, line.quantity, 'HELD',
        statement_timestamp() + %s, '', '', statement_timestamp()
    FROM header, line
    ORDER BY line.n
    RETURNING id, ref, item_id, location_id, quantity, demand_id
)
SELECT id, ref, item_id, location_id, quantity, demand_id, NULL AS ahead FROM held
UNION ALL
SELECT NULL, '', want.item_id, want.location_id, want.quantity, locked.free,
    coalesce(locked.allows_backorder, (SELECT allows_backorder FROM inventory_location WHERE id = want.location_id))
FROM want LEFT JOIN locked USING (item_id, location_id)
WHERE NOT EXISTS (SELECT FROM header)
ORDER BY 1
"""
