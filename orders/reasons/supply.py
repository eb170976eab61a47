"""Cases about deliveries an order waits for."""

from __future__ import annotations

from core.actors import Actor
from core.subjects import Subject
from exceptions import reasons
from exceptions.reasons import Action, Cell, Column, Evidence, Reason, Row
from inventory.models import ExpectedReceipt
from orders.models import BackOrder
from orders.reasons import shared, weights
from orders.services import refilling


def _waiting(uid: str) -> list[BackOrder]:
    rows = BackOrder.objects.waiting().filter(order_line__order_id=int(uid))
    return list(rows.select_related("order_line", "location").order_by("due_at", "pk"))


def _slipped(uid: str) -> bool:
    return any(row.slipped for row in _waiting(uid))


def _overdue(uid: str) -> bool:
    return int(uid) in refilling.overdue()


def _deliveries(uid: str) -> Evidence:
    rows = _waiting(uid)
    causes = ExpectedReceipt.objects.in_bulk([row.receipt_id for row in rows])
    return Evidence(
        heading="What the order waits for",
        columns=("SKU", Column("Units", numeric=True), "To", "Brought by", "Promised from", "Due now"),
        rows=[
            Row(
                (
                    Cell(row.order_line.sku, Subject("item", str(row.item_id), row.order_line.sku), code=True),
                    str(row.quantity),
                    row.location.name,
                    _cause(causes.get(row.receipt_id)),
                    f"{row.first_due_at:%d %b %H:%M} UTC",
                    f"{row.due_at:%d %b %H:%M} UTC",
                ),
                hot=row.slipped,
            )
            for row in rows
        ],
        empty="Nothing is waited for any more.",
    )


def _cause(receipt: ExpectedReceipt | None) -> Cell | str:
    if receipt is None:
        return "unknown"
    label = receipt.cause_label or f"{receipt.cause_kind} {receipt.cause_uid}"
    return Cell(label, Subject(receipt.cause_kind, receipt.cause_uid, label))


def _elsewhere(uid: str, *, actor: Actor) -> str:
    units = refilling.source_now(int(uid), actor=actor)
    return f"{units} units have a node now." if units else "No node has it in stock yet."


_NOW = Action(
    code="source_now",
    title="Look for stock elsewhere",
    detail="Takes it from a node that has it by now instead of waiting.",
    permission="orders.change_order",
    run=_elsewhere,
    rehearsed=True,
    undo=shared.open_again,
    primary=True,
)
REASONS = (
    Reason(
        code="orders.backorder_slipped",
        impact=weights.of_order,
        title="A delivery an order waits for comes later",
        queue="orders",
        subject_kind="order",
        icon="calendar",
        acknowledge_minutes=2 * 60,
        resolve_minutes=8 * 60,
        description="Units were promised from a delivery that is due later now. The promise moved with it.",
        clears="when the units have come, are had elsewhere or aren't wanted any more",
        predicate=_slipped,
        evidence=_deliveries,
        context=shared.context,
        describe=shared.describe,
        value=shared.value,
        actions=(_NOW,),
    ),
    Reason(
        code="orders.backorder_overdue",
        impact=weights.of_order,
        title="A delivery an order waits for is missing",
        queue="orders",
        subject_kind="order",
        icon="package-x",
        severity=reasons.HIGH,
        acknowledge_minutes=60,
        resolve_minutes=8 * 60,
        description="A delivery that units were promised from should have arrived hours ago, and nobody says when.",
        clears="when it arrives, has a new date, or nothing waits for it",
        predicate=_overdue,
        evidence=_deliveries,
        context=shared.context,
        standing=shared.standing(refilling.overdue),
        describe=shared.describe,
        value=shared.value,
        actions=(_NOW,),
    ),
)
