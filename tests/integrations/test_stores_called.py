"""Calls to WooCommerce and BigCommerce, against servers that speak their protocols, with what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from config.devstack import bigcommerce, magento, vendure, woocommerce
from core.errors import Permanent, TryLater
from integrations import http, inbox
from integrations.channels import polling, registry
from integrations.channels.news import ChangeNews, ShipmentNews, Wanted
from integrations.channels.vendure import client as vendure_client
from integrations.models import Connection, FeedState, InboundMessage
from inventory.services.figures import Level
from orders.models import Order, OrderLine
from tests.integrations.test_stores import connect, fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def woo() -> Iterator[woocommerce.Shop]:
    with woocommerce.Server("ck_1", "cs_1") as server:
        connection = connect("woocommerce", shop=server.url, private_address_allowed=True)
        connection.keep_secret("key", "ck_1")
        connection.keep_secret("secret", "cs_1")
        server.shop.orders[7301] = fixture("woocommerce", "order")
        yield server.shop


@pytest.fixture
def big() -> Iterator[bigcommerce.Shop]:
    with bigcommerce.Server("tok_1") as server:
        connection = connect("bigcommerce", store_hash="abc", api_url=server.url, private_address_allowed=True)
        connection.keep_secret("token", "tok_1")
        server.shop.add(fixture("bigcommerce", "order"))
        yield server.shop


def calling(vendor: str) -> Connection:
    return Connection.objects.get(code=vendor)


def poll(vendor: str, since: str = "2026-01-01T00:00:00+00:00") -> int:
    polling.ensure()
    state = FeedState.objects.get(connection__code=vendor, name="orders")
    polling.restart(state, since)
    found = polling.read(state.pk)
    state.refresh_from_db()
    assert state.last_error == ""
    inbox.process_due()
    return found


def test_woocommerce_s_feed_finds_what_webhooks_missed_once(woo: woocommerce.Shop):
    assert poll("woocommerce") == 1
    assert Order.objects.get(channel_ref="7301").total == 60

    woo.orders[7301] |= {
        "refunds": [{"id": 7390, "reason": "", "total": "-10.00"}], "date_modified_gmt": "2026-03-30T09:00:00"
    }  # fmt: skip
    woo.refunds[7301] = [fixture("woocommerce", "refund")]
    assert (poll("woocommerce"), poll("woocommerce")) == (1, 0)

    assert list(OrderLine.objects.order_by("ref").values_list("ref", "cancelled")) == [("11", 0), ("12", 1)]


def test_woocommerce_is_told_of_a_shipment_once_whatever_is_lost(woo: woocommerce.Shop):
    tell = registry.get("woocommerce").tell_shipment
    first = ShipmentNews("7301", "SH-1", (("11", 1), ("12", 1)), "Royal Mail", "RM1")

    tell(calling("woocommerce"), first)
    tell(calling("woocommerce"), first)
    assert (woo.orders[7301]["status"], len(woo.notes[7301])) == ("processing", 1)

    tell(calling("woocommerce"), ShipmentNews("7301", "SH-2", (("12", 2),), "Royal Mail", "RM2"))
    assert (woo.orders[7301]["status"], len(woo.notes[7301])) == ("completed", 2)


def test_woocommerce_s_stock_is_set_by_sku(woo: woocommerce.Shop):
    woo.products = {
        5: {"id": 5, "sku": "COAT-M", "type": "simple", "parent_id": 0},
        7: {"id": 7, "sku": "SOCK-3", "type": "variation", "parent_id": 6},
    }
    levels = [Level(1, ("COAT-M",), "", {"": 4}), Level(2, ("SOCK-3",), "", {"": 0}), Level(3, ("HAT",), "", {"": 1})]

    told = registry.get("woocommerce").set_levels(calling("woocommerce"), levels, "k")

    assert [(each.ref, each.unlisted, each.problem) for each in told] == [
        ("5", False, ""),
        ("6/7", False, ""),
        ("", True, ""),
    ]
    assert [woo.products[n]["stock_quantity"] for n in (5, 7)] == [4, 0]


def test_woocommerce_is_told_of_a_cancellation_and_of_nothing_it_can_t_do(woo: woocommerce.Shop):
    tell = registry.get("woocommerce").tell_change
    cancelled = ChangeNews("7301", ({"edit": "cancel"},), (Wanted("11", "COAT-M", 0), Wanted("12", "SOCK-3", 0)), "C-1")

    assert tell(calling("woocommerce"), cancelled, None) == "It is cancelled at WooCommerce."
    assert tell(calling("woocommerce"), cancelled, None) == "It was cancelled at WooCommerce already."
    fewer = ChangeNews("7301", ({"edit": "quantity"},), (Wanted("12", "SOCK-3", 1),), "C-2")
    with pytest.raises(Permanent):
        tell(calling("woocommerce"), fewer, None)


def test_a_pause_asked_for_and_a_refused_key_are_said(woo: woocommerce.Shop):
    fetch = registry.get("woocommerce").fetch
    woo.faults["429"] = 1
    with pytest.raises(TryLater):
        fetch(calling("woocommerce"), "order", "7301")
    woo.allowed = "Basic other"
    with pytest.raises((http.FailedForGood, TryLater)):
        fetch(calling("woocommerce"), "order", "7301")


def test_a_thin_webhook_s_order_is_fetched_in_its_parts(big: bigcommerce.Shop):
    connection = calling("bigcommerce")
    documents = registry.get("bigcommerce").fetch(connection, "order", "411")

    assert polling.accept(connection, documents) == 1
    inbox.process_due()

    order = Order.objects.get(channel_ref="411")
    assert (order.total, order.tax_included, order.payment_state) == (Decimal("62.40"), True, "paid")
    assert poll("bigcommerce") == 0


def test_an_order_whose_parts_are_gone_is_a_message_of_its_own_and_holds_up_none(big: bigcommerce.Shop):
    gone, after = fixture("bigcommerce", "order"), fixture("bigcommerce", "order")
    gone["order"]["id"], after["order"]["id"] = 413, 414
    big.orders[412] = gone  # listed as 413, which is not there
    big.orders[414] = after

    assert poll("bigcommerce") == 3

    assert set(Order.objects.values_list("channel_ref", flat=True)) == {"411", "414"}
    message = InboundMessage.objects.get(status="FAILED")
    assert "products" in message.reason
    assert not FeedState.objects.exclude(last_error="").exists()


def test_bigcommerce_is_told_once_though_its_answer_is_lost(big: bigcommerce.Shop):
    tell = registry.get("bigcommerce").tell_shipment
    news = ShipmentNews("411", "SH-1", (("1", 1), ("2", 2)), "Royal Mail", "RM1")

    assert tell(calling("bigcommerce"), news) == "1"
    assert tell(calling("bigcommerce"), news) == "1"

    assert [each["items"] for each in big.orders[411]["shipments"]] == [
        [{"order_product_id": 1, "quantity": 1}, {"order_product_id": 2, "quantity": 2}]
    ]


def test_bigcommerce_s_stock_is_set_absolutely(big: bigcommerce.Shop):
    big.variants = {301: {"id": 301, "sku": "COAT-M"}}
    levels = [Level(1, ("COAT-M",), "", {"": 4}), Level(3, ("HAT",), "", {"": 1})]

    told = registry.get("bigcommerce").set_levels(calling("bigcommerce"), levels, "k")

    assert [(each.ref, each.unlisted) for each in told] == [("301", False), ("", True)]
    assert big.variants[301]["inventory_level"] == 4


@pytest.fixture
def mage() -> Iterator[magento.Shop]:
    with magento.Server("tok_1") as server:
        connection = connect("magento", base_url=server.url, private_address_allowed=True)
        connection.keep_secret("token", "tok_1")
        order = fixture("magento", "order")
        server.shop.orders = {n: order | {"entity_id": n, "increment_id": str(n)} for n in range(31, 31 + 52)}
        yield server.shop


def test_magento_s_pages_end_where_its_count_says_and_an_order_is_shipped_once(mage: magento.Shop):
    polling.ensure()
    state = FeedState.objects.get(connection__code="magento", name="orders")
    polling.restart(state, "2026-01-01T00:00:00+00:00")
    news = ShipmentNews("31", "SH-1", (("1", 1), ("4", 2)), "Royal Mail", "RM1")
    vendor, connection = registry.get("magento"), calling("magento")

    assert polling.read(state.pk) == 52
    made = vendor.tell_shipment(connection, news)
    again = vendor.tell_shipment(connection, news)
    with pytest.raises(http.FailedForGood, match="must not be greater"):
        vendor.tell_shipment(connection, ShipmentNews("31", "SH-2", (("1", 1),), "Royal Mail", "RM2"))

    assert made == again == "9000"
    assert mage.shipments[0]["comments"] == [{"comment": "Backroom [SH-1]", "is_visible_on_front": 0}]


def test_magento_takes_the_levels_it_knows_beside_one_it_does_not(mage: magento.Shop):
    mage.skus = {f"S{n}" for n in range(9)}
    levels = [Level(n, (sku,), "", {"": n}) for n, sku in enumerate(["S0", "S1", "GONE", "S3"])]

    found = registry.get("magento").set_levels(calling("magento"), levels, "k")

    assert [bool(each.problem) for each in found] == [False, False, True, False]
    assert mage.sources == {("S0", "default"): 0, ("S1", "default"): 1, ("S3", "default"): 3}


def test_magento_says_when_an_order_can_no_longer_be_cancelled(mage: magento.Shop):
    vendor, connection = registry.get("magento"), calling("magento")
    off = ChangeNews("31", ({"edit": "cancel"},), (Wanted("1", "COAT-M", 0),), "C-1")

    with pytest.raises(Permanent, match="doesn't cancel"):
        vendor.tell_change(connection, off, None)
    mage.orders[31]["state"] = "new"

    assert vendor.tell_change(connection, off, None) == "It is cancelled at Magento."
    assert "already" in vendor.tell_change(connection, off, None)


def test_vendure_s_session_is_begun_anew_and_its_own_promises_stay_on_top():
    with vendure.Server("admin", "hush") as server:
        connection = connect("vendure", admin_api=f"{server.url}/admin-api", private_address_allowed=True)
        connection.keep_secret("username", "admin")
        connection.keep_secret("password", "hush")
        server.shop.put_on_sale("COAT-M", promised=4)
        order = fixture("vendure", "order")["data"]["order"]
        server.shop.add_order(order | {"fulfillments": []})
        vendor = registry.get("vendure")
        level = Level(1, ("COAT-M",), "", {"": 7})

        (told,) = vendor.set_levels(connection, [level], "k")
        server.shop.end_sessions()
        (unlisted,) = vendor.set_levels(connection, [Level(2, ("NOT-SOLD",), "", {"": 1})], "k")
        made = vendor.tell_shipment(connection, ShipmentNews("57", "SH-1", (("90", 1),), "Royal Mail", "RM1"))

        assert (told.ref, told.problem, unlisted.unlisted) == ("1", "", True)
        assert server.shop.sellable() == {"COAT-M": 7}
        assert server.shop.orders["57"]["fulfillments"][0]["state"] == "Shipped"
        assert vendor.tell_shipment(connection, ShipmentNews("57", "SH-1", (("90", 1),), "Royal Mail", "RM1")) == made
        connection.keep_secret("password", "wrong", retire_others=True)
        vendure_client._sessions.clear()
        with pytest.raises(http.FailedForGood, match="refuses our login"):
            vendor.fetch(connection, "order", "57")
