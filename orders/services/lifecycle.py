"""How an order leaves the desk: its status derived, everything written, the facts recorded, the cases asked again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django.utils import timezone

from core import events, live
from core.errors import Refusal
from exceptions.services import cases
from inventory.services import reservations
from orders import events as facts
from orders import quantities
from orders.models import (
    BackOrder,
    FulfilmentLine,
    FulfilmentPart,
    FulfilmentStatus,
    Hold,
    Order,
    OrderLine,
    OrderStatus,
    PaymentDisagreement,
    Refund,
    ShadowDecision,
    SourcingDecision,
)
from orders.services import backorders, leftovers
from orders.services.desk import Desk

T = TypeVar("T")
TOPIC = "orders"  # what open pages listen for
VECTOR = (
    "ordered",
    "open",
    "allocated",
    "backordered",
    "fulfilled",
    "cancelled",
    "shipped_here",
    "cancelled_here",
    "source_quantity",
    "source_cancelled",
    "source_fulfilled",
    "agreed_units",
    "agreed_basis",
)
SOURCE_FIELDS = (
    "ref",
    "item",
    "position",
    "sku",
    "title",
    "requires_shipping",
    "gift_card",
    "unit_price",
    "discount_total",
    "tax_total",
)
# What a node has done least about goes first when units are taken off it.
_STAGES = [None, "OPEN", "ACCEPTED", "PICKING", "PICKED", "PACKED", "READY"]


def require_version(desk: Desk, version: int | None) -> None:
    """Refusal("stale") with what stands now, when the caller looked at an older version; None means it didn't look."""
    if version is not None and version != desk.order.version:
        raise Refusal(
            "stale",
            "The order changed meanwhile.",
            version=desk.order.version,
            status_now=str(desk.order.status),
            sent=version,
        )


def derived_status(lines: list[OrderLine]) -> str:
    """RECEIVED until a node promised or sent anything; done when nothing is left to deliver."""
    if any(quantities.to_deliver(line) for line in lines):
        moving = any(line.allocated or line.backordered or line.fulfilled for line in lines)
        return OrderStatus.ACCEPTED if moving else OrderStatus.RECEIVED
    return OrderStatus.COMPLETED if any(line.fulfilled for line in lines) else OrderStatus.CANCELLED


def refunded_units(order_id: int) -> dict[str, int]:
    """Per line ref, the units that known refunds took off before they left."""
    units: dict[str, int] = {}
    for lines in Refund.objects.filter(order_id=order_id).values_list("lines", flat=True):
        for line in lines:
            if line["restock"] == "cancel":
                units[line["line_ref"]] = units.get(line["line_ref"], 0) + line["quantity"]
    return units


def settle(desk: Desk, refunded: Mapping[str, int]) -> None:
    """Bring every line's units in line with what is known; give back what nodes hold too much."""
    cancelled = desk.order.source_cancelled or desk.order.cancelled_here
    back: list[tuple[FulfilmentLine, int]] = []
    waited = {line.pk: line.backordered for line in desk.lines if line.backordered}
    for line in desk.lines:
        surplus = quantities.settle(line, order_cancelled=cancelled, refunded=refunded.get(line.ref, 0))
        for promise in sorted((p for p in desk.promises if p.order_line_id == line.pk), key=_least_done_first):
            if not surplus:
                break
            units = min(surplus, promise.quantity)
            surplus -= units
            back.append((promise, units))
    fewer = [line for line in desk.lines if line.backordered < waited.get(line.pk, 0)]
    backorders.trim(desk, fewer, reason="No longer wanted")
    take_back(desk, back, reason="No longer wanted")


def take_back(desk: Desk, parts: list[tuple[FulfilmentLine, int]], *, reason: str) -> None:
    """Give promised units back to stock and take them off the nodes' work; a fulfilment order left empty is cancelled.

    The lines' vectors are the caller's business.
    """
    if not parts:
        return
    reservations.release(
        [part for promise, units in parts for part in promise.promises(units)],
        key=desk.key("release"),
        reason=reason,
        actor=desk.actor,
    )
    gone = [promise for promise, _ in parts]
    picked = leftovers.picked(gone)
    for promise, units in parts:
        promise.quantity -= units
        promise.recount()
    save_picks(gone, "quantity")
    leftovers.note(picked)
    desk.promises = [p for p in desk.promises if p.quantity]
    _tidy_work(desk, gone, reason)


