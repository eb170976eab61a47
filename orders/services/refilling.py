"""Deliveries that arrive, slip or never come: back-orders are filled, promised anew, or bound to another delivery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Min, Sum
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.subjects import Subject
from inventory.models import ExpectedReceipt, ReceiptStatus
from inventory.services import ahead
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import BackOrder, BackOrderStatus
from orders.services import allocation, backorders, lifecycle, promises
from orders.services.desk import Desk, open_desk
from orders.sourcing import Want

Receipts = dict[int, ExpectedReceipt]
Step = Callable[[Desk, Sequence[BackOrder], Receipts], bool]
A_DAY = timedelta(days=1)
LATE = timedelta(hours=4)  # how long after its hour a delivery that says nothing is followed up


def follow(receipt_ids: Sequence[int], *, actor: Actor = SYSTEM) -> int:
    """Bring everything that waits for these deliveries in line with them; returns how many orders changed.

    An order a transaction; safe to repeat and to interrupt. Units that won't come are taken off whoever was promised
    last and bound to another delivery, else they are open again; what arrived goes to whoever was promised first; a new
    date is a new promise.
    """
    oldest_first = _orders(receipt_ids)
    changed: set[int] = set()
    for order_ids, step in ((oldest_first[::-1], _rebind), (oldest_first, _fill), (oldest_first, _redate)):
        for order_id in order_ids:
            if retrying(partial(_take_step, order_id, frozenset(receipt_ids), step, actor)):
                changed.add(order_id)
    for receipt_id in receipt_ids:
        retrying(partial(_let_rest_go, receipt_id, actor))
    return len(changed)


def follow_cause(kind: str, uid: str, *, actor: Actor = SYSTEM) -> int:
    """The same for every delivery of a cause (a transfer, a purchase) that something waits for."""
    rows = ExpectedReceipt.objects.filter(cause_kind=kind, cause_uid=uid).values_list("pk", flat=True)
    return follow(sorted(rows), actor=actor)


def source_now(order_id: int, *, actor: Actor) -> int:
    """Take what an order waits for from nodes that have it in stock by now; returns units. All it waits for or none."""

    @transaction.atomic
    def work() -> int:
        desk = open_desk(order_id, actor=actor)
        rows = backorders.waiting(desk)
        for row in rows:
            ahead.give_up(row.receipt_id, row.quantity, key=desk.key("give-up"), actor=desk.actor)
        wants = _open_again(desk, [(row, row.quantity) for row in rows], "Had from stock elsewhere")
        if not wants or not allocation.source(desk, wanted=tuple(wants)).ok:
            raise _Nothing
        lifecycle.save(desk)
        return sum(want.quantity for want in wants)

    try:
        return retrying(work)
    except _Nothing:
        return 0


class _Nothing(Exception):
    """There is nothing to be had: leave everything as it was."""


def _open_again(desk: Desk, rows: Sequence[tuple[BackOrder, int]], reason: str) -> list[Want]:
    """These units don't wait for their delivery any more."""
    units_of: Counter[tuple[int, int]] = Counter()
    for row, units in rows:
        backorders.take_off(row, units, to=BackOrderStatus.MOVED, reason=reason)
        line = desk.line(row.order_line_id)
        line.backordered -= units
        line.open += units
        units_of[line.pk, row.item_id] += units
    return [Want(line_id, item_id, units) for (line_id, item_id), units in sorted(units_of.items())]


def sweep(*, limit: int = 200, actor: Actor = SYSTEM) -> int:
    """Deliveries whose news was missed: ended while something waits, or another date than was promised from."""
    rows = BackOrder.objects.waiting().order_by("due_at", "pk").values_list("receipt_id", "due_at", "quantity")
    waiting = list(rows[: limit * 5])
    known = ahead.standing(sorted({receipt_id for receipt_id, _, _ in waiting}))
    stale = {
        receipt_id
        for receipt_id, due_at, _ in waiting
        if known[receipt_id].status != ReceiptStatus.EXPECTED or known[receipt_id].due_at != due_at
    }
    return follow(sorted(stale)[:limit], actor=actor) if stale else 0


