"""The webhook a plugin of Vendure's sends: `x-oms-signature` is HMAC-SHA256 of the raw body, in hexadecimal. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations import signatures
from integrations.channels.vendor import Delivery


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    return signatures.body_hmac_hex(body, headers.get("x-oms-signature", ""), secrets)


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """By its content: it names the order and what happened to it, once."""
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", "")
