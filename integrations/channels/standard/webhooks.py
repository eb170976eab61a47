"""Standard Webhooks: the time is part of what is signed, so a delivery more than five minutes off is refused. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations import signatures
from integrations.channels.vendor import Delivery


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    return signatures.standard_webhook(
        body,
        message_id=headers.get("webhook-id", ""),
        timestamp=headers.get("webhook-timestamp", ""),
        signature=headers.get("webhook-signature", ""),
        secrets=secrets,
        now=now,
    )


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    own = headers.get("webhook-id", "").strip()
    if own and own.isprintable() and len(own) <= 150:
        return Delivery(own, "order")
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", "order")
