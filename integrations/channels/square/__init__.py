"""Square: sales of its tills and orders in, refunds, disputes, stock and what articles are called there."""

from integrations.channels.square import client, selling, translate, webhooks
from integrations.channels.vendor import Vendor

SQUARE = Vendor(
    name="square",
    title="Square",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    verify_at=webhooks.verify_at,
    delivery=webhooks.delivery,
    as_settled=translate.as_settled,
    tell_shipment=client.tell_shipment,
    tell_change=client.tell_change,
    set_levels=selling.set_levels,
    levels_at_once=selling.AT_ONCE,
    can_be_called=client.can_be_called,
    feeds=client.FEEDS,
    fetch=client.fetch,
)
