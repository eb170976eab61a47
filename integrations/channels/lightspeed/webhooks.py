"""How X-Series signs its webhooks: `X-Signature: signature=<hex>,algorithm=HMAC-SHA256` over the body, by the client
secret. R- and O-Series are asked instead. Pure. (x-series-api.lightspeedhq.com: webhooks)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from urllib.parse import parse_qs

from integrations import signatures
from integrations.channels.vendor import Delivery


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    parts = dict(part.strip().partition("=")[::2] for part in headers.get("x-signature", "").split(","))
    if parts.get("algorithm", "").upper() != "HMAC-SHA256":
        return False
    return signatures.body_hmac_hex(body, parts.get("signature", ""), secrets)


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """Nothing names a delivery, so its content does."""
    told = parse_qs(body[:100_000].decode("utf-8", "replace"), max_num_fields=20).get("type", [""]) if body else [""]
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", told[0][:100])
