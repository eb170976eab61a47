"""Shopify: orders, refunds and payments in, shipments and stock out."""

from integrations.channels.shopify import (
    catalogue,
    changes,
    client,
    missed,
    paying,
    payouts,
    placing,
    returns,
    selling,
    translate,
    webhooks,
)
from integrations.channels.vendor import Vendor

SHOPIFY = Vendor(
    name="shopify",
    title="Shopify",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    as_settled=translate.as_settled,
    verify=webhooks.verify,
    delivery=webhooks.delivery,
    tell_shipment=client.tell_shipment,
    tell_change=changes.tell_change,
    payments=paying.ShopifyMoney,
    tell_standing=placing.tell_standing,
    set_levels=selling.set_levels,
    levels_at_once=selling.AT_ONCE,
    can_be_called=client.can_be_called,
    fetch=returns.fetch,
    feeds=(missed.ORDERS, payouts.PAYOUTS, catalogue.FEED),
    listed=catalogue.listed,
)
