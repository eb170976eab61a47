"""Acting before a promise is missed: work that its node won't begin in time goes to one that will.

How much a node picks in each hour ahead is its capacity (orders/capacity.py), the same figure that sourcing goes by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.subjects import Subject
from exceptions.services import cases
from inventory.models import PARTNERS
from orders import lateness
from orders.lateness import Job, Late, Pace
from orders.models import ACTIVE, COLLECTED_HERE, FulfilmentOrder, FulfilmentStatus
from orders.services import profiles, resourcing

AHEAD = timedelta(hours=12)  # what is due later isn't looked at yet
PATIENCE = timedelta(minutes=15)  # before another node is looked for again
WHY = "Would miss its carrier"
REASON = "orders.promise_at_risk"
_STILL = sorted(ACTIVE - {FulfilmentStatus.PICKED, FulfilmentStatus.PACKED, FulfilmentStatus.READY})


def resource_at_risk(*, limit: int = 50, actor: Actor = SYSTEM) -> tuple[int, int]:
    """Move what would come too late to nodes that make it; returns (moved, stayed). For a timer; safe to repeat.

    What stays is a case, and is tried again after a quarter of an hour. Nodes that would be late with it, too, aren't
    asked. Each fulfilment order is a transaction of its own.
    """
    now = timezone.now()
    queues = queues_now(now)
    pace = paces(queues)
    found = [one for place, queue in queues.items() for one in lateness.late(queue, pace[place], now)]
    due = _not_tried_lately([one for one in found if not one.job.begun], now)[:limit]
    moved = stayed = 0
    for one in due:
        if resourcing.move(one.job.id, why=WHY, avoiding=_too_busy(one, queues, pace, now), actor=actor):
            moved += 1
            continue
        stayed += 1
        FulfilmentOrder.objects.filter(pk=one.job.id).update(risk_judged_at=now)
        _complain(one, actor)
    return moved, stayed


def queues_now(now: datetime, location_ids: Collection[int] | None = None) -> dict[int, list[Job]]:
    """What each of our nodes has to pick, by node: everything begun, and what is due in the hours ahead."""
    rows = FulfilmentOrder.objects.filter(status__in=_STILL, due_at__lt=now + AHEAD, partner_request=None)
    rows = rows.exclude(location__kind__in=PARTNERS)
    if location_ids is not None:
        rows = rows.filter(location__in=list(location_ids))
    queues: dict[int, list[Job]] = defaultdict(list)
    counted = rows.annotate(units=Sum("lines__quantity", default=0))
    for pk, place, units, due_at, status in counted.values_list("pk", "location_id", "units", "due_at", "status"):
        begun = status not in resourcing.UNSTARTED
        queues[place].append(Job(pk, place, units, due_at, begun))
    return dict(queues)


def paces(location_ids: Collection[int]) -> dict[int, Pace]:
    """What each of these nodes picks in an hour, at any moment."""
    return {place: week.pace for place, week in profiles.weeks(location_ids).items()}


def standing() -> list[int]:
    """Fulfilment orders that would come too late as things are, and haven't found another node."""
    now = timezone.now()
    queues = queues_now(now)
    pace = paces(queues)
    return sorted(one.job.id for place, queue in queues.items() for one in lateness.late(queue, pace[place], now))


def of(fulfilment_id: int) -> Late | None:
    """Whether, and by how much, this work would come too late now."""
    place = FulfilmentOrder.objects.filter(pk=fulfilment_id).values_list("location_id", flat=True).first()
    if place is None:
        return None
    now = timezone.now()
    queue = queues_now(now, [place]).get(place, [])
    return next((one for one in lateness.late(queue, paces([place])[place], now) if one.job.id == fulfilment_id), None)


def _not_tried_lately(found: list[Late], now: datetime) -> list[Late]:
    tried = FulfilmentOrder.objects.filter(pk__in=[one.job.id for one in found], risk_judged_at__gt=now - PATIENCE)
    lately = set(tried.values_list("pk", flat=True))
    return sorted((one for one in found if one.job.id not in lately), key=lambda one: one.job.due_at)


def _too_busy(one: Late, queues: dict[int, list[Job]], pace: dict[int, Pace], now: datetime) -> set[int]:
    """Nodes whose own queue wouldn't let them make it, either."""
    job = one.job
    return {
        place
        for place, queue in queues.items()
        if lateness.done_at(queue, pace[place], now, units=job.units, due_at=job.due_at) > job.due_at
    }


def _complain(one: Late, actor: Actor) -> None:
    work = FulfilmentOrder.objects.select_related("order", "location").get(pk=one.job.id)
    if work.status not in resourcing.UNSTARTED or work.method in COLLECTED_HERE:
        return
    cases.open_(
        REASON, Subject("fulfilment", str(work.pk), work.number),
        summary=f"{work.location.name} would be done at {one.done_at:%d %b %H:%M} UTC, due {one.job.due_at:%H:%M}",
        site_id=work.location.site_id, value=work.order.total, currency=work.order.currency,
        promise_by=work.order.promise_by, actor=actor,
    )  # fmt: skip
