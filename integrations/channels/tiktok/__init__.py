"""TikTok Shop: orders, refunds and stock per warehouse in."""

from integrations.channels import stock_documents
from integrations.channels.tiktok import translate
from integrations.channels.vendor import Vendor, never_signed

TIKTOK = Vendor(
    name="tiktok",
    title="TikTok Shop",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=never_signed,
    delivery=stock_documents.delivery,
)
