"""Promising units that are still on their way: who was promised what of a delivery, and keeping it on arrival.

Inventory knows a delivery's promised units only as a number. When some of them arrive they are held at once, in the
arrival's own transaction, so that nobody else gets them before whoever was promised them comes for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from core.actors import Actor
from core.subjects import Subject
from inventory.models import ExpectedReceipt, LocationStatus, Reservation
from inventory.services import reservations
from inventory.services.reservations import Want

LATE = timedelta(days=1)  # what is overdue by more isn't promised any more


@dataclass(frozen=True, slots=True)
class Promise:
    """Units of one delivery, now promised."""

    receipt_id: int
    item_id: int
    location_id: int
    quantity: int
    due_at: datetime
    cause_kind: str


def promise(
    wants: Mapping[int, int], *, location_ids: Collection[int] | None = None, cause: Subject | None = None
) -> list[Promise]:
    """Promise up to {item: units} from deliveries on their way, the soonest first; returns what could be.

    Only deliveries to active locations (of `location_ids`, where given), of `cause` alone where given. Locks the rows.
    Must run inside a transaction.
    """
    if not wants:
        return []
    rows = ExpectedReceipt.objects.open().filter(
        item__in=list(wants), due_at__gte=timezone.now() - LATE, location__status=LocationStatus.ACTIVE,
        quantity__gt=F("received") + F("committed"),
    )  # fmt: skip
    if location_ids is not None:
        rows = rows.filter(location__in=list(location_ids))
    if cause is not None:
        rows = rows.filter(cause_kind=cause.kind, cause_uid=cause.uid)
    locked = list(rows.select_for_update(no_key=True, of=("self",)).order_by("item_id", "location_id", "id"))
    left, made = dict(wants), []
    for row in sorted(locked, key=lambda row: (row.due_at, row.pk)):
        units = min(left[row.item_id], row.free)
        if units:
            left[row.item_id] -= units
            row.committed += units
            made.append(Promise(row.pk, row.item_id, row.location_id, units, row.due_at, row.cause_kind))
    ExpectedReceipt.objects.bulk_update(locked, ["committed"])
    return made


def give_up(receipt_id: int, units: int, *, key: str, actor: Actor) -> None:
    """So many promised units aren't wanted any more: of what is still to come first, then of what is kept."""
    coming = not_coming(receipt_id, units)
    if coming < units:
        let_go(receipt_id, units - coming, key=key, actor=actor)


def not_coming(receipt_id: int, units: int) -> int:
    """So many promised units won't be brought; returns how many of them it was still to bring."""
    row = ExpectedReceipt.objects.select_for_update(no_key=True).get(pk=receipt_id)
    coming = min(units, row.committed)
    if coming:
        row.committed -= coming
        row.save(update_fields=["committed"])
    return coming


def keep(rows: Iterable[tuple[ExpectedReceipt, int]], *, actor: Actor) -> None:
    """Hold the promised ones among the units that just arrived. Inside the arrival's transaction, after the ledger."""
    for row, arrived in rows:
        units = min(row.committed, arrived)
        if not units:
            continue
        row.committed -= units
        row.save(update_fields=["committed"])
        # Arrived broken or quarantined: then there is nothing to hold, and the filling finds too little.
        reservations.hold(
            f"{_demand(row.pk)}{row.received}",
            [Want(str(row.pk), row.item_id, row.location_id, units)],
            actor=actor,
            cause=Subject(row.cause_kind, row.cause_uid, row.cause_label),
        )


def kept(receipt_id: int) -> list[Reservation]:
    """What is held of a delivery for those who were promised it."""
    return list(Reservation.objects.held().filter(demand__demand_uid__startswith=_demand(receipt_id)).order_by("id"))


def let_go(receipt_id: int, units: int | None, *, key: str, actor: Actor) -> int:
    """Free so many kept units (all without a number) for whoever was promised them; returns how many."""
    parts: list[tuple[int, int]] = []
    freed = 0
    for held in kept(receipt_id):
        take = held.quantity if units is None else min(held.quantity, units - freed)
        if take > 0:
            parts.append((held.pk, take))
            freed += take
    if parts:
        reservations.release(parts, key=key, reason="For whoever was promised it", actor=actor)
    return freed


def standing(receipt_ids: Sequence[int]) -> dict[int, ExpectedReceipt]:
    """The deliveries as they are now."""
    return ExpectedReceipt.objects.in_bulk(list(receipt_ids))


def _demand(receipt_id: int) -> str:
    return f"inbound:{receipt_id}:"
