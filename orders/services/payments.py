"""Money events that come by themselves, without the order they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from core.actors import Actor
from core.errors import NotYet
from core.subjects import Subject
from inventory.services.locking import retrying
from orders.canonical import IncomingPayment
from orders.models import Channel, Order, Payment
from orders.services import lifecycle, money
from orders.services.desk import open_desk
from orders.services.intake import Placed


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
        known = set(Payment.objects.filter(order=desk.order).values_list("provider_ref", "kind"))
        if all((payment.ref, payment.kind) in known for payment in payments):
            return Placed(desk.order.pk, desk.order.number, "unchanged")
        money.add(desk, payments, ())
        lifecycle.save(desk)
        return Placed(desk.order.pk, desk.order.number, "changed")

    return retrying(work)
