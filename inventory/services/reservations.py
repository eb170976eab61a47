"""Promising units to a demand, and ending the promise: sold, given back, or run out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models.functions import Now

from core.actors import Actor
from core.errors import Invalid, Problem
from core.subjects import Subject
from inventory.events import CONSUMED, RELEASED
from inventory.models import Reservation, ReservationKind, ReservationStatus
from inventory.services import ending, extending, holding, locking
from inventory.services.ending import Ended, Ending, Part
from inventory.services.extending import Standing
from inventory.services.holding import Held, Line, Short, Want
from inventory.services.moves import Named

__all__ = [
    "Ended",
    "Held",
    "Line",
    "Part",
    "Short",
    "Standing",
    "Want",
    "confirm",
    "consume",
    "expire",
    "extend",
    "hold",
    "release",
]

MAX_TTL = timedelta(days=30)


def hold(
    demand_uid: str,
    wants: Sequence[Want],
    *,
    kind: str = "FIRM",
    ttl: timedelta | None = None,
    actor: Actor,
    cause: Subject | None = None,
) -> Held:
    """Promise every wanted unit or none. Safe to repeat: a demand that was met answers its stored result.

    One statement locks the stock rows in id order, judges, and writes (lines of the same item and location are judged
    together). A shortage changes nothing and is not remembered: the same demand may be made again later. SOFT
    reservations need a `ttl`. `cause` is what the units are for (an order), so that screens can link to it.
    Raises Invalid, or Refusal("demand_differs") when the uid stands for other wants.
    """
    return holding.meet(holding.checked(demand_uid, wants, kind=kind, ttl=ttl, actor=actor, cause=cause))


def extend(demand_uid: str, *, ttl: timedelta, actor: Actor) -> Standing:
    """Give what is still held of a soft demand `ttl` from now, never less than it had. Safe to repeat.

    Locks the demand. Raises Refusal("unknown_demand"), ("already_firm"), ("not_held"), or ("reservation_expired") once
    its time is over, whether or not the sweeper has been: the units may be somebody else's by now.
    """
    if not timedelta(0) < ttl <= MAX_TTL:
        raise Invalid([Problem("ttl", "range", f"A time to live is at most {MAX_TTL.days} days.")])
    return locking.retrying(lambda: extending.extend(demand_uid, ttl, actor))


def confirm(demand_uid: str, *, actor: Actor, cause: Subject | None = None) -> Standing:
    """Make what is still held of a soft demand firm. Safe to repeat. `cause` is what the units are for from now on.

    Locks the demand. Raises Refusal("unknown_demand"), ("not_held") or ("reservation_expired").
    """
    return locking.retrying(lambda: extending.confirm(demand_uid, cause, actor))


def release(parts: Sequence[Part], *, key: str, reason: str, actor: Actor) -> list[Ended]:
    """Give promised units back to everybody. Safe to repeat by `key`.

    Releasing all of a reservation that was given back or ran out already is no error. Locks demands, then stock rows.
    Raises Refusal("unknown_reservation"), Refusal("not_held") when fewer units are held than named.
    """
    how = Ending(ReservationStatus.RELEASED, RELEASED, key, reason, actor)
    return locking.retrying(lambda: ending.end(ending.summed(parts), how))


def consume(
    parts: Sequence[Part],
    *,
    key: str,
    cause: Subject,
    actor: Actor,
    occurred_at: datetime | None = None,
    units: Mapping[int, Sequence[Named]] | None = None,
) -> list[Ended]:
    """Promised units left for the customer: the promise and the sellable units go down together. Safe to repeat by key.

    `units` names, by reservation, the lots or serial numbers that left, where the item is tracked. Locks demands, then
    stock rows. Raises Invalid (422) where they are missing, unknown or elsewhere, Refusal("unknown_reservation"),
    ("not_held"), ("reservation_expired"), or ("not_enough_stock") where a location promised ahead of its stock.
    """
    how = Ending(ReservationStatus.CONSUMED, CONSUMED, key, "", actor, cause, occurred_at, units or {})
    return locking.retrying(lambda: ending.end(ending.summed(parts), how))


def expire(*, limit: int = 500) -> int:
    """Give back what soft reservations past their time still hold; returns how many. Safe to run anywhere, any time."""
    due = Reservation.objects.held().filter(kind=ReservationKind.SOFT, expires_at__lte=Now())
    ids = list(due.order_by("expires_at").values_list("id", flat=True)[:limit])
    return locking.retrying(lambda: ending.run_out(ids))
