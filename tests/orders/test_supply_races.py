"""Deliveries, labels and counters against cancellations at the same moment: one outcome, and the books balance.

`--long` takes every race many more times.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from core.actors import SYSTEM
from core.models import Event
from core.subjects import Subject
from inventory.models import Stock
from inventory.services import inbound, movements
from orders.models import BackOrder, LabelStatus, OrderLine, ParcelLabel, RefundDue
from orders.services import allocation, backorders, changing, fulfilment, labels, lifecycle, refilling
from orders.services.desk import open_desk
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders.parcels import packed, service
from tests.orders.test_races import at_once, books_balance, refused

pytestmark = pytest.mark.django_db(transaction=True)
TURNS = 3


def times(request: Any) -> int:
    return 40 if request.config.getoption("--long") else 1


@pytest.mark.parametrize("turn", range(TURNS))
def test_a_delivery_that_arrives_while_its_order_is_cancelled(request, turn):
    item = ItemFactory(sku="SKU-1")
    node = StockFactory(item=item, sellable=0, location=LocationFactory(code="DC")).location
    for n in range(times(request)):
        cause = Subject("purchase", f"{turn}-{n}", f"PO-{n}")
        line = inbound.Line(item.pk, node.pk, 3)
        inbound.expect(cause, [line], due_at=timezone.now() + timedelta(days=2), actor=SYSTEM)
        order = place(incoming_line(quantity=3), channel_ref=str(n))
        with transaction.atomic():
            desk = open_desk(order.pk, actor=SYSTEM)
            assert backorders.place(desk, allocation.wants(desk)).ok
            lifecycle.save(desk)

        def arrive(cause: Subject = cause, line: inbound.Line = line, n: int = n) -> None:
            with transaction.atomic():
                movements.receive(item.pk, node.pk, 3, key=f"in-{n}", cause=cause, actor=SYSTEM)
                inbound.settle(cause, [line], actor=SYSTEM)
            refilling.follow_cause(cause.kind, cause.uid)

        calls = [
            arrive,
            lambda pk=order.pk: changing.cancel(pk, actor=SYSTEM),
            lambda pk=order.pk: allocation.allocate(pk),
        ]
        results = at_once(*calls[turn:], *calls[:turn])

        for result in results:
            refused(result)  # raises what is no refusal
        kept = OrderLine.objects.get(order=order)
        assert (kept.cancelled, kept.allocated, kept.backordered, kept.open) == (3, 0, 0, 0)
        assert not BackOrder.objects.filter(order_line=kept, quantity__gt=0, status="WAITING").exists()
        assert RefundDue.objects.filter(order=order).count() <= 1
        stock = Stock.objects.get()
        assert (stock.sellable, stock.reserved) == (3 * (n + 1), 0)
    books_balance()


@pytest.mark.parametrize("turn", range(TURNS))
def test_a_label_bought_twice_given_back_and_shipped_at_once_is_one_or_none(turn):
    service()
    job = packed()
    (first,) = labels.buy(job.pk, actor=SYSTEM)
    calls = [
        lambda: labels.buy(job.pk, actor=SYSTEM),
        lambda: labels.void(first.pk, reason="Wrong box", actor=SYSTEM),
        lambda: fulfilment.ship(job.pk, actor=SYSTEM),
        lambda: labels.buy(job.pk, actor=SYSTEM),
    ]

    results = at_once(*calls[turn:], *calls[:turn])

    for result in results:
        refused(result)  # raises what is no refusal
    alive = ParcelLabel.objects.exclude(status__in=(LabelStatus.VOIDED, LabelStatus.VOID_WANTED))
    assert alive.count() <= 1
    job.refresh_from_db()
    if job.status == "SHIPPED":
        assert Event.objects.filter(type="fulfilment.shipped").count() == 1
    assert Event.objects.filter(type="parcel.label_ready").count() == ParcelLabel.objects.count()
    books_balance()


@pytest.mark.parametrize("turn", range(TURNS))
def test_a_handover_its_timer_and_a_cut_end_in_one_of_them(request, turn):
    store = LocationFactory(code="leeds", pickup=True, kind="STORE")
    StockFactory(item=ItemFactory(sku="SKU-1"), location=store, sellable=500)
    for n in range(times(request)):
        order = place(incoming_line(quantity=2), channel_ref=str(n), method="PICKUP", pickup_location_code="leeds")
        (pk,) = fulfilment.create(order.pk)
        fulfilment.start_pick(pk, actor=SYSTEM)
        fulfilment.pick(pk, code="SKU-1", quantity=2, actor=SYSTEM)
        fulfilment.ready(pk, actor=SYSTEM)
        calls = [
            lambda pk=pk: fulfilment.hand_over(pk, id_seen=True, actor=SYSTEM),
            lambda pk=pk: fulfilment.uncollected(pk, actor=SYSTEM),
            lambda pk=pk: fulfilment.uncollected(pk, actor=SYSTEM),
        ]

        results = at_once(*calls[turn:], *calls[:turn])

        for result in results:
            refused(result)
        ends = Event.objects.filter(subject_kind="fulfilment", subject_uid=str(pk))
        ends = ends.filter(type__in=("fulfilment.shipped", "fulfilment.uncollected"))
        assert ends.count() == 1
        handed = ends.get().type == "fulfilment.shipped"
        assert RefundDue.objects.filter(order=order).count() == (0 if handed else 1)
    books_balance()
