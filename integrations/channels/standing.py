"""Telling channels where orders leave from and what holds them, for their own plans of the same orders."""

from __future__ import annotations

from collections import Counter

from core.events import EventDraft, Fact
from integrations import cutover
from integrations.channels import registry
from integrations.channels.news import Standing
from integrations.channels.vendor import Vendor
from integrations.models import Connection
from orders import events as facts
from orders.models import FulfilmentLine, Hold, Order
from orders.services import holds

OF_HOLDS = frozenset({facts.HELD, facts.HOLD_RESOLVED})


def lane(draft: EventDraft) -> str:
    """One lane per order, whichever of its works the fact is about."""
    order = next((subject for subject, name in draft.related if name == "order"), draft.subject)
    return f"order:{order.uid}"


def tell(event: Fact) -> None:
    """order.held, hold.resolved, fulfilment.opened, fulfilment.resourced: the channel's plan becomes ours.

    Safe to repeat and to come late: what stands now is told, not what the fact says.
    """
    uid = next((subject.uid for subject, name in event.related if name == "order"), event.subject.uid)
    order = Order.objects.select_related("channel").get(pk=int(uid))
    found = _teller(order)
    if found is None:
        return
    vendor, connection = found
    if vendor.tell_standing and (event.type in OF_HOLDS or connection.settings.get("stock_locations")):
        vendor.tell_standing(connection, standing(order))


def standing(order: Order) -> Standing:
    places: Counter[tuple[str, str]] = Counter()
    open_ones = FulfilmentLine.objects.filter(order_line__order=order, shipped=False, quantity__gt=0)
    for ref, code, units in open_ones.values_list("order_line__ref", "location__code", "quantity"):
        places[ref, code] += units
    standing_now = Hold.objects.standing().filter(order=order, blocks__in=holds.STEPS)
    first = min(standing_now, key=lambda hold: holds.STEPS.index(hold.blocks), default=None)
    return Standing(order.channel_ref, places, first.type if first else "", first.reason if first else "")


def _teller(order: Order) -> tuple[Vendor, Connection] | None:
    """The oldest connection of the order's channel that is in use and keeps such a plan."""
    connections = Connection.objects.filter(channel=order.channel, kind=Connection.Kind.CHANNEL)
    for connection in connections.exclude(status=Connection.Status.DISABLED).order_by("created_at"):
        vendor = registry.find(connection.vendor)
        wanted = connection.settings.get("tell_standing", True)
        if (
            vendor
            and vendor.tell_standing
            and vendor.can_be_called(connection)
            and wanted
            and cutover.tells(connection, order)
        ):
            return vendor, connection
    return None
