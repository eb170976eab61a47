"""Mirakl marketplaces: orders in."""

from integrations.channels import stock_documents
from integrations.channels.mirakl import translate
from integrations.channels.vendor import Vendor, never_signed

MIRAKL = Vendor(
    name="mirakl",
    title="Mirakl",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=never_signed,
    delivery=stock_documents.delivery,
)
