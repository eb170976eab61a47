"""Changes stated against what was said before: the order is made anew from every message about it."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q

from core.errors import NotYet, Refusal
from integrations.arrivals import order_key
from integrations.channels.meaning import AmendOrder
from integrations.models import InboundMessage
from orders.canonical import IncomingOrder
from orders.models import Order


def carry_out(act: AmendOrder, message: InboundMessage, place: Callable[[IncomingOrder], None]) -> None:
    """Place the order, or its parts by place (`PO/shop`), as all messages together make it. Safe to repeat.

    Raises NotYet while the order isn't known.
    """
    channel = message.connection.channel
    if channel is None:
        raise Refusal("no_channel", f"{message.connection.name} is not the connection of a channel.")
    parts = Q(channel_ref__startswith=f"{act.order_ref}/")
    known = Order.objects.filter(Q(channel_ref=act.order_ref) | parts, channel=channel)
    uids = [str(pk) for pk in known.values_list("pk", flat=True)]
    if not uids:
        raise NotYet(order_key(channel.code, act.order_ref))
    about = InboundMessage.objects.filter(connection=message.connection, result_kind="order", result_uid__in=uids)
    earlier = about.exclude(pk=message.pk).select_related("edit").order_by("pk")
    for order in act.orders([each.content for each in earlier]):
        place(order)
