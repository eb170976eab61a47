"""Giving nodes their work, once nothing holds the order."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Max
from django.utils import timezone

from core.actors import SYSTEM, Actor
from inventory.models import Location
from inventory.services.locking import retrying
from orders import due
from orders import events as facts
from orders.models import Blocks, FulfilmentLine, FulfilmentOrder
from orders.services import holds, lifecycle
from orders.services.desk import Desk, open_desk


def create(order_id: int, *, actor: Actor = SYSTEM) -> list[int]:
    """Open one fulfilment order per node for what was allocated and not released yet; returns their ids.

    Safe to repeat. Nothing happens while a RELEASE hold stands: resolving it calls again.
    """

    def work() -> list[int]:
        desk = open_desk(order_id, actor=actor)
        waiting = [promise for promise in desk.promises if promise.fulfilment_id is None]
        if not waiting or holds.blocks(desk, Blocks.RELEASE):
            return []
        made = _open(desk, waiting)
        lifecycle.save(desk)
        return made

    return retrying(work)


def _open(desk: Desk, waiting: list[FulfilmentLine]) -> list[int]:
    order, now = desk.order, timezone.now()
    by_node: dict[int, list[FulfilmentLine]] = defaultdict(list)
    for promise in waiting:
        by_node[promise.location_id].append(promise)
    nodes = Location.objects.in_bulk(list(by_node))
    last = order.fulfilments.aggregate(last=Max("sequence"))["last"] or 0
    jobs = [
        FulfilmentOrder(
            number=f"{order.number}-{sequence}",
            order=order,
            sequence=sequence,
            location_id=location_id,
            method=order.method,
            due_at=due.due_at(
                now, method=order.method, time_zone=nodes[location_id].time_zone, promise_by=order.promise_by
            ),
            created_at=now,
        )
        for sequence, location_id in enumerate(sorted(by_node), start=last + 1)
    ]
    FulfilmentOrder.objects.bulk_create(jobs)
    for job in jobs:
        for promise in by_node[job.location_id]:
            promise.fulfilment = job
        units = sum(promise.quantity for promise in by_node[job.location_id])
        desk.note_work(facts.OPENED, job, {"units": units, "due_at": job.due_at.isoformat(), "method": job.method})
    FulfilmentLine.objects.bulk_update(waiting, ["fulfilment"])
    return [job.pk for job in jobs]
