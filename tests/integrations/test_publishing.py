"""Stock out to a shop that speaks Shopify's protocol, with everything that goes wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from config.devstack.shopify import Server
from core.actors import SYSTEM
from core.errors import TryLater
from core.subjects import Subject
from integrations import http, pace
from integrations.channels import publishing
from integrations.models import Breaker, Connection, OutboundCall, Pace
from inventory.models import ChannelFeed, Publication, Stock
from inventory.services import full_publication, movements
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
HOME = "gid://shopify/Location/880"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("shpat_test") as server:
        yield server


@pytest.fixture
def telling(shop: Connection, server: Server) -> Connection:
    shop.settings = {
        "shop": server.url, "private_address_allowed": True, "publish_stock": True, "stock_location": "880",
    }  # fmt: skip
    shop.save()
    shop.keep_secret("token", "shpat_test")
    publishing.follow_connections()
    return shop


def stocked(server: Server, *skus: str, units: int = 10) -> list[Stock]:
    server.shop.stock.add(list(skus))
    place = LocationFactory()
    return [StockFactory(item=ItemFactory(sku=sku), location=place, sellable=units) for sku in skus]


def change(stock: Stock, units: int) -> None:
    key = f"{stock.pk}:{timezone.now().isoformat()}"
    about: dict[str, Any] = {"key": key, "cause": Subject("count", "1"), "actor": SYSTEM, "reason": "COUNT"}
    movements.adjust(stock.item_id, stock.location_id, units, **about)


def ready_again() -> None:
    ChannelFeed.objects.update(backs_off_until=None)
    Breaker.objects.update(hold_until=None)


def test_the_shop_hears_each_figure_once_and_only_the_latest(telling, server):
    coat, hat = stocked(server, "COAT", 'HAT/1 "A"')
    for _ in range(4):
        change(coat, 1)

    assert publishing.publish() == 2
    assert publishing.publish() == 0

    assert server.shop.stock.levels() == {"COAT": {HOME: 14}, 'HAT/1 "A"': {HOME: 10}}
    assert server.shop.stock.writes == 2
    assert ChannelFeed.objects.get().lag_p95_ms is not None


def test_the_shops_handle_is_asked_for_once(telling, server):
    (coat,) = stocked(server, "COAT")
    publishing.publish()
    change(coat, 1)

    publishing.publish()

    assert [call for call in server.shop.calls if "InventoryItems" in call] == ["query InventoryItems"]
    assert server.shop.stock.levels() == {"COAT": {HOME: 11}}


def test_an_item_the_shop_does_not_sell_is_marked_and_the_others_are_told(telling, server):
    stocked(server, "COAT")
    StockFactory(item=ItemFactory(sku="ELSEWHERE"))

    publishing.publish()

    assert server.shop.stock.levels() == {"COAT": {HOME: 10}}
    assert Publication.objects.get(item__sku="ELSEWHERE").unlisted


def test_what_the_shop_objects_to_is_set_aside_and_the_rest_told(telling, server):
    stocked(server, "COAT", "HAT", "SCARF")
    server.shop.stock.not_stocked.add(server.shop.stock.items["HAT"])

    publishing.publish()

    assert server.shop.stock.levels() == {"COAT": {HOME: 10}, "SCARF": {HOME: 10}}
    assert "not stocked" in Publication.objects.get(item__sku="HAT").problem


# A rate limit is obeyed like an outage, but nobody has failed.
@pytest.mark.parametrize("fault, failures", [("500", 1), ("hang_up", 1), ("garbage", 1), ("429", 0), ("throttle", 0)])
def test_a_shop_that_is_down_hears_the_latest_figure_when_it_is_back(telling, server, fault, failures):
    (coat,) = stocked(server, "COAT")
    publishing.publish()
    server.shop.faults[fault] = 1
    change(coat, 1)

    publishing.publish()
    feed = ChannelFeed.objects.get()
    assert feed.failures == failures
    assert feed.backs_off_until > timezone.now()
    for _ in range(3):
        change(coat, 1)
    assert publishing.publish() == 0  # left alone
    ready_again()
    assert publishing.publish() == 1

    assert server.shop.stock.levels() == {"COAT": {HOME: 14}}
    assert server.shop.stock.writes == 2


def test_a_lost_answer_leaves_the_figure_dirty_and_setting_it_again_does_no_harm(telling, server):
    stocked(server, "COAT")
    server.shop.faults["lose_answer"] = 1

    publishing.publish()
    assert Publication.objects.get().dirty_since is not None
    ready_again()
    publishing.publish()

    assert server.shop.stock.levels() == {"COAT": {HOME: 10}}
    assert Publication.objects.get().dirty_since is None


def test_each_location_is_told_where_the_settings_map_them(telling, server):
    telling.settings |= {"stock_locations": {"LEEDS": "881", "YORK": "882"}}
    telling.save()
    publishing.follow_connections()
    item = ItemFactory(sku="COAT")
    server.shop.stock.add(["COAT"])
    for code, units in (("LEEDS", 3), ("YORK", 4), ("BATH", 5)):
        StockFactory(item=item, sellable=units, location=LocationFactory(code=code))

    publishing.publish()

    assert server.shop.stock.levels() == {"COAT": {"gid://shopify/Location/881": 3, "gid://shopify/Location/882": 4}}


def test_a_snapshot_tells_a_shop_that_forgot_everything(telling, server):
    stocked(server, "COAT", "HAT")
    publishing.publish()
    server.shop.stock.available.clear()

    job = full_publication.request(ChannelFeed.objects.get().pk, actor=SYSTEM)
    publishing.publish()

    job.refresh_from_db()
    assert (job.status, job.done) == ("DONE", 2)
    assert server.shop.stock.levels() == {"COAT": {HOME: 10}, "HAT": {HOME: 10}}


def test_a_paused_connection_keeps_its_figures_and_one_that_no_longer_publishes_closes_its_feed(telling, server):
    Connection.objects.update(status="PAUSED")
    stocked(server, "COAT")

    assert publishing.publish() == 0
    assert ChannelFeed.objects.get().active
    Connection.objects.update(status="ACTIVE")
    assert publishing.publish() == 1
    telling.refresh_from_db()
    telling.settings |= {"publish_stock": False}
    telling.save()
    publishing.publish()

    assert not ChannelFeed.objects.get().active


def test_a_missing_setting_is_said_on_the_feed(telling, server):
    telling.settings |= {"stock_location": ""}
    telling.save()
    stocked(server, "COAT")

    publishing.publish()

    assert "stock_location" in ChannelFeed.objects.get().last_error


def test_no_call_is_made_beyond_the_connections_own_pace(telling, server):
    Connection.objects.update(rate_per_minute=6)  # a burst of ten seconds is one call
    stocked(server, "COAT")

    publishing.publish()  # the handle is asked for; the figure has to wait

    feed = ChannelFeed.objects.get()
    assert (feed.failures, feed.last_error) == (0, "")
    assert timezone.now() < feed.backs_off_until < timezone.now() + timedelta(seconds=11)
    assert OutboundCall.objects.count() == 1
    Pace.objects.all().delete()
    ready_again()
    Connection.objects.update(rate_per_minute=600)
    assert publishing.publish() == 1


def test_the_pace_lets_a_burst_through_and_then_says_how_long_to_wait(shop):
    for _ in range(10):
        pace.take(shop.pk, 60)

    with pytest.raises(TryLater) as waits:
        pace.take(shop.pk, 60)

    assert 0 < waits.value.seconds <= 1.05
    assert not waits.value.spends_attempt
    Pace.objects.update(spent_until=timezone.now() - timedelta(minutes=1))
    pace.take(shop.pk, 60)


def test_a_turn_that_comes_soon_is_waited_for_and_counted(shop):
    pace.take(shop.pk, 600)
    full = timezone.now() + timedelta(seconds=pace.BURST_SECONDS + 0.3)
    Pace.objects.update(spent_until=full)

    pace.take(shop.pk, 600, patience=1)

    assert Pace.objects.get().spent_until == full + timedelta(seconds=0.1)
    assert timezone.now() >= full + timedelta(seconds=0.1 - pace.BURST_SECONDS)
    Pace.objects.update(spent_until=timezone.now() + timedelta(seconds=pace.BURST_SECONDS + 5))
    with pytest.raises(pace.TooFast) as late:
        pace.take(shop.pk, 600, patience=1)
    assert late.value.seconds > 4


def test_every_call_counts_whatever_it_is_for(telling, server):
    Connection.objects.update(rate_per_minute=6)
    telling.refresh_from_db()
    http.request(telling, "GET", f"{server.url}/livez")

    with pytest.raises(pace.TooFast):
        http.request(telling, "GET", f"{server.url}/livez")
