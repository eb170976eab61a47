"""From a node's work list to the customer: what may happen, in which order, and what it does to units."""

from __future__ import annotations

import pytest

from core import outbox
from core.actors import SYSTEM
from core.errors import Refusal
from core.models import Event
from exceptions.models import Case
from inventory.models import Count, Reservation, Stock, StockMovement
from inventory.services import counts
from orders.models import FulfilmentOrder, NodeExclusion, Order, Shipment
from orders.services import changing, fulfilment, holds
from tests.factories.inventory import ItemAliasFactory, ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def item():
    return ItemFactory(sku="SKU-1", gtin="4006381333931")


def node(item, sellable=10, **location):
    return StockFactory(item=item, sellable=sellable, location=LocationFactory(**location))


def released(*lines, **fields) -> FulfilmentOrder:
    order = place(*lines, **fields)
    fulfilment.create(order.pk)
    return FulfilmentOrder.objects.get(order=order)


def picked(job: FulfilmentOrder, quantity=1) -> FulfilmentOrder:
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    return fulfilment.pick(job.pk, code="SKU-1", quantity=quantity, actor=SYSTEM)


def test_an_order_walks_from_shelf_to_customer(item):
    row = node(item)
    job = released(incoming_line(quantity=2))

    fulfilment.accept(job.pk, actor=SYSTEM)
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.pick(job.pk, code="4006381333931", actor=SYSTEM)
    last = fulfilment.pick(job.pk, code="SKU-1", actor=SYSTEM)
    fulfilment.pack(job.pk, parcels=[fulfilment_parcel(400)], actor=SYSTEM)
    shipment = fulfilment.ship(job.pk, carrier="DHL", tracking_number="JD014", actor=SYSTEM)

    row.refresh_from_db()
    line = job.order.lines.get()
    assert last.status == "PICKED"
    assert (row.sellable, row.reserved) == (8, 0)
    assert (line.fulfilled, line.shipped_here, line.allocated, line.open) == (2, 2, 0, 0)
    assert Order.objects.get().status == "COMPLETED"
    assert StockMovement.objects.filter(to_state="customer").get().quantity == 2
    told = Event.objects.get(type="fulfilment.shipped").data
    assert told["shipment"] == str(shipment.uid)
    assert told["lines"][0]["quantity"] == 2


def fulfilment_parcel(grams):
    from orders.services.packing import Parcel

    return Parcel(weight_grams=grams)


def test_releasing_twice_opens_the_work_once(item):
    node(item)
    order = place()

    first = fulfilment.create(order.pk)
    second = fulfilment.create(order.pk)

    assert len(first) == 1
    assert second == []


def test_nothing_is_released_while_a_hold_stands(item):
    node(item)
    order = place(payment_state="pending", version=1)

    held = fulfilment.create(order.pk)
    place(payment_state="paid", version=2)
    free = fulfilment.create(order.pk)

    assert held == []
    assert len(free) == 1


def test_a_hold_by_a_person_is_lifted_by_a_person(item):
    node(item)
    order = place()
    holds.place_manual(order.pk, reason="Call the customer", actor=SYSTEM)

    held = fulfilment.create(order.pk)
    holds.release(order.pk, hold_type="MANUAL", actor=SYSTEM)
    holds.release(order.pk, hold_type="MANUAL", actor=SYSTEM)

    assert held == []
    assert len(fulfilment.create(order.pk)) == 1


def test_a_hold_whose_reason_stands_is_not_lifted(item):
    node(item)
    order = place(payment_state="pending")

    with pytest.raises(Refusal) as no:
        holds.release(order.pk, hold_type="PAYMENT", actor=SYSTEM)

    assert no.value.code == "hold_stands"


def test_a_wrong_article_is_refused_and_counts_nothing(item):
    node(item)
    ItemFactory(sku="SKU-OTHER")
    job = released()
    fulfilment.start_pick(job.pk, actor=SYSTEM)

    with pytest.raises(Refusal) as no:
        fulfilment.pick(job.pk, code="SKU-OTHER", actor=SYSTEM)

    assert no.value.code == "wrong_item"
    assert job.lines.get().picked == 0


