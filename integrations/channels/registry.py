"""Whose messages Backroom understands: channels (a folder beside shopify/ and a line here), carriers and ERPs."""

from __future__ import annotations

from integrations.carriers.readers import READERS
from integrations.channels.amazon import AMAZON
from integrations.channels.bigcommerce import BIGCOMMERCE
from integrations.channels.ebay import EBAY
from integrations.channels.edi import EDI
from integrations.channels.etsy import ETSY
from integrations.channels.lightspeed import LIGHTSPEED
from integrations.channels.magento import MAGENTO
from integrations.channels.mirakl import MIRAKL
from integrations.channels.shopify import SHOPIFY
from integrations.channels.square import SQUARE
from integrations.channels.standard import STANDARD
from integrations.channels.tiktok import TIKTOK
from integrations.channels.unicommerce import UNICOMMERCE
from integrations.channels.vendor import Vendor
from integrations.channels.vendure import VENDURE
from integrations.channels.walmart import WALMART
from integrations.channels.woocommerce import WOOCOMMERCE
from integrations.erp import readers as erps
from integrations.failures import unparsable
from integrations.files.orders import ORDER_FILES
from integrations.files.sales import SALES
from integrations.payments import readers as payments
from integrations.suppliers.standard import PARTNER

# Of most only stock documents are read yet; whatever else they send is kept, FAILED, and says so.
_VENDORS: dict[str, Vendor] = {
    vendor.name: vendor
    for vendor in (
        AMAZON, BIGCOMMERCE, EBAY, EDI, ETSY, LIGHTSPEED, MAGENTO, MIRAKL, ORDER_FILES, PARTNER, SALES, SHOPIFY,
        SQUARE, STANDARD, TIKTOK, UNICOMMERCE, VENDURE, WALMART, WOOCOMMERCE,
        *READERS, *erps.READERS, *payments.READERS,
    )
}  # fmt: skip


def known() -> list[str]:
    """The vendors with a translator."""
    return sorted(_VENDORS)


def get(name: str) -> Vendor:
    """The vendor of that name; raises Unreadable where nothing reads its payloads yet."""
    vendor = _VENDORS.get(name)
    if vendor is None:
        raise unparsable(f"no translator for {name} is installed; the bytes are kept")
    return vendor


def find(name: str) -> Vendor | None:
    return _VENDORS.get(name)
