"""Backroom's own partner protocol: requests by REST, answers by Standard Webhooks. Described in docs/partners.md."""

from integrations.channels.standard import webhooks
from integrations.channels.vendor import Vendor
from integrations.suppliers.standard import translate

PARTNER = Vendor(
    name="partner",
    title="Partner (REST and webhooks)",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=translate.delivery,
)
