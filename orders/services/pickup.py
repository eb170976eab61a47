"""Collected at the store instead of sent."""

from __future__ import annotations

from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import COLLECTED_HERE, FulfilmentOrder, FulfilmentStatus
from orders.services import lifecycle
from orders.services.shipping import leave, leaving
from orders.services.withdrawing import withdraw
from orders.services.work import open_work


def ready(fulfilment_id: int, *, version: int | None = None, actor: Actor) -> FulfilmentOrder:
    """Picked and waiting at the counter."""

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        if w.job.method not in COLLECTED_HERE:
            raise Refusal("sent_not_collected", f"{w.job.number} is sent, not collected.")
        w.move(FulfilmentStatus.READY, facts.READY)
        lifecycle.save(w.desk)
        return w.job

    return retrying(work)


def hand_over(fulfilment_id: int, *, version: int | None = None, actor: Actor) -> FulfilmentOrder:
    """The customer has it. Channels and the ERP hear of it as of any other dispatch (`fulfilment.shipped`)."""

    def work() -> FulfilmentOrder:
        w = open_work(fulfilment_id, version=version, actor=actor)
        w.move(FulfilmentStatus.COLLECTED, facts.SHIPPED, leaving(w), shipped_at=timezone.now())
        leave(w)
        return w.job

    return retrying(work)


def uncollected(fulfilment_id: int, *, version: int | None = None, actor: Actor) -> FulfilmentOrder:
    """Nobody came: the units are free again and open on the order, which stays with a person."""
    return withdraw(
        fulfilment_id,
        to=FulfilmentStatus.UNCOLLECTED,
        event=facts.UNCOLLECTED,
        reason="Not collected",
        version=version,
        actor=actor,
        source_again=False,
    )
