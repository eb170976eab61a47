"""Cancel, pick, ship, edit, re-source, hold and the source's own words, in every order and in parallel processes.

Line vectors always add up, every unit is in one place, each order has one outcome, and the books balance.
`--long` takes many more steps in more processes.
"""

from __future__ import annotations

import pytest
from django.db import transaction
from django.db.models import F, Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from core import audit
from core.models import Event
from inventory.models import Location, Stock
from orders.models import FulfilmentLine, FulfilmentOrder, Order, OrderChange, OrderLine
from tests import forked
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders import walk


def make_world(orders: int) -> None:
    nodes = [LocationFactory(code="SHOP", pickup=True, priority=2), LocationFactory(code="DC", priority=1)]
    for sku in walk.SKUS:
        item = ItemFactory(sku=sku)
        for node in nodes:
            StockFactory(item=item, location=node, sellable=12)
    for n in range(orders):
        place(incoming_line("A", 3), incoming_line("B", 1), channel_ref=f"R-{n}")


def hold_together() -> None:
    """What is true after every step, cheaply; the audit proves the rest."""
    line_sums = F("open") + F("allocated") + F("backordered") + F("fulfilled") + F("cancelled")
    assert not OrderLine.objects.exclude(ordered=line_sums).exists()
    promised = FulfilmentLine.objects.filter(shipped=False).aggregate(units=Sum("quantity"))["units"] or 0
    assert promised == OrderLine.objects.aggregate(units=Sum("allocated"))["units"]
    assert promised == Stock.objects.aggregate(units=Sum("reserved"))["units"]


def one_outcome() -> None:
    """Each work ended once, and nothing both left and came back."""
    for job in FulfilmentOrder.objects.prefetch_related("lines"):
        facts = Event.objects.filter(subject_kind="fulfilment", subject_uid=str(job.pk))
        ends = [
            f.type for f in facts if f.type in {"fulfilment.shipped", "fulfilment.cancelled", "fulfilment.rejected"}
        ]
        assert len(ends) <= 1, (job.number, ends)
        assert (ends == ["fulfilment.shipped"]) == (job.status in {"SHIPPED", "COLLECTED"}), (
            job.number,
            ends,
            job.status,
        )
    for order in Order.objects.exclude(status__in=("RECEIVED", "ACCEPTED")):
        assert not order.lines.filter(allocated__gt=0).exists()
    confirmed = OrderChange.objects.filter(status="CONFIRMED").count()
    assert Event.objects.filter(type="order.change_confirmed").count() == confirmed
    broken = [(f.invariant.name, f.examples[:3]) for f in audit.audit() if f.broken]
    assert broken == []


class Undo(Exception):
    pass


@pytest.mark.django_db
def test_any_order_of_steps_leaves_every_unit_in_one_place(request):
    make_world(orders=2)
    steps = st.lists(st.tuples(st.sampled_from(sorted(walk.STEPS)), st.integers(0, 2**32)), min_size=10, max_size=30)
    done: set[str] = set()

    @settings(max_examples=400 if request.config.getoption("--long") else 12)
    @given(steps)
    def check(program):
        try:
            with transaction.atomic():
                for name, seed in program:
                    with_refusal = False
                    try:
                        with transaction.atomic():
                            if walk.take(name, seed):
                                with_refusal = True
                                raise Undo  # as its own transaction would
                    except Undo:
                        pass
                    if not with_refusal:
                        done.add(name)
                    hold_together()
                one_outcome()
                raise Undo
        except Undo:
            pass

    check()

    assert {"confirm", "cancel", "release"} <= done


@pytest.mark.django_db(transaction=True)
def test_processes_that_do_all_of_it_at_once_end_each_order_once(request):
    make_world(orders=3)
    long = request.config.getoption("--long")

    done = sum(forked.at_once(walk.go, [(n, 2000 if long else 25) for n in range(6 if long else 3)]))

    assert done >= 5
    assert Location.objects.count() == 2
    hold_together()
    one_outcome()
