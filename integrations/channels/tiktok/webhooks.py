"""How TikTok Shop's webhooks are known to be its own. Pure.

The header `Authorization` holds HMAC-SHA256 in hexadecimal over the app's key and the body, by the app's secret. The
connection's secret `webhook` is both, as "app_key:app_secret".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations import signatures
from integrations.channels import stock_documents
from integrations.channels.vendor import Delivery
from integrations.documents import read_json
from integrations.failures import Unreadable


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    good = False
    for known in secrets:
        key, _, secret = known.partition(":")
        good |= bool(key and secret) and signatures.body_hmac_hex(
            key.encode() + body, headers.get("authorization", ""), [secret]
        )
    return good


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    try:
        document = read_json(body)
    except (Unreadable, RecursionError):
        document = None
    named = document.get("tts_notification_id") if isinstance(document, dict) else None
    if isinstance(named, str) and 0 < len(named) <= 100:
        return Delivery(f"notification:{named}", "")
    return stock_documents.delivery(body, headers)
