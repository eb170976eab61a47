"""Units leave: the promise is kept, stock goes to the customer, the channel and the books hear of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.ids import uuid7
from core.subjects import Subject
from exceptions.services import cases
from inventory.services import reservations
from inventory.services.locking import retrying
from inventory.services.moves import Named
from orders import canonical
from orders import events as facts
from orders.models import Blocks, FulfilmentLine, FulfilmentPart, FulfilmentStatus, Package, Shipment, ShortPick
from orders.services import holds, labels, lifecycle
from orders.services.labels import Told
from orders.services.work import Work, open_work


def ship(
    fulfilment_id: int,
    *,
    carrier: str = "",
    service: str = "",
    tracking_number: str = "",
    tracking_url: str = "",
    by_partner: bool = False,
    version: int | None = None,
    actor: Actor,
) -> Shipment:
    """The parcels are with the carrier. Locks the order, so of a dispatch and a cancellation that race one wins.

    Where no tracking number is given, the labels say what it is and whose. Refusal("label_pending") while one of them
    is still being bought.
    """
    carrier, service = canonical.clean(carrier)[:60], canonical.clean(service)[:60]
    tracking_number, tracking_url = canonical.clean(tracking_number), canonical.clean(tracking_url)
    problems = []
    if len(tracking_number) > 120:
        problems.append(Problem("tracking_number", "too_long", "has at most 120 characters"))
    if tracking_url and (not tracking_url.startswith("https://") or len(tracking_url) > 500):
        problems.append(Problem("tracking_url", "url", "must be an https address of at most 500 characters"))
    if problems:
        raise Invalid(problems)

    def work() -> Shipment:
        w = open_work(fulfilment_id, version=version, actor=actor)
        holds.require_free(w.desk, Blocks.SHIP)
        said = labels.told(w.job) if not tracking_number else Told(carrier, service, tracking_number, tracking_url)
        if w.job.status == FulfilmentStatus.ACCEPTED and not by_partner:
            raise Refusal("not_packed", f"{w.job.number} isn't packed yet.", status_now=w.job.status)
        now = timezone.now()
        shipment = Shipment(
            uid=uuid7(),
            fulfilment=w.job,
            carrier=said.carrier or carrier,
            service=said.service or service,
            tracking_number=said.tracking_number,
            tracking_url=said.tracking_url or tracking_url,
            shipped_at=now,
        )
        told = {
            "shipment": str(shipment.uid),
            "carrier": shipment.carrier,
            "service": shipment.service,
            "tracking_number": shipment.tracking_number,
            "tracking_url": shipment.tracking_url,
        }
        w.move(FulfilmentStatus.SHIPPED, facts.SHIPPED, leaving(w) | told, shipped_at=now)
        shipment.save()
        numbered(w.job.pk, shipment.tracking_number)
        leave(w)
        return shipment

    return retrying(work)


def numbered(fulfilment_id: int, number: str) -> None:
    """Parcels without a number of their own travel under the shipment's, so that what the carrier says finds them."""
    if not number:
        return
    if not Package.objects.filter(fulfilment=fulfilment_id).exists():
        Package.objects.create(fulfilment_id=fulfilment_id, sequence=1)
    Package.objects.filter(fulfilment=fulfilment_id, tracking_number="").update(tracking_number=number)


def leaving(w: Work) -> dict[str, Any]:
    """What the shipped fact tells channels and the ERP: units by line, in the source's and in our words."""
    return {
        "method": w.job.method,
        "lines": [
            {
                "line": line.order_line_id,
                "ref": w.desk.line(line.order_line_id).ref,
                "sku": w.desk.line(line.order_line_id).sku,
                "item": line.item_id,
                "quantity": line.quantity,
            }
            for line in w.lines
        ],
    }


def _named(slot: FulfilmentLine | FulfilmentPart) -> list[Named]:
    """The lots or serials scanned, one entry a unit, summed."""
    return [Named(code, units) for code, units in Counter(slot.codes).items()]


def leave(w: Work) -> None:
    """The units of this work go to the customer; the order is saved."""
    reservations.consume(
        [part for line in w.lines for part in line.promises(line.quantity)],
        key=f"ship:{w.job.pk}",
        cause=Subject("fulfilment", str(w.job.pk), w.job.number),
        actor=w.desk.actor,
        units={slot.reservation_id: _named(slot) for line in w.lines for slot in line.slots if slot.codes},
    )
    for line in w.lines:
        line.shipped = True
        wanted = w.desk.line(line.order_line_id)
        wanted.allocated -= line.quantity
        wanted.shipped_here += line.quantity
    FulfilmentLine.objects.bulk_update(w.lines, ["shipped"])
    w.desk.promises = [promise for promise in w.desk.promises if not promise.shipped]
    lifecycle.settle(w.desk, lifecycle.refunded_units(w.desk.order.pk))
    lifecycle.save(w.desk)
    shorts = ShortPick.objects.filter(fulfilment_line__order_line__order=w.desk.order)
    for job_id in shorts.values_list("fulfilment_line__fulfilment_id", flat=True).distinct():
        cases.recheck(Subject("fulfilment", str(job_id)), actor=w.desk.actor)
