"""Calls to the marketplaces, against servers that speak their protocols: whatever goes wrong, each thing happens once."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from core.errors import Permanent, TryLater
from integrations import feed_reasons, http, inbox
from integrations.channels import polling
from integrations.models import FeedState, InboundMessage, OutboundCall
from inventory.services.figures import Level
from orders.models import Order
from tests.integrations.markets import CASES, Called, calling

pytestmark = pytest.mark.django_db


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

    called.market.end_tokens()
    called.vendor.tell_shipment(called.connection, called.news())

    assert called.market.asked <= asked + 1
    assert len(called.market.told[called.case.ref]) == called.case.parcels
    logged = " ".join(OutboundCall.objects.values_list("request_excerpt", flat=True))
    logged += " ".join(OutboundCall.objects.values_list("url", flat=True))
    assert not [secret for secret in called.case.secrets.values() if secret in logged]


def test_stock_there_is_what_was_set_and_what_is_not_sold_there_is_said(called: Called):
    first, second = called.case.skus
    coat, sock = Level(1, (first,), "", {"": 7}), Level(2, (second,), "", {"": 0})

    told = called.set_levels(coat, sock, Level(3, ("HAT",), "", {"": 1}))
    known = [Level(1, (first,), told[0].ref, {"": 4}), Level(2, (second,), told[1].ref, {"": 9})]
    again = called.set_levels(*known)

    assert [(each.unlisted, each.problem) for each in told[:2]] == [(False, "")] * 2
    assert told[2].unlisted or told[2].problem
    assert [(each.ref, each.problem) for each in again] == [(told[0].ref, ""), (told[1].ref, "")]
    assert called.market.quantities() == {first: 4, second: 9}


def test_credentials_that_are_refused_are_for_a_person(called: Called):
    for name in called.case.secrets:
        called.connection.keep_secret(name, "other", retire_others=True)

    with pytest.raises(Permanent) as caught:
        called.vendor.fetch(called.connection, "order", called.case.ref)
    assert caught.value.failure_class == "authentication"
    called.connection.refresh_from_db()
    if called.connection.vendor not in {"etsy", "tiktok"}:  # these say so in an answer that is well in itself
        assert (called.connection.health, called.connection.last_ok_at) == ("TROUBLED", None)

    for _ in range(feed_reasons.FAILURES):
        called.read("orders")
    feed = FeedState.objects.get(connection=called.connection, name="orders")
    assert feed_reasons.FEED_BEHIND.predicate(str(feed.pk))

    called.connection.sealed_secrets.all().delete()
    with pytest.raises(Permanent, match="lacks"):
        called.vendor.fetch(called.connection, "order", called.case.ref)
