"""Telling channels what was changed on their orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import Permanent
from core.events import Fact
from integrations import cutover
from integrations.channels import registry
from integrations.channels.news import ChangeMemory, ChangeNews, Wanted
from integrations.models import Connection
from orders.models import ChannelKind, Order, Told
from orders.services import change_log

Teller = Callable[[Connection, ChangeNews, ChangeMemory], str]
# Channels of our own: what was changed here is what they show.
OURS = frozenset({ChannelKind.POS, ChannelKind.PHONE, ChannelKind.WHOLESALE})


@dataclass(slots=True)
class Kept:
    """A change's row as its ChangeMemory."""

    change_id: int
    ref: str

    def keep(self, ref: str) -> None:
        change_log.keep_ref(self.change_id, ref)
        self.ref = ref


def tell(event: Fact) -> None:
    """order.change_confirmed: the order's channel hears of it, or a case says why it can't.

    Safe to repeat: vendors look at the order before they change it. What a vendor refuses for good is done by hand.
    """
    if change_log.is_told(int(event.data["change"])):
        return
    order = Order.objects.select_related("channel").get(pk=int(event.subject.uid))
    change_id = int(event.data["change"])
    teller = _teller(order)
    if teller is None:
        if order.channel.kind in OURS:
            change_log.mark_told(change_id, Told.TOLD, words="Nobody else keeps this order.", actor=event.actor)
        else:
            words = f"{order.channel.name} takes no changes from here."
            change_log.mark_told(change_id, Told.CANNOT, words=words, actor=event.actor)
        return
    tell_it, connection = teller
    news = ChangeNews(
        order_ref=order.channel_ref,
        edits=tuple(event.data["edits"]),
        wanted=tuple(_wanted(order)),
        ship_to=order.ship_to or {},
        note=event.data.get("note", ""),
        reference=f"{order.number}-change-{change_id}",
    )
    try:
        words = tell_it(connection, news, Kept(change_id, change_log.ref_of(change_id)))
    except Permanent as refused:
        change_log.mark_told(change_id, Told.CANNOT, words=str(refused), actor=connection.actor)
    else:
        change_log.mark_told(change_id, Told.TOLD, words=words, actor=connection.actor)


def _wanted(order: Order) -> list[Wanted]:
    lines = order.lines.order_by("position", "pk")
    return [Wanted(line.ref, line.sku, line.ordered - line.cancelled, line.unit_price) for line in lines]


def _teller(order: Order) -> tuple[Teller, Connection] | None:
    """The oldest connection of the order's channel that is in use and can be told of changes."""
    connections = Connection.objects.filter(channel=order.channel, kind=Connection.Kind.CHANNEL)
    for connection in connections.exclude(status=Connection.Status.DISABLED).order_by("created_at"):
        vendor = registry.find(connection.vendor)
        wanted = connection.settings.get("tell_changes", True)
        if (
            vendor
            and vendor.tell_change
            and vendor.can_be_called(connection)
            and wanted
            and cutover.tells(connection, order)
        ):
            return vendor.tell_change, connection
    return None
