"""TikTok Shop: orders, returns and stock in; parcels, cancellations and stock out."""

from integrations.channels.tiktok import catalogue, client, selling, translate, webhooks
from integrations.channels.vendor import Vendor

TIKTOK = Vendor(
    name="tiktok",
    title="TikTok Shop",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=webhooks.delivery,
    can_be_called=client.can_be_called,
    feeds=(*client.FEEDS, catalogue.FEED),
    listed=catalogue.listed,
    fetch=client.fetch,
    tell_shipment=client.tell_shipment,
    tell_change=client.tell_change,
    set_levels=selling.set_levels,
    levels_at_once=selling.AT_ONCE,
)
