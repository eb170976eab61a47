"""Feeds read page by page into the inbox, against a shop that answers with pages of canonical orders."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connections, transaction
from django.utils import timezone

from config.devstack.local_server import LocalServer
from core.models import Delivery
from integrations import documents, effects, inbox
from integrations.channels import polling
from integrations.channels.meaning import AskFor
from integrations.models import Connection, FeedState, InboundMessage
from orders.models import Order

pytestmark = pytest.mark.django_db


class Pages(BaseHTTPRequestHandler):
    """GET /orders?cursor=N answers page N of `self.pages`; `self.faults` says what goes wrong first."""

    pages: list[dict[str, Any]]
    faults: list[int]
    asked: list[str]

    def do_GET(self) -> None:
        cursor = parse_qs(urlsplit(self.path).query).get("cursor", ["0"])[0]
        self.asked.append(cursor)
        status = self.faults.pop(0) if self.faults else 200
        body = json.dumps(self.pages[int(cursor)]).encode() if status == 200 else b"{}"
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "7")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def order(ref: str, total: str = "10.00") -> dict[str, Any]:
    line = {"ref": "1", "sku": "COAT", "title": "Coat", "quantity": 1, "unit_price": total}
    return {
        "channel_ref": ref, "placed_at": "2026-05-04T10:00:00Z", "currency": "GBP", "tax_included": True,
        "lines": [line], "total": total, "payment_state": "paid", "version": 1,
    }  # fmt: skip


def page(*orders: Any, cursor: str, more: bool) -> dict[str, Any]:
    return {"orders": list(orders), "cursor": cursor, "more": more}


@pytest.fixture
def server():
    pages = [
        page(order("A"), order("B"), cursor="1", more=True),
        page(order("C"), order("B"), cursor="2", more=False),
        page(cursor="2", more=False),
    ]
    with LocalServer(Pages, pages=pages, faults=[], asked=[]) as running:
        running.shared = running.http.RequestHandlerClass
        yield running


@pytest.fixture
def shop(server, channel):
    connection = Connection.objects.create(
        code="pull", name="Pulled shop", kind=Connection.Kind.CHANNEL, vendor="standard", channel=channel,
        settings={"base_url": server.url, "private_address_allowed": True},
    )  # fmt: skip
    connection.keep_secret("token", "t")
    return connection


def feed() -> FeedState:
    return FeedState.objects.get(name="orders")


def test_every_page_goes_into_the_inbox_once_and_the_next_look_goes_on_from_there(shop, server):
    (feed_id,) = polling.due()

    assert polling.read(feed_id) == 3  # B is on both pages
    inbox.process_due()

    assert sorted(Order.objects.values_list("channel_ref", flat=True)) == ["A", "B", "C"]
    assert (feed().cursor, feed().documents, feed().found, feed().failures) == ("2", 4, 3, 0)
    assert feed().ok_at
    assert polling.due() == []
    assert polling.read(feed_id) == 0
    FeedState.objects.update(next_at=timezone.now())
    assert polling.read(feed_id) == 0
    assert server.shared.asked == ["0", "1", "2"]


def test_a_page_that_fails_is_asked_for_again_and_what_was_read_stays(shop, server):
    (feed_id,) = polling.due()
    server.shared.faults[:] = [200, 500]

    polling.read(feed_id)

    assert (feed().cursor, feed().failures, feed().lease_token) == ("1", 1, None)
    assert "500" in feed().last_error
    assert feed().next_at > timezone.now()
    FeedState.objects.update(next_at=timezone.now())
    server.shared.faults[:] = [429]
    polling.read(feed_id)
    wait = feed().next_at - timezone.now()
    assert timedelta(seconds=3) < wait < timedelta(seconds=60)
    FeedState.objects.update(next_at=timezone.now())
    from integrations.models import Breaker

    Breaker.objects.update(hold_until=None)
    assert polling.read(feed_id) == 1
    assert (feed().failures, feed().last_error) == (0, "")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"orders": "none"}, "no list of orders"),
        ({"orders": [], "cursor": 5, "more": False}, "cursor should be text"),
        ({"orders": [], "cursor": "", "more": True}, "begins again where it began"),
        ([], "no list of orders"),
    ],
)
def test_an_answer_that_makes_no_sense_is_said_on_the_feed_and_loses_nothing(shop, server, answer, words):
    server.shared.pages[0] = answer
    (feed_id,) = polling.due()

    polling.read(feed_id)

    assert words in feed().last_error
    assert feed().cursor == ""
    assert InboundMessage.objects.count() == 0


def test_an_order_with_a_number_for_an_amount_is_refused_as_it_came(shop, server):
    server.shared.pages[0] = page(order("A") | {"total": 10.10}, cursor="2", more=False)
    (feed_id,) = polling.due()

    polling.read(feed_id)
    inbox.process_due()

    message = InboundMessage.objects.get()
    assert message.status == "FAILED"
    assert "total" in message.reason
    assert b'"total":10.1,' in bytes(message.body).replace(b"10.10", b"10.1")


@pytest.mark.django_db(transaction=True)
def test_two_readers_at_once_read_it_once(shop, server):
    (feed_id,) = polling.due()
    counts: list[int] = []

    def reader() -> None:
        try:
            counts.append(polling.read(feed_id))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=reader) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(counts) == [0, 0, 0, 3]
    assert server.shared.asked == ["0", "1"]


def test_a_reader_that_died_is_followed_by_another_after_its_lease(shop):
    (feed_id,) = polling.due()
    FeedState.objects.update(lease_token="01a1fe45-c7ef-7880-84f7-011f45c369b5", next_at=timezone.now())

    assert polling.read(feed_id) == 3


def test_a_paused_connection_and_one_that_wants_no_feeds_are_not_asked(shop, server):
    shop.settings |= {"feeds": False}
    shop.save()
    assert polling.due() == []
    shop.settings |= {"feeds": True}
    shop.save()
    (feed_id,) = polling.due()
    Connection.objects.update(status="PAUSED")

    assert polling.due() == []
    assert polling.read(feed_id) == 0
    assert server.shared.asked == []


def test_a_message_that_only_names_a_document_asks_for_it_once(shop):
    message_id, _ = inbox.accept(shop, external_id="thin-1", headers={}, body=b"{}", verdict="GOOD")
    message = InboundMessage.objects.select_related("connection__channel").get(pk=message_id)

    with transaction.atomic():
        done = effects.carry_out([AskFor("order", "77")], message)

    assert done.changed
    assert Delivery.objects.filter(handler="channels.fetch_wanted").count() == 1


def test_a_part_of_a_document_keeps_its_numbers_as_they_were_written():
    raw = b'{"a":[{"x":1.10,"y":12345678901234567890.5,"z":"1.10","n":null,"t":"\\u00e9\\""}]}'

    assert documents.write_json(documents.read_json(raw)["a"][0]) == (
        '{"x":1.10,"y":12345678901234567890.5,"z":"1.10","n":null,"t":"é\\""}'.encode()
    )
