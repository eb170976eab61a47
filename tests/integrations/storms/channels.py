"""Channels and tills: every order comes in once, every shipment is told once, stock is right. What came comes again,
twice and in any order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone

from core.errors import TryLater
from integrations import inbox
from integrations.channels import polling, registry
from integrations.models import Connection, FeedState, InboundMessage
from inventory.services.figures import Level
from orders.models import Order, OrderLine
from tests.integrations.storms.sites import SITES, Site
from tests.integrations.storms.storm import Open, Storm

AGAIN = 20  # rounds after which its lists are read again from their beginning


class ChannelStorm(Storm):
    def __init__(self, site: Site):
        super().__init__(site.connection, site.url)
        self.site, self.share = site, site.share
        self.vendor = registry.get(site.connection.vendor)
        self.random = random.Random(len(site.refs))

    def calm(self) -> None:
        self.site.calm()

    def round(self, n: int) -> None:
        if n == 0:
            self.come_in()
            self.come_again()
        elif not self.site.skus or n % AGAIN == 0:
            FeedState.objects.filter(connection=self.connection).update(cursor="")
            self.read()
        self.tell()
        self.set_levels(n)

    def check(self, rounds: int) -> None:
        refs = self.site.refs
        assert sorted(Order.objects.values_list("channel_ref", flat=True)) == sorted(refs)
        assert not InboundMessage.objects.filter(status="FAILED").values_list("reason", flat=True)
        if self.site.told:
            assert {ref: self.site.told(ref) for ref in refs} == dict.fromkeys(refs, self.site.parcels)
        wanted = {sku: rounds + 2 + n for n, sku in enumerate(self.site.skus)}
        assert {sku: self.site.quantities().get(sku) for sku in wanted} == wanted

    def read(self) -> None:
        for name in self.site.feeds:
            while not self.done(lambda name=name: read_on(self.connection, name)):  # type: ignore[misc]
                pass
        inbox.process_due(1_000)

    def come_in(self) -> None:
        if self.site.feeds:
            for _ in range(2):
                self.read()
            missing = set(self.site.refs) - set(Order.objects.values_list("channel_ref", flat=True))
            for ref in sorted(missing):  # those that a list or a message only names
                self.fetch(ref)
        for n, body in enumerate(self.site.hooks * 2):
            self.deliver(f"hook-{n}", body, "orders/create")

    def fetch(self, ref: str) -> None:
        fetch = self.vendor.fetch
        assert fetch is not None
        polling.accept(self.connection, self.done(lambda: fetch(self.connection, "order", ref)))
        inbox.process_due(1_000)

    def deliver(self, name: str, body: bytes, topic: str) -> None:
        message_id, _ = inbox.accept(
            self.connection, external_id=name, headers={}, body=body, topic=topic, verdict="GOOD"
        )
        inbox.process(message_id)

    def come_again(self) -> None:
        """All that came comes twice more, in any order, and changes nothing."""
        before = standing()
        came = InboundMessage.objects.filter(connection=self.connection).values_list("pk", "body", "topic")
        again = [(f"again-{n}-{pk}", bytes(body), topic) for pk, body, topic in came for n in range(2)]
        self.random.shuffle(again)
        for name, body, topic in again:
            self.deliver(name, body, topic)
        assert standing() == before

    def tell(self) -> None:
        news, tell = self.site.news, self.vendor.tell_shipment
        if news is None or tell is None:
            return
        for ref in self.site.refs:
            self.done(lambda ref=ref: tell(self.connection, news(ref)))  # type: ignore[misc]

    def set_levels(self, n: int) -> None:
        """Other figures than in the round before."""
        set_levels = self.vendor.set_levels
        if not self.site.skus or set_levels is None:
            return
        levels = [Level(at, (sku,), "", {"": n + 3 + at}) for at, sku in enumerate(self.site.skus)]
        self.done(lambda: set_levels(self.connection, levels, f"k{n}"))


def read_on(connection: Connection, name: str) -> bool:
    """Read a feed from where it was left; whether that was to its end. TryLater where it got no further."""
    polling.ensure()
    feed = FeedState.objects.get(connection=connection, name=name)
    left = feed.cursor
    FeedState.objects.filter(pk=feed.pk).update(next_at=timezone.now())
    polling.read(feed.pk)
    feed.refresh_from_db()
    if feed.last_error and feed.cursor == left:
        raise TryLater(feed.last_error)
    return not feed.last_error and feed.next_at > timezone.now()


def standing() -> list[tuple[object, ...]]:
    return sorted(OrderLine.objects.values_list("order__channel_ref", "ref", "ordered", "cancelled"))


def of_site(name: str) -> Open:
    @contextmanager
    def opened(orders: int) -> Iterator[ChannelStorm]:
        with SITES[name]([f"9{n:07}" for n in range(1, orders + 1)]) as site:
            yield ChannelStorm(site)

    return opened


STORMS = {name: of_site(name) for name in SITES}
