"""Writing down what was agreed, and finding it again."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from orders import edits as shapes
from orders import events as facts
from orders.edits import Edits
from orders.models import ChangeStatus, OrderChange
from orders.services.desk import Desk
from orders.services.effects import Effect


def known(order_id: int, key: str) -> OrderChange | None:
    return OrderChange.objects.filter(order_id=order_id, key=key).first() if key else None


def record(desk: Desk, edits: Edits, effect: Effect, *, key: str, note: str = "") -> OrderChange:
    """A confirmed change, with its fact on the desk: channel, ERP and customer hear of it from there."""
    now, who = timezone.now(), desk.actor.label[:200]
    change = OrderChange.objects.create(
        order_id=desk.order.pk,
        key=key[:255],
        edits=shapes.write(edits),
        effect=effect.as_json(),
        summary=shapes.summary(edits),
        status=ChangeStatus.CONFIRMED,
        seen_version=desk.order.version,
        note=note[:500],
        created_by=who,
        decided_at=now,
        decided_by=who,
    )
    tell(desk, change)
    return change


def tell(desk: Desk, change: OrderChange) -> None:
    desk.note(facts.CHANGE_CONFIRMED, told(change))


def told(change: OrderChange) -> dict[str, Any]:
    return {
        "change": change.pk,
        "summary": change.summary,
        "edits": change.edits,
        "effect": change.effect,
        "note": change.note,
    }
