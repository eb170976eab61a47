"""Orders collected at a store that hasn't got the goods: a transfer brings them."""

from __future__ import annotations

import pytest

from core import audit
from core.actors import SYSTEM
from inventory.models import ExpectedReceipt, Transfer
from inventory.services import transfers
from orders.models import BackOrder, FulfilmentLine, FulfilmentOrder, Order, OrderLine
from orders.services import changing, fulfilment, refilling, ship_to_store
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    """A store that has one of two articles; the depot has plenty of both."""
    store = LocationFactory(code="high-street", kind="STORE", pickup=True, brought_in=True)
    depot = LocationFactory(code="depot")
    for sku, here in (("SKU-1", 3), ("SKU-2", 0)):
        item = ItemFactory(sku=sku)
        StockFactory(item=item, location=store, sellable=here)
        StockFactory(item=item, location=depot, sellable=9)
    return store


def collected(store, **fields):
    lines = (incoming_line("SKU-1"), incoming_line("SKU-2", quantity=2))
    return place(*lines, method="PICKUP", pickup_location_code=store.code, ship_to=None, **fields)


def vectors(order):
    return list(OrderLine.objects.filter(order=order).order_by("sku").values_list("open", "allocated", "backordered"))


def broken():
    return [(finding.invariant.name, finding.examples) for finding in audit.audit() if finding.broken]


def test_what_the_store_lacks_is_brought_and_then_collected_there(store):
    order = collected(store)

    transfer = Transfer.objects.get()
    assert vectors(order) == [(0, 1, 0), (0, 0, 2)]
    assert (transfer.origin.code, transfer.destination_id, bool(transfer.approved_at)) == ("depot", store.pk, True)
    assert order.promise_by > transfer.due_at
    assert broken() == []

    transfers.pick(transfer.pk, code="SKU-2", quantity=2, actor=SYSTEM)
    transfers.ship(transfer.pk, actor=SYSTEM)
    transfers.unpack(transfer.pk, code="SKU-2", quantity=2, actor=SYSTEM)
    transfers.receive(transfer.pk, actor=SYSTEM)
    refilling.follow_cause("transfer", str(transfer.pk))
    fulfilment.create(order.pk)

    work = FulfilmentOrder.objects.get()
    assert (work.location_id, work.method) == (store.pk, "SHIP_TO_STORE")
    assert broken() == []

    fulfilment.start_pick(work.pk, actor=SYSTEM)
    fulfilment.pick(work.pk, code="SKU-1", actor=SYSTEM)
    fulfilment.pick(work.pk, code="SKU-2", quantity=2, actor=SYSTEM)
    fulfilment.ready(work.pk, actor=SYSTEM)
    fulfilment.hand_over(work.pk, id_seen=True, actor=SYSTEM)

    assert Order.objects.get().status == "COMPLETED"
    assert broken() == []


def test_what_arrives_short_is_brought_again(store):
    order = collected(store)
    first = Transfer.objects.get()
    transfers.pick(first.pk, code="SKU-2", quantity=1, actor=SYSTEM)
    transfers.finish_pick(first.pk, actor=SYSTEM)
    transfers.ship(first.pk, actor=SYSTEM)

    refilling.follow_cause("transfer", str(first.pk))

    second = Transfer.objects.exclude(pk=first.pk).get()
    assert [line.wanted for line in second.lines.all()] == [1]
    assert vectors(order) == [(0, 1, 0), (0, 0, 2)]
    assert BackOrder.objects.waiting().count() == 2
    assert broken() == []


def test_a_cancelled_order_calls_its_transfer_off_while_it_is_early(store):
    order = collected(store)

    changing.cancel(order.pk, actor=SYSTEM)

    assert ship_to_store.call_off() == 1
    assert ship_to_store.call_off() == 0
    assert Transfer.objects.get().status == "CANCELLED"
    assert not ExpectedReceipt.objects.open().exists()
    assert broken() == []


def test_a_store_that_isnt_brought_anything_falls_short_as_before(store):
    type(store).objects.update(brought_in=False)

    order = collected(store)

    assert vectors(order) == [(1, 0, 0), (2, 0, 0)]
    assert not Transfer.objects.exists()
    assert not FulfilmentLine.objects.exists()
