"""Signature schemes of inbound hooks. Pure: bytes, headers and secrets in, a verdict out.

Every comparison takes the same time whether it fails early or late, and a message is good if any active secret
signed it, so secrets can be rotated without losing a delivery.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)


def body_hmac(body: bytes, signature: str, secrets: Iterable[str]) -> bool:
    """Base64 of HMAC-SHA256 over the raw body (Shopify's X-Shopify-Hmac-SHA256)."""
    try:
        given = base64.b64decode(signature.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    good = False
    for secret in secrets:
        expected = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        good |= hmac.compare_digest(expected, given)
    return good


def body_hmac_hex(body: bytes, signature: str, secrets: Iterable[str]) -> bool:
    """The same in hexadecimal."""
    try:
        given = bytes.fromhex(signature.strip())
    except ValueError:
        return False
    return body_hmac(body, base64.b64encode(given).decode(), secrets)


def shared_token(given: str, secrets: Iterable[str]) -> bool:
    """A header that the sender was told to send along, for vendors that sign nothing."""
    good = False
    for secret in secrets:
        good |= bool(given) and hmac.compare_digest(secret.encode(), given.encode())
    return good


def standard_webhook(
    body: bytes, *, message_id: str, timestamp: str, signature: str, secrets: Iterable[str], now: datetime
) -> bool:
    """Standard Webhooks: `v1,<base64>` of HMAC-SHA256 over `id.timestamp.body`; the time is signed, so it must be near.

    Several signatures may be given, separated by blanks. Secrets are `whsec_` + base64.
    """
    if not (message_id and timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    offered = [part[3:] for part in signature.split() if part.startswith("v1,")][:10]
    good = False
    for secret in secrets:
        key = standard_key(secret)
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        for each in offered:
            good |= hmac.compare_digest(expected, each.encode())
    return good


def sign_standard(body: bytes, *, message_id: str, timestamp: str, secrets: Iterable[str]) -> str:
    """What a receiver checks with `standard_webhook`: a signature by every active secret, while they are rotated."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = (hmac.new(standard_key(secret), signed, hashlib.sha256).digest() for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in made)


def standard_key(secret: str) -> bytes:
    """The key bytes of a `whsec_…` secret; any other text is used as it is."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret[6:], validate=True)
        except (binascii.Error, ValueError):
            pass
    return secret.encode()
