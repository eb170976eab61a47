"""Giving nodes their work, once nothing holds the order."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from django.db.models import Exists, Max, OuterRef, Q
from django.utils import timezone

from core.actors import SYSTEM, Actor
from inventory.models import Item, Location, LocationKind
from inventory.services.locking import retrying
from orders import due
from orders import events as facts
from orders.models import BackOrder, Blocks, FulfilmentLine, FulfilmentMethod, FulfilmentOrder, Hold, Method, Order
from orders.services import holds, lifecycle, partners
from orders.services.desk import Desk, open_desk


def create(order_id: int, *, actor: Actor = SYSTEM) -> list[int]:
    """Open one fulfilment order per node for what was allocated and not released yet; returns their ids.

    Safe to repeat. Nothing happens while a RELEASE hold stands (resolving it calls again), nor before the eve of the
    day the order is to leave (a timer calls again).
    """

    def work() -> list[int]:
        desk = open_desk(order_id, actor=actor)
        waiting = [promise for promise in desk.promises if promise.fulfilment_id is None]
        if not waiting or holds.blocks(desk, Blocks.RELEASE) or _too_early(desk.order):
            return []
        made = _open(desk, waiting)
        lifecycle.save(desk)
        return made

    return retrying(work)


def release_requested(*, actor: Actor = SYSTEM, limit: int = 500) -> int:
    """Orders that were to leave on a day which is near now; returns how many nodes got work. For a timer."""
    near = timezone.now().date() + timedelta(days=2)  # the day may have begun elsewhere: `create` knows exactly
    unreleased = FulfilmentLine.objects.filter(order_line__order=OuterRef("pk"), fulfilment=None, quantity__gt=0)
    held = Hold.objects.standing().filter(order=OuterRef("pk"), blocks=Blocks.RELEASE)
    orders = Order.objects.filter(
        Exists(unreleased), ~Exists(held), requested_ship_on__lte=near, status__in=("RECEIVED", "ACCEPTED")
    )
    found = list(orders.order_by("requested_ship_on", "pk").values_list("pk", flat=True)[:limit])
    return sum(len(create(order_id, actor=actor)) for order_id in found)


def _too_early(order: Order) -> bool:
    day = order.requested_ship_on
    return day is not None and timezone.now() < due.releases_at(day, order.channel.time_zone)


def _open(desk: Desk, waiting: list[FulfilmentLine]) -> list[int]:
    order, now = desk.order, timezone.now()
    by_itself = Q(attributes__ship_alone=True) | Q(parts__part__attributes__ship_alone=True)
    alone = set(Item.objects.filter(by_itself, pk__in={p.item_id for p in waiting}).values_list("pk"))
    by_node: dict[tuple[int, int], list[FulfilmentLine]] = defaultdict(list)
    for promise in waiting:
        by_node[promise.location_id, promise.item_id if (promise.item_id,) in alone else 0].append(promise)
    nodes = Location.objects.in_bulk({location_id for location_id, _ in by_node})
    brought = _brought(order, waiting)
    last = order.fulfilments.aggregate(last=Max("sequence"))["last"] or 0
    jobs = [
        FulfilmentOrder(
            number=f"{order.number}-{sequence}",
            order=order,
            sequence=sequence,
            location_id=location_id,
            method=method_of(order, nodes[location_id], brought=location_id in brought),
            due_at=due.due_at(
                max(now, nodes[location_id].closed_until or now),
                method=order.method,
                time_zone=nodes[location_id].time_zone,
                promise_by=order.promise_by,
                not_before=order.requested_ship_on,
            ),
            created_at=now,
        )
        for sequence, (location_id, _) in enumerate(sorted(by_node), start=last + 1)
    ]
    FulfilmentOrder.objects.bulk_create(jobs)
    for job, share in zip(jobs, sorted(by_node), strict=True):
        for promise in by_node[share]:
            promise.fulfilment = job
        units = sum(promise.quantity for promise in by_node[share])
        desk.note_work(facts.OPENED, job, {"units": units, "due_at": job.due_at.isoformat(), "method": job.method})
    FulfilmentLine.objects.bulk_update(waiting, ["fulfilment"])
    partners.ask(desk, jobs, nodes)
    return [job.pk for job in jobs]


def method_of(order: Order, node: Location, *, brought: bool = False) -> str:
    """How this node's share of the order reaches the customer."""
    if order.method == Method.PICKUP:
        return FulfilmentMethod.SHIP_TO_STORE if brought else FulfilmentMethod.PICKUP
    return FulfilmentMethod.DROPSHIP if node.kind == LocationKind.SUPPLIER else FulfilmentMethod.SHIP


def _brought(order: Order, waiting: list[FulfilmentLine]) -> set[int]:
    """The places of collection to which a transfer brought units of these lines."""
    if order.method != Method.PICKUP:
        return set()
    lines = {promise.order_line_id for promise in waiting}
    rows = BackOrder.objects.filter(order_line__in=lines, transfer=True, filled__gt=0)
    return set(rows.values_list("location_id", flat=True))