def test_more_than_wanted_is_refused(item):
    node(item)
    job = released(incoming_line(quantity=2))
    fulfilment.start_pick(job.pk, actor=SYSTEM)

    with pytest.raises(Refusal) as no:
        fulfilment.pick(job.pk, code="SKU-1", quantity=3, actor=SYSTEM)

    assert no.value.code == "picked_already"


def test_the_channels_code_is_understood_at_the_shelf(item):
    node(item)
    ItemAliasFactory(system="webshop", code="VARIANT-9", item=item)
    job = released()
    fulfilment.start_pick(job.pk, actor=SYSTEM)

    assert fulfilment.pick(job.pk, code="VARIANT-9", actor=SYSTEM).status == "PICKED"


def test_a_stale_version_is_refused_with_what_is_true_now(item):
    node(item)
    job = released()
    fulfilment.accept(job.pk, version=job.version, actor=SYSTEM)

    with pytest.raises(Refusal) as no:
        fulfilment.accept(job.pk, version=job.version, actor=SYSTEM)

    assert no.value.code == "stale"
    assert no.value.facts["status_now"] == "ACCEPTED"


@pytest.mark.parametrize(
    "reason,sellable,elsewhere,effect",
    [
        ("NOT_FOUND", 0, "shrinkage", 10),
        ("MISMATCH", 8, "shrinkage", 2),
        ("DAMAGED", 8, "damaged", 2),
        ("ON_DISPLAY", 8, "quarantined", 2),
        ("NO_TIME", 10, None, 0),
    ],
)
def test_a_short_pick_puts_stock_right_and_asks_another_node(item, reason, sellable, elsewhere, effect):
    here = node(item, priority=1)
    there = node(item, priority=50)
    job = released(incoming_line(quantity=3))
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.pick(job.pk, code="SKU-1", actor=SYSTEM)

    after = fulfilment.short_pick(job.pk, line_id=job.lines.get().pk, quantity=2, reason=reason, actor=SYSTEM)

    here.refresh_from_db()
    there.refresh_from_db()
    line = job.order.lines.get()
    expected = 1 if reason == "NOT_FOUND" else sellable
    assert after.status == "PICKED"  # what is left of it is in the basket
    assert here.sellable == expected
    assert here.reserved == 1
    assert there.reserved == 2
    assert (line.allocated, line.open) == (3, 0)
    assert NodeExclusion.objects.get().location_id == here.location_id
    assert Case.objects.get().reason == "orders.short_pick"
    moved = StockMovement.objects.exclude(from_state="opening")
    assert [m.to_state for m in moved] == ([elsewhere] if elsewhere else [])


def test_a_short_pick_without_another_node_leaves_the_rest_going_and_opens_a_case(item):
    node(item)
    job = released(incoming_line(quantity=3))
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.pick(job.pk, code="SKU-1", actor=SYSTEM)

    fulfilment.short_pick(job.pk, line_id=job.lines.get().pk, quantity=2, reason="NO_TIME", actor=SYSTEM)

    line = job.order.lines.get()
    assert (line.allocated, line.open) == (1, 2)
    assert set(Case.objects.values_list("reason", flat=True)) == {"orders.short_pick", "orders.unallocated"}


def test_the_short_pick_case_clears_when_the_units_left_elsewhere(item):
    node(item, priority=1)
    node(item, priority=50)
    job = released()
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.short_pick(job.pk, line_id=job.lines.get().pk, quantity=1, reason="NO_TIME", actor=SYSTEM)
    fulfilment.create(job.order_id)
    other = FulfilmentOrder.objects.get(order=job.order_id, status="OPEN")

    picked(other)
    fulfilment.pack(other.pk, actor=SYSTEM)
    fulfilment.ship(other.pk, actor=SYSTEM)

    assert FulfilmentOrder.objects.get(pk=job.pk).status == "CANCELLED"
    assert Case.objects.get().status == "RESOLVED"


def test_declined_work_goes_to_another_node_and_not_back(item):
    here, there = node(item, priority=1), node(item, priority=50)
    job = released()

    fulfilment.reject(job.pk, reason="Flooded", actor=SYSTEM)
    fulfilment.create(job.order_id)

    here.refresh_from_db()
    there.refresh_from_db()
    assert (here.reserved, there.reserved) == (0, 1)
    assert list(FulfilmentOrder.objects.order_by("id").values_list("status", flat=True)) == ["REJECTED", "OPEN"]


