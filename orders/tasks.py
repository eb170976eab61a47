"""What orders do when something happened elsewhere, and by the clock. Handlers are idempotent; each is one call."""

from __future__ import annotations

from celery import shared_task

from core.actors import SYSTEM
from core.events import Fact
from orders.models import Channel
from orders.services import allocation, fulfilment, mapping


def release(fact: Fact) -> None:
    """`order.allocated`, `hold.resolved`: give the nodes their work unless a hold stands."""
    fulfilment.create(int(fact.subject.uid), actor=SYSTEM)


def map_lines(fact: Fact) -> None:
    """`item.alias_added`: lines that waited for this SKU find their item."""
    channel = Channel.objects.filter(code=fact.data.get("system", "")).first()
    if channel is not None:
        mapping.retry(str(fact.data.get("code", "")), channel, actor=SYSTEM)


@shared_task(ignore_result=True)
def allocate_waiting() -> None:
    """Orders that waited for stock or for somebody to know a SKU, now that it may be there."""
    mapping.retry_known(actor=SYSTEM)
    allocation.allocate_waiting()
