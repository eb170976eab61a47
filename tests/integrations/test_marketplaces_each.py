"""Calls to the marketplaces: what only one of them has."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import json
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from django.utils import timezone

from config.devstack import walmart
from core.actors import SYSTEM
from core.errors import Permanent, TryLater
from core.subjects import Subject
from integrations.channels import publishing, tasks
from integrations.channels.amazon import quota
from integrations.channels.news import ChangeNews, Wanted
from integrations.channels.tiktok.client import sign
from integrations.models import FeedState
from inventory.models import ChannelFeed, Publication
from inventory.services import movements
from inventory.services.figures import Level
from orders.models import Order, Refund
from tests.factories.inventory import ItemFactory, StockFactory
from tests.integrations.markets import (
    EBAY,
    ETSY,
    MIRAKL,
    TIKTOK,
    WALMART,
    Case,
    ago,
    amazon_case,
    another,
    calling,
)
from tests.integrations.test_marketplaces import fixture
from tests.integrations.test_shopify_client import shipped

pytestmark = pytest.mark.django_db


CHANGES = {"mirakl": ("last_updated_date", lambda: ago(0)), "ebay": ("lastModifiedDate", lambda: ago(0)),
           "etsy": ("updated_timestamp", lambda: int(timezone.now().timestamp()))}  # fmt: skip


@pytest.mark.parametrize("case", [MIRAKL, ETSY, EBAY], ids=["mirakl", "etsy", "ebay"])
def test_an_order_that_changes_while_a_list_is_read_lets_no_other_slip_through(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    """The lists are paged by offset: whatever left the window would move the others one place forward."""
    with calling(case) as called:
        monkeypatch.setattr(importlib.import_module(f"integrations.channels.{case.vendor}.client"), "AT_ONCE", 1)
        first, (changed, when) = called.market.orders[case.ref], CHANGES[case.vendor]
        for ref in ("8001", "8002"):
            another(called, ref)
        (feed, *_), cursor, found = called.vendor.feeds, "", set()
        for _ in range(9):
            page = feed.fetch(called.connection, cursor)
            found |= {document.external_id.partition("@")[0].partition(":")[2] for document in page.documents}
            first[changed] = when()
            cursor = page.cursor
            if not page.more:
                break

        assert found >= {case.ref, "8001", "8002"}


@pytest.mark.parametrize(
    ("case", "stale"),
    [(amazon_case("v0"), "old"), (WALMART, "?soIndex=old"), (TIKTOK, "old")],
    ids=["amazon", "walmart", "tiktok"],
)
def test_lists_come_in_pages_and_a_page_that_was_forgotten_begins_them_anew(case: Case, stale: str):
    with calling(case) as called:
        called.market.page = 1
        another(called, "8001")

        assert called.poll() == 2

        cursor = json.loads(FeedState.objects.get(name="orders").cursor)
        assert "token" not in cursor
        kept = json.dumps(cursor | {"token": stale, "began": timezone.now().isoformat()})
        page = called.vendor.feeds[0].fetch(called.connection, kept)
        assert (page.documents, page.more, "token" in page.cursor) == ((), True, False)


def test_amazon_s_feed_of_stock_says_which_skus_were_refused():
    with calling(amazon_case("v0")) as called:
        called.market.stock = {f"S-{n}": 0 for n in range(30)}
        called.market.refuses = {"S-3": "quantity is not allowed"}
        levels = [Level(n, (f"S-{n}",), "", {"": n}) for n in range(30)]
        for _ in range(2):
            with pytest.raises(TryLater):
                called.vendor.set_levels(called.connection, levels, "k")
        levels[5] = Level(5, ("S-5",), "", {"": 50})

        told = called.vendor.set_levels(called.connection, levels, "k")

        assert [(each.item_id, each.problem) for each in told if each.problem] == [
            (3, "90220: quantity is not allowed")
        ]
        assert called.market.stock == {f"S-{n}": {3: 0, 5: 50}.get(n, n) for n in range(30)}
        assert len(called.market.feeds) == 1
        assert quota.told(called.connection, "createFeed") == 5.0


def test_amazon_s_refunds_come_in_by_themselves():
    with calling(amazon_case("2026-01-01")) as called:
        called.poll()
        events = fixture("amazon", "finances_refund")["payload"]["FinancialEvents"]["RefundEventList"]
        called.market.refund_events = events

        assert (called.poll("refunds"), called.poll("refunds")) == (1, 0)

        assert [each.amount for each in Refund.objects.all()] == [Decimal("14.58")]


@dataclass
class Memory:
    ref: str = ""

    def keep(self, ref: str) -> None:
        self.ref = ref


def test_amazon_cancels_by_a_feed_that_is_sent_once_and_says_why_it_refuses():
    with calling(amazon_case("2026-01-01")) as called:
        gone = ChangeNews(called.case.ref, ({"edit": "cancel"},), (), "C-1")
        memory = Memory()
        for _ in range(2):
            with pytest.raises(TryLater):
                called.vendor.tell_change(called.connection, gone, memory)
        with pytest.raises(Permanent, match="has shipped already"):
            called.vendor.tell_change(called.connection, gone, memory)

        for item in called.market.orders[called.case.ref]["OrderItems"]:
            item["QuantityShipped"] = 0
        with pytest.raises(TryLater):
            called.vendor.tell_change(called.connection, gone, memory)
        assert called.vendor.tell_change(called.connection, gone, memory) == "It is cancelled at Amazon."
        assert len(called.market.feeds) == 1


def test_walmart_s_released_orders_are_acknowledged_and_come_in_once():
    with calling(WALMART) as called:
        assert (called.poll("released"), called.poll("released"), called.poll()) == (1, 0, 0)

        assert {state["status"] for state in walmart.states(called.market.orders[called.case.ref])} == {"Acknowledged"}
        assert Order.objects.get().channel_ref == called.case.ref


def test_walmart_is_told_which_units_are_cancelled_once():
    with calling(WALMART) as called:
        less = ChangeNews(called.case.ref, ({"edit": "remove_line"},), (Wanted("1", "", 1), Wanted("2", "", 0)), "C-1")
        tell = called.vendor.tell_change

        assert tell(called.connection, less, None) == "It is cancelled at Walmart."
        assert tell(called.connection, less, None) == "It was cancelled at Walmart already."

        assert [state["status"] for state in walmart.states(called.market.orders[called.case.ref])] == [
            "Created",
            "Cancelled",
        ]
        with pytest.raises(Permanent, match="address"):
            tell(called.connection, ChangeNews(called.case.ref, ({"edit": "address"},), less.wanted, "C-2"), None)


def test_walmart_s_feed_of_stock_says_which_skus_were_refused():
    with calling(WALMART) as called:
        called.market.stock = {f"S-{n}": 0 for n in range(49)}
        levels = [Level(n, (f"S-{n}",), "", {"": n}) for n in range(50)]
        with pytest.raises(TryLater):
            called.vendor.set_levels(called.connection, levels, "k")

        told = called.vendor.set_levels(called.connection, levels, "k")

        assert [(each.item_id, each.problem) for each in told if each.problem] == [(49, "SKU is not set up")]
        assert called.market.stock == {f"S-{n}": n for n in range(49)}


def test_mirakl_s_orders_are_accepted_where_the_settings_say_so():
    with calling(MIRAKL) as called:
        order = called.market.orders[called.case.ref]
        order["order_state"] = order["order_lines"][0]["order_line_state"] = "WAITING_ACCEPTANCE"
        called.poll()
        assert order["order_state"] == "WAITING_ACCEPTANCE"

        called.connection.settings["accept_orders"] = True
        called.connection.save()
        called.poll()

        assert order["order_state"] == "WAITING_DEBIT_PAYMENT"
        assert not Order.objects.exists()


def test_a_part_of_an_order_leaves_mirakl_as_a_shipment_of_its_own():
    with calling(MIRAKL) as called:
        line = called.case.lines[0][0]
        first, second = called.news("RM1", ((line, 1),)), called.news("RM2", ((line, 2),))
        for news in (first, first, second, second):
            called.vendor.tell_shipment(called.connection, news)

        told = called.market.told[called.case.ref]
        assert [(each["tracking"]["tracking_number"], each["shipment_lines"][0]["quantity"]) for each in told] == [
            ("RM1", 1),
            ("RM2", 2),
        ]


def test_etsy_s_inventory_keeps_everything_but_the_quantity_that_was_set():
    with calling(ETSY) as called:
        before = json.loads(json.dumps(called.market.listings[1]["inventory"]))
        called.set_levels(Level(1, (called.case.skus[0],), "", {"": 2}))

        after = called.market.listings[1]["inventory"]
        for was, now in zip(before["products"], after["products"], strict=True):
            for value in was["property_values"]:
                del value["scale_name"]
            assert (now["sku"], now["property_values"]) == (was["sku"], was["property_values"])
            assert now["offerings"][0]["price"] == was["offerings"][0]["price"]
        assert called.market.quantities() == {called.case.skus[0]: 2, called.case.skus[1]: 5}

        after["quantity_on_property"] = []
        (told,) = called.set_levels(Level(1, (called.case.skus[0],), "", {"": 3}))
        assert "one quantity for all its variations" in told.problem


def test_etsy_hears_of_parcels_once_all_of_the_order_has_left():
    with calling(ETSY) as called:
        called.poll()
        order = Order.objects.get()
        data = {"lines": [{"ref": "81", "quantity": 1}], "carrier": "DHL", "tracking_number": "D1"}
        fact = shipped(order, **data)
        with pytest.raises(TryLater) as waits:
            tasks.tell_channel(fact)
        assert (waits.value.spends_attempt, called.market.told) == (False, {})

        order.lines.update(fulfilled=2, open=0, allocated=0, backordered=0)
        for each in (fact, fact, shipped(order, **data | {"tracking_number": "D2"})):
            tasks.tell_channel(each)

        assert [each["tracking_code"] for each in called.market.told[called.case.ref]] == ["D1", "D2"]


@pytest.mark.parametrize("case", [ETSY, TIKTOK], ids=["etsy", "tiktok"])
def test_each_renewal_of_a_token_brings_the_next_refresh_token(case: Case):
    with calling(case) as called:
        for _ in range(3):
            called.vendor.fetch(called.connection, "order", case.ref)
            called.market.end_tokens()

        assert called.market.asked == 3
        assert called.connection.secret("refresh_token") == called.market.refresh_tokens[-1]
        assert len(called.connection.secrets_named("refresh_token")) == 1


def test_tiktok_s_calls_are_signed_as_documented():
    query = {"app_key": "68xu9ks5p4i8", "shop_cipher": "ROW_c", "timestamp": "1696909648"}
    body = b'{"event_type":"PACKAGE_UPDATE"}'
    text = (
        b"e59af819cc/event/202309/webhooksapp_key68xu9ks5p4i8shop_cipherROW_ctimestamp1696909648" + body + b"e59af819cc"
    )

    made = sign("e59af819cc", "/event/202309/webhooks", query | {"sign": "x", "access_token": "y"}, body)

    assert made == hmac.new(b"e59af819cc", text, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("case", [TIKTOK, EBAY, MIRAKL], ids=["tiktok", "ebay", "mirakl"])
def test_a_cancelled_order_is_cancelled_there_once(case: Case):
    with calling(case) as called:
        called.market.orders[case.ref]["can_cancel"] = True
        gone = ChangeNews(case.ref, ({"edit": "cancel"},), tuple(Wanted(ref, "", 0) for ref, _ in case.lines), "C-1")

        first, again = (called.vendor.tell_change(called.connection, gone, None) for _ in range(2))

        assert "is cancelled" in first
        assert "already" in again


def test_ebay_s_fulfilments_without_a_number_are_known_by_their_lines():
    with calling(EBAY) as called:
        tell = called.vendor.tell_shipment
        first, again = tell(called.connection, called.news("")), tell(called.connection, called.news(""))
        tell(called.connection, called.news("", (("9001", 1),)))

        assert first == again
        assert len(called.market.told[called.case.ref]) == 2


def test_ebay_s_carriers_have_codes_and_its_numbers_letters_and_digits_only():
    with calling(EBAY) as called:
        called.vendor.tell_shipment(called.connection, replace(called.news("15-501 234"), carrier="DPD"))

        (made,) = called.market.told[called.case.ref]
        assert (made["shippingCarrierCode"], made["shipmentTrackingNumber"]) == ("DPD_UK", "15501234")


def test_figures_sent_as_a_file_are_known_there_once_its_report_is():
    with calling(MIRAKL) as called:
        called.connection.settings["publish_stock"] = True
        called.connection.save()
        publishing.follow_connections()
        sock, _ = (StockFactory(item=ItemFactory(sku=sku), sellable=5) for sku in (called.case.skus[0], "HAT"))

        assert publishing.publish() == 0
        assert ChannelFeed.objects.get().failures == 0
        movements.adjust(
            sock.item_id, sock.location_id, 2, key="c", cause=Subject("count", "1"), actor=SYSTEM, reason="COUNT"
        )
        ChannelFeed.objects.update(backs_off_until=None)
        assert publishing.publish() == 1  # the hat, refused; the sock's figure is another by now

        for _ in range(2):
            ChannelFeed.objects.update(backs_off_until=None)
            Publication.objects.update(leased_until=timezone.now())
            publishing.publish()
        assert called.market.stock[called.case.skus[0]] == 7
        assert "does not exist" in Publication.objects.get(item__sku="HAT").problem
