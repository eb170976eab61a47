"""How fast changes of stock reach channels: 50 000 changes of 2 000 items, told to three channels.

Every change is one update of a stock row in a transaction of its own, noticed by the triggers. Channels are told over
HTTP by a shop that speaks Shopify's protocol. `rate` is changes a second from the first change until every channel
knows the last figure; `raw_rate` is the same changes without any feed, `noticing_us` what noticing adds to one.
`publications` (figures sent) must not exceed `pairs`, the distinct (channel, item). Then changes go on while a sender
is at work: `p50_ms` and `p95_ms` are the slowest channel's latency from change to acknowledgement, as screens show it.
"""

from __future__ import annotations

import random
import threading
import time
from typing import Any

from django.db import connection, connections
from django.db.models import Sum

from config.devstack.shopify import Server
from integrations.channels import publishing
from integrations.models import Connection
from inventory.models import ChannelFeed, Item, Location, Publication, Stock
from inventory.services import publishing as feeds
from orders.models import Channel
from tests.benchmarks._ground import own_database

CHANGES, ITEMS, CHANNELS = 50_000, 2_000, 3
STOCK = 1_000_000


def run(options: Any) -> dict[str, Any]:
    with own_database("publish"), Server("shpat_bench") as server:
        server.shop.available = 1e12  # the vendor's own limit isn't measured here
        return _measure(server, options["size"] or CHANGES, int(options["other"].get("items", ITEMS)))


def _measure(server: Server, changes: int, items: int) -> dict[str, Any]:
    ids = _fill(items)
    raw = _timed(lambda: _change(ids, changes // 5)) / (changes // 5)
    _connect(server, items)
    # First all at once, while nobody sends: the coalescing itself.
    noticing = _timed(lambda: _change(ids, changes)) / changes
    pairs = CHANNELS * len(set(Stock.objects.filter(version__gt=0).values_list("item_id", flat=True)))
    started = time.perf_counter()
    publishing.publish(seconds=600)
    drained = time.perf_counter() - started
    sent = _sent()
    assert sent <= pairs, (sent, pairs)
    _check(server)
    # Then while somebody sends: how late a channel hears.
    Publication.objects.update(latency_ms=None)
    stop = threading.Event()
    sender = threading.Thread(target=_keep_sending, args=(stop,), daemon=True)
    sender.start()
    live = _timed(lambda: _change(ids, changes // 5))
    stop.set()
    sender.join()
    publishing.publish(seconds=600)
    _check(server)
    lags = list(ChannelFeed.objects.values_list("lag_p50_ms", "lag_p95_ms"))
    return {
        "name": "publish",
        "rate": changes / (noticing * changes + drained),
        "raw_rate": 1 / raw,
        "ratio": raw / (noticing + drained / changes),
        "p50_ms": max(p50 for p50, _ in lags),
        "p95_ms": max(p95 for _, p95 in lags),
        "changes": changes,
        "pairs": pairs,
        "publications": sent,
        "coalesced": round(changes * CHANNELS / max(1, sent), 1),
        "drained_seconds": drained,
        "publications_a_second": sent / drained,
        "noticing_us": (noticing - raw) * 1e6,
        "live_changes_a_second": (changes // 5) / live,
        "settings": {"items": items, "channels": CHANNELS},
    }


def _fill(items: int) -> list[int]:
    place = Location.objects.create(code="DC", name="Warehouse", kind="WAREHOUSE")
    made = Item.objects.bulk_create([Item(sku=f"B-{n:05}", name=f"Article {n}") for n in range(items)])
    rows = Stock.objects.bulk_create([Stock(item=item, location=place, sellable=STOCK) for item in made])
    return [row.pk for row in rows]


def _connect(server: Server, items: int) -> None:
    server.shop.stock.add([f"B-{n:05}" for n in range(items)])
    for n in range(CHANNELS):
        channel = Channel.objects.create(code=f"shop-{n}", name=f"Shop {n}", currency="GBP")
        shop = Connection.objects.create(
            code=f"shop-{n}", name=f"Shop {n}", kind="CHANNEL", vendor="shopify", channel=channel,
            rate_per_minute=1_000_000,
            settings={
                "shop": server.url, "private_address_allowed": True, "publish_stock": True,
                "stock_location": str(880 + n),
            },
        )  # fmt: skip
        shop.keep_secret("token", "shpat_bench")
    publishing.follow_connections()


def _change(ids: list[int], changes: int) -> None:
    """Single updates, each committed: what a reservation does to its row, without the rest of it."""
    chance = random.Random(7)
    with connection.cursor() as cursor:
        for _ in range(changes):
            cursor.execute(
                "UPDATE inventory_stock SET sellable = sellable - 1, version = version + 1 WHERE id = %s",
                [chance.choice(ids)],
            )


def _keep_sending(stop: threading.Event) -> None:
    while not stop.is_set():
        publishing.publish(seconds=1)
        stop.wait(0.5)
    connections.close_all()


def _sent() -> int:
    return Publication.objects.aggregate(sent=Sum("publications"))["sent"]


def _check(server: Server) -> None:
    """Every channel knows every figure, and nothing waits."""
    assert feeds.fold_all() == 0
    assert not Publication.objects.filter(dirty_since__isnull=False).exists()
    now = dict(Stock.objects.values_list("item__sku", "sellable"))
    for sku, levels in server.shop.stock.levels().items():
        assert set(levels.values()) == {now[sku]}, (sku, levels, now[sku])


def _timed(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
