"""Adobe Commerce (Magento): orders, invoices, credit memos and source items in; shipments and stock out."""

from integrations.channels.magento import catalogue, client, translate, webhooks
from integrations.channels.vendor import Vendor

MAGENTO = Vendor(
    name="magento",
    title="Magento",
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
