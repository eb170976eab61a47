"""How Amazon's notifications come and are known. Pure.

Amazon delivers to SQS or EventBridge. The queue is asked by ourselves (`queue`); a rule of EventBridge (an API
destination) posts them on to us with the header `X-Backroom-Token`, the connection's secret `webhook`, because nothing
of them is signed. What a topic of SNS posts is signed by SNS (`sns`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from integrations import signatures
from integrations.channels.amazon import sns
from integrations.channels.vendor import Delivery
from integrations.documents import read_json
from integrations.failures import Unreadable

HEADER = "x-backroom-token"


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    known = list(secrets)
    if HEADER in headers:
        return signatures.shared_token(headers[HEADER], known)
    return sns.verify(body, known, now)


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """By the notification's own id: Amazon delivers at least once."""
    try:
        document = read_json(body)
    except (Unreadable, RecursionError):
        document = None
    known = document if isinstance(document, dict) else {}
    if sns.is_envelope(known):
        return _delivery_of_topic(body, known)
    inner = known.get("detail") if isinstance(known.get("detail"), dict) else known
    told = (inner or {}).get("NotificationMetadata") or (inner or {}).get("notificationMetadata") or {}
    named = told.get("NotificationId") or told.get("notificationId") if isinstance(told, dict) else None
    if isinstance(named, str) and 0 < len(named) <= 100:
        return Delivery(f"notification:{named}", "")
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", "")


def _delivery_of_topic(body: bytes, envelope: Mapping[str, Any]) -> Delivery:
    """By the notification inside, so that it counts once whichever way it comes; else by SNS's own number."""
    inner = str(envelope.get("Message", "")).encode("utf-8", "replace")
    found = delivery(inner, {}) if not inner.lstrip().startswith(b'{"Type"') else None
    if found is not None and found.external_id.startswith("notification:"):
        return found
    named = envelope.get("MessageId")
    if isinstance(named, str) and 0 < len(named) <= 100:
        return Delivery(f"sns:{named}", "")
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", "")
