"""eBay: orders and refunds in; shipments, cancellations and stock out."""

from integrations.channels.ebay import catalogue, client, selling, translate, webhooks
from integrations.channels.vendor import Vendor

EBAY = Vendor(
    name="ebay",
    title="eBay",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=webhooks.delivery,
    signer=webhooks.signer,
    answer_challenge=webhooks.answer_challenge,
    can_be_called=client.can_be_called,
    feeds=(client.ORDERS, client.KEYS, catalogue.FEED),
    listed=catalogue.listed,
    fetch=client.fetch,
    tell_shipment=client.tell_shipment,
    tell_change=client.tell_change,
    set_levels=selling.set_levels,
    levels_at_once=selling.AT_ONCE,
)
