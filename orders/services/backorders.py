"""Units an order waits for: promised from deliveries on their way, taken off again when they aren't wanted any more.

Filling them when the delivery is here, and following it when it slips, is services/refilling.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from core.subjects import Subject
from inventory.models import Location, LocationStatus
from inventory.services import ahead
from orders import events as facts
from orders.models import BackOrder, BackOrderStatus, Method, OrderLine
from orders.services import lookups, promises, transit
from orders.services.desk import Desk
from orders.sourcing import Goods, Want


@dataclass(frozen=True, slots=True)
class Placed:
    """What deliveries on their way will bring, and by when the customer has it; `left` no delivery covers."""

    units: int
    left: tuple[Want, ...]
    promise_by: datetime | None

    @property
    def ok(self) -> bool:
        return not self.left


class Routes:
    """From where deliveries arrive to the customer of one order. Two queries, and one per node for what it states."""

    def __init__(self, desk: Desk, rows: Iterable[ahead.Promise | BackOrder]):
        rows = list(rows)
        self.order = desk.order
        self.places = Location.objects.in_bulk({row.location_id for row in rows})
        self.goods = lookups.goods_of({row.item_id for row in rows}) if rows else {}

    def promise(self, location_id: int, item_id: int, arrives_at: datetime, units: int) -> datetime:
        article = self.goods.get(item_id, Goods())
        return transit.of_delivery(self.order, self.places[location_id], arrives_at, article=article, units=units)


def place(desk: Desk, wants: Sequence[Want], *, whole: bool = False, from_: Subject | None = None) -> Placed:
    """Back-order these open units: each bound to the delivery that brings it first. The desk isn't saved yet.

    With `whole` it is every unit or none. `from_` binds to one delivery alone (a transfer to the pickup store). What no
    delivery covers stays open, for the caller to decide about. A promise to the customer is only ever moved later here.
    Locks the deliveries.
    """
    wanted: Counter[int] = Counter()
    for want in wants:
        wanted[want.item_id] += want.quantity
    found = ahead.promise(wanted, location_ids=_places(desk), cause=from_) if wants else []
    if whole and sum(one.quantity for one in found) < wanted.total():
        _forget(desk, found)
        found = []
    made, left = _share(desk, wants, found, Routes(desk, found))
    if not made:
        return Placed(0, left, desk.order.promise_by)
    for row, units in made:
        line = desk.line(row.order_line_id)
        line.open -= units
        line.backordered += units
    latest = max(row.promise_by for row, _ in made)
    if desk.order.promise_by is None or latest > desk.order.promise_by:
        promises.set_(desk, latest, "Waits for a delivery")
    desk.note(
        facts.BACKORDERED,
        {
            "lines": [
                {"line": row.order_line_id, "sku": desk.line(row.order_line_id).sku, "quantity": units,
                 "due_at": row.due_at.isoformat(), "receipt": row.receipt_id}
                for row, units in made
            ],
            "promise_by": latest.isoformat(),
        },
        [(Subject("item", str(item)), "item") for item in sorted({row.item_id for row, _ in made})],
    )  # fmt: skip
    return Placed(sum(units for _, units in made), left, latest)


def trim(desk: Desk, lines: Iterable[OrderLine], *, reason: str) -> None:
    """Take back-orders off until they are what each line's `backordered` says: the delivery due last goes first."""
    for line in lines:
        rows = waiting(desk, [line.pk])
        surplus = sum(row.quantity for row in rows) - line.backordered
        for row in reversed(rows):
            units = min(surplus, row.quantity)
            if units > 0:
                surplus -= units
                take_off(row, units, to=BackOrderStatus.CANCELLED, reason=reason)
                ahead.give_up(row.receipt_id, units, key=desk.key("give-up"), actor=desk.actor)


def waiting(desk: Desk, line_ids: Collection[int] | None = None) -> list[BackOrder]:
    """The order's back-orders that wait, soonest first; of these lines where given. Written ones and new ones."""
    rows = BackOrder.objects.waiting().filter(order_line__order=desk.order.pk).order_by("due_at", "pk")
    found = [*rows, *(row for row in desk.new_backorders if row.quantity)]
    return [row for row in found if line_ids is None or row.order_line_id in line_ids]


def take_off(row: BackOrder, units: int, *, to: str, reason: str) -> None:
    """So many of its units don't wait any more; the last of them ends the row."""
    left = row.quantity - units
    filled = row.filled + (units if to == BackOrderStatus.FILLED else 0)
    if left or row.pk is None:
        row.quantity, row.filled = left, filled
        if row.pk is not None:
            row.save(update_fields=["quantity", "filled"])
    else:
        row.move(to, quantity=0, filled=filled, ended_at=timezone.now(), ended_reason=reason[:255])


def _places(desk: Desk) -> list[int]:
    """Where a delivery helps: at the place of collection, or anywhere that sends."""
    rows = Location.objects.filter(status=LocationStatus.ACTIVE)
    if desk.order.method == Method.PICKUP:
        rows = rows.filter(pk=desk.order.pickup_location_id, pickup=True)
    else:
        rows = rows.filter(ships=True)
    return list(rows.values_list("pk", flat=True))


def _share(
    desk: Desk, wants: Sequence[Want], found: Sequence[ahead.Promise], routes: Routes
) -> tuple[list[tuple[BackOrder, int]], tuple[Want, ...]]:
    """(row, units) for the wants in their order, each from the soonest delivery with something left."""
    rows = {(row.order_line_id, row.receipt_id): row for row in (waiting(desk) if _waits(desk) else ())}
    free = {one: one.quantity for one in found}
    made: list[tuple[BackOrder, int]] = []
    left: list[Want] = []
    for want in wants:
        missing = want.quantity
        for one in [one for one in found if one.item_id == want.item_id]:
            if units := min(missing, free[one]):
                free[one] -= units
                missing -= units
                made.append((_row(desk, rows, want.line_id, one, units, routes), units))
        if missing:
            left.append(Want(want.line_id, want.item_id, missing))
    return made, tuple(left)


def _row(
    desk: Desk, rows: dict[tuple[int, int], BackOrder], line_id: int, one: ahead.Promise, units: int, routes: Routes
) -> BackOrder:
    """More units on the row that waits for this delivery already, or a new one on the desk."""
    row = rows.get((line_id, one.receipt_id))
    if row is None:
        row = rows[line_id, one.receipt_id] = BackOrder(
            order_line_id=line_id,
            item_id=one.item_id,
            location_id=one.location_id,
            receipt_id=one.receipt_id,
            transfer=one.cause_kind == "transfer",
            asked=0,
            quantity=0,
            first_due_at=one.due_at,
            due_at=one.due_at,
            promise_by=routes.promise(one.location_id, one.item_id, one.due_at, units),
        )
        desk.new_backorders.append(row)
    row.asked += units
    row.quantity += units
    if row.pk is not None:
        row.save(update_fields=["asked", "quantity"])
    return row


def _waits(desk: Desk) -> bool:
    return bool(desk.new_backorders) or any(line.backordered for line in desk.lines)


def _forget(desk: Desk, found: Sequence[ahead.Promise]) -> None:
    for one in found:
        ahead.give_up(one.receipt_id, one.quantity, key=desk.key("give-up"), actor=desk.actor)
