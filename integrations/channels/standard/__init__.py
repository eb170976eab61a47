"""Any shop that can write Backroom's own order format: canonical orders by Standard Webhooks, or asked for."""

from datetime import timedelta

from integrations.channels.standard import pull, translate, webhooks
from integrations.channels.vendor import Feed, Vendor

STANDARD = Vendor(
    name="standard",
    title="Standard Webhooks",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=webhooks.delivery,
    feeds=(Feed("orders", "Orders", timedelta(minutes=2), pull.orders),),
    can_be_called=pull.can_be_called,
)
