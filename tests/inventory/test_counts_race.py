"""Counting while others sell, and boxes that cross on the road: nobody waits for ever and the books stay true."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from core import audit
from core.actors import SYSTEM, Actor
from core.errors import Refusal
from core.subjects import Subject
from inventory.models import Count, CountLine, Stock
from inventory.services import counts, movements, transfers
from tests.factories.inventory import LocationFactory, StockFactory

pytestmark = pytest.mark.django_db(transaction=True)
CHEN = Actor("PERSON", "1", "Chen Liu")


def together(*work: Callable[[], None]) -> list[str]:
    """Run everything at once, each in a thread with its own connection; returns what went wrong."""
    wrong: list[str] = []
    start = threading.Barrier(len(work))

    def run(each: Callable[[], None]) -> None:
        try:
            start.wait(10)
            each()
        except Exception as error:
            wrong.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return wrong


def balanced() -> None:
    assert [(found.invariant.name, found.examples) for found in audit.audit("inventory.") if found.broken] == []


def test_an_item_asked_for_by_many_at_once_stands_in_one_count():
    stock = StockFactory(sellable=5)

    def ask() -> None:
        counts.request(stock.location_id, [stock.item_id], cause=None, actor=SYSTEM)

    assert together(*[ask] * 4) == []
    assert Count.objects.count() == CountLine.objects.filter(open=True).count() == 1


def test_sales_during_a_count_are_no_difference_whoever_is_first():
    stock = StockFactory(sellable=100)
    count = counts.request(stock.location_id, [stock.item_id], cause=None, actor=SYSTEM)
    counts.start(count, actor=CHEN)
    counts.enter(count, line_id=CountLine.objects.get().pk, quantity=100, actor=CHEN)

    def sell(till: int) -> Callable[[], None]:
        def work() -> None:
            for n in range(5):
                about = {"cause": Subject("till", str(till)), "actor": SYSTEM}
                movements.issue(stock.item_id, stock.location_id, 1, key=f"till:{till}:{n}", **about)

        return work

    def finish() -> None:
        counts.finish(count, actor=CHEN)

    wrong = together(sell(1), sell(2), finish, sell(3))

    assert wrong == []
    assert CountLine.objects.get().difference == 0
    assert Stock.objects.get().sellable == 85
    balanced()


def test_boxes_that_cross_on_the_road_do_not_block_each_other():
    here, there = LocationFactory(), LocationFactory()
    stocks = [StockFactory(location=here, sellable=40) for _ in range(3)]
    for stock in stocks:
        StockFactory(location=there, item=stock.item, sellable=40)

    def ready(origin: int, destination: int) -> int:
        lines = [(stock.item_id, 2) for stock in stocks]
        transfer = transfers.request(origin, destination, lines, actor=SYSTEM)
        transfers.approve(transfer, actor=CHEN)
        for stock in stocks:
            transfers.pick(transfer, code=stock.item.sku, quantity=2, actor=CHEN)
        return transfer

    boxes = [ready(*ends) for ends in [(here.pk, there.pk), (there.pk, here.pk)] * 2]

    def walk(box: int) -> Callable[[], None]:
        def work() -> None:
            transfers.ship(box, actor=CHEN)
            for stock in stocks:
                transfers.unpack(box, code=stock.item.sku, quantity=2, actor=CHEN)
            transfers.receive(box, actor=CHEN)
            with pytest.raises(Refusal):
                transfers.receive(box, actor=CHEN)

        return work

    assert together(*[walk(box) for box in boxes]) == []
    assert set(Stock.objects.values_list("sellable", "reserved", "in_transit_in")) == {(40, 0, 0)}
    balanced()
