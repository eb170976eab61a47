"""eBay: orders and refunds in, shipments out."""

from integrations.channels import stock_documents
from integrations.channels.ebay import client, translate
from integrations.channels.vendor import Vendor, never_signed

EBAY = Vendor(
    name="ebay",
    title="eBay",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=never_signed,
    delivery=stock_documents.delivery,
    tell_shipment=client.tell_shipment,
    can_be_called=client.can_be_called,
    feeds=(client.ORDERS,),
    fetch=client.fetch,
)
