"""Vendure: orders in; shipments, cancellations and stock out."""

from integrations.channels.vendor import Vendor
from integrations.channels.vendure import catalogue, client, translate, webhooks

VENDURE = Vendor(
    name="vendure",
    title="Vendure",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=webhooks.delivery,
    as_settled=translate.as_settled,
    can_be_called=client.can_be_called,
    feeds=(*client.FEEDS, catalogue.FEED),
    listed=catalogue.listed,
    fetch=client.fetch,
    tell_shipment=client.tell_shipment,
    tell_change=client.tell_change,
    set_levels=client.set_levels,
    levels_at_once=client.AT_ONCE,
)
