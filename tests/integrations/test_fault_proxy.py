"""Whatever a network does to a vendor's calls: every order comes in once, every shipment is told once, stock is right.

The fault proxy stands before each vendor's local server; deliveries come twice and in any order. `--long` makes at
least two thousand faulted calls for every vendor.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.utils import timezone

from config.devstack.fault_proxy import FAULTS, FaultProxy
from core.errors import TryLater
from integrations import inbox
from integrations.channels import polling, registry
from integrations.models import Breaker, Connection, FeedState, InboundMessage
from inventory.services.figures import Level
from orders.models import Order, OrderLine
from tests.integrations.faulted import SITES, Site

pytestmark = pytest.mark.django_db
TRIES = 400


class Run:
    """One vendor behind the proxy. Every act is tried until it gets through, as the relay would."""

    def __init__(self, site: Site, proxy: FaultProxy):
        self.site, self.proxy = site, proxy
        self.vendor = registry.get(site.connection.vendor)

    def until_it_is_done(self, act: Callable[[], Any]) -> Any:
        for _ in range(TRIES):
            try:
                return act()
            except TryLater as later:
                last = later
                self.site.calm()
                Breaker.objects.update(state="CLOSED", hold_until=None, failures=0, calls=0)
        raise AssertionError(f"it never got through: {last}")

    def read(self) -> None:
        def once() -> None:
            polling.ensure()
            feed = FeedState.objects.get(connection=self.site.connection, name=self.site.feed)
            FeedState.objects.filter(pk=feed.pk).update(next_at=timezone.now())
            polling.read(feed.pk)
            feed.refresh_from_db()
            if feed.last_error or feed.next_at <= timezone.now():
                raise TryLater(feed.last_error or "there is more")

        self.until_it_is_done(once)
        inbox.process_due(1_000)

    def come_in(self) -> None:
        if self.site.feed:
            for _ in range(2):
                self.read()
            missing = set(self.site.refs) - set(Order.objects.values_list("channel_ref", flat=True))
            for ref in sorted(missing):  # those that a list or a message only names
                assert self.vendor.fetch is not None
                documents = self.until_it_is_done(lambda ref=ref: self.vendor.fetch(self.site.connection, "order", ref))
                polling.accept(self.site.connection, documents)
                inbox.process_due(1_000)
        for n, body in enumerate(self.site.hooks * 2):
            self.deliver(f"hook-{n}", body, "orders/create")

    def deliver(self, name: str, body: bytes, topic: str) -> None:
        message_id, _ = inbox.accept(
            self.site.connection, external_id=name, headers={}, body=body, topic=topic, verdict="GOOD"
        )
        inbox.process(message_id)

    def deliver_again(self, order: random.Random) -> None:
        """All that came comes twice more, in any order."""
        came = InboundMessage.objects.filter(connection=self.site.connection).values_list("pk", "body", "topic")
        again = [(f"again-{n}-{pk}", bytes(body), topic) for pk, body, topic in came for n in range(2)]
        order.shuffle(again)
        for name, body, topic in again:
            self.deliver(name, body, topic)

    def tell(self) -> None:
        for ref in self.site.refs if self.site.news else ():
            self.until_it_is_done(lambda ref=ref: self.vendor.tell_shipment(self.site.connection, self.site.news(ref)))

    def set_levels(self, units: int) -> None:
        if self.site.skus:
            levels = [Level(n, (sku,), "", {"": units + n}) for n, sku in enumerate(self.site.skus)]
            self.until_it_is_done(lambda: self.vendor.set_levels(self.site.connection, levels, f"k{units}"))

    def check(self, units: int) -> None:
        refs = self.site.refs
        assert sorted(Order.objects.values_list("channel_ref", flat=True)) == sorted(refs)
        assert not InboundMessage.objects.filter(status="FAILED").values_list("reason", flat=True)
        if self.site.told:
            assert {ref: self.site.told(ref) for ref in refs} == dict.fromkeys(refs, self.site.parcels)
        wanted = {sku: units + n for n, sku in enumerate(self.site.skus)}
        assert {sku: self.site.quantities().get(sku) for sku in wanted} == wanted


@contextmanager
def behind_the_proxy(name: str, refs: list[str], seed: int) -> Iterator[Run]:
    with SITES[name](refs) as site, FaultProxy(site.url, seed=seed) as proxy:
        settings = json.loads(json.dumps(site.connection.settings).replace(site.url, proxy.url))
        Connection.objects.filter(pk=site.connection.pk).update(settings=settings, rate_per_minute=600_000)
        site.connection.refresh_from_db()
        yield Run(site, proxy)


def storm(name: str, orders: int, faulted: int, seed: int) -> FaultProxy:
    with behind_the_proxy(name, [f"9{seed}{n:06}" for n in range(orders)], seed) as run:
        run.come_in()
        before = sorted(OrderLine.objects.values_list("order__channel_ref", "ref", "ordered", "cancelled"))
        run.deliver_again(random.Random(seed))
        assert sorted(OrderLine.objects.values_list("order__channel_ref", "ref", "ordered", "cancelled")) == before
        units = 3
        run.tell()
        run.set_levels(units)
        while sum(run.proxy.faulted.values()) < faulted:
            units += 1
            run.tell()
            run.set_levels(units)
        run.check(units)
        return run.proxy


@pytest.mark.parametrize("name", SITES)
def test_nothing_is_lost_or_doubled_behind_a_network_that_fails(name: str):
    assert sum(storm(name, 1, 6, seed=3).faulted.values()) >= 6


@pytest.mark.long
@pytest.mark.parametrize("name", SITES)
def test_nothing_is_lost_or_doubled_in_two_thousand_faulted_calls(name: str):
    proxy = storm(name, 150, 2_000, seed=11)

    print(f"{name}: {proxy.calls} calls, {sum(proxy.faulted.values())} faulted: {dict(proxy.faulted)}")
    assert set(proxy.faulted) == set(FAULTS)
