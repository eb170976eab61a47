"""eBay: orders in."""

from integrations.channels import stock_documents
from integrations.channels.ebay import translate
from integrations.channels.vendor import Vendor, never_signed

EBAY = Vendor(
    name="ebay",
    title="eBay",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=never_signed,
    delivery=stock_documents.delivery,
)
