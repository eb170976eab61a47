"""Any shop that can write Backroom's own order format: canonical orders by Standard Webhooks."""

from integrations.channels.standard import translate, webhooks
from integrations.channels.vendor import Vendor

STANDARD = Vendor(
    name="standard",
    title="Standard Webhooks",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=webhooks.delivery,
)
