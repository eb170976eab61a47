"""Amazon: orders, refunds and stock in, shipments, cancellations and stock out, through the Selling Partner API."""

from integrations.channels.amazon import catalogue, changes, client, queue, selling, translate, webhooks
from integrations.channels.vendor import Vendor

AMAZON = Vendor(
    name="amazon",
    title="Amazon",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=webhooks.delivery,
    can_be_called=client.can_be_called,
    feeds=(*client.FEEDS, queue.NOTIFICATIONS, catalogue.FEED),
    listed=catalogue.listed,
    fetch=client.fetch,
    tell_shipment=client.tell_shipment,
    tell_change=changes.tell_change,
    set_levels=selling.set_levels,
    levels_at_once=selling.AT_ONCE,
)
