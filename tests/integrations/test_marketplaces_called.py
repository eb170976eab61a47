"""Calls to the marketplaces, against servers that speak their protocols: whatever goes wrong, each thing happens once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from config.devstack import amazon, walmart
from config.devstack.rest_server import Market
from core.errors import Permanent, TryLater
from integrations import http, inbox
from integrations.channels import polling, registry, tokens
from integrations.channels.amazon import quota
from integrations.channels.news import ChangeNews, ShipmentNews, Wanted
from integrations.models import Breaker, Connection, FeedState, InboundMessage, OutboundCall
from inventory.services.figures import Level
from orders.models import Order, Refund
from tests.integrations.test_marketplaces import fixture
from tests.integrations.test_stores import connect

pytestmark = pytest.mark.django_db


@dataclass
class Case:
    """One marketplace: how its server is made and known, and what its order is called there."""

    vendor: str
    ref: str
    total: str
    lines: tuple[tuple[str, int], ...]
    serve: Callable[[], Any]
    secrets: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)
    order: Callable[[], dict[str, Any]] = dict
    skus: tuple[str, str] = ("FF-SCK-WOOL", "FF-JKT-OLV-M")
    parcels: int = 1  # how often the server notes one shipment

    @property
    def id(self) -> str:
        return f"{self.vendor}{self.settings.get('orders', '')}"


def ago(minutes: int, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return (timezone.now() - timedelta(minutes=minutes)).strftime(form)


def amazon_order() -> dict[str, Any]:
    return fixture("amazon", "order_v0")["payload"] | {"LastUpdateDate": ago(5)}


def amazon_case(orders: str) -> Case:
    return Case(
        "amazon", "113-4400001-0000001", "86.41", (("50000000000001", 1), ("50000000000002", 1)),
        lambda: amazon.Server(("app", "hush"), "Atzr|refresh"), {"client_secret": "hush", "refresh_token": "Atzr|refresh"},
        {"client_id": "app", "marketplaces": ["ATVPDKIKX0DER"], "seller_id": "A1", "orders": orders}, amazon_order,
    )  # fmt: skip


def walmart_order() -> dict[str, Any]:
    """Both lines released, nothing acknowledged yet."""
    order = fixture("walmart", "order")["order"]
    for state in walmart.states(order):
        state["status"] = "Created"
    return order


WALMART = Case(
    "walmart", "1790000000001", "72.02", (("1", 1), ("2", 1)), lambda: walmart.Server("app:hush"),
    {"client_secret": "hush"}, {"client_id": "app"}, walmart_order, parcels=2,
)  # fmt: skip

CASES = [amazon_case("v0"), amazon_case("2026-01-01"), WALMART]


@dataclass
class Called:
    case: Case
    market: Any
    connection: Connection

    @property
    def vendor(self) -> Any:
        return registry.get(self.case.vendor)

    def news(self, number: str = "RM123456785GB", lines: Any = None) -> ShipmentNews:
        return ShipmentNews(self.case.ref, "FO-1-1", lines or self.case.lines, "Royal Mail", number)

    def poll(self, name: str = "orders") -> int:
        """How many documents nobody had brought before; what they asked for is fetched as well."""
        polling.ensure()
        state = FeedState.objects.get(connection=self.connection, name=name)
        FeedState.objects.filter(pk=state.pk).update(next_at=timezone.now())
        found = polling.read(state.pk)
        state.refresh_from_db()
        assert state.last_error == ""
        inbox.process_due()
        return found

    def pause_over(self) -> None:
        Breaker.objects.update(hold_until=None)
        quota._left.clear()


@contextmanager
def calling(case: Case) -> Iterator[Called]:
    tokens._kept.clear()
    quota._left.clear()
    with case.serve() as server:
        base = {"api": server.url, "login": server.url, "private_address_allowed": True}
        connection = connect(case.vendor, **base, **case.settings)
        for name, value in case.secrets.items():
            connection.keep_secret(name, value)
        market: Market = server.shop
        market.orders[case.ref] = case.order()
        market.stock = dict.fromkeys(case.skus, 0)
        yield Called(case, market, connection)


@pytest.fixture(params=CASES, ids=lambda case: case.id)
def called(request: pytest.FixtureRequest) -> Iterator[Called]:
    with calling(request.param) as found:
        yield found


def test_an_order_comes_in_once_to_the_cent_however_often_it_is_read(called: Called):
    assert called.poll() == 1
    asked_for = InboundMessage.objects.filter(connection=called.connection)
    for document in called.vendor.fetch(called.connection, "order", called.case.ref):
        polling.accept(called.connection, [document])
    inbox.process_due()

    assert called.poll() == 0

    order = Order.objects.get(channel_ref=called.case.ref)
    assert (order.total, order.disagreements) == (Decimal(called.case.total), [])
    assert order.ship_to["country"]
    assert asked_for.filter(status="FAILED").count() == 0


def test_a_shipment_is_told_once_though_its_answer_was_lost(called: Called):
    called.market.faults["lose_write"] = 1
    with pytest.raises(TryLater):
        called.vendor.tell_shipment(called.connection, called.news())

    first = called.vendor.tell_shipment(called.connection, called.news())
    again = called.vendor.tell_shipment(called.connection, called.news())

    assert first == again != ""
    assert len(called.market.told[called.case.ref]) == called.case.parcels


def test_trouble_heals_with_time_and_a_token_that_ended_is_renewed_once(called: Called):
    for fault, seconds in (("500", None), ("429", 1.0)):
        called.market.faults[fault] = 1
        with pytest.raises(http.FailedForNow) as caught:
            called.vendor.tell_shipment(called.connection, called.news())
        assert caught.value.seconds == seconds
        called.pause_over()
    asked = called.market.asked

    called.market.tokens.clear()
    called.vendor.tell_shipment(called.connection, called.news())

    assert called.market.asked <= asked + 1
    assert len(called.market.told[called.case.ref]) == called.case.parcels
    logged = " ".join(OutboundCall.objects.values_list("request_excerpt", flat=True))
    logged += " ".join(OutboundCall.objects.values_list("url", flat=True))
    assert not [secret for secret in called.case.secrets.values() if secret in logged]


def test_stock_there_is_what_was_set_and_what_is_refused_says_why(called: Called):
    first, second = called.case.skus
    levels = [
        Level(1, (first,), "", {"": 7}),
        Level(2, ("NOBODY", second), "", {"": 0}),
        Level(3, ("HAT",), "", {"": 1}),
    ]

    told = called.vendor.set_levels(called.connection, levels, "k")
    kept = {each.item_id: each.ref for each in told}
    again = [Level(each.item_id, each.codes, kept[each.item_id], each.units) for each in levels]
    called.market.stock[first] = 1
    repeated = called.vendor.set_levels(called.connection, again, "k")

    assert [(each.unlisted, each.problem) for each in told] == [(False, ""), (False, ""), (True, "")]
    assert [each.ref for each in repeated][:2] == [kept[1], kept[2]]
    assert called.market.stock == {first: 7, second: 0}


def test_credentials_that_are_refused_are_for_a_person(called: Called):
    for name in called.case.secrets:
        called.connection.keep_secret(name, "other", retire_others=True)

    with pytest.raises(Permanent) as caught:
        called.vendor.fetch(called.connection, "order", called.case.ref)
    assert caught.value.failure_class == "authentication"

    called.connection.sealed_secrets.all().delete()
    with pytest.raises(Permanent, match="lacks"):
        called.vendor.fetch(called.connection, "order", called.case.ref)


# --- What only one of them has


def test_amazon_s_lists_come_in_pages_and_a_forgotten_page_begins_anew():
    with calling(amazon_case("v0")) as called:
        called.market.page = 1
        called.market.orders["113-2"] = amazon_order() | {"AmazonOrderId": "113-2"}

        assert called.poll() == 2

        cursor = FeedState.objects.get(name="orders").cursor
        assert "token" not in json.loads(cursor)
        stale = json.dumps(json.loads(cursor) | {"token": "old", "began": timezone.now().isoformat()})
        page = called.vendor.feeds[0].fetch(called.connection, stale)

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
