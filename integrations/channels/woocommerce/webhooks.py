"""How WooCommerce signs and labels its webhooks. Pure.

X-WC-Webhook-Signature is base64 of HMAC-SHA256 over the raw body with the webhook's secret; no time is signed. What it
sends to try a webhook out when it is saved (`webhook_id=…`) isn't signed, so it is refused; the webhook works all the
same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations import signatures
from integrations.channels.vendor import Delivery


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    return signatures.body_hmac(body, headers.get("x-wc-webhook-signature", ""), secrets)


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """Identified by WooCommerce's own delivery id, or by its content where none was sent."""
    topic = headers.get("x-wc-webhook-topic", "").strip().lower()[:100]
    own = headers.get("x-wc-webhook-delivery-id", "").strip()
    if own and own.isprintable() and len(own) <= 150:
        return Delivery(own, topic)
    return Delivery(f"sha256:{hashlib.sha256(topic.encode() + bytes(1) + body).hexdigest()}", topic)
