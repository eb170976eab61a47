"""How BigCommerce's webhooks are known to be its own. Pure.

Two ways, either is enough: a header of ours that the webhook was registered with (`X-Backroom-Token`, the connection's
secret `webhook`), and Standard Webhooks' signature by the app's client secret. `hash` in the body is the same for every
copy of one event and is no signature: it names the delivery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations import signatures
from integrations.channels.vendor import Delivery
from integrations.documents import read_json
from integrations.failures import Unreadable

HEADER = "x-backroom-token"


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    known = list(secrets)
    return signatures.shared_token(headers.get(HEADER, ""), known) or signatures.standard_webhook(
        body,
        message_id=headers.get("webhook-id", ""),
        timestamp=headers.get("webhook-timestamp", ""),
        signature=headers.get("webhook-signature", ""),
        secrets=known,
        now=now,
    )


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """By what happened and when: the same event sent again is the same delivery."""
    try:
        document = read_json(body)
    except (Unreadable, RecursionError):
        document = None
    known = document if isinstance(document, dict) else {}
    told, at = known.get("hash"), known.get("created_at")
    topic = str(known.get("scope") or "")[:100]
    if isinstance(told, str) and told.isalnum() and len(told) <= 100 and isinstance(at, int):
        return Delivery(f"{told}@{at}", topic)
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", topic)
