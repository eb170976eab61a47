"""Shopify: orders, refunds and payments in, shipments out."""

from integrations.channels.shopify import client, translate, webhooks
from integrations.channels.vendor import Vendor

SHOPIFY = Vendor(
    name="shopify",
    title="Shopify",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=webhooks.delivery,
    tell_shipment=client.tell_shipment,
    can_be_called=client.can_be_called,
)
