"""Kits in orders: bought and priced as one, reserved, picked and shipped as their parts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import transaction

from core import audit, outbox
from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Event
from core.subjects import Subject
from inventory.models import Item, LotStock, Stock, StockMovement
from inventory.services import kits, movements
from orders.models import FulfilmentLine, FulfilmentOrder, FulfilmentPart, Order, OrderLine
from orders.services import allocation, changing, fulfilment, lookups, making
from orders.sourcing import Node, Request, Want
from orders.sourcing.candidates import goods_barred
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea():
    """A cup and three spoons."""
    kit, cup, spoon = ItemFactory(sku="TEA"), ItemFactory(sku="CUP"), ItemFactory(sku="SPOON")
    kits.define(kit.pk, {cup.pk: 1, spoon.pk: 3}, actor=SYSTEM)
    return cup, spoon


def shelf(tea, cups, spoons, **location):
    place_ = LocationFactory(**location)
    return [StockFactory(item=item, location=place_, sellable=n) for item, n in zip(tea, (cups, spoons), strict=True)]


def units(rows):
    for row in rows:
        row.refresh_from_db()
    return [(row.sellable, row.reserved) for row in rows]


def released(*lines, **fields):
    order = place(*lines, **fields)
    fulfilment.create(order.pk)
    return FulfilmentOrder.objects.get(order=order, status="OPEN")


def broken():
    return [f.invariant.name for f in audit.audit() if f.broken and f.invariant.name.split(".")[0] in OURS]


OURS = {"orders", "inventory"}


def test_a_kit_line_stays_one_and_reserves_its_parts(tea):
    rows = shelf(tea, 5, 9)

    order = place(incoming_line("TEA", 2, "30.00"))

    line = OrderLine.objects.get()
    share = FulfilmentLine.objects.get()
    assert (line.allocated, line.unit_price, order.total) == (2, Decimal("30.00"), Decimal("60.00"))
    assert (share.quantity, share.is_kit, share.item.sku) == (2, True, "TEA")
    assert [(p.item.sku, p.per_kit) for p in share.parts.order_by("per_kit")] == [("CUP", 1), ("SPOON", 3)]
    assert units(rows) == [(5, 2), (9, 6)]
    assert broken() == []


def test_the_scarcest_part_decides_and_a_short_kit_takes_nothing(tea):
    rows = shelf(tea, 5, 8)

    place(incoming_line("TEA", 3))

    assert OrderLine.objects.get().open == 3
    assert units(rows) == [(5, 0), (8, 0)]
    assert Event.objects.get(type="order.unallocated").data["short"][0]["free"] == 2


def test_a_kit_comes_whole_from_one_node_and_many_kits_from_several(tea):
    one, other = shelf(tea, 9, 6, priority=1), shelf(tea, 1, 30, priority=2)

    place(incoming_line("TEA", 3))

    shares = FulfilmentLine.objects.order_by("-quantity")
    assert [(s.location_id, s.quantity) for s in shares] == [(one[0].location_id, 2), (other[0].location_id, 1)]
    assert units(one) + units(other) == [(9, 2), (6, 6), (1, 1), (30, 3)]
    assert broken() == []


def test_a_kit_waits_for_its_last_part_and_goes_on_when_it_comes(tea):
    _, spoons = shelf(tea, 5, 2)
    order = place(incoming_line("TEA", 1))
    assert allocation.allocate_waiting() == 0

    movements.receive(spoons.item_id, spoons.location_id, 1, key="r", cause=Subject("t", "1"), actor=SYSTEM)

    assert allocation.allocate_waiting() == 1
    assert OrderLine.objects.get(order=order).allocated == 1


def test_parts_wanted_for_themselves_and_in_kits_share_what_there_is(tea):
    rows = shelf(tea, 3, 9)

    place(incoming_line("TEA", 2), incoming_line("CUP", 1), channel_ref="fits")
    place(incoming_line("TEA", 1), incoming_line("CUP", 1), channel_ref="does not")

    assert [line.allocated for line in OrderLine.objects.order_by("pk")] == [2, 1, 0, 0]
    assert units(rows) == [(3, 3), (9, 6)]
    assert broken() == []


def test_what_is_offered_with_care_can_always_be_held():
    wanted = (Want(1, 10, 5), Want(2, 11, 5), Want(3, 1, 2))
    recipes = {10: [(1, 1), (2, 1)], 11: [(1, 2)]}

    (node,) = making.offer(wanted, recipes, [Node(7, "x", {1: 8, 2: 3})], careful=True)

    assert node.free == {1: 8, 2: 3, 10: 3, 11: 1}
    assert 2 + node.free[10] + 2 * node.free[11] <= 8


def test_a_kit_walks_from_shelf_to_customer_part_by_part(tea):
    rows = shelf(tea, 5, 9)
    job = released(incoming_line("TEA", 2))
    fulfilment.start_pick(job.pk, actor=SYSTEM)

    fulfilment.pick(job.pk, code="CUP", quantity=2, actor=SYSTEM)
    with pytest.raises(Refusal) as refused:
        fulfilment.pick(job.pk, code="CUP", actor=SYSTEM)
    halfway = fulfilment.pick(job.pk, code="SPOON", quantity=5, actor=SYSTEM)
    one_whole = FulfilmentLine.objects.get().picked
    last = fulfilment.pick(job.pk, code="SPOON", actor=SYSTEM)
    fulfilment.pack(job.pk, actor=SYSTEM)
    fulfilment.ship(job.pk, carrier="DHL", actor=SYSTEM)

    assert refused.value.code == "picked_already"
    assert (halfway.status, one_whole, last.status) == ("PICKING", 1, "PICKED")
    assert units(rows) == [(3, 0), (3, 0)]
    line = OrderLine.objects.get()
    assert (line.fulfilled, line.shipped_here, Order.objects.get().status) == (2, 2, "COMPLETED")
    told = Event.objects.get(type="fulfilment.shipped").data["lines"]
    assert [(line["sku"], line["quantity"]) for line in told] == [("TEA", 2)]
    assert broken() == []


def test_the_kit_itself_is_no_code_of_the_list(tea):
    shelf(tea, 5, 9)
    job = released(incoming_line("TEA"))
    fulfilment.start_pick(job.pk, actor=SYSTEM)

    with pytest.raises(Refusal) as refused:
        fulfilment.pick(job.pk, code="TEA", actor=SYSTEM)

    assert refused.value.code == "wrong_item"


def test_a_missing_part_takes_its_kits_off_the_work_and_only_itself_off_the_books(tea):
    cups, spoons = shelf(tea, 5, 9)
    job = released(incoming_line("TEA", 3))
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.pick(job.pk, code="CUP", quantity=3, actor=SYSTEM)
    fulfilment.pick(job.pk, code="SPOON", quantity=7, actor=SYSTEM)

    fulfilment.short_pick(job.pk, line_id=FulfilmentLine.objects.get().pk, quantity=1, reason="MISMATCH", actor=SYSTEM)

    share = FulfilmentLine.objects.get(quantity__gt=0)
    assert (share.quantity, share.picked, FulfilmentOrder.objects.get().status) == (2, 2, "PICKED")
    assert units([cups, spoons]) == [(5, 2), (7, 6)]
    assert OrderLine.objects.get().open == 1
    assert broken() == []


def test_where_several_parts_are_unpicked_the_missing_one_is_named(tea):
    cups, spoons = shelf(tea, 5, 9)
    job = released(incoming_line("TEA", 1))
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    line = FulfilmentLine.objects.get()
    about = {"line_id": line.pk, "quantity": 1, "reason": "DAMAGED", "actor": SYSTEM}

    with pytest.raises(Refusal) as refused:
        fulfilment.short_pick(job.pk, **about)
    fulfilment.short_pick(job.pk, part_id=FulfilmentPart.objects.get(item=spoons.item).pk, **about)

    assert refused.value.code == "part_needed"
    assert units([cups, spoons]) == [(5, 0), (6, 0)]
    assert Stock.objects.get(item=spoons.item).damaged == 3
    assert broken() == []


def test_cancelling_and_declining_give_every_part_back(tea):
    rows = shelf(tea, 5, 9)
    order = place(incoming_line("TEA", 2))
    changing.cancel(order.pk, reason="Changed their mind", actor=SYSTEM)
    declined = released(incoming_line("TEA", 2), channel_ref="2")

    fulfilment.reject(declined.pk, reason="No time", actor=SYSTEM)

    assert units(rows) == [(5, 0), (9, 0)]
    assert broken() == []


def test_a_changed_recipe_is_for_the_next_order(tea):
    cup, spoon = tea
    rows = shelf(tea, 5, 9)
    job = released(incoming_line("TEA", 1))

    kits.define(job.lines.get().item_id, {cup.pk: 2}, actor=SYSTEM)
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.pick(job.pk, code="CUP", actor=SYSTEM)
    fulfilment.pick(job.pk, code="SPOON", quantity=3, actor=SYSTEM)
    fulfilment.pack(job.pk, actor=SYSTEM)
    fulfilment.ship(job.pk, actor=SYSTEM)

    assert units(rows) == [(4, 0), (6, 0)]
    assert broken() == []


def phone_order(quantity=1):
    phone, where = ItemFactory(sku="PHONE", tracking="SERIAL"), LocationFactory()
    about = {"cause": Subject("t", "1"), "actor": SYSTEM}
    movements.receive(phone.pk, where.pk, 3, serials=("SN-1", "SN-2", "SN-3"), key="in", **about)
    job = released(incoming_line("PHONE", quantity))
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    return phone, job


def test_units_told_apart_are_picked_by_serial_number_and_leave_under_it():
    phone, job = phone_order(2)

    for code, why in (("PHONE", "name_needed"), ("SN-9", "unknown_code")):
        with pytest.raises(Refusal) as refused:
            fulfilment.pick(job.pk, code=code, actor=SYSTEM)
        assert refused.value.code == why
    fulfilment.pick(job.pk, code="SN-3", actor=SYSTEM)
    with pytest.raises(Refusal) as twice:
        fulfilment.pick(job.pk, code="SN-3", actor=SYSTEM)
    fulfilment.pick(job.pk, code="SN-1", actor=SYSTEM)
    fulfilment.pack(job.pk, actor=SYSTEM)
    fulfilment.ship(job.pk, actor=SYSTEM)

    assert twice.value.code == "picked_already"
    assert list(LotStock.objects.filter(quantity__gt=0).values_list("lot__code", flat=True)) == ["SN-2"]
    assert StockMovement.objects.get(to_state="customer").lots.count() == 2
    assert broken() == []


def test_a_serial_that_went_elsewhere_meanwhile_stops_the_parcel():
    phone, job = phone_order()
    fulfilment.pick(job.pk, code="SN-1", actor=SYSTEM)
    where = job.location_id
    movements.issue(phone.pk, where, 1, serials=("SN-1",), key="till", cause=Subject("t", "2"), actor=SYSTEM)
    fulfilment.pack(job.pk, actor=SYSTEM)

    with pytest.raises(Invalid) as refused, transaction.atomic():
        fulfilment.ship(job.pk, actor=SYSTEM)

    assert [p.rule for p in refused.value.problems] == ["elsewhere"]
    assert FulfilmentOrder.objects.get().status == "PACKED"
    assert broken() == []


@pytest.mark.parametrize(
    "reason,quantity,codes,left,moved",
    [
        ("NOT_FOUND", 2, (), {"SN-3"}, 2),  # nobody else was promised one: all that isn't in the basket is gone
        ("DAMAGED", 1, ("SN-2",), {"SN-1", "SN-3"}, 1),
        ("MISMATCH", 1, (), {"SN-1", "SN-2", "SN-3"}, 0),  # which of two, only a count can say
    ],
)
def test_a_short_pick_of_units_told_apart_moves_those_it_must_be_and_has_the_rest_counted(
    reason, quantity, codes, left, moved
):
    phone, job = phone_order(3)
    fulfilment.pick(job.pk, code="SN-3", actor=SYSTEM)
    line = job.lines.get()

    fulfilment.short_pick(job.pk, line_id=line.pk, quantity=quantity, reason=reason, codes=codes, actor=SYSTEM)

    rows = LotStock.objects.filter(quantity__gt=0, state="sellable").values_list("lot__code", flat=True)
    assert set(rows) == left
    assert line.short_picks.get().moved == moved
    fact = Event.objects.get(type="fulfilment.short_picked")
    assert fact.data["counts"] is (reason != "DAMAGED")
    assert broken() == []


def test_a_short_unit_that_does_not_lie_there_changes_nothing():
    phone, job = phone_order(3)
    fulfilment.pick(job.pk, code="SN-3", actor=SYSTEM)

    for codes, why in ((("SN-3",), "not_here"), (("SN-1", "SN-2"), "not_missing")):
        about = {"line_id": job.lines.get().pk, "reason": "DAMAGED", "codes": codes, "actor": SYSTEM}
        with pytest.raises(Refusal) as refused, transaction.atomic():
            fulfilment.short_pick(job.pk, quantity=1, **about)
        assert refused.value.code == why

    assert job.lines.get().quantity == 3
    assert broken() == []


def test_what_holds_for_a_part_holds_for_the_kit(tea):
    cup, spoon = tea
    Item.objects.filter(pk=cup.pk).update(attributes={"hazardous": True, "not_to": ["GB-NIR"]}, weight_grams=300)
    Item.objects.filter(pk=spoon.pk).update(attributes={"ship_alone": True}, weight_grams=40)
    kit = Item.objects.get(sku="TEA").pk

    goods = lookups.goods_of([kit])[kit]

    assert (goods.hazardous, goods.ship_alone, goods.grams) == (True, True, 420)
    assert goods.traits() == {"hazardous", "ship_alone"}
    there = Request((Want(1, kit, 1),), country="GB", province="NIR", goods={kit: goods})
    assert goods_barred(there) == "something wanted may not go there"


@pytest.mark.parametrize(
    "costs, own, known",
    [
        ((("4.00", "GBP"), ("0.50", "GBP")), None, (5.5, "GBP")),
        ((("4.00", "GBP"), ("0", "GBP")), None, (4.0, "GBP")),
        ((("4.00", "GBP"), ("0.50", "EUR")), None, (0.0, "")),
        ((("4.00", "GBP"), (None, "")), None, (0.0, "")),
        ((("4.00", "GBP"), ("0.50", "GBP")), ("5.00", "GBP"), (5.0, "GBP")),
    ],
)
def test_a_kit_costs_what_its_parts_do_unless_a_cost_is_named(tea, costs, own, known):
    kit = Item.objects.get(sku="TEA")
    for item, (cost, currency) in zip((*tea, kit), (*costs, own or (None, "")), strict=True):
        Item.objects.filter(pk=item.pk).update(unit_cost=cost, cost_currency=currency)

    goods = lookups.goods_of({kit.pk})[kit.pk]

    assert (goods.cost, goods.currency) == known


def test_a_kit_with_a_part_that_ships_alone_is_work_of_its_own(tea):
    shelf(tea, 5, 9)
    Item.objects.filter(sku="CUP").update(attributes={"ship_alone": True})
    StockFactory(item=ItemFactory(sku="MAT"), location=Stock.objects.first().location, sellable=5)

    order = place(incoming_line("TEA", 1), incoming_line("MAT", 1))
    outbox.drain("default")

    assert FulfilmentOrder.objects.filter(order=order).count() == 2
