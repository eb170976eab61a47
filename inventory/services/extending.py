"""Giving a soft promise more time, and making it firm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import events
from core.actors import Actor
from core.errors import Refusal
from core.events import EventDraft
from core.subjects import Subject
from inventory.events import CONFIRMED, EXTENDED
from inventory.models import ReservationDemand, ReservationKind
from inventory.services import locking


@dataclass(frozen=True, slots=True)
class Standing:
    """What is held of a demand, each by its reservation's id, and until when; None for a firm one."""

    demand_id: int
    kind: str
    reservation_ids: list[int]
    expires_at: datetime | None


def extend(demand_uid: str, ttl: timedelta, actor: Actor) -> Standing:
    """All that is still held lasts for `ttl` from now; it is never shortened. See reservations.extend."""
    demand = _lock(demand_uid)
    if demand.kind == ReservationKind.FIRM:
        raise Refusal("already_firm", "A firm reservation doesn't run out.", demand_uid=demand_uid)
    held = _held(demand)
    until: datetime = max(expires_at for _, expires_at in locking.execute(_EXTEND, [ttl, [pk for pk, _ in held]]))
    _note(EXTENDED, demand, actor, {"until": until.isoformat(), "reservations": [pk for pk, _ in held]})
    return Standing(demand.pk, demand.kind, [pk for pk, _ in held], until)


def confirm(demand_uid: str, cause: Subject | None, actor: Actor) -> Standing:
    """What is still held becomes FIRM. See reservations.confirm."""
    demand = _lock(demand_uid)
    held = _held(demand)
    ids = [pk for pk, _ in held]
    if demand.kind == ReservationKind.FIRM:
        return Standing(demand.pk, demand.kind, ids, None)
    locking.execute(_CONFIRM, [ids])
    demand.kind = ReservationKind.FIRM
    if cause is not None:
        demand.cause_kind, demand.cause_uid, demand.cause_label = cause.kind, cause.uid, cause.label[:200]
    demand.save(update_fields=["kind", "cause_kind", "cause_uid", "cause_label"])
    _note(CONFIRMED, demand, actor, {"reservations": ids}, [(cause, "cause")] if cause else [])
    return Standing(demand.pk, demand.kind, ids, None)


def _lock(demand_uid: str) -> ReservationDemand:
    """Whoever ends, extends or confirms a promise holds its demand's row; the sweeper, too."""
    demands = ReservationDemand.objects.select_for_update(no_key=True).filter(demand_uid=demand_uid)
    demand: ReservationDemand | None = demands.first()
    if demand is None:
        raise Refusal("unknown_demand", "No such reservation.", status=404, demand_uid=demand_uid)
    return demand


def _held(demand: ReservationDemand) -> list[tuple[int, datetime | None]]:
    """(id, expires_at) of what is held. Refuses where nothing is, and where part of it ran out, swept or not."""
    rows = locking.execute(_HELD, [demand.pk])
    if any(is_past for *_, is_past in rows):
        raise Refusal("reservation_expired", "The time of this reservation ran out.", demand_uid=demand.demand_uid)
    held = [(pk, expires_at) for pk, expires_at, is_held, _ in rows if is_held]
    if not held:
        raise Refusal("not_held", "Nothing of this reservation is held any more.", demand_uid=demand.demand_uid)
    return held


def _note(
    event: str,
    demand: ReservationDemand,
    actor: Actor,
    data: dict[str, Any],
    related: Sequence[tuple[Subject, str]] = (),
) -> None:
    about = Subject("demand", str(demand.pk), demand.demand_uid)
    places = list(demand.reservations.values_list("item_id", "location_id"))
    named = {("item", item) for item, _ in places} | {("location", location) for _, location in places}
    touched = [(Subject(kind, str(pk)), kind) for kind, pk in sorted(named)]
    events.record_many([EventDraft(event, about, actor, data, [*touched, *related])])


# One clock for all: the statement's. What ran out by it counts as gone even while the sweeper has not come by.
_HELD = """
SELECT id, expires_at, status = 'HELD',
    status = 'EXPIRED' OR (status = 'HELD' AND expires_at <= statement_timestamp())
FROM inventory_reservation WHERE demand_id = %s ORDER BY id
"""

_EXTEND = """
UPDATE inventory_reservation
SET expires_at = greatest(expires_at, statement_timestamp() + %s::interval)
WHERE id = ANY(%s::bigint[])
RETURNING id, expires_at
"""

_CONFIRM = """
UPDATE inventory_reservation SET kind = 'FIRM', expires_at = NULL WHERE id = ANY(%s::bigint[]) RETURNING id
"""
