"""Orders, refunds and webhooks of the shop platforms: WooCommerce, BigCommerce, Magento, Vendure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from integrations.channels import registry
from integrations.channels.meaning import AskFor, PlaceOrder
from integrations.failures import Unreadable
from integrations.models import Connection
from orders.canonical import IncomingOrder, totals_problem
from orders.models import Channel, Order, Refund
from tests.integrations.conftest import ROOT, SAMPLES, state

VENDORS = ("woocommerce", "bigcommerce", "magento", "vendure")
PREFIXES = {"woocommerce": "woo_*", "bigcommerce": "bigcommerce_*", "magento": "magento_*", "vendure": "vendure_*"}
NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)


def fixture(vendor: str, name: str) -> dict[str, Any]:
    return json.loads((ROOT / "integrations/channels" / vendor / "fixtures" / f"{name}.json").read_text())


def means(vendor: str, document: Any, topic: str = "") -> Any:
    return registry.get(vendor).understand(topic, json.dumps(document).encode())


def placed(vendor: str, document: Any) -> IncomingOrder:
    (act,) = means(vendor, document).acts
    assert isinstance(act, PlaceOrder)
    return act.order


def connect(vendor: str, **settings: Any) -> Connection:
    channel = Channel.objects.create(code=vendor, name=vendor.title(), currency="GBP")
    return Connection.objects.create(
        code=vendor,
        name=vendor.title(),
        kind=Connection.Kind.CHANNEL,
        vendor=vendor,
        channel=channel,
        settings=settings,
    )


def ingest(vendor: str, *files: Path) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("ingest", vendor, *map(str, files), "--channel", vendor, "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("vendor", "total", "currency", "lines"),
    [
        ("woocommerce", "60", "GBP", [("COAT-M", 1, "25"), ("SOCK-3", 3, "8.3334")]),
        ("bigcommerce", "62.4", "GBP", [("COAT-M", 1, "30"), ("SOCK-3", 2, "15")]),
        ("magento", "70.8", "GBP", [("COAT-M", 1, "30"), ("SOCK-3", 2, "10"), ("CAP", 1, "10")]),
        ("vendure", "39.8", "USD", [("COAT-M", 2, "17.9")]),
    ],
)
def test_an_order_is_understood_to_the_cent(vendor: str, total: str, currency: str, lines: list[Any]):
    order = placed(vendor, fixture(vendor, "order"))

    assert (order.total, order.currency) == (Decimal(total), currency)
    assert [(line.sku, line.quantity, line.unit_price) for line in order.lines] == [
        (sku, units, Decimal(price)) for sku, units, price in lines
    ]
    assert totals_problem(order) == []
    assert order.ship_to
    assert order.ship_to.line1 == "4 Kiln Lane"
    assert order.buyer
    assert order.buyer.email == "ada@example.com"


def test_times_are_the_moments_that_were_meant():
    order = fixture("woocommerce", "order")
    assert placed("woocommerce", order).placed_at == datetime(2026, 3, 29, 1, 10, tzinfo=UTC)
    assert placed("bigcommerce", fixture("bigcommerce", "order")).placed_at == datetime(
        2026, 3, 3, 21, 5, 30, tzinfo=UTC
    )
    assert placed("magento", fixture("magento", "order")).placed_at == datetime(2026, 3, 29, 1, 10, tzinfo=UTC)

    only_local = {key: value for key, value in order.items() if not key.endswith("_gmt")}
    with pytest.raises(Unreadable, match="time_zone"):
        means("woocommerce", only_local)


@pytest.mark.django_db
def test_a_shop_s_own_time_is_read_by_the_zone_its_connection_states():
    order = {key: value for key, value in fixture("woocommerce", "order").items() if not key.endswith("_gmt")}
    reader = registry.get("woocommerce").reader(connect("woocommerce", time_zone="Europe/London"))

    (act,) = reader("", json.dumps(order).encode()).acts
    assert act.order.placed_at == datetime(2026, 3, 29, 1, 10, tzinfo=UTC)

    with pytest.raises(Unreadable, match="skipped"):
        reader("", json.dumps(order | {"date_created": "2026-03-29T01:30:00"}).encode())
    with pytest.raises(Unreadable, match="twice"):
        reader("", json.dumps(order | {"date_created": "2026-10-25T01:30:00"}).encode())

    with pytest.raises(Unreadable, match="names no zone"):
        registry.get("woocommerce").reader(Connection(vendor="woocommerce", settings={"time_zone": "Mars/Olympus"}))


@pytest.mark.parametrize(
    ("vendor", "changed", "path"),
    [
        ("woocommerce", {"status": "driver-dispatched"}, "status"),
        ("woocommerce", {"currency": "POUND"}, "currency"),
        ("bigcommerce", {"status_id": 77}, "order.status_id"),
        ("bigcommerce", {"payment_status": "bartered"}, "order.payment_status"),
        ("magento", {"state": "dreaming"}, "state"),
        ("vendure", {"state": "Teleported"}, "state"),
    ],
)
def test_a_word_nobody_knows_is_refused_with_its_path(vendor: str, changed: dict[str, Any], path: str):
    document = fixture(vendor, "order")
    inner = (
        document["order"] if vendor == "bigcommerce" else document["data"]["order"] if vendor == "vendure" else document
    )
    inner |= changed

    with pytest.raises(Unreadable) as refused:
        means(vendor, document)

    assert [fault.path for fault in refused.value.faults] == [path]


def test_a_list_s_bad_item_is_set_aside():
    good, bad = fixture("woocommerce", "order"), fixture("woocommerce", "cancelled") | {"status": "lost"}

    acts = means("woocommerce", [good, bad]).acts

    assert [type(act).__name__ for act in acts] == ["PlaceOrder", "SetAside"]
    assert json.loads(acts[1].body)["id"] == bad["id"]


def test_units_refunded_before_they_left_are_not_delivered():
    order = fixture("woocommerce", "order") | {"refunds": [fixture("woocommerce", "refund")]}
    assert [(line.ref, line.cancelled_quantity) for line in placed("woocommerce", order).lines] == [
        ("11", 0),
        ("12", 1),
    ]

    left = order | {"status": "completed", "date_completed_gmt": "2026-03-29T18:00:00"}
    assert [(each.cancelled_quantity, each.fulfilled_elsewhere) for each in placed("woocommerce", left).lines] == [
        (0, 1), (0, 3)
    ]  # fmt: skip


def test_thin_messages_ask_for_the_order():
    assert means("bigcommerce", fixture("bigcommerce", "webhook")).acts == (AskFor("order", "411"),)
    assert means("vendure", fixture("vendure", "webhook")).acts == (AskFor("order", "57"),)
    summary = [{"id": 7390, "reason": "", "total": "-10.00"}]
    changed = fixture("woocommerce", "order") | {"refunds": summary}
    assert means("woocommerce", changed).acts == (AskFor("order", "7301"),)


def test_only_the_secret_s_holder_signs():
    body = b'{"id": 1}'
    digest = hmac.new(b"key", body, hashlib.sha256)
    signed = {
        "woocommerce": {"x-wc-webhook-signature": base64.b64encode(digest.digest()).decode()},
        "bigcommerce": {"x-backroom-token": "key"},
        "magento": {"x-backroom-token": "key"},
        "vendure": {"x-oms-signature": digest.hexdigest()},
    }
    for vendor, headers in signed.items():
        verify = registry.get(vendor).verify
        assert verify(body, headers, ["old", "key"], NOW)
        assert not verify(body, headers, ["other"], NOW)
        assert not verify(body, {}, ["key"], NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("vendor", VENDORS)
def test_twice_or_in_any_order_ends_the_same(vendor: str):
    connect(vendor)
    files = sorted((ROOT / "integrations/channels" / vendor / "fixtures").glob("*.json"))
    backwards = ingest(vendor, *reversed(files))
    once = state(vendor)
    assert once["orders"], backwards

    ingest(vendor, *files)

    assert state(vendor) == once


@pytest.mark.django_db
def test_a_refund_reaches_its_order():
    connect("magento")
    ingest(
        "magento",
        *(ROOT / "integrations/channels/magento/fixtures" / name for name in ("order.json", "credit_memo.json")),
    )

    refund = Refund.objects.get(order__channel_ref="31")
    assert (refund.ref, refund.amount) == ("8", Decimal("10.80"))
    assert Order.objects.get(channel_ref="31").total == Decimal("70.80")


@pytest.mark.django_db
@pytest.mark.parametrize("vendor", VENDORS)
def test_every_public_sample_gets_an_outcome_with_a_reason(vendor: str):
    files = sorted(SAMPLES.glob(f"{vendor}/*")) + sorted(SAMPLES.glob(f"malformed/{PREFIXES[vendor]}"))
    if not files:
        pytest.skip("no public samples here")
    connect(vendor)

    for each in ingest(vendor, *files):
        assert each["outcome"] in {"processed", "duplicate", "ignored", "failed", "waiting"}, each
        assert each["reason"] or each["outcome"] == "processed", each
        assert "stumbled" not in each["reason"], each
