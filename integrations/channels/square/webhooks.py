"""How Square signs its webhooks: HMAC-SHA256 over the address they were sent to, followed by the body. Pure.

Nothing signs a time, and a repeat carries the `event_id` it first had
(developer.squareup.com: validate and process webhook events).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations import signatures
from integrations.channels.vendor import Delivery
from integrations.documents import read_json
from integrations.failures import Unreadable

HEADER = "x-square-hmacsha256-signature"


def verify_at(address: str, body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    return signatures.body_hmac(address.encode() + body, headers.get(HEADER, ""), secrets)


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    """Without the address it was sent to nobody can tell."""
    return False


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    try:
        document = read_json(body)
    except (Unreadable, RecursionError):
        document = None
    told = document if isinstance(document, dict) else {}
    event, kind = told.get("event_id"), told.get("type")
    topic = kind[:100] if isinstance(kind, str) else ""
    if isinstance(event, str) and event.isprintable() and 0 < len(event) <= 100:
        return Delivery(f"event:{event}", topic)
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", topic)
