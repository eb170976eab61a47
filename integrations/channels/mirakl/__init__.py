"""Mirakl marketplaces: orders and refunds in; shipments, cancellations and stock out."""

from integrations.channels import stock_documents
from integrations.channels.mirakl import catalogue, client, selling, translate
from integrations.channels.vendor import Vendor, never_signed

MIRAKL = Vendor(
    name="mirakl",
    title="Mirakl",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=never_signed,
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
