"""The order as its messages tell it: translated anew from the bytes that came."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Invalid
from integrations.channels import registry
from integrations.channels.meaning import PlaceOrder
from integrations.failures import Unreadable
from integrations.models import InboundMessage
from integrations.tracing import difference, rows
from integrations.tracing.difference import Figure
from orders.canonical import IncomingOrder
from orders.models import Order

LOOKED_AT = 20  # the newest messages about an order; one of them says all of it, or none does


@dataclass(frozen=True, slots=True)
class Compared:
    """One message's order beside the stored one. `older`: a newer version of the source's is what is stored."""

    message: InboundMessage
    figures: list[Figure]
    older: bool

    @property
    def differing(self) -> list[Figure]:
        return [figure for figure in self.figures if not figure.same]


def compare(order: Order, message_id: int | None = None) -> Compared | None:
    """The newest message that tells the whole order (or the one named) against what is stored; None without one."""
    found = rows.messages_of(order).select_related("connection__channel", "edit")
    found = found.filter(pk=message_id) if message_id else found.exclude(status=InboundMessage.Status.FAILED)
    for message in found.order_by("-id")[:LOOKED_AT]:
        incoming = told(message, order.channel_ref)
        if incoming is not None:
            stored = Order.objects.prefetch_related("lines", "payments").get(pk=order.pk)
            figures = difference.of(incoming, stored)
            return Compared(message, figures, incoming.version < stored.source_version)
    return None


def told(message: InboundMessage, order_ref: str) -> IncomingOrder | None:
    """The order of that reference as this message tells it; None where it tells no whole order."""
    vendor = registry.find(message.connection.vendor)
    if vendor is None:
        return None
    try:
        meaning = vendor.reader(message.connection)(message.topic, message.content)
    except (Unreadable, Invalid):
        return None
    for act in meaning.acts:
        if isinstance(act, PlaceOrder) and act.order.channel_ref == order_ref:
            return act.order
    return None
