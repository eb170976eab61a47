"""Telling channels what happened: handlers of facts, delivered at least once by the outbox."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from core import events
from core.errors import Permanent
from core.events import Fact
from core.subjects import Subject
from integrations import arrivals, cutover, inbox
from integrations import events as facts
from integrations.channels import registry
from integrations.channels.news import ShipmentNews
from integrations.channels.vendor import Vendor
from integrations.models import Connection
from orders.models import Order, Payment


def tell_channel(event: Fact) -> None:
    """fulfilment.shipped: the order's channel hears of it, where it has a connection that can be told.

    A paused connection keeps the news waiting without spending attempts. Safe to repeat: vendors look for the shipment
    before they make it.
    """
    order = _order(event)
    teller = _teller(order)
    if teller is None:
        return
    vendor, connection = teller
    if vendor.tell_shipment is None:
        return
    news = ShipmentNews(
        order_ref=order.channel_ref,
        reference=event.subject.label,
        lines=tuple((str(line["ref"]), int(line["quantity"])) for line in event.data["lines"]),
        carrier=event.data.get("carrier", ""),
        tracking_number=event.data.get("tracking_number", ""),
        tracking_url=event.data.get("tracking_url", ""),
        completes=not order.lines.filter(ordered__gt=F("cancelled") + F("fulfilled"), requires_shipping=True).exists(),
    )
    theirs = vendor.tell_shipment(connection, news)
    with transaction.atomic():
        events.record(
            facts.SHIPMENT_TOLD,
            event.subject,
            actor=connection.actor,
            data={"connection": connection.code, "vendor": vendor.name, "their_id": theirs},
            related=[(Subject("order", str(order.pk), order.number), "order")],
        )


def let_waiting_go(event: Fact) -> None:
    """order.received: try the messages that came before their order. Safe to repeat."""
    keys = [arrivals.order_key(event.data["channel"], event.data["channel_ref"])]
    # Its payments' provider may have been faster, and knows them by any of their names.
    paid = Payment.objects.filter(order=int(event.subject.uid)).values_list("provider_ref", "parent_ref")
    keys += [arrivals.payment_key("", ref) for ref in sorted({ref for pair in paid for ref in pair if ref})]
    arrivals.let_go(keys, inbox.process)


def _order(event: Fact) -> Order:
    for subject, qualifier in event.related:
        if qualifier == "order":
            return Order.objects.select_related("channel").get(pk=int(subject.uid))
    raise Permanent("The fact names no order.")


def _teller(order: Order) -> tuple[Vendor, Connection] | None:
    """The oldest connection of the order's channel that is in use and can be told of shipments."""
    connections = Connection.objects.filter(channel=order.channel, kind=Connection.Kind.CHANNEL)
    for connection in connections.exclude(status=Connection.Status.DISABLED).order_by("created_at"):
        vendor = registry.find(connection.vendor)
        wanted = connection.settings.get("tell_shipments", True)
        if (
            vendor
            and vendor.tell_shipment
            and vendor.can_be_called(connection)
            and wanted
            and cutover.tells(connection, order)
        ):
            return vendor, connection
    return None
