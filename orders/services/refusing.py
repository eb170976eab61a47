"""Turning an order down because of what holds it."""

from __future__ import annotations

from core.actors import Actor
from core.errors import Refusal
from inventory.services.locking import retrying
from orders.edits import Cancel
from orders.models import HoldStatus
from orders.services import change_log, changes, effects, holds, lifecycle
from orders.services.desk import open_desk


def reject(order_id: int, *, hold_type: str, actor: Actor, note: str = "", version: int | None = None) -> None:
    """What the hold feared is true: it is rejected, and what hasn't left of the order is cancelled. Safe to repeat.

    Refusal("not_held") when no hold of the type stands and none was rejected.
    """

    def work() -> None:
        desk = open_desk(order_id, actor=actor)
        hold = next((hold for hold in desk.holds if hold.type == hold_type), None)
        if hold is None:
            if desk.order.holds.filter(type=hold_type, status=HoldStatus.REJECTED).exists():
                return
            raise Refusal("not_held", "No such hold stands any more.", hold=hold_type)
        lifecycle.require_version(desk, version)
        reason = note or hold.reason
        before = effects.look(desk)
        holds.end(desk, hold, HoldStatus.REJECTED, how="Rejected by a person", note=note, by_person=True)
        changes.cancel_rest(desk, reason=reason)
        effect = effects.difference(desk, before, effects.look(desk))
        edits = [Cancel(reason=reason[:255])]
        change_log.record(desk, edits, effect, key=f"reject:{hold.pk}", note=reason)
        lifecycle.save(desk)

    retrying(work)
