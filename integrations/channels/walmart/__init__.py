"""Walmart: orders in."""

from integrations.channels import stock_documents
from integrations.channels.vendor import Vendor, never_signed
from integrations.channels.walmart import translate

WALMART = Vendor(
    name="walmart",
    title="Walmart",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=never_signed,
    delivery=stock_documents.delivery,
)
