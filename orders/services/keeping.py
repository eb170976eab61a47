"""A customer takes some of what waits for them now and comes again for the rest."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max
from django.utils import timezone

from core.errors import Refusal
from core.subjects import Subject
from inventory.services import reservations
from orders import events as facts
from orders.models import Collection, FulfilmentLine, FulfilmentOrder, FulfilmentStatus
from orders.services import lifecycle
from orders.services.work import Work

Left = Sequence[tuple[FulfilmentLine, int]]


def keep(w: Work, left: Left) -> FulfilmentOrder:
    """Units of the work that stay on the ready shelf become a fulfilment order of their own, ready at once.

    It stands where the rest stood and waits no longer than that did; the customer hears of its code. The caller hands
    over what remains on `w` and saves the desk. Refusal("name_needed") 422 for part of a line of kits.
    """
    if any(line.is_kit and units < line.quantity for line, units in left):
        raise Refusal("name_needed", "Kits on one line are taken all or none.", status=422)
    job = _beside(w)
    whole = [line for line, units in left if units == line.quantity]
    for line in whole:
        line.fulfilment = job
    FulfilmentLine.objects.bulk_update(whole, ["fulfilment"])
    parts = [(line, units) for line, units in left if units < line.quantity]
    if parts:
        _divide(w, job, parts)
    w.lines = [line for line in w.lines if line.fulfilment_id == w.job.pk]
    return job


def _beside(w: Work) -> FulfilmentOrder:
    """The next fulfilment order of the same order at the same place, ready, with nothing on it yet."""
    order, now = w.desk.order, timezone.now()
    sequence = (order.fulfilments.aggregate(last=Max("sequence"))["last"] or 0) + 1
    job = FulfilmentOrder.objects.create(
        number=f"{order.number}-{sequence}",
        order=order,
        sequence=sequence,
        location_id=w.job.location_id,
        method=w.job.method,
        status=FulfilmentStatus.READY,
        due_at=w.job.due_at,
        created_at=now,
        worked_by=w.desk.actor.label[:200],
    )
    w.desk.note_work(facts.OPENED, job, {"due_at": job.due_at.isoformat(), "method": job.method, "from": w.job.number})
    return job


def _divide(w: Work, job: FulfilmentOrder, parts: Left) -> None:
    """Part of a line goes over: its units change their promise. Nobody can take them between, the rows are locked."""
    reservations.release(
        [(line.reservation_id, units) for line, units in parts],
        key=w.desk.key("divide"),
        reason="Stays on the ready shelf",
        actor=w.desk.actor,
    )
    order = w.desk.order
    held = reservations.hold(
        f"order:{order.pk}:kept:{job.sequence}",
        [reservations.Want(str(line.pk), line.item_id, line.location_id, units) for line, units in parts],
        actor=w.desk.actor,
        cause=Subject("order", str(order.pk), order.number),
    )
    if not held.ok:
        raise Refusal("not_there", "The units that stay are no longer there. Count the shelf.")
    reserved = {int(row.ref): row.id for row in held.reservations}
    for line, units in parts:
        line.quantity -= units
        line.recount()
        w.desk.new_promises.append(
            FulfilmentLine(
                order_line_id=line.order_line_id,
                fulfilment=job,
                location_id=line.location_id,
                item_id=line.item_id,
                reservation_id=reserved[line.pk],
                quantity=units,
                promised=units,
                picked=units,
            )
        )
    lifecycle.save_picks([line for line, _ in parts], "quantity")


def await_again(w: Work, job: FulfilmentOrder, *, code: str) -> Collection:
    """What was kept waits as the rest did: same shelf, same last day; said with its own code."""
    waited = Collection.objects.get(fulfilment=w.job)
    made = Collection.objects.create(
        fulfilment=job,
        location_id=waited.location_id,
        code=code,
        shelf=waited.shelf,
        ready_at=timezone.now(),
        collect_by=waited.collect_by,
        remind_at=waited.remind_at,
    )
    told = {"code": made.code, "shelf": made.shelf, "collect_by": made.collect_by.isoformat()}
    w.desk.note_work(facts.READY, job, told)
    return made
