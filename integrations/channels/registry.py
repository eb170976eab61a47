"""Which channel vendors Backroom understands. Adding one is a folder beside shopify/ and a line here."""

from __future__ import annotations

from integrations.channels.shopify import SHOPIFY
from integrations.channels.standard import STANDARD
from integrations.channels.vendor import Vendor
from integrations.failures import unparsable
from integrations.files.sales import SALES

_VENDORS: dict[str, Vendor] = {vendor.name: vendor for vendor in (SALES, SHOPIFY, STANDARD)}

# Systems whose payloads may be fed and are kept, though no translator reads them yet: each becomes FAILED and says so,
# and is reprocessed once its translator is there.
ANNOUNCED = {
    "adyen": "Adyen",
    "amazon": "Amazon",
    "bigcommerce": "BigCommerce",
    "ebay": "eBay",
    "edi": "X12 and EDIFACT",
    "etsy": "Etsy",
    "lightspeed": "Lightspeed",
    "magento": "Magento",
    "mirakl": "Mirakl",
    "square": "Square",
    "stripe": "Stripe",
    "tiktok": "TikTok Shop",
    "unicommerce": "Unicommerce",
    "walmart": "Walmart",
    "woocommerce": "WooCommerce",
}


def known() -> list[str]:
    """The vendors with a translator."""
    return sorted(_VENDORS)


def get(name: str) -> Vendor:
    """The vendor of that name; raises Unreadable where nothing reads its payloads yet."""
    vendor = _VENDORS.get(name)
    if vendor is None:
        raise unparsable(f"no translator for {ANNOUNCED.get(name, name)} is installed; the bytes are kept")
    return vendor


def find(name: str) -> Vendor | None:
    return _VENDORS.get(name)
