"""Taking units off nodes that have not begun to work on them: what undoes a placement."""

from __future__ import annotations

from collections.abc import Collection

from core.actors import Actor
from core.errors import Refusal
from inventory.models import Location
from inventory.services.locking import retrying
from orders.models import Blocks, FulfilmentLine, FulfilmentOrder, FulfilmentStatus
from orders.services import allocation, holds, lifecycle
from orders.services.desk import Desk, open_desk


def open_again(order_id: int, line_ids: Collection[int], *, reason: str, actor: Actor) -> int:
    """These promised units go back to stock and are open; the order is held before sourcing. Returns the units.

    All of them or none. Locks the order. Refusal("begun") when a node has begun or has them no more, and what `holds.
    place` refuses.
    """

    def work() -> int:
        desk = open_desk(order_id, actor=actor)
        units = _free(desk, line_ids, reason)
        lifecycle.save(desk)
        holds.place(order_id, reason=reason, blocks=Blocks.ALLOCATE, actor=actor)
        return units

    return retrying(work)


def bring_back(fulfilment_id: int, line_ids: Collection[int], *, reason: str, actor: Actor) -> str:
    """Units that were moved off this work go back to its node, all or none; returns the node's name.

    Refusal("begun") as above, ("not_there") when the node has no units free for it any more.
    """
    job = FulfilmentOrder.objects.get(pk=fulfilment_id)
    place = Location.objects.get(pk=job.location_id)

    def work() -> str:
        desk = open_desk(job.order_id, actor=actor)
        _free(desk, line_ids, reason)
        if not allocation.place_at(desk, {place.pk}).picks:
            raise Refusal("not_there", f"{place.name} has nothing free for it any more.")
        return place.name

    return retrying(work)


def _free(desk: Desk, line_ids: Collection[int], reason: str) -> int:
    mine = [promise for promise in desk.promises if promise.pk in set(line_ids)]
    if len(mine) != len(set(line_ids)) or any(_begun(promise) for promise in mine):
        raise Refusal("begun", "A node has begun to work on it, or has it no more. Change the order instead.")
    for promise in mine:
        line = desk.line(promise.order_line_id)
        line.allocated -= promise.quantity
        line.open += promise.quantity
    parts = [(promise, promise.quantity) for promise in mine]
    lifecycle.take_back(desk, parts, reason=reason)
    return sum(units for _, units in parts)


def _begun(promise: FulfilmentLine) -> bool:
    return promise.fulfilment is not None and promise.fulfilment.status != FulfilmentStatus.OPEN