def save_picks(promises: list[FulfilmentLine], *fields: str) -> None:
    """Write what is picked of these, kits with their parts, and further fields of the lines."""
    FulfilmentLine.objects.bulk_update(promises, ["picked", "codes", *fields])
    if parts := [part for promise in promises if promise.is_kit for part in promise.parts.all()]:
        FulfilmentPart.objects.bulk_update(parts, ["picked", "codes"])


def save_parts(desk: Desk) -> None:
    """Write what hangs on rows written a moment ago: back-orders, disputed amounts, and the parts of new kit lines.

    A new kit line is found by the reservation that names it.
    """
    BackOrder.objects.bulk_create([row for row in _taken(desk.new_backorders) if row.quantity])
    PaymentDisagreement.objects.bulk_create(_taken(desk.disputed), ignore_conflicts=True)
    parts = _taken(desk.new_parts)
    if not parts:
        return
    named = [part.fulfilment_line.reservation_id for part in parts]
    ids = dict(FulfilmentLine.objects.filter(reservation_id__in=named).values_list("reservation_id", "pk"))
    for part in parts:
        part.fulfilment_line_id = part.fulfilment_line.pk = ids[part.fulfilment_line.reservation_id]
    FulfilmentPart.objects.bulk_create(parts)


def _tidy_work(desk: Desk, touched: list[FulfilmentLine], reason: str) -> None:
    """Cancel emptied fulfilment orders; one whose remaining units are all picked is picked."""
    works = {p.fulfilment_id: p.fulfilment for p in touched if p.fulfilment is not None}
    for work in works.values():
        pk = work.pk
        left = [p for p in desk.promises if p.fulfilment_id == pk]
        if not left:
            work.move(FulfilmentStatus.CANCELLED, ended_reason=reason[:255])
            desk.note_work(facts.FULFILMENT_CANCELLED, work, {"reason": reason})
        elif work.status == FulfilmentStatus.PICKING and all(p.picked == p.quantity for p in left):
            work.move(FulfilmentStatus.PICKED, picked_at=timezone.now())
            desk.note_work(facts.PICKED, work, {"units": sum(p.quantity for p in left)})
        else:
            type(work).objects.filter(pk=pk).update(version=work.version + 1, updated_at=timezone.now())
            work.version += 1


def _least_done_first(promise: FulfilmentLine) -> tuple[int, int]:
    stage = promise.fulfilment.status if promise.fulfilment else None
    return (_STAGES.index(stage), -promise.pk)


def derive(desk: Desk) -> None:
    """Set the order's status from its lines and note where that ends it."""
    order, before = desk.order, desk.order.status
    order.status = derived_status(desk.lines)
    if before != order.status and order.status == OrderStatus.COMPLETED:
        desk.note(facts.COMPLETED, {"fulfilled": sum(line.fulfilled for line in desk.lines)})
    if before != order.status and order.status == OrderStatus.CANCELLED:
        desk.note(facts.CANCELLED, {"reason": order.cancel_reason, "by_source": order.source_cancelled})


def save(desk: Desk) -> None:
    """Write what changed, record the facts, open cases, and clear those that are no longer true."""
    order = desk.order
    derive(desk)
    order.version += 1
    order.updated_at = timezone.now()
    order.save(update_fields=[f.name for f in Order._meta.concrete_fields if f.name not in {"id", "number"}])
    if desk.lines:
        OrderLine.objects.bulk_update(desk.lines, [*VECTOR, *SOURCE_FIELDS])
    FulfilmentLine.objects.bulk_create(_taken(desk.new_promises))
    save_parts(desk)
    SourcingDecision.objects.bulk_create(_taken(desk.decisions))
    ShadowDecision.objects.bulk_create(_taken(desk.shadows))
    Hold.objects.bulk_create(_taken(desk.new_holds))
    announce(desk)
    cases.recheck(desk.subject, actor=desk.actor)


def announce(desk: Desk) -> None:
    """Record the facts and open the cases of this desk; each is taken off it, so none is ever told twice."""
    events.record_many(_taken(desk.facts))
    live.poke(TOPIC)
    for reason, words in _taken(desk.cases):
        cases.open_(reason, desk.subject, actor=desk.actor, **words)
        desk.opened.append(reason)


def _taken(rows: list[T]) -> list[T]:
    """All of them, leaving the list empty: what is written leaves the desk."""
    taken = rows[:]
    rows.clear()
    return taken
