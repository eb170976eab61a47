"""Back-orders: bound to deliveries on their way, promised anew when those slip, filled when they come."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from core import audit
from core.actors import SYSTEM
from core.models import Event
from core.subjects import Subject
from exceptions.models import Case
from inventory.models import ExpectedReceipt, Stock
from inventory.services import availability, inbound, movements
from orders.models import BackOrder, FulfilmentLine, NodeTerms, OrderLine
from orders.services import allocation, backorders, changing, lifecycle, refilling, transit
from orders.services.desk import open_desk
from orders.sourcing import Goods
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders.parcels import service

pytestmark = pytest.mark.django_db
PURCHASE = Subject("purchase", "7", "PO-7")


@pytest.fixture
def item():
    return ItemFactory(sku="SKU-1")


@pytest.fixture
def node(item):
    return StockFactory(item=item, sellable=0).location


def on_its_way(item, node, units, *, days=5, cause=PURCHASE):
    due_at = timezone.now() + timedelta(days=days)
    (pk,) = inbound.expect(cause, [inbound.Line(item.pk, node.pk, units)], due_at=due_at, actor=SYSTEM)
    return ExpectedReceipt.objects.get(pk=pk)


@transaction.atomic
def back_order(order, **options):
    desk = open_desk(order.pk, actor=SYSTEM)
    placed = backorders.place(desk, allocation.wants(desk), **options)
    lifecycle.save(desk)
    return placed


@transaction.atomic
def arrives(item, node, units, cause=PURCHASE):
    movements.receive(item.pk, node.pk, units, key=f"in-{units}-{cause.uid}", cause=cause, actor=SYSTEM)
    inbound.settle(cause, [inbound.Line(item.pk, node.pk, units)], actor=SYSTEM)


def vector(order):
    line = OrderLine.objects.get(order=order)
    return (line.open, line.allocated, line.backordered, line.cancelled)


def broken():
    return [(finding.invariant.name, finding.examples) for finding in audit.audit() if finding.broken]


def test_units_are_promised_from_the_delivery_that_comes_first_and_from_nobody_elses(item, node):
    late, soon = on_its_way(item, node, 5, days=9, cause=Subject("purchase", "8")), on_its_way(item, node, 2)
    order = place(incoming_line(quantity=3))

    placed = back_order(order)

    order.refresh_from_db()
    assert placed.ok
    assert placed.units == 3
    assert vector(order) == (0, 0, 3, 0)
    assert order.status == "ACCEPTED"
    assert dict(BackOrder.objects.values_list("receipt_id", "quantity")) == {soon.pk: 2, late.pk: 1}
    assert order.promise_by == placed.promise_by > late.due_at
    assert Event.objects.filter(type="order.promise_changed").count() == 1
    assert not Case.objects.still_open().filter(reason="orders.unallocated").exists()
    by = (timezone.now() + timedelta(days=30)).date()
    assert [row.available for row in availability.of([item.pk], by=by)] == [4]


def test_what_no_delivery_covers_stays_open_and_all_or_nothing_means_it(item, node):
    delivery = on_its_way(item, node, 2)
    order = place(incoming_line(quantity=3))

    refused = back_order(order, whole=True)
    assert (refused.units, vector(order)) == (0, (3, 0, 0, 0))

    part = back_order(order)

    delivery.refresh_from_db()
    assert [want.quantity for want in part.left] == [1]
    assert vector(order) == (1, 0, 2, 0)
    assert delivery.committed == 2


def test_what_arrives_is_kept_for_the_oldest_promise_and_nobody_gets_in_between(item, node):
    on_its_way(item, node, 5)
    first, second = place(incoming_line(quantity=3), channel_ref="1"), place(incoming_line(quantity=2), channel_ref="2")
    back_order(first)
    back_order(second)

    arrives(item, node, 4)
    latecomer = place(incoming_line(quantity=1), channel_ref="3")
    refilling.follow_cause("purchase", "7")
    refilling.follow_cause("purchase", "7")

    assert vector(first) == (0, 3, 0, 0)
    assert vector(second) == (0, 1, 1, 0)
    assert vector(latecomer) == (1, 0, 0, 0)
    assert sorted(FulfilmentLine.objects.values_list("quantity", flat=True)) == [1, 3]
    assert list(BackOrder.objects.order_by("pk").values_list("status", "filled")) == [("FILLED", 3), ("WAITING", 1)]
    assert broken() == []


def test_a_delivery_that_slips_is_a_new_promise_and_a_case_until_it_comes(item, node):
    delivery = on_its_way(item, node, 3)
    order = place(incoming_line(quantity=3))
    before = back_order(order).promise_by

    inbound.expect(PURCHASE, [inbound.Line(item.pk, node.pk, 3)], due_at=delivery.due_at + timedelta(days=4),
                   actor=SYSTEM)  # fmt: skip
    refilling.follow_cause("purchase", "7")
    refilling.follow_cause("purchase", "7")

    order.refresh_from_db()
    assert order.promise_by > before + timedelta(days=3)
    said = Event.objects.filter(type="order.promise_changed").order_by("id").values_list("data", flat=True)
    assert [fact["why"] for fact in said] == ["Waits for a delivery", "The delivery it waits for comes later"]
    assert Case.objects.still_open().get(reason="orders.backorder_slipped").occurrences == 1

    arrives(item, node, 3)
    refilling.follow_cause("purchase", "7")

    assert not Case.objects.still_open().exists()


def test_a_delivery_that_is_cut_lets_the_last_promised_down_and_binds_them_elsewhere(item, node):
    delivery = on_its_way(item, node, 4)
    first, second = place(incoming_line(quantity=2), channel_ref="1"), place(incoming_line(quantity=2), channel_ref="2")
    back_order(first)
    back_order(second)
    other = on_its_way(item, node, 1, days=20, cause=Subject("purchase", "8"))

    inbound.expect(PURCHASE, [inbound.Line(item.pk, node.pk, 2)], due_at=delivery.due_at, actor=SYSTEM)
    refilling.follow_cause("purchase", "7")

    assert vector(first) == (0, 0, 2, 0)
    assert vector(second) == (1, 0, 1, 0)
    waiting = BackOrder.objects.waiting().values_list("order_line__order", "receipt_id", "quantity")
    assert set(waiting) == {(first.pk, delivery.pk, 2), (second.pk, other.pk, 1)}
    assert Case.objects.still_open().get().reason == "orders.unallocated"
    assert broken() == []


def test_a_cancelled_order_gives_its_place_in_the_delivery_back(item, node):
    delivery = on_its_way(item, node, 4)
    order = place(incoming_line(quantity=3))
    back_order(order)

    changing.cancel(order.pk, actor=SYSTEM)

    delivery.refresh_from_db()
    assert vector(order) == (0, 0, 0, 3)
    assert delivery.committed == 0
    assert BackOrder.objects.get().status == "CANCELLED"
    assert broken() == []


def test_stock_found_elsewhere_ends_the_wait_and_in_vain_changes_nothing(item, node):
    on_its_way(item, node, 2)
    order = place(incoming_line(quantity=2))
    back_order(order)

    assert refilling.source_now(order.pk, actor=SYSTEM) == 0
    assert vector(order) == (0, 0, 2, 0)

    StockFactory(item=item, sellable=5, location=LocationFactory())
    assert refilling.source_now(order.pk, actor=SYSTEM) == 2
    assert vector(order) == (0, 2, 0, 0)
    assert ExpectedReceipt.objects.get().committed == 0
    assert Stock.objects.get(sellable=5).reserved == 2
    assert broken() == []


def test_missed_news_is_swept_up_and_a_silent_delivery_is_a_case(item, node):
    from exceptions import reasons

    delivery = on_its_way(item, node, 2)
    order = place(incoming_line(quantity=2))
    back_order(order)
    ExpectedReceipt.objects.filter(pk=delivery.pk).update(due_at=timezone.now() - timedelta(hours=9))

    assert refilling.sweep() == 1

    overdue = reasons.get("orders.backorder_overdue")
    assert list(overdue.standing()) == [str(order.pk)]
    inbound.cancel(PURCHASE, actor=SYSTEM)
    assert refilling.sweep() == 1
    assert vector(order) == (2, 0, 0, 0)
    assert list(overdue.standing()) == []


MONDAY = datetime(2026, 6, 1, 6, tzinfo=UTC)


def there(node, order, at=MONDAY):
    return transit.of_delivery(order, node, at, article=Goods(400), units=2)


def test_how_long_it_travels_is_what_carriers_say_else_the_node_else_a_guess(item, node):
    node.country, node.time_zone = "GB", "Europe/London"
    node.save()
    order = place(incoming_line(), ship_to={"country": "GB", "postal_code": "LS1 1AA"})
    abroad = place(incoming_line(), ship_to={"country": "FR"}, channel_ref="2")

    assert there(node, order) == datetime(2026, 6, 3, 15, tzinfo=UTC)  # two days from the usual departure

    NodeTerms.objects.create(location=node, cut_off=time(18), days=3, days_abroad=6)
    assert there(node, order) == datetime(2026, 6, 4, 17, tzinfo=UTC)
    assert there(node, abroad) == datetime(2026, 6, 7, 17, tzinfo=UTC)

    uk = {"name": "UK", "countries": ["GB"], "prices": [[30000, "3.00"]]}
    service("slow", zones=[uk | {"days": 4}])
    service("quick", zones=[uk | {"days": 1, "prices": [[500, "8.00"], [2000, "9.00"]]}])
    assert there(node, order) == datetime(2026, 6, 2, 17, tzinfo=UTC)  # nothing promised yet: the soonest
    order.promise_by = MONDAY + timedelta(days=9)
    assert there(node, order) == datetime(2026, 6, 5, 17, tzinfo=UTC)  # the cheapest that keeps the promise
    assert there(node, abroad) == datetime(2026, 6, 7, 17, tzinfo=UTC)  # nobody quotes


def test_a_silent_delivery_is_a_new_promise_before_the_old_one_is_missed(item, node):
    on_its_way(item, node, 3, days=5)
    order = place(incoming_line(quantity=3))
    promised = back_order(order).promise_by
    assert refilling.promise_silent_anew() == 0

    with time_machine.travel(timezone.now() + timedelta(days=6, hours=6), tick=False):
        assert timezone.now() < promised
        assert refilling.promise_silent_anew() == 1
        assert refilling.promise_silent_anew() == 0
        order.refresh_from_db()
        assert order.promise_by > promised
        again = order.promise_by
    with time_machine.travel(timezone.now() + timedelta(days=11), tick=False):
        assert refilling.promise_silent_anew() == 1

    order.refresh_from_db()
    assert order.promise_by >= again + timedelta(days=3)  # as late again as it was already
    said = Event.objects.filter(type="order.promise_changed").order_by("id").values_list("data", flat=True)
    assert [fact["why"] for fact in said][1:] == ["The delivery it waits for hasn't come"] * 2
    assert vector(order) == (0, 0, 3, 0)
