"""Unicommerce: sale orders in, and what its bulk inventory adjustments set."""

from integrations.channels import stock_documents, vendor
from integrations.channels.unicommerce import translate

UNICOMMERCE = vendor.Vendor(
    name="unicommerce",
    title="Unicommerce",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=vendor.never_signed,
    delivery=stock_documents.delivery,
)
