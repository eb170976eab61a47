"""A batch placed as it was planned while its orders are cancelled and sourced by others: one outcome each."""

from __future__ import annotations

import pytest

from core.actors import SYSTEM
from inventory.models import Stock
from orders.models import FulfilmentLine, OrderLine
from orders.services import allocation, batching, changing
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders.test_races import at_once, books_balance, refused

pytestmark = pytest.mark.django_db(transaction=True)
TURNS = 4


@pytest.mark.parametrize("turn", range(TURNS))
def test_a_batch_its_cancellations_and_the_timer_of_what_waits_never_promise_a_unit_twice(request, turn):
    for n in range(20 if request.config.getoption("--long") else 1):
        item = ItemFactory(sku=f"LAMP-{n}")
        orders = [place(incoming_line(item.sku, quantity=2), channel_ref=f"{n}-{each}") for each in range(3)]
        for code, units in (("NEAR", 2), ("FAR", 3)):
            StockFactory(item=item, location=LocationFactory(code=f"{code}-{n}"), sellable=units)
        plan = batching.start(actor=SYSTEM)
        batching.work_out(plan.pk)
        placing = batching.confirm(plan.pk, actor=SYSTEM)
        calls = [
            lambda pk=placing.pk: batching.carry_out(pk),
            lambda pk=orders[0].pk: changing.cancel(pk, actor=SYSTEM),
            lambda pk=orders[1].pk: allocation.allocate(pk, quietly=True),
            allocation.allocate_waiting,
        ]

        results = at_once(*calls[turn:], *calls[:turn])

        for result in results:
            refused(result)  # raises what is no refusal
        placing.refresh_from_db()
        assert (placing.status, placing.done + placing.failed) == ("DONE", placing.total)
        lines = OrderLine.objects.filter(item=item).order_by("pk")
        assert [line.cancelled for line in lines] == [2, 0, 0]
        assert all((line.open, line.allocated) in {(2, 0), (0, 2)} for line in lines[1:])
        promised = FulfilmentLine.objects.filter(item=item, quantity__gt=0)
        shelves = {row.location_id: (row.reserved, row.sellable) for row in Stock.objects.filter(item=item)}
        for place_id, (reserved, sellable) in shelves.items():
            assert reserved == sum(row.quantity for row in promised if row.location_id == place_id) <= sellable
        assert sum(reserved for reserved, _ in shelves.values()) == 2 * sum(line.allocated > 0 for line in lines)
    books_balance()
