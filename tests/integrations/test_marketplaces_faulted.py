"""A marketplace that goes wrong all the time: every order comes in once, every shipment is told once, stock is right."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest
from django.utils import timezone

from core.errors import TryLater
from integrations import inbox
from integrations.models import Breaker, FeedState, InboundMessage, OutboundCall
from inventory.services.figures import Level
from orders.models import Order
from tests.integrations.markets import CASES, Called, Case, another, calling

pytestmark = pytest.mark.django_db
FAULTS = ("500", "429", "reset", "garbage", "lose_answer", "half_answer")


class Weather:
    """Every third call goes wrong, in a way of its own; tokens end now and then."""

    def __init__(self, called: Called, seed: int):
        self.called, self.random = called, random.Random(seed)

    def try_it(self, act: Any) -> Any:
        for _ in range(200):
            if self.random.random() < 0.34:
                self.called.market.faults[self.random.choice(FAULTS)] += 1
            if self.random.random() < 0.05:
                self.called.market.end_tokens()
            with suppress(TryLater):
                return act()
            self.called.pause_over()
            Breaker.objects.update(state="CLOSED", hold_until=None, failures=0, calls=0)
        raise AssertionError("it never got through")

    def feed(self, name: str) -> None:
        """Until it was read to its end without a word."""

        def read() -> None:
            self.called.read(name)
            state = FeedState.objects.get(connection=self.called.connection, name=name)
            if state.last_error or state.next_at <= timezone.now():
                raise TryLater(state.last_error or "more")

        self.try_it(read)
        for message in InboundMessage.objects.filter(status="PENDING"):
            inbox.process(message.pk)


def storm(case: Case, orders: int, seed: int) -> int:
    with calling(case) as called:
        weather = Weather(called, seed)
        refs = [f"9{seed}{n:06}" for n in range(orders)]
        called.market.orders.clear()
        for ref in refs:
            another(called, ref)

        for _ in range(2):
            weather.feed("orders")
        wanted = set(refs) - set(Order.objects.values_list("channel_ref", flat=True))
        for ref in sorted(wanted):  # those a list only names
            for document in weather.try_it(lambda ref=ref: called.vendor.fetch(called.connection, "order", ref)):
                called.accept(document)
        for n, ref in enumerate(refs):
            news = called.news(f"RM{n:09}GB", ref=ref)
            for _ in range(2):
                weather.try_it(lambda news=news: called.vendor.tell_shipment(called.connection, news))
        levels = [Level(n, (sku,), "", {"": 3 + n}) for n, sku in enumerate(case.skus)]
        weather.try_it(lambda: called.vendor.set_levels(called.connection, levels, "k"))

        assert sorted(Order.objects.values_list("channel_ref", flat=True)) == sorted(refs)
        assert {ref: len(called.market.told[ref]) for ref in refs} == dict.fromkeys(refs, case.parcels)
        assert called.market.quantities() == {sku: 3 + n for n, sku in enumerate(case.skus)}
        assert not InboundMessage.objects.filter(status="FAILED").exists()
        return OutboundCall.objects.count()


@pytest.mark.parametrize(
    ("case", "orders", "calls"),
    [pytest.param(CASES[2], 2, 15, id="short")]
    + [pytest.param(case, 330, 2000, id=case.id, marks=pytest.mark.long) for case in CASES],
)
def test_nothing_is_lost_or_doubled_whatever_goes_wrong(case: Case, orders: int, calls: int):
    made = storm(case, orders, seed=7)

    print(f"{case.id}: {made} calls")
    assert made >= calls
