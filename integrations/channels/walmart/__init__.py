"""Walmart Marketplace: orders and refunds in; shipments, cancellations and stock out."""

from integrations.channels import stock_documents
from integrations.channels.vendor import Vendor
from integrations.channels.walmart import catalogue, client, selling, translate, webhooks

WALMART = Vendor(
    name="walmart",
    title="Walmart",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=stock_documents.delivery,
    can_be_called=client.can_be_called,
    feeds=(*client.FEEDS, catalogue.FEED),
    listed=catalogue.listed,
    fetch=client.fetch,
    tell_shipment=client.tell_shipment,
    tell_change=client.tell_change,
    set_levels=selling.set_levels,
    levels_at_once=selling.AT_ONCE,
)
