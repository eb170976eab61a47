"""Stripe's webhooks: `Stripe-Signature: t=…,v1=…` over "t.body", any of several v1 (docs.stripe.com/webhooks). Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations.channels.vendor import Delivery

TOLERANCE = 300  # seconds between their clock and ours


def sign(body: bytes, secret: str, at: int) -> str:
    return f"t={at},v1={_mac(body, secret, at)}"


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    pairs = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    given = [value.encode() for name, _, value in pairs if name == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
        return False
    at = int(times[0])
    good = False
    for secret in secrets:
        expected = _mac(body, secret, at).encode()
        for each in given:
            good |= hmac.compare_digest(expected, each)
    return good and abs(now.timestamp() - at) <= TOLERANCE


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """By the event's own id, which stays the same however often it is sent."""
    try:
        event = json.loads(body)
        own, topic = event["id"], event["type"]
    except (ValueError, KeyError, TypeError, RecursionError):
        own = topic = None
    if isinstance(own, str) and own.isprintable() and 0 < len(own) <= 150 and isinstance(topic, str):
        return Delivery(own, topic[:100])
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", "event")


def _mac(body: bytes, secret: str, at: int) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