def _orders(receipt_ids: Sequence[int]) -> list[int]:
    """Whoever was promised first comes first."""
    rows = BackOrder.objects.waiting().filter(receipt_id__in=list(receipt_ids))
    first = rows.values("order_line__order").annotate(first=Min("promise_by"), made=Min("pk")).order_by("first", "made")
    return [row["order_line__order"] for row in first]


def _take_step(order_id: int, receipt_ids: frozenset[int], step: Step, actor: Actor) -> bool:
    desk = open_desk(order_id, actor=actor)
    rows = [row for row in backorders.waiting(desk) if row.receipt_id in receipt_ids]
    before = _latest(desk)
    if not rows or not step(desk, rows, ahead.standing(sorted({row.receipt_id for row in rows}))):
        return False
    _promise_anew(desk, before, "The delivery it waits for comes later")
    lifecycle.save(desk)
    return True


def _let_rest_go(receipt_id: int, actor: Actor) -> None:
    """Kept units nobody waits for any more are everybody's."""
    kept = ahead.kept(receipt_id)
    if kept and not BackOrder.objects.waiting().filter(receipt_id=receipt_id).exists():
        ahead.let_go(receipt_id, None, key=f"inbound:{receipt_id}:rest:{kept[0].pk}:{kept[0].quantity}", actor=actor)


# --- Arrived


def _fill(desk: Desk, rows: Sequence[BackOrder], receipts: Receipts) -> bool:
    """Take what is kept of the deliveries for these rows, and give it a node as one."""
    arrived: Counter[tuple[int, int]] = Counter()
    took: list[tuple[BackOrder, int]] = []
    for row in rows:
        if units := ahead.let_go(row.receipt_id, row.quantity, key=desk.key("arrived"), actor=desk.actor):
            line = desk.line(row.order_line_id)
            line.backordered -= units
            line.open += units
            arrived[line.pk, row.item_id] += units
            took.append((row, units))
    if not took:
        return False
    for row, units in took:
        backorders.take_off(row, units, to=BackOrderStatus.FILLED, reason="Arrived")
    desk.note(
        facts.BACKORDER_FILLED,
        {"lines": [{"line": row.order_line_id, "sku": desk.line(row.order_line_id).sku, "quantity": units}
                   for row, units in took]},
    )  # fmt: skip
    wanted = tuple(Want(line_id, item_id, units) for (line_id, item_id), units in sorted(arrived.items()))
    if not allocation.source(desk, wanted=wanted).ok:
        # It arrived where nothing may leave from just now (closed, paused): another delivery, or a person.
        backorders.place(desk, wanted)
    return True


# --- Not coming


def _rebind(desk: Desk, rows: Sequence[BackOrder], receipts: Receipts) -> bool:
    """Units their delivery won't bring: another one, else stock that is free somewhere, else a person."""
    missing = _shortfall(receipts)
    lost: list[tuple[BackOrder, int]] = []
    for row in reversed(rows):
        if units := min(row.quantity, missing[row.receipt_id]):
            missing[row.receipt_id] -= units
            ahead.not_coming(row.receipt_id, units)
            lost.append((row, units))
    if not lost:
        return False
    placed = backorders.place(desk, _open_again(desk, lost, "The delivery won't bring it"))
    if placed.left:
        allocation.source(desk, wanted=placed.left)
    return True


def _shortfall(receipts: Receipts) -> Counter[int]:
    """Per delivery, the units that wait for it beyond what is kept of it and what it still brings."""
    rows = BackOrder.objects.waiting().filter(receipt_id__in=receipts).order_by().values_list("receipt_id")
    missing = Counter(dict(rows.annotate(units=Sum("quantity"))))
    for receipt_id, receipt in receipts.items():
        coming = min(receipt.committed, receipt.left) if receipt.status == ReceiptStatus.EXPECTED else 0
        missing[receipt_id] -= coming + sum(held.quantity for held in ahead.kept(receipt_id))
    return +missing


