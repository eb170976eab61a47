"""Money events that come by themselves, without the order they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from core.actors import Actor
from core.errors import NotYet, Refusal
from core.subjects import Subject
from exceptions.services import cases
from inventory.services.locking import retrying
from orders.canonical import IncomingPayment
from orders.models import Channel, Order, PaymentDisagreement
from orders.services import lifecycle, money
from orders.services.desk import open_desk
from orders.services.intake import Placed


def settle(order_id: int, *, actor: Actor) -> int:
    """A person looked at the amounts that disagree: those told first stand; returns how many. Safe to repeat."""

    def work() -> int:
        desk = open_desk(order_id, actor=actor)
        standing = PaymentDisagreement.objects.filter(order_id=order_id, settled_at__isnull=True)
        count = standing.update(settled_at=timezone.now(), settled_by=actor.label[:200])
        cases.recheck(desk.subject, actor=actor)
        return count

    return retrying(work)


def judge_again(order_id: int, ids: Sequence[int], *, actor: Actor) -> int:
    """These amounts wait for a person again; returns how many. Refusal("judged_again") where one does already."""

    def work() -> int:
        open_desk(order_id, actor=actor)
        rows = PaymentDisagreement.objects.filter(order_id=order_id, pk__in=ids, settled_at__isnull=False)
        count = rows.update(settled_at=None, settled_by="")
        if count != len(set(ids)):
            raise Refusal("judged_again", "One of these amounts waits to be judged already.")
        return count

    return retrying(work)


def record(
    order_ref: str,
    payments: Sequence[IncomingPayment],
    *,
    channel: Channel,
    actor: Actor,
    source: Subject | None = None,
) -> Placed:
    """Write down what happened to the money of a known order, each event once by its ref and kind. Safe to repeat.

    Raises NotYet while the order isn't known. Locks the order.
    """

    def work() -> Placed:
        order_id = Order.objects.filter(channel=channel, channel_ref=order_ref).values_list("pk", flat=True).first()
        if order_id is None:
            raise NotYet(f"order:{channel.code}:{order_ref}")
        desk = open_desk(order_id, actor=actor, source=source)
        money.add(desk, payments, ())
        if not desk.facts and not desk.disputed:
            return Placed(desk.order.pk, desk.order.number, "unchanged")
        lifecycle.save(desk)
        return Placed(desk.order.pk, desk.order.number, "changed")

    return retrying(work)
