"""Etsy: receipts and refunds in, parcels and stock out."""

from integrations.channels.etsy import catalogue, client, selling, translate, webhooks
from integrations.channels.vendor import Vendor

ETSY = Vendor(
    name="etsy",
    title="Etsy",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=webhooks.delivery,
    can_be_called=client.can_be_called,
    feeds=(*client.FEEDS, catalogue.FEED),
    listed=catalogue.listed,
    fetch=client.fetch,
    tell_shipment=client.tell_shipment,
    set_levels=selling.set_levels,
    levels_at_once=selling.AT_ONCE,
)
