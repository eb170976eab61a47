"""Counts of units told apart: by lot, or each by its serial number."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core import audit
from core.actors import SYSTEM, Actor
from core.errors import Invalid, Refusal
from core.subjects import Subject
from exceptions.models import Case
from inventory import asides
from inventory.models import CountLine, CountLot, CountStatus, Item, LotStock, Reservation, Stock
from inventory.services import counts, kits, movements, reservations
from inventory.services.reservations import Want
from tests.factories.inventory import ItemFactory, LocationFactory

pytestmark = pytest.mark.django_db
CHEN, AMIRA = Actor("PERSON", "1", "Chen Liu"), Actor("PERSON", "2", "Amira Khan")
ABOUT = {"cause": Subject("till", "7", "Till 7"), "actor": SYSTEM}


@pytest.fixture
def place():
    return LocationFactory(code="LEEDS")


@pytest.fixture
def lamp(place):
    item = ItemFactory(sku="LAMP", gtin="2000000010014", tracking="SERIAL")
    movements.receive(item.pk, place.pk, 3, serials=("S1", "S2", "S3"), key="lamps", **ABOUT)
    return item


@pytest.fixture
def candle(place):
    item = ItemFactory(sku="CANDLE", tracking="LOT", unit_cost=Decimal("1.00"), cost_currency="GBP")
    movements.receive(item.pk, place.pk, 10, lot="L1", key="candles 1", **ABOUT)
    movements.receive(item.pk, place.pk, 5, lot="L2", key="candles 2", **ABOUT)
    return item


def ask(place, *items: Item) -> int:
    return counts.request(place.pk, [item.pk for item in items], cause=None, actor=AMIRA)


def scan(count: int, *codes: str, **about) -> None:
    for code in codes:
        counts.scan(count, code=code, actor=CHEN, **about)


def lying(item: Item) -> set[tuple[str, str, str, int]]:
    rows = LotStock.objects.filter(lot__item=item, quantity__gt=0)
    return set(rows.values_list("lot__code", "location__code", "state", "quantity"))


def balanced() -> None:
    assert [(found.invariant.name, found.examples) for found in audit.audit("inventory.") if found.broken] == []


def refused(work) -> str:
    with pytest.raises(Refusal) as found:
        work()
    return found.value.code


def test_a_missing_serial_leaves_and_one_nobody_knew_enters_the_books_under_their_numbers(lamp, place):
    count = ask(place, lamp)
    line = CountLine.objects.get().pk

    scan(count, "S1", "S2")
    unknown = refused(lambda: scan(count, "S9"))
    scan(count, "S9", line_id=line)
    done = counts.finish(count, actor=CHEN)

    assert unknown == "unknown_name"
    assert done.status == CountStatus.POSTED
    assert lying(lamp) == {(code, "LEEDS", "sellable", 1) for code in ("S1", "S2", "S9")}
    assert CountLine.objects.values_list("counted", "difference", "posted").get() == (3, 0, 0)
    assert dict(CountLot.objects.values_list("code", "posted")) == {"S1": 0, "S2": 0, "S3": -1, "S9": 1}
    balanced()


def test_an_article_is_not_enough_and_a_serial_is_one_unit(lamp, place):
    count = ask(place, lamp)
    scan(count, "S1")
    line = CountLine.objects.get().pk

    assert refused(lambda: scan(count, "2000000010014")) == "name_needed"
    assert refused(lambda: scan(count, "S1")) == "scanned_already"
    with pytest.raises(Invalid):
        scan(count, "S2", quantity=2)
    assert refused(lambda: counts.enter(count, line_id=line, quantity=3, actor=CHEN)) == "name_needed"
    assert CountLine.objects.get().counted == 1


def test_lots_are_counted_one_by_one_and_losses_and_finds_do_not_set_each_other_off(candle, place):
    count = ask(place, candle)
    line = CountLine.objects.get().pk
    counts.enter(count, line_id=line, code="L1", quantity=6, actor=CHEN)
    counts.enter(count, line_id=line, code="L2", quantity=9, actor=CHEN)

    again = counts.finish(count, actor=CHEN)
    scan(count, "L1", quantity=6)
    counts.enter(count, line_id=line, code="L2", quantity=9, actor=CHEN)
    done = counts.finish(count, actor=CHEN)

    assert (again.status, again.round) == (CountStatus.COUNTING, 2)
    assert done.status == CountStatus.POSTED
    assert lying(candle) == {("L1", "LEEDS", "sellable", 6), ("L2", "LEEDS", "sellable", 9)}
    assert CountLot.objects.get(code="L1").earlier == 6
    balanced()


def test_nothing_on_the_shelf_is_said_of_all_lots_at_once_and_waits_for_approval_by_its_value(candle, place):
    Item.objects.filter(pk=candle.pk).update(unit_cost=Decimal("50.00"))
    count = ask(place, candle)
    line = CountLine.objects.get().pk
    for _ in range(2):
        counts.enter(count, line_id=line, quantity=0, actor=CHEN)
        waiting = counts.finish(count, actor=CHEN)

    assert waiting.status == CountStatus.IN_REVIEW
    assert len(lying(candle)) == 2
    counts.approve(count, actor=AMIRA)

    assert lying(candle) == set()
    assert Case.objects.get(reason="inventory.count_in_review").value == Decimal(750)
    balanced()


def test_a_serial_the_books_have_elsewhere_is_brought_here_unless_it_is_promised_there(lamp, place):
    depot = LocationFactory(code="DC")
    movements.receive(lamp.pk, depot.pk, 2, serials=("S7", "S8"), key="depot", **ABOUT)
    reservations.hold("order", [Want("1", lamp.pk, depot.pk, 1)], actor=SYSTEM)
    promise = Reservation.objects.get().pk
    movements.damage(lamp.pk, place.pk, 1, serials=("S3",), key="broken", **ABOUT)
    count = ask(place, lamp)

    scan(count, "S1", "S2", "S3", "S7", "S8")
    counts.finish(count, actor=CHEN)
    scan(count, "S1", "S2", "S3", "S7", "S8")
    counts.finish(count, actor=CHEN)

    assert {(code, at) for code, at, state, _ in lying(lamp) if state == "sellable"} == {
        ("S1", "LEEDS"), ("S2", "LEEDS"), ("S3", "LEEDS"), ("S7", "LEEDS"), ("S8", "DC"),
    }  # fmt: skip
    case = Case.objects.get(reason="inventory.count_unsettled")
    assert "LAMP S8 +1" in case.summary
    balanced()

    reservations.release([(promise, 1)], key="gone", reason="gone", actor=SYSTEM)
    counts.settle_due()

    assert ("S8", "LEEDS", "sellable", 1) in lying(lamp)
    case.refresh_from_db()
    assert not case.is_open
    balanced()


def test_a_lot_sold_before_the_count_and_told_later_is_not_written_off_twice(candle, place):
    count = ask(place, candle)
    scan(count, "L1", quantity=9)
    scan(count, "L2", quantity=5)
    counts.finish(count, actor=CHEN)
    assert ("L1", "LEEDS", "sellable", 9) in lying(candle)

    earlier = timezone.now() - timedelta(hours=2)
    movements.issue(candle.pk, place.pk, 1, lot="L1", key="till", occurred_at=earlier, **ABOUT)
    counts.settle_due()

    assert ("L1", "LEEDS", "sellable", 9) in lying(candle)
    balanced()


def test_units_that_stand_picked_are_not_missed(lamp, candle, place):
    asides.register(
        "test",
        lambda location, items: {lamp.pk: 1, candle.pk: 2},
        lambda location, items: {(lamp.pk, "S3"): 1, (candle.pk, "L1"): 2},
    )
    try:
        count = ask(place, lamp, candle)
        scan(count, "S1", "S2")
        scan(count, "L1", quantity=8)
        scan(count, "L2", quantity=5)
        done = counts.finish(count, actor=CHEN)
    finally:
        asides.register("test", lambda location, items: {}, lambda location, items: {})

    assert done.status == CountStatus.POSTED
    assert Stock.objects.get(item=lamp).sellable == 3
    assert CountLot.objects.exclude(difference=0).count() == 0
    balanced()


def test_a_promised_unit_is_not_taken_from_under_its_promise(lamp, place):
    reservations.hold("order", [Want("1", lamp.pk, place.pk, 3)], actor=SYSTEM)
    count = ask(place, lamp)
    scan(count, "S1", "S2")
    done = counts.finish(count, actor=CHEN)

    assert done.status == CountStatus.POSTED
    assert len(lying(lamp)) == 3
    assert CountLine.objects.unsettled().count() == 1
    assert Case.objects.get().reason == "inventory.count_unsettled"
    balanced()


def test_a_kit_is_refused_with_the_parts_to_count_instead(lamp, candle, place):
    kit = ItemFactory(sku="SET")
    kits.define(kit.pk, {lamp.pk: 1, candle.pk: 2}, actor=SYSTEM)

    with pytest.raises(Refusal) as found:
        ask(place, kit)

    assert found.value.code == "is_kit"
    assert found.value.facts["parts"] == [{"sku": "CANDLE", "quantity": 2}, {"sku": "LAMP", "quantity": 1}]
    assert "2 of CANDLE, 1 of LAMP" in found.value.message
