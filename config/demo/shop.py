"""The demo's shop: a local server that speaks Shopify's GraphQL, so that shipments are really told to somebody."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import httpx2

from core.actors import SYSTEM
from integrations.channels import publishing
from integrations.models import Connection, InboundMessage
from inventory.models import ChannelFeed, Item
from inventory.services import full_publication

VARIABLE = "BACKROOM_DEMO_SHOP"  # {"url": …, "token": …}, set by `dev.py demo`


def known() -> dict[str, str] | None:
    """Where the shop answers, None while there is none."""
    return json.loads(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None


def connect(connections: Mapping[str, Connection], say: Callable[[str], None]) -> None:
    """Let the web stores' connections call the shop, and let it know every order it ever sent us."""
    shop = known()
    if shop is None:
        return
    for n, connection in enumerate(connections.values()):
        connection.settings = {
            **connection.settings,
            "shop": shop["url"],
            "private_address_allowed": True,
            "publish_stock": True,
            "stock_location": str(880 + n),  # each store has its own shelf there
        }
        connection.save(update_fields=["settings", "updated_at"])
        if connection.secret("token") != shop["token"]:
            connection.keep_secret("token", shop["token"], retire_others=True)
    sent = InboundMessage.objects.filter(
        connection__in=connections.values(), topic="orders/create", status=InboundMessage.Status.PROCESSED
    )
    patient = httpx2.HTTPTransport(retries=5)  # it may still be starting
    with httpx2.Client(base_url=shop["url"], timeout=10, transport=patient) as client:
        skus = list(Item.objects.filter(active=True).values_list("sku", flat=True))
        client.post("/_shop/products", json={"skus": skus}).raise_for_status()
        count = 0
        for body in sent.order_by("pk").values_list("body", flat=True).iterator(200):
            client.post("/_shop/orders", content=bytes(body)).raise_for_status()
            count += 1
    say(f"The shop at {shop['url']} knows {count:,} orders and {len(skus):,} products")
    _tell_everything()


def _tell_everything() -> None:
    """Each web store is told every figure once; from then on it hears of changes."""
    publishing.follow_connections()
    for feed in ChannelFeed.objects.filter(active=True, snapshot=None):
        full_publication.request(feed.pk, actor=SYSTEM)


def tell(client: httpx2.Client, body: dict[str, Any]) -> None:
    """The shop has this order, as it would before it sends the webhook."""
    if shop := known():
        client.post(f"{shop['url']}/_shop/orders", json=body)
