"""Asking eBay for orders and telling it of shipments, against a server that speaks its protocol and goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.utils import timezone

from config.devstack.ebay import Server
from core.errors import Permanent, TryLater
from integrations import http
from integrations.channels import polling, tokens
from integrations.channels.ebay import client
from integrations.channels.news import ShipmentNews
from integrations.models import Connection, FeedState, InboundMessage, OutboundCall
from orders.models import Channel
from tests.integrations.conftest import ROOT

pytestmark = pytest.mark.django_db
REF = "07-10000-20000"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("app:hush", "v^1.1#refresh") as server:
        order = json.loads((ROOT / "integrations/channels/ebay/fixtures/order.json").read_text())
        now = timezone.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
        server.account.orders[REF] = order | {"lastModifiedDate": now}
        yield server


@pytest.fixture
def account(server: Server) -> Connection:
    tokens._kept.clear()
    connection = Connection.objects.create(
        code="ebay", name="eBay", kind=Connection.Kind.CHANNEL, vendor="ebay",
        channel=Channel.objects.create(code="ebay", name="eBay", currency="GBP"),
        settings={"api": server.url, "client_id": "app", "private_address_allowed": True, "carriers": {"DPD": "DPD_UK"}},
    )  # fmt: skip
    connection.keep_secret("client_secret", "hush")
    connection.keep_secret("refresh_token", "v^1.1#refresh")
    return connection


def news(number: str = "15-501 234", units: int = 2) -> ShipmentNews:
    return ShipmentNews(REF, "SO-1-1", (("9001", units),), "DPD", number)


def test_an_answer_that_got_lost_makes_no_second_fulfilment(account: Connection, server: Server):
    server.account.faults["lose_answer"] = 1
    with pytest.raises(TryLater):
        client.tell_shipment(account, news())

    told = client.tell_shipment(account, news())

    (made,) = server.account.fulfilments[REF]
    assert (made["fulfillmentId"], made["shipmentTrackingNumber"]) == (told, "15501234")
    assert made["shippingCarrierCode"] == "DPD_UK"


def test_without_a_number_the_same_lines_are_the_same_shipment(account: Connection, server: Server):
    first, again = client.tell_shipment(account, news("")), client.tell_shipment(account, news(""))
    client.tell_shipment(account, news("", units=1))

    assert first == again
    assert len(server.account.fulfilments[REF]) == 2


def test_a_token_is_kept_renewed_when_refused_and_never_written_down(account: Connection, server: Server):
    client.fetch(account, "order", REF)
    assert server.account.asked == 1

    server.account.faults["expired"] = 1
    client.fetch(account, "order", REF)

    assert server.account.asked == 2
    logged = " ".join(OutboundCall.objects.values_list("request_excerpt", flat=True))
    assert "refresh_token=" in logged
    assert "v%5E1.1%23refresh" not in logged


def test_credentials_that_are_refused_are_for_a_person(account: Connection):
    account.keep_secret("client_secret", "other", retire_others=True)

    with pytest.raises(Permanent, match="refuses our credentials"):
        client.fetch(account, "order", REF)


@pytest.mark.parametrize("fault", ["500", "429"])
def test_trouble_is_tried_again_when_it_says(account: Connection, server: Server, fault: str):
    server.account.faults[fault] = 1

    with pytest.raises(http.FailedForNow) as caught:
        client.tell_shipment(account, news())

    assert caught.value.seconds == (7.0 if fault == "429" else None)
    assert REF not in server.account.fulfilments


def test_changed_orders_are_read_page_by_page_and_once(
    account: Connection, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client, "AT_ONCE", 1)
    server.account.orders["07-2"] = server.account.orders[REF] | {"orderId": "07-2"}
    (feed_id,) = polling.due()

    assert polling.read(feed_id) == 2
    FeedState.objects.update(next_at=timezone.now())
    assert polling.read(feed_id) == 0

    assert InboundMessage.objects.count() == 2
    assert FeedState.objects.get().last_error == ""
