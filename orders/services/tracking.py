"""Following parcels: what a carrier says is kept word for word, and moves the parcel, its shipment and its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.utils import timezone

from core.actors import Actor
from core.errors import NotYet
from core.subjects import Subject
from exceptions.services import cases
from inventory.services.locking import retrying
from orders import events as facts
from orders import tracking
from orders.models import FulfilmentOrder, FulfilmentStatus, Package, Tracker, TrackingEvent
from orders.models.shipment import IN_TROUBLE
from orders.services import lifecycle
from orders.services.work import Work, open_work
from orders.tracking import Scan

TROUBLE, RETURNED = "orders.parcel_in_trouble", "orders.parcel_returned"


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of it: how many scans were new, and where the parcel is now."""

    order_id: int
    number: str
    new: int
    state: str


def waits_for(tracking_number: str) -> str:
    """What a message about a parcel waits for until the parcel has that number."""
    return f"parcel:{tracking_number}"


def record(tracking_number: str, scans: Sequence[Scan], *, actor: Actor) -> Followed:
    """Keep what was said of the parcel with this number. Safe to repeat: a scan told before is not told again.

    Locks the order. Where one number stands for several parcels of a fulfilment order they travel as one. Raises NotYet
    while no parcel has the number.
    """

    def work() -> Followed:
        job_id = (
            (
                Package.objects.filter(tracking_number=tracking_number)
                .order_by("-pk")
                .values_list("fulfilment_id", flat=True)
            ).first()
            if tracking_number
            else None
        )
        if job_id is None:
            raise NotYet(waits_for(tracking_number), f"No parcel is known under {tracking_number or 'no number'}.")
        w = open_work(job_id, version=None, actor=actor)
        parcels = list(Package.objects.filter(fulfilment=job_id).order_by("sequence"))
        told = [parcel for parcel in parcels if parcel.tracking_number == tracking_number]
        new = sum(
            keep(TrackingEvent.objects.filter(package=parcel), scans, actor=actor, package=parcel) for parcel in told
        )
        if new:
            for parcel in told:
                _move(w, parcel)
            _conclude(w, parcels)
        return Followed(w.desk.order.pk, w.desk.order.number, new, told[0].tracker)

    return retrying(work)


def settle(fulfilment_id: int, *, actor: Actor) -> None:
    """Draw the conclusions again from what is known: scans may have come before the work was marked as sent."""

    def work() -> None:
        w = open_work(fulfilment_id, version=None, actor=actor)
        _conclude(w, list(Package.objects.filter(fulfilment=fulfilment_id).order_by("sequence")))

    retrying(work)


def keep(known: QuerySet[Any], scans: Sequence[Scan], *, actor: Actor, **of: Model) -> int:
    """Add what isn't among a parcel's `known` scans yet; how many there were. `of` names the parcel in a new row."""
    keys = set(known.values_list("key", flat=True))
    fresh = {scan.key: scan for scan in scans if scan.key not in keys}
    known.model.objects.bulk_create(
        [
            known.model(
                **of, key=key, state=scan.state, words=scan.words[:255], code=scan.code[:60],
                place=scan.place[:200], said_at=scan.said_at[:60], occurred_at=scan.at, source=actor.label[:200],
            )
            for key, scan in fresh.items()
        ]
    )  # fmt: skip
    return len(fresh)


def _move(w: Work, parcel: Package) -> None:
    seen = list(TrackingEvent.objects.filter(package=parcel).order_by("occurred_at", "pk"))
    state, at = tracking.standing((row.state, row.occurred_at) for row in seen)
    before = parcel.tracker
    parcel.tracker, parcel.tracked_at = state, at
    parcel.save(update_fields=["tracker", "tracked_at"])
    if state != before and at is not None:
        last = next((row for row in reversed(seen) if row.state == state), seen[-1])
        w.desk.note_work(
            facts.TRACKED,
            w.job,
            {
                "parcel": parcel.sequence, "tracking_number": parcel.tracking_number, "state": state,
                "before": str(before), "words": last.words, "place": last.place, "at": at.isoformat(),
            },
        )  # fmt: skip


def _conclude(w: Work, parcels: Sequence[Package]) -> None:
    """Delivered once every parcel is; what can't be delivered is a person's."""
    states = {str(parcel.tracker) for parcel in parcels}
    if w.job.status == FulfilmentStatus.SHIPPED and states == {Tracker.DELIVERED}:
        w.move(FulfilmentStatus.DELIVERED, facts.DELIVERED)
        lifecycle.save(w.desk)
    else:
        lifecycle.announce(w.desk)
    about = Subject("fulfilment", str(w.job.pk), w.job.number)
    if states & set(IN_TROUBLE):
        cases.open_(TROUBLE, about, actor=w.desk.actor)
    if Tracker.RETURN_TO_SENDER in states:
        cases.open_(RETURNED, about, actor=w.desk.actor)
    cases.recheck(about, actor=w.desk.actor)


def asked(package_ids: Sequence[int]) -> None:
    Package.objects.filter(pk__in=package_ids).update(asked_at=timezone.now())


def of(job: FulfilmentOrder) -> list[Package]:
    """Its parcels with everything said of them, for a screen."""
    return list(
        Package.objects.filter(fulfilment=job).prefetch_related("scans", "labels__service").order_by("sequence")
    )
