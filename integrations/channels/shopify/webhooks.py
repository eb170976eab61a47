"""How Shopify signs and labels its webhooks (shopify.dev, "Verify webhook deliveries"). Pure.

X-Shopify-Hmac-SHA256 is base64 of HMAC-SHA256 over the raw body with the app's client secret. No time is signed:
X-Shopify-Triggered-At stays the same through retries, which go on for hours, so it is not held against the clock;
a replayed delivery meets its X-Shopify-Webhook-Id in the inbox instead. After a rotation either secret may sign for an
hour, so all active ones are tried.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations import signatures
from integrations.channels.vendor import Delivery


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    return signatures.body_hmac(body, headers.get("x-shopify-hmac-sha256", ""), secrets)


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """Identified by Shopify's own delivery id, or by its content where none was sent."""
    topic = headers.get("x-shopify-topic", "").strip().lower()[:100]
    own = headers.get("x-shopify-webhook-id", "").strip()
    if own and own.isprintable() and len(own) <= 150:
        return Delivery(own, topic)
    return Delivery(f"sha256:{hashlib.sha256(topic.encode() + bytes(1) + body).hexdigest()}", topic)
