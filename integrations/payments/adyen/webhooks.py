"""Adyen's standard webhooks: each notification item carries its own HMAC (docs.adyen.com: HMAC signatures). Pure.

The key is hexadecimal; what is signed are eight of the item's fields, joined by colons. The time is not signed, so an
old delivery is told apart by its items alone, which are kept for ever.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from integrations.channels.vendor import Delivery

MOST = 1_000  # items of one delivery


def signed_text(item: Mapping[str, Any]) -> str:
    amount = item.get("amount")
    amount = amount if isinstance(amount, dict) else {}
    fields = (
        item.get("pspReference"), item.get("originalReference"), item.get("merchantAccountCode"),
        item.get("merchantReference"), amount.get("value"), amount.get("currency"), item.get("eventCode"),
        item.get("success"),
    )  # fmt: skip
    # A boolean is signed as it stands in JSON.
    return ":".join("" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in fields)


def sign(item: Mapping[str, Any], secret: str) -> str:
    """ValueError for a key that isn't hexadecimal."""
    try:
        key = bytes.fromhex(secret)
    except ValueError as error:
        raise ValueError("An HMAC key of Adyen's is hexadecimal.") from error
    return base64.b64encode(hmac.new(key, signed_text(item).encode(), hashlib.sha256).digest()).decode()


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    """Every item is signed by one of the keys; a body without any is not."""
    items, keys = items_of(body), list(secrets)
    if not items or len(items) > MOST:
        return False
    good = True
    for item in items:
        more = item.get("additionalData")
        given = str(more.get("hmacSignature") or "") if isinstance(more, dict) else ""
        fits = False
        for key in keys:
            try:
                fits |= hmac.compare_digest(sign(item, key).encode(), given.encode())
            except (ValueError, binascii.Error):
                continue
        good &= fits
    return good


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """One item goes by its own reference, event and outcome; several by their bytes."""
    items = items_of(body)
    if len(items) == 1:
        item = items[0]
        name = f"{item.get('eventCode')}:{item.get('pspReference')}:{item.get('success')}"
        if name.isprintable() and len(name) <= 150:
            return Delivery(name, str(item.get("eventCode") or "")[:100].lower())
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", "notification")


def items_of(body: bytes) -> list[dict[str, Any]]:
    try:
        rows = json.loads(body)["notificationItems"]
        found = [row["NotificationRequestItem"] for row in rows]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [item for item in found if isinstance(item, dict)] if all(isinstance(i, dict) for i in found) else []
