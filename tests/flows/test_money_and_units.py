"""Sold, shipped, sent back, exchanged, refunded, charged back, settled, in any order, repeated, and by several processes
at once: units and money both balance at every step, and no refund is ever more than what was captured.

`--long` takes many more steps in more processes.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.models import F, Q, Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from core import audit, outbox
from core.models import User
from inventory.models import Stock, StockMovement
from orders.models import FulfilmentLine, Order, OrderLine, Payment
from returns.models import ReturnLine
from tests import forked
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.flows import walk


def make_world(orders: int) -> None:
    for actor in (walk.ANNA, walk.BEN):
        User.objects.create(pk=int(actor.uid), email=f"{actor.uid}@harrow.example", name=actor.label)
    nodes = [LocationFactory(code="SHOP", returns=True, priority=2), LocationFactory(code="DC", priority=1)]
    for sku in walk.SKUS:
        item = ItemFactory(sku=sku)
        for node in nodes:
            StockFactory(item=item, location=node, sellable=12)
    for n in range(orders):
        walk.sell(walk.Random(n))
    outbox.drain("default")
    # Most of it is begun already, so that the steps come far: some work has left, some of it is to come back.
    for n, name in enumerate(["ship"] * orders + ["send_back"] * 3 + ["agree"] * 3 + ["come_back"] * 3):
        walk.take(name, n)


def hold_together() -> None:
    """What is true after every step, cheaply; the audit proves the rest."""
    line_sums = F("open") + F("allocated") + F("backordered") + F("fulfilled") + F("cancelled")
    assert not OrderLine.objects.exclude(ordered=line_sums).exists()
    assert not OrderLine.objects.filter(returned__gt=F("fulfilled")).exists()
    promised = FulfilmentLine.objects.filter(shipped=False).aggregate(units=Sum("quantity"))["units"] or 0
    assert promised == OrderLine.objects.aggregate(units=Sum("allocated"))["units"]
    assert promised == Stock.objects.aggregate(units=Sum("reserved"))["units"]
    assert not ReturnLine.objects.filter(accepted__gt=F("received") + F("kept") - F("rejected")).exists()
    for order in Order.objects.annotate(
        captured=Sum("payments__amount", filter=Q(payments__kind="captured")),
        given_back=Sum("payments__amount", filter=Q(payments__kind="refunded")),
        not_after_all=Sum("payments__amount", filter=Q(payments__kind="refund_failed")),
    ):
        left = (order.captured or Decimal(0)) - (order.given_back or Decimal(0)) + (order.not_after_all or Decimal(0))
        assert left >= 0, (order.number, left)


def books_balance() -> None:
    """Everything told is done; then what the whole database must hold true is asked of all of it."""
    outbox.drain("default", hurry=True)
    broken = [(f.invariant.name, f.examples[:3]) for f in audit.audit() if f.broken]
    assert broken == []


class Undo(Exception):
    pass


@pytest.mark.django_db
def test_any_order_of_steps_leaves_money_and_units_in_balance(request):
    make_world(orders=3)
    steps = st.lists(st.tuples(st.sampled_from(walk.NAMES), st.integers(0, 2**32)), min_size=30, max_size=60)
    done: set[str] = set()

    @settings(max_examples=300 if request.config.getoption("--long") else 6)
    @given(steps)
    def check(program):
        try:
            with transaction.atomic():
                for n, (name, seed) in enumerate(program):
                    refused = ""
                    try:
                        with transaction.atomic():
                            refused = walk.take(name, seed)
                            if refused:
                                raise Undo  # as its own transaction would
                            connection.check_constraints()  # what its commit would ask
                    except Undo:
                        pass
                    if not refused:
                        done.add(name)
                    if n % 5 == 4:
                        outbox.drain("default")
                    hold_together()
                books_balance()
                raise Undo
        except Undo:
            pass

    check()

    assert {"ship", "send_back", "come_back", "look", "goodwill", "settle"} <= done


@pytest.mark.django_db(transaction=True)
def test_processes_that_do_all_of_it_at_once_end_in_balance(request):
    make_world(orders=4)
    long = request.config.getoption("--long")

    done = sum(forked.at_once(walk.go, [(n, 1500 if long else 40) for n in range(5 if long else 2)]))

    assert done > 0
    hold_together()
    books_balance()
    assert StockMovement.objects.exists()
    assert Payment.objects.filter(kind="refunded").exists()
