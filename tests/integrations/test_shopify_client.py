"""Telling Shopify about a shipment, against a server that speaks its protocol, with everything that goes wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest

from config.devstack.shopify import Server
from core.actors import SYSTEM
from core.errors import Permanent, TryLater
from core.events import Fact
from core.models import Event
from core.subjects import Subject
from integrations import breaker, http, inbox
from integrations.channels import polling, tasks
from integrations.channels.news import ShipmentNews
from integrations.channels.shopify import client, missed
from integrations.models import Breaker, Connection, OutboundCall
from orders.models import Order
from tests.integrations.conftest import FIXTURES

pytestmark = pytest.mark.django_db
BODY = json.loads((FIXTURES / "orders_create.json").read_text())
REF = str(BODY["id"])
JACKET, SOCKS = (str(line["id"]) for line in BODY["line_items"])


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("shpat_test") as server:
        yield server


@pytest.fixture
def calling(shop: Connection, server: Server) -> Connection:
    shop.settings = {"shop": server.url, "private_address_allowed": True}
    shop.save()
    shop.keep_secret("token", "shpat_test")
    server.shop.add_order(BODY)
    return shop


def news(*lines: tuple[str, int], number: str = "RM1", reference: str = "SO-1-1") -> ShipmentNews:
    return ShipmentNews(REF, reference, lines or ((JACKET, 1), (SOCKS, 3)), "Royal Mail", number, "https://t.example/1")


def fulfilments(server: Server) -> list[dict[str, Any]]:
    return next(iter(server.shop.orders.values()))["fulfillments"]


def test_a_shipment_becomes_one_fulfilment_with_its_tracking(calling: Connection, server: Server):
    gid = client.tell_shipment(calling, news())

    (made,) = fulfilments(server)
    assert made["id"] == gid
    assert made["trackingInfo"] == [{"number": "RM1", "company": "Royal Mail", "url": "https://t.example/1"}]
    assert {line["lineItem"]["sku"]: line["quantity"] for line in made["fulfillmentLineItems"]["nodes"]} == {
        "FF-JKT-OLV-M": 1,
        "FF-SCK-WOOL": 3,
    }


def test_told_again_it_is_found_not_made_twice(calling: Connection, server: Server):
    first, second = client.tell_shipment(calling, news()), client.tell_shipment(calling, news())

    assert first == second
    assert len(fulfilments(server)) == 1


def test_an_answer_that_got_lost_makes_no_second_fulfilment(calling: Connection, server: Server):
    server.shop.faults["lose_answer"] = 1
    with pytest.raises(TryLater):
        client.tell_shipment(calling, news())

    client.tell_shipment(calling, news())

    assert len(fulfilments(server)) == 1


def test_two_parcels_are_two_fulfilments(calling: Connection, server: Server):
    client.tell_shipment(calling, news((SOCKS, 2), number="RM1"))
    client.tell_shipment(calling, news((SOCKS, 1), (JACKET, 1), number="RM2", reference="SO-1-2"))

    assert [made["trackingInfo"][0]["number"] for made in fulfilments(server)] == ["RM1", "RM2"]


def test_a_shipment_without_a_number_goes_under_our_reference(calling: Connection, server: Server):
    for _ in range(2):
        client.tell_shipment(calling, news(number=""))

    assert [made["trackingInfo"][0]["number"] for made in fulfilments(server)] == ["SO-1-1"]


def test_lines_at_two_locations_are_told_one_by_one(shop: Connection, calling: Connection, server: Server):
    server.shop.orders.clear()
    server.shop.add_order(BODY, locations=2)
    server.shop.faults["lose_answer"] = 1

    with pytest.raises(TryLater):
        client.tell_shipment(calling, news())
    client.tell_shipment(calling, news())

    assert len(fulfilments(server)) == 2
    assert sum(line["quantity"] for f in fulfilments(server) for line in f["fulfillmentLineItems"]["nodes"]) == 4


def test_more_than_shopify_has_left_is_for_a_person(calling: Connection, server: Server):
    client.tell_shipment(calling, news((SOCKS, 3), number="BY-HAND"))

    with pytest.raises(Permanent, match="no open units left for 3 of line"):
        client.tell_shipment(calling, news((SOCKS, 3), number="RM1"))
    assert len(fulfilments(server)) == 1


def test_an_order_shopify_does_not_know_is_for_a_person(calling: Connection, server: Server):
    server.shop.orders.clear()

    with pytest.raises(Permanent, match="knows no order"):
        client.tell_shipment(calling, news())


@pytest.mark.parametrize("fault", ["500", "garbage", "hang_up", "throttle", "429"])
def test_a_passing_fault_is_tried_again_and_then_done_once(calling: Connection, server: Server, fault: str):
    server.shop.faults[fault] = 1
    with pytest.raises(TryLater):
        client.tell_shipment(calling, news())
    breaker.reset(calling.pk)

    client.tell_shipment(calling, news())

    assert len(fulfilments(server)) == 1


def test_a_rate_limit_pauses_every_process_and_spends_no_further_attempt(calling: Connection, server: Server):
    server.shop.faults["429"] = 1
    with pytest.raises(TryLater) as first:
        client.tell_shipment(calling, news())
    with pytest.raises(TryLater) as second:
        client.tell_shipment(calling, news())

    assert first.value.seconds == 2.0
    assert (second.value.spends_attempt, second.value.seconds is not None) == (False, True)
    assert len(server.shop.calls) == 0


def test_a_wrong_token_is_permanent_and_never_logged(calling: Connection, server: Server):
    calling.keep_secret("token", "shpat_wrong", retire_others=True)

    with pytest.raises(http.FailedForGood) as refused:
        client.tell_shipment(calling, news())

    assert refused.value.failure_class == "authentication"
    logged = OutboundCall.objects.get()
    assert (logged.status, logged.failure_class, logged.purpose) == (401, "authentication", "read order to fulfil")
    assert "shpat" not in f"{vars(logged)}"


def test_a_slow_shop_is_given_up_on(calling: Connection, server: Server):
    server.shop.faults["slow"] = 1
    with mock.patch.object(http, "TIMEOUT", http.httpx2.Timeout(0.3)):
        http._client.cache_clear()
        started = time.monotonic()
        with pytest.raises(TryLater, match="ReadTimeout"):
            client.tell_shipment(calling, news())
    http._client.cache_clear()

    assert time.monotonic() - started < 2


def test_the_breaker_opens_lets_one_probe_through_and_closes_again(calling: Connection, server: Server):
    server.shop.faults["500"] = 20
    for _ in range(20):
        with pytest.raises(TryLater):
            client.tell_shipment(calling, news())
    with pytest.raises(TryLater, match="suspended") as refused:
        client.tell_shipment(calling, news())
    assert refused.value.spends_attempt is False
    calling.refresh_from_db()
    assert calling.health == "TROUBLED"

    Breaker.objects.update(next_probe_at=datetime(2020, 1, 1, tzinfo=UTC))
    breaker.allow(calling.pk)
    with pytest.raises(TryLater):
        breaker.allow(calling.pk)  # the probe is out; nobody else calls
    states = []
    for _ in range(3):
        states.append(breaker.report(calling.pk, ok=True))
        if states[-1] != "CLOSED":
            breaker.allow(calling.pk)

    assert states == ["HALF_OPEN", "HALF_OPEN", "CLOSED"]


def test_a_failed_probe_opens_the_breaker_again(shop: Connection):
    for _ in range(20):
        breaker.report(shop.pk, ok=False, reason="500")
    Breaker.objects.update(next_probe_at=datetime(2020, 1, 1, tzinfo=UTC))
    breaker.allow(shop.pk)

    assert breaker.report(shop.pk, ok=False, reason="still 500") == "OPEN"
    with pytest.raises(TryLater, match="still 500"):
        breaker.allow(shop.pk)


def test_few_or_mostly_good_calls_never_open_it(shop: Connection):
    assert {breaker.report(shop.pk, ok=n % 3 != 0) for n in range(60)} == {"CLOSED"}


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/", "https://[::ffff:10.0.0.1]/",
        "https://10.1.2.3/", "http://93.184.215.14/", "ftp://example.com/", "https://user:pw@example.com/",
        "https://[64:ff9b::7f00:1]/", "https://0.0.0.0/", "https://localhost/",
    ],
)  # fmt: skip
def test_inner_addresses_are_never_called(shop: Connection, url: str):
    with pytest.raises(Permanent):
        http.request(shop, "GET", url)


# --- From the fact to the shop


def shipped(order: Order, **data: Any) -> Fact:
    return Fact(
        id=1,
        uid=uuid4(),
        type="fulfilment.shipped",
        subject=Subject("fulfilment", "77", "SO-1-1"),
        actor=SYSTEM,
        data={"lines": [{"ref": JACKET, "quantity": 1}], "carrier": "DHL", "tracking_number": "D1", **data},
        occurred_at=datetime.now(UTC),
        correlation_id="c",
        seq=1,
        related=((Subject("order", str(order.pk), order.number), "order"),),
    )


@pytest.fixture
def order(calling: Connection) -> Order:
    message_id, _ = inbox.accept(
        calling, external_id="1", headers={}, body=json.dumps(BODY).encode(), topic="orders/create", verdict="GOOD"
    )
    assert inbox.process(message_id).status == "PROCESSED"
    return Order.objects.get()


def test_the_channel_hears_of_a_shipment_and_the_order_shows_it(order: Order, server: Server):
    tasks.tell_channel(shipped(order))
    tasks.tell_channel(shipped(order))

    assert len(fulfilments(server)) == 1
    told = Event.objects.filter(type="shipment.told").first()
    assert told is not None
    assert told.data["their_id"] == fulfilments(server)[0]["id"]


def test_a_paused_connection_keeps_the_news_waiting(order: Order, server: Server):
    Connection.objects.update(status="PAUSED")

    with pytest.raises(TryLater) as waits:
        tasks.tell_channel(shipped(order))

    assert waits.value.spends_attempt is False
    assert fulfilments(server) == []


def test_a_channel_nobody_can_call_is_not_told(order: Order, server: Server):
    Connection.objects.update(settings={})

    tasks.tell_channel(shipped(order))

    assert fulfilments(server) == []


def test_the_poll_brings_what_no_webhook_did_and_nothing_that_is_here(calling: Connection, server: Server):
    second = BODY | {"id": BODY["id"] + 1, "name": "#9002", "updated_at": "2026-11-01T10:00:00+02:00"}
    server.shop.add_order(second)
    inbox.accept(
        calling, external_id="w1", headers={}, body=json.dumps(BODY).encode(), topic="orders/create", verdict="VALID"
    )
    inbox.process_due()
    since = "2020-01-01T00:00:00+00:00"

    page = missed.changed_orders(calling, since)
    polling.accept(calling, page.documents)
    inbox.process_due()

    assert [each.external_id for each in page.documents] == [f"order:{second['id']}@{second['updated_at']}"]
    assert Order.objects.filter(channel_ref__in=[REF, str(second["id"])]).count() == 2
    assert missed.changed_orders(calling, since).documents == ()
    server.shop.bodies[REF] = BODY | {"updated_at": "2026-11-02T10:00:00Z", "note": "Ring twice"}
    assert len(missed.changed_orders(calling, since).documents) == 1
