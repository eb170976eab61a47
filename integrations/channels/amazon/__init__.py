"""Amazon: orders, refunds and stock in, shipments and stock out, through the Selling Partner API."""

from integrations.channels import stock_documents
from integrations.channels.amazon import translate
from integrations.channels.vendor import Vendor, never_signed

AMAZON = Vendor(
    name="amazon",
    title="Amazon",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=never_signed,
    delivery=stock_documents.delivery,
)