def test_cancelling_the_order_ends_its_work_and_frees_its_stock(item):
    row = node(item)
    job = picked(released())

    changing.cancel(job.order_id, reason="Changed my mind", actor=SYSTEM)
    changing.cancel(job.order_id, reason="Changed my mind", actor=SYSTEM)

    row.refresh_from_db()
    job.refresh_from_db()
    assert job.status == "CANCELLED"
    assert row.reserved == 0
    assert Order.objects.get().status == "CANCELLED"
    assert not Reservation.objects.held().exists()


def test_what_has_left_is_not_cancelled(item):
    node(item)
    job = picked(released())
    fulfilment.pack(job.pk, actor=SYSTEM)
    fulfilment.ship(job.pk, actor=SYSTEM)

    with pytest.raises(Refusal) as no:
        changing.cancel(job.order_id, actor=SYSTEM)

    assert no.value.code == "already_shipped"
    assert Order.objects.get().status == "COMPLETED"


def test_a_channel_that_cancels_too_late_gets_a_case(item):
    node(item)
    job = picked(released(version=1))
    fulfilment.pack(job.pk, actor=SYSTEM)
    fulfilment.ship(job.pk, actor=SYSTEM)

    place(version=2, status="cancelled")

    assert Case.objects.get().reason == "orders.cancelled_too_late"
    assert Order.objects.get().status == "COMPLETED"


def test_shipping_twice_is_refused(item):
    row = node(item)
    job = picked(released())
    fulfilment.pack(job.pk, actor=SYSTEM)
    fulfilment.ship(job.pk, actor=SYSTEM)

    with pytest.raises(Refusal):
        fulfilment.ship(job.pk, actor=SYSTEM)

    row.refresh_from_db()
    assert row.sellable == 9
    assert Shipment.objects.count() == 1


def test_an_order_to_collect_is_handed_over_at_its_own_store(item):
    node(item, sellable=50, priority=1)
    store = node(item, code="leeds", pickup=True, kind="STORE")
    job = released(method="PICKUP", pickup_location_code="leeds")

    picked(job)
    fulfilment.ready(job.pk, actor=SYSTEM)
    fulfilment.hand_over(job.pk, id_seen=True, actor=SYSTEM)

    store.refresh_from_db()
    assert job.location_id == store.location_id
    assert store.sellable == 9
    assert Order.objects.get().status == "COMPLETED"


def test_the_buttons_follow_the_status(item):
    node(item)
    job = released()

    before = [choice.code for choice in fulfilment.supported_actions(job, None)]
    after = [choice.code for choice in fulfilment.supported_actions(picked(job), None)]

    assert before == ["accept", "start_pick", "reject", "cancel"]
    assert after == ["pack", "cancel"]


def test_units_taken_off_by_the_source_leave_the_work_too(item):
    node(item)
    job = released(incoming_line(quantity=3), version=1)
    fulfilment.accept(job.pk, actor=SYSTEM)

    place(incoming_line(quantity=3, cancelled_quantity=2), version=2)

    assert job.lines.get().quantity == 1
    assert Stock.objects.get().reserved == 1


@pytest.mark.parametrize(("reason", "counted"), [("NOT_FOUND", 1), ("MISMATCH", 1), ("DAMAGED", 0), ("NO_TIME", 0)])
def test_a_shelf_that_lacks_units_is_counted(item, reason, counted):
    here = node(item, sellable=4)
    job = released(incoming_line(quantity=3))
    picked(job)
    fulfilment.short_pick(job.pk, line_id=job.lines.get().pk, quantity=2, reason=reason, actor=SYSTEM)

    for _ in range(2):
        outbox.drain("default")

    asked = Count.objects.filter(location=here.location, origin="SHORT_PICK", cause_label=job.number)
    assert asked.count() == counted


def test_what_a_picker_holds_is_not_missed_when_the_shelf_is_counted(item):
    here = node(item, sellable=4)
    picked(released(incoming_line(quantity=3)), quantity=3)
    count = counts.request(here.location_id, [item.pk], cause=None, actor=SYSTEM)

    counts.scan(count, code="SKU-1", actor=SYSTEM)
    counts.finish(count, actor=SYSTEM)

    here.refresh_from_db()
    assert (here.sellable, here.reserved) == (4, 3)