# --- Another date


def _redate(desk: Desk, rows: Sequence[BackOrder], receipts: Receipts) -> bool:
    routes = backorders.Routes(desk, rows)
    slipped = False
    for row in rows:
        receipt = receipts[row.receipt_id]
        if receipt.due_at == row.due_at:
            continue
        slipped = True
        before, row.due_at = row.due_at, receipt.due_at
        row.promise_by = routes.promise(row.location_id, row.item_id, row.due_at, row.quantity)
        row.save(update_fields=["due_at", "promise_by"])
        if row.due_at > before:
            desk.note(
                facts.BACKORDER_SLIPPED,
                {"before": before.isoformat(), "after": row.due_at.isoformat(), "receipt": row.receipt_id},
                [(Subject("item", str(row.item_id)), "item")],
            )
            desk.case(
                "orders.backorder_slipped",
                summary=f"{desk.line(row.order_line_id).sku}: {row.quantity} now due {row.due_at:%d %b}, "
                f"not {row.first_due_at:%d %b}",
                value=desk.order.total,
                currency=desk.order.currency,
                promise_by=row.promise_by,
            )
    return slipped


def _latest(desk: Desk) -> datetime | None:
    return max((row.promise_by for row in backorders.waiting(desk)), default=None)


def _promise_anew(desk: Desk, before: datetime | None, why: str) -> None:
    """A promise that came from a delivery follows it both ways; one that came from elsewhere only moves later."""
    now = _latest(desk)
    promised = desk.order.promise_by
    if now is None or now == promised:
        return
    if promised is None or now > promised or promised == before:
        sooner = promised is not None and now < promised
        promises.set_(desk, now, "The delivery comes sooner" if sooner else why)


# --- Silent


def promise_silent_anew(*, limit: int = 200, actor: Actor = SYSTEM) -> int:
    """Tell customers before their promise is missed that a delivery hasn't come; returns how many orders. For a timer.

    A delivery that is late and says nothing is expected as late again as it is already, a day at least, so that a
    customer hears of it a few times and not every day. Nothing is done while it could still come in time. Repeatable.
    """
    rows = BackOrder.objects.waiting().filter(due_at__lt=timezone.now() - LATE).order_by("promise_by", "pk")
    orders = list(dict.fromkeys(rows.values_list("order_line__order", flat=True)[: limit * 5]))[:limit]
    return sum(retrying(partial(_promise_silent_anew, order_id, actor)) for order_id in orders)


@transaction.atomic
def _promise_silent_anew(order_id: int, actor: Actor) -> bool:
    desk = open_desk(order_id, actor=actor)
    now = timezone.now()
    rows = [row for row in backorders.waiting(desk) if row.due_at < now - LATE]
    routes, before = backorders.Routes(desk, rows), _latest(desk)
    late = [row for row in rows if routes.promise(row.location_id, row.item_id, now, row.quantity) > row.promise_by]
    for row in late:
        expected = now + max(A_DAY, now - row.due_at)
        row.promise_by = routes.promise(row.location_id, row.item_id, expected, row.quantity)
        row.save(update_fields=["promise_by"])
    if late:
        _promise_anew(desk, before, "The delivery it waits for hasn't come")
        lifecycle.save(desk)
    return bool(late)


def overdue() -> list[int]:
    """Orders that wait for a delivery which should have been here hours ago and says nothing."""
    late = timezone.now() - LATE
    rows = BackOrder.objects.waiting().filter(due_at__lt=late)
    return list(rows.order_by("order_line__order").values_list("order_line__order", flat=True).distinct()[:1000])
