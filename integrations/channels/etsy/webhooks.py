"""How Etsy's webhooks are known to be its own: by Standard Webhooks, with the endpoint's secret. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations import signatures
from integrations.channels import stock_documents
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
    named = headers.get("webhook-id", "")
    return Delivery(f"webhook:{named}", "") if 0 < len(named) <= 100 else stock_documents.delivery(body, headers)
