"""Promising units: one statement that locks, judges and writes, and what is done when it came up short."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models.functions import Now

from core import events, prepared
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.events import EventDraft
from core.subjects import Subject
from inventory.events import HELD
from inventory.models import MAX_UNITS, Reservation, ReservationDemand, ReservationKind
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


@dataclass(frozen=True, slots=True)
class Demand:
    """A checked demand. `fingerprint` tells a repeat from another demand under the same uid."""

    uid: str
    wants: Sequence[Want]
    kind: str
    ttl: timedelta | None
    actor: Actor
    cause: Subject
    fingerprint: bytes


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


def meet(demand: Demand) -> Held:
    """Hold every line or none.

    The first try is one statement, a transaction of its own where the caller has none. Only when it came up short is a
    transaction opened to look for an earlier result, sweep promises that ran out and try again.
    """
    held, judged = locking.retrying(lambda: _try(demand), atomic=False)
    return held or locking.retrying(lambda: _try_harder(demand, judged))


def _try_harder(demand: Demand, judged: list[Judged]) -> Held:
    if stored := _stored(demand):
        return stored
    if _make_room(judged):
        held, judged = _try(demand)
        if held or (held := _stored(demand)):
            return held
    short = [Short(row.item_id, row.location_id, row.wanted, row.free or 0) for row in judged if row.is_short]
    return Held(False, False, [], short)


def _try(demand: Demand) -> tuple[Held | None, list[Judged]]:
    """What was held, or None and what each wanted place had to say."""
    wants = demand.wants
    recording = events.Recording([_fact(demand)])
    rows = prepared.fetchall(
        HOLD,
        [
            [want.item_id for want in wants],
            [want.location_id for want in wants],
            [want.quantity for want in wants],
            [want.ref for want in wants],
            demand.uid,
            demand.kind,
            demand.fingerprint,
            *(demand.cause.kind, demand.cause.uid, demand.cause.label[:200]),
            demand.kind,
            demand.ttl,
            *recording.parameters(),
        ],
    )
    if rows[0][0] is None:
        return None, [Judged(*row[2:]) for row in rows]
    recording.wake()
    return Held(True, False, [Line(*row[:5]) for row in rows], []), []


def _fact(demand: Demand) -> EventDraft:
    """The statement puts the demand's id in as the subject's uid, once it has one."""
    items = sorted({want.item_id for want in demand.wants})
    locations = sorted({want.location_id for want in demand.wants})
    lines = [
        {"ref": want.ref, "item": want.item_id, "location": want.location_id, "quantity": want.quantity}
        for want in demand.wants
    ]
    return EventDraft(
        HELD,
        Subject("demand", "", demand.uid),
        demand.actor,
        {"kind": demand.kind, "lines": lines},
        [
            *((Subject("item", str(item)), "item") for item in items),
            *((Subject("location", str(location)), "location") for location in locations),
        ],
    )


def _stored(wanted: Demand) -> Held | None:
    """What an earlier call got, as it was then. A fresh statement, so a twin that won a moment ago is seen."""
    demand = ReservationDemand.objects.filter(demand_uid=wanted.uid).first()
    if demand is None:
        return None
    if bytes(demand.fingerprint) != wanted.fingerprint:
        raise Refusal("demand_differs", "This demand was made before with other lines.", demand_uid=wanted.uid)
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


def checked(
    demand_uid: str, wants: Sequence[Want], *, kind: str, ttl: timedelta | None, actor: Actor, cause: Subject | None
) -> Demand:
    """The demand if it makes sense; raises Invalid with everything that doesn't."""
    _check(demand_uid, wants, kind, ttl)
    return Demand(demand_uid, wants, kind, ttl, actor, cause or Subject("", ""), _fingerprint(kind, wants))


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
# The lock limit holds for this statement already, the statement limit from the next one of the transaction on.
HOLD = """
WITH limits AS MATERIALIZED (
    SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '5s', true)
), line AS MATERIALIZED (
    SELECT line.*
    FROM limits, unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
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
    INSERT INTO inventory_reservationdemand (
        demand_uid, kind, fingerprint, cause_kind, cause_uid, cause_label, created_at
    )
    SELECT %s, %s, %s::bytea, %s, %s, %s, statement_timestamp()
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
        statement_timestamp() + %s::interval, '', '', statement_timestamp()
    FROM header, line
    ORDER BY line.n
    RETURNING id, ref, item_id, location_id, quantity
), (facts)
SELECT id, ref, item_id, location_id, quantity, NULL::int AS free, NULL::bool AS ahead FROM held
UNION ALL
SELECT NULL, '', want.item_id, want.location_id, want.quantity, locked.free,
    coalesce(locked.allows_backorder, (SELECT allows_backorder FROM inventory_location WHERE id = want.location_id))
FROM want LEFT JOIN locked USING (item_id, location_id)
WHERE NOT EXISTS (SELECT FROM header)
ORDER BY 1
""".replace("(facts)", events.ctes(source="header", subject_uid="header.id::text"))
