"""People and channels who want the same order at the same moment: exactly one outcome, and the books balance."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from core import audit
from core.actors import SYSTEM
from core.errors import Refusal
from inventory.models import Stock, StockMovement
from orders.models import FulfilmentOrder, Order
from orders.services import allocation, changing, fulfilment, intake
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming, incoming_line, place

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run each call in a thread of its own, all let go together; results or what was raised, in order."""
    barrier, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(n: int, call: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            results[n] = call()
        except Exception as error:
            results[n] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n, call)) for n, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def refused(result: Any) -> bool:
    if isinstance(result, Exception) and not isinstance(result, Refusal):
        raise result
    return isinstance(result, Refusal)


def books_balance() -> None:
    assert [finding.invariant.name for finding in audit.audit() if finding.broken] == []


@pytest.fixture
def packed():
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=10)
    order = place(incoming_line(quantity=2))
    (job,) = fulfilment.create(order.pk)
    fulfilment.start_pick(job, actor=SYSTEM)
    fulfilment.pick(job, code="SKU-1", quantity=2, actor=SYSTEM)
    fulfilment.pack(job, actor=SYSTEM)
    return FulfilmentOrder.objects.get()


@pytest.mark.parametrize("turn", range(6))
def test_a_cancellation_and_a_dispatch_that_race_end_in_one_of_the_two(packed, turn):
    calls = [
        lambda: fulfilment.ship(packed.pk, actor=SYSTEM),
        lambda: changing.cancel(packed.order_id, actor=SYSTEM),
    ]

    results = at_once(*(calls if turn % 2 else reversed(calls)))

    order, stock = Order.objects.get(), Stock.objects.get()
    assert sum(refused(result) for result in results) == 1
    shipped = order.status == "COMPLETED"
    assert (order.status, FulfilmentOrder.objects.get().status) in {
        ("COMPLETED", "SHIPPED"),
        ("CANCELLED", "CANCELLED"),
    }
    assert (stock.sellable, stock.reserved) == ((8, 0) if shipped else (10, 0))
    assert StockMovement.objects.filter(to_state="customer").count() == int(shipped)
    books_balance()


def test_a_dispatch_that_is_sent_twice_at_once_leaves_once(packed):
    results = at_once(*[lambda: fulfilment.ship(packed.pk, version=packed.version, actor=SYSTEM)] * 3)

    assert sum(refused(result) for result in results) == 2
    assert Stock.objects.get().sellable == 8
    books_balance()


def test_the_same_new_order_from_many_sides_is_made_once():
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=10)
    channel, message = ChannelFactory(), incoming(incoming_line(quantity=2))

    results = at_once(*[lambda: intake.place(message, channel=channel, actor=SYSTEM)] * 6)

    assert sorted(placed.outcome for placed in results) == ["created"] + ["unchanged"] * 5
    assert Stock.objects.get().reserved == 2
    books_balance()


def test_versions_that_arrive_at_once_leave_the_newest():
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=50)
    channel = ChannelFactory()
    messages = [incoming(incoming_line(quantity=n), version=n) for n in (1, 2, 3, 4, 5)]

    at_once(*[lambda m=m: intake.place(m, channel=channel, actor=SYSTEM) for m in messages])

    assert Order.objects.get().source_version == 5
    assert Order.objects.get().lines.get().allocated == 5
    assert Stock.objects.get().reserved == 5
    books_balance()


def test_orders_that_want_the_last_units_get_what_there_is_and_no_more():
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=5, location=LocationFactory(priority=1))
    channel = ChannelFactory()
    messages = [incoming(incoming_line(quantity=2), channel_ref=f"R-{n}") for n in range(6)]

    results = at_once(*[lambda m=m: intake.place(m, channel=channel, actor=SYSTEM) for m in messages])

    assert [placed.outcome for placed in results] == ["created"] * 6
    assert Stock.objects.get().reserved == 4
    assert Order.objects.filter(status="ACCEPTED").count() == 2
    books_balance()


def test_losing_the_stock_of_one_node_finds_it_at_another():
    item = ItemFactory(sku="SKU-1")
    for n in range(3):
        StockFactory(item=item, sellable=2, location=LocationFactory(priority=n))
    channel = ChannelFactory()
    messages = [incoming(incoming_line(quantity=2), channel_ref=f"R-{n}") for n in range(3)]

    at_once(*[lambda m=m: intake.place(m, channel=channel, actor=SYSTEM) for m in messages])

    assert Order.objects.filter(status="ACCEPTED").count() == 3
    books_balance()


def test_cancel_short_pick_release_and_change_at_once_leave_the_books_balanced():
    item = ItemFactory(sku="SKU-1")
    for n in range(2):
        StockFactory(item=item, sellable=6, location=LocationFactory(priority=n))
    order = place(incoming_line(quantity=4), version=1)
    (job,) = fulfilment.create(order.pk)
    fulfilment.start_pick(job, actor=SYSTEM)
    line = FulfilmentOrder.objects.get().lines.get()
    channel = ChannelFactory()

    results = at_once(
        lambda: fulfilment.short_pick(job, line_id=line.pk, quantity=1, reason="DAMAGED", actor=SYSTEM),
        lambda: changing.cancel(order.pk, actor=SYSTEM),
        lambda: intake.place(incoming(incoming_line(quantity=3), version=2), channel=channel, actor=SYSTEM),
        lambda: fulfilment.create(order.pk),
        lambda: allocation.allocate(order.pk),
        lambda: fulfilment.reject(job, reason="No time", actor=SYSTEM),
    )

    for result in results:
        refused(result)
    order.refresh_from_db()
    assert order.status == "CANCELLED"
    assert sum(Stock.objects.values_list("reserved", flat=True)) == 0
    books_balance()
