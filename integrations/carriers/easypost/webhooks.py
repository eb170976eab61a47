"""EasyPost's webhooks: `X-Hmac-Signature: hmac-sha256-hex=…` over the raw body, the secret in Unicode's NFKD. Pure.

The time is not signed, so an old delivery is told apart by its event's id alone, which is kept for ever.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations.channels.vendor import Delivery

SCHEME = "hmac-sha256-hex="


def sign(body: bytes, secret: str) -> str:
    key = unicodedata.normalize("NFKD", secret).encode()
    return SCHEME + hmac.new(key, body, hashlib.sha256).hexdigest()


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    given = headers.get("x-hmac-signature", "").strip().encode()
    good = False
    for secret in secrets:
        good |= hmac.compare_digest(sign(body, secret).encode(), given)
    return good


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """By the event's own id. What isn't an event is known by its bytes."""
    try:
        event = json.loads(body)
        own, topic = event["id"], event["description"]
    except (ValueError, KeyError, TypeError, RecursionError):
        own = topic = None
    if isinstance(own, str) and own.isprintable() and 0 < len(own) <= 150 and isinstance(topic, str):
        return Delivery(own, topic[:100])
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", "tracking")
