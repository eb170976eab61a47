"""Lightspeed: sales of its tills (Retail X- and R-Series, Restaurant O-Series), stock and codes in, stock out."""

from integrations.channels.lightspeed import client, selling, translate, webhooks
from integrations.channels.vendor import Vendor

LIGHTSPEED = Vendor(
    name="lightspeed",
    title="Lightspeed",
    mapping_version=translate.VERSION,
    understand=translate.understand,
    verify=webhooks.verify,
    delivery=webhooks.delivery,
    as_settled=translate.as_settled,
    can_be_called=client.can_be_called,
    feeds=client.FEEDS,
    set_levels=selling.set_levels,
    levels_at_once=selling.AT_ONCE,
)
