"""Events that Adobe Commerce, or a module, sends for Magento. Pure.

They carry a header they were told to send: `X-Backroom-Token`, the connection's secret `webhook`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations import signatures
from integrations.channels.vendor import Delivery

HEADER = "x-backroom-token"


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    return signatures.shared_token(headers.get(HEADER, ""), secrets)


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", "")
