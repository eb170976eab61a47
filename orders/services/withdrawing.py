"""Taking work away from a node: because it can't do it, or because somebody decided so."""

from __future__ import annotations

from core.actors import Actor
from inventory.services import reservations
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import FulfilmentOrder, FulfilmentStatus, NodeExclusion
from orders.services import allocation, leftovers, lifecycle
from orders.services.work import Work, open_work


def reject(fulfilment_id: int, *, reason: str, version: int | None = None, actor: Actor) -> FulfilmentOrder:
    """The node declines: its units are sourced elsewhere, and it isn't asked again for these lines."""
    return withdraw(
        fulfilment_id,
        to=FulfilmentStatus.REJECTED,
        event=facts.REJECTED,
        reason=reason or "Declined",
        version=version,
        actor=actor,
    )


def cancel(fulfilment_id: int, *, reason: str, version: int | None = None, actor: Actor) -> FulfilmentOrder:
    """The desk takes the work back from a node, up to the moment it leaves; its units are sourced elsewhere.

    To cancel what the customer ordered, cancel the order (`changes.cancel`).
    """
    return withdraw(
        fulfilment_id,
        to=FulfilmentStatus.CANCELLED,
        event=facts.FULFILMENT_CANCELLED,
        reason=reason or "Taken back",
        version=version,
        actor=actor,
    )


def withdraw(
    fulfilment_id: int,
    *,
    to: str,
    event: str,
    reason: str,
    version: int | None,
    actor: Actor,
) -> FulfilmentOrder:
    """End the work without delivering it: units back to stock and to `open`, this node left out from now on."""

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        w.move(to, event, {"reason": reason}, ended_reason=reason[:255])
        free(w, reason)
        allocation.source(w.desk)
        lifecycle.save(w.desk)
        return w.job

    return retrying(work)


def free(w: Work, reason: str, *, exclude: bool = True) -> None:
    """The work's units go back to stock and are open again; its node isn't asked for these lines any more.

    Without `exclude` the node stays a candidate: it isn't its fault.
    """
    desk = w.desk
    if not w.lines:
        return
    reservations.release(
        [part for line in w.lines for part in line.promises(line.quantity)],
        key=desk.key("withdraw"),
        reason=reason,
        actor=desk.actor,
    )
    picked = leftovers.picked(w.lines)
    for line in w.lines:
        wanted = desk.line(line.order_line_id)
        wanted.allocated -= line.quantity
        wanted.open += line.quantity
        line.quantity = line.picked = 0
        line.recount()
        if exclude:
            NodeExclusion.objects.get_or_create(
                order_line=wanted, location_id=line.location_id, defaults={"reason": reason[:60]}
            )
    lifecycle.save_picks(w.lines, "quantity")
    leftovers.note(picked)
    desk.promises = [promise for promise in desk.promises if promise.quantity]
