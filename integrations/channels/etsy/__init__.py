"""Etsy: receipts in."""

from integrations.channels import stock_documents
from integrations.channels.etsy import translate
from integrations.channels.vendor import Vendor, never_signed

ETSY = Vendor(
    name="etsy",
    title="Etsy",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=never_signed,
    delivery=stock_documents.delivery,
)
