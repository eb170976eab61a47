"""How Walmart's notifications are known to be its own. Pure.

A subscription is made with `authMethod` HMAC, `authHeaderName` X-Backroom-Signature and a `clientSecret`, which is the
connection's secret `webhook`: Walmart sends HMAC-SHA256 of the body under that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations import signatures

HEADER = "x-backroom-signature"


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    """Walmart doesn't say whether it writes the figure in base64 or in hexadecimal: either is as hard to forge."""
    known, given = list(secrets), headers.get(HEADER, "")
    return signatures.body_hmac(body, given, known) or signatures.body_hmac_hex(body, given, known)
