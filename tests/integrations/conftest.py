"""A shop connected to a channel, and a way to see everything intake did."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from exceptions.models import Case
from integrations.models import Connection, InboundMessage
from orders.models import Channel, Hold, Order, OrderLine, Payment, Refund

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "integrations" / "channels" / "shopify" / "fixtures"
SAMPLES = Path(os.environ.get("BACKROOM_SAMPLE_DATA") or ROOT.parent / "shared" / "data")

SECRET = "hush-hush-shop-secret"


@pytest.fixture
def channel(db: None) -> Channel:
    return Channel.objects.create(code="web", name="Web shop", currency="GBP")


@pytest.fixture
def shop(channel: Channel) -> Connection:
    connection = Connection.objects.create(
        code="shopify-web", name="Shopify web", kind=Connection.Kind.CHANNEL, vendor="shopify", channel=channel
    )
    connection.keep_secret("webhook", SECRET)
    return connection


def connect(code: str) -> Connection:
    """A channel and its Shopify connection."""
    channel = Channel.objects.create(code=code, name=code.title(), currency="GBP")
    return Connection.objects.create(
        code=f"shopify-{code}", name="Shopify", kind=Connection.Kind.CHANNEL, vendor="shopify", channel=channel
    )


def state(code: str = "web") -> dict[str, Any]:
    """What stands in a channel after intake, without the ids and numbers that depend on the order of arrival."""
    orders = {}
    for order in Order.objects.filter(channel__code=code):
        lines = OrderLine.objects.filter(order=order).order_by("ref")
        orders[order.channel_ref] = {
            "order": _facts(order, "channel_number status payment_state currency total subtotal discount_total "
                "shipping_total tax_total other_total tax_included method test source_version source_digest "
                "ship_to bill_to note tags disagreements placed_at"),
            "lines": [
                _facts(line, "ref sku title ordered open allocated backordered fulfilled cancelled returned unit_price "
                    "discount_total tax_total position requires_shipping gift_card")
                for line in lines
            ],
            "holds": sorted(Hold.objects.filter(order=order, status="CREATED").values_list("type", "blocks", "reason")),
            "payments": sorted(
                Payment.objects.filter(order=order).values_list("provider_ref", "kind", "amount", "currency", "at")
            ),
            "refunds": sorted(Refund.objects.filter(order=order).values_list("ref", "amount", "currency")),
            "cases": sorted(
                Case.objects.filter(is_open=True, subject_kind="order", subject_uid=str(order.pk)).values_list(
                    "reason", "summary"
                )
            ),
        }  # fmt: skip
    messages = InboundMessage.objects.filter(connection__channel__code=code)
    failed = sorted(messages.filter(status="FAILED").values_list("sha256", "failure_class", "reason"))
    open_cases = Case.objects.filter(is_open=True, subject_kind="message").values_list("subject_uid", flat=True)
    message_cases = sorted(messages.filter(pk__in=[int(uid) for uid in open_cases]).values_list("sha256", flat=True))
    return {"orders": orders, "failed": failed, "message_cases": message_cases}


def _facts(row: Any, names: str) -> dict[str, Any]:
    found = {name: getattr(row, name) for name in names.split() if hasattr(row, name)}
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in found.items()}
