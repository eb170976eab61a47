"""Counts, from the request to the books."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core import audit
from core.actors import SYSTEM, Actor
from core.errors import Invalid, Refusal
from core.models import Event
from core.subjects import Subject
from exceptions.models import Case
from inventory import asides
from inventory.models import Count, CountLine, CountOrigin, CountPolicy, CountStatus, Stock, StockMovement
from inventory.services import counts, movements, reservations
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
CHEN, AMIRA = Actor("PERSON", "1", "Chen Liu"), Actor("PERSON", "2", "Amira Khan")
TILL = {"cause": Subject("till", "7", "Till 7"), "actor": SYSTEM}


@pytest.fixture
def coat() -> Stock:
    item = ItemFactory(sku="COAT", gtin="2000000010014", unit_cost=Decimal("20.00"), cost_currency="GBP")
    return StockFactory(item=item, location=LocationFactory(code="LEEDS"), sellable=10)


def ask(*stocks: Stock, **options) -> int:
    items = [stock.item_id for stock in stocks]
    return counts.request(stocks[0].location_id, items, **{"cause": None, "actor": AMIRA, **options})


def found(count_id: int, units: int, *, sku: str = "COAT", by: Actor = CHEN) -> CountLine:
    line = CountLine.objects.get(count=count_id, item__sku=sku)
    return counts.enter(count_id, line_id=line.pk, quantity=units, actor=by)


def books(stock: Stock) -> int:
    stock.refresh_from_db()
    return stock.sellable


def balanced() -> None:
    assert [(found.invariant.name, found.examples) for found in audit.audit("inventory.") if found.broken] == []


def test_a_count_that_agrees_is_posted_and_moves_nothing(coat):
    count = ask(coat)
    for _ in range(10):
        counts.scan(count, code="2000000010014", actor=CHEN)

    done = counts.finish(count, actor=CHEN)

    assert done.status == CountStatus.POSTED
    assert books(coat) == 10
    assert StockMovement.objects.filter(cause_kind="count").count() == 0
    balanced()


def test_a_small_difference_is_posted_at_once(coat):
    count = ask(coat)
    found(count, 9)

    done = counts.finish(count, actor=CHEN)

    assert (done.status, books(coat)) == (CountStatus.POSTED, 9)
    moved = StockMovement.objects.get(cause_kind="count")
    assert (moved.quantity, moved.to_state, moved.cause_label) == (1, "shrinkage", done.number)
    fact = Event.objects.get(type="count.posted")
    assert fact.data["value"] == {"GBP": "-20.0000"}
    balanced()


def test_a_difference_over_tolerance_is_counted_again_and_only_that_line(coat):
    other = StockFactory(item=ItemFactory(sku="HAT"), location=coat.location, sellable=4)
    count = ask(coat, other)
    found(count, 6)
    found(count, 4, sku="HAT")

    again = counts.finish(count, actor=CHEN)
    with pytest.raises(Refusal) as refused:
        counts.scan(count, code="HAT", actor=CHEN)
    found(count, 10)
    done = counts.finish(count, actor=CHEN)

    assert (again.status, again.round) == (CountStatus.COUNTING, 2)
    assert refused.value.code == "counted_already"
    assert (done.status, books(coat)) == (CountStatus.POSTED, 10)
    assert CountLine.objects.get(item=coat.item).earlier == 6


def test_a_difference_of_value_waits_for_somebody_who_did_not_count(coat):
    count = ask(coat)
    for _ in range(2):
        found(count, 4)
        waiting = counts.finish(count, actor=CHEN)

    assert waiting.status == CountStatus.IN_REVIEW
    assert books(coat) == 10
    case = Case.objects.get(reason="inventory.count_in_review")
    assert (case.value, case.currency, case.is_open) == (Decimal("120.0000"), "GBP", True)

    for actor in (CHEN, SYSTEM):
        with pytest.raises(Refusal) as refused:
            counts.approve(count, actor=actor)
        assert refused.value.code == "own_count"
    assert books(coat) == 10

    counts.approve(count, actor=AMIRA)

    assert books(coat) == 4
    case.refresh_from_db()
    assert not case.is_open
    balanced()


def test_the_place_goes_on_selling_while_it_is_counted(coat):
    count = ask(coat)
    counts.start(count, actor=CHEN)
    movements.issue(coat.item_id, coat.location_id, 2, key="till:before", **TILL)
    found(count, 8)
    movements.issue(coat.item_id, coat.location_id, 3, key="till:after", **TILL)

    done = counts.finish(count, actor=CHEN)

    assert (done.status, books(coat)) == (CountStatus.POSTED, 5)
    assert CountLine.objects.get().difference == 0
    balanced()


def test_a_sale_between_the_first_and_the_last_scan_is_no_difference(coat):
    count = ask(coat)
    for n in range(9):
        counts.scan(count, code="COAT", actor=CHEN)
        if n == 4:
            movements.issue(coat.item_id, coat.location_id, 1, key="till:1", **TILL)

    counts.finish(count, actor=CHEN)

    line = CountLine.objects.get()
    assert (line.expected_low, line.expected_high, line.difference) == (9, 10, 0)
    assert books(coat) == 9


def test_a_sale_told_after_posting_but_of_before_the_count_is_not_taken_twice(coat):
    count = ask(coat)
    counts.start(count, actor=CHEN)
    found(count, 9)
    counts.finish(count, actor=CHEN)
    assert books(coat) == 9  # the missing unit was written off…
    earlier = timezone.now() - timedelta(hours=2)
    movements.issue(coat.item_id, coat.location_id, 1, key="till:late", occurred_at=earlier, **TILL)
    assert books(coat) == 8  # …and now the till tells that it had sold it

    changed = counts.settle_due()
    again = counts.settle_due()

    assert (changed, again, books(coat)) == (1, 0, 9)
    assert Event.objects.filter(type="count.settled").count() == 1
    balanced()


def test_a_late_fact_of_value_waits_for_somebody_who_did_not_count(coat):
    CountPolicy.objects.create(approve_value=30)
    count = ask(coat)
    found(count, 10)
    counts.finish(count, actor=CHEN)
    about = {"occurred_at": timezone.now() - timedelta(hours=2), **TILL}
    movements.issue(coat.item_id, coat.location_id, 2, key="till:late", **about)

    assert counts.settle_due() == 0
    with pytest.raises(Refusal) as refused:
        counts.settle(count, actor=CHEN, by_hand=True)
    case = Case.objects.get(reason="inventory.count_unsettled")
    assert (refused.value.code, case.is_open, books(coat)) == ("own_count", True, 8)

    counts.settle(count, actor=AMIRA, by_hand=True)

    case.refresh_from_db()
    assert (books(coat), case.is_open) == (10, False)


def test_only_the_latest_count_answers_for_a_late_fact(coat):
    for _ in range(2):
        count = ask(coat)
        found(count, 10)
        counts.finish(count, actor=CHEN)
    earlier = timezone.now() - timedelta(hours=2)
    movements.issue(coat.item_id, coat.location_id, 1, key="till:late", occurred_at=earlier, **TILL)

    counts.settle_due()

    assert books(coat) == 10
    assert StockMovement.objects.filter(cause_kind="count").count() == 1
    balanced()


def test_units_promised_to_somebody_are_not_taken_from_under_the_promise(coat):
    want = reservations.Want("1", coat.item_id, coat.location_id, 9)
    held = reservations.hold("order:1", [want], actor=SYSTEM)
    count = ask(coat)
    found(count, 8)

    counts.finish(count, actor=CHEN)

    assert books(coat) == 9  # one was free
    case = Case.objects.get(reason="inventory.count_unsettled")
    assert case.is_open
    line = CountLine.objects.get()
    assert (line.difference, line.posted) == (-2, -1)
    assert counts.settle_due() == 0

    reservations.release([(held.reservations[0].id, 1)], key="back", reason="", actor=SYSTEM)
    assert counts.settle_due() == 1

    case.refresh_from_db()
    assert (books(coat), case.is_open) == (8, False)
    balanced()


def test_units_picked_for_orders_are_not_missed_on_the_shelf(coat):
    asides.register("test", lambda location, items: {coat.item_id: 3})
    try:
        count = ask(coat)
        found(count, 7)
        counts.finish(count, actor=CHEN)
    finally:
        asides.register("test", lambda location, items: {})

    assert CountLine.objects.get().difference == 0
    assert books(coat) == 10


def test_an_approval_looks_again_when_something_was_told_meanwhile(coat):
    count = ask(coat)
    for _ in range(2):
        found(count, 4)
        counts.finish(count, actor=CHEN)
    movements.issue(coat.item_id, coat.location_id, 1, key="t", occurred_at=timezone.now() - timedelta(hours=1), **TILL)

    with pytest.raises(Refusal) as refused:
        counts.approve(count, actor=AMIRA)

    assert refused.value.code == "changed_since"
    assert (books(coat), CountLine.objects.get().difference) == (9, -5)
    counts.approve(count, actor=AMIRA)
    assert books(coat) == 4
    balanced()


def test_a_reviewed_count_can_go_back_to_the_shelf(coat):
    count = ask(coat)
    for _ in range(2):
        found(count, 4)
        counts.finish(count, actor=CHEN)

    back = counts.recount(count, actor=AMIRA)

    assert (back.status, back.round) == (CountStatus.COUNTING, 3)
    assert not Case.objects.get(reason="inventory.count_in_review").is_open


def test_an_item_stands_in_one_open_count_at_a_time(coat):
    hat = StockFactory(location=coat.location)
    first = ask(coat)

    again = ask(coat, cause=Subject("fulfilment", "9", "SO-1-F1"), actor=SYSTEM)
    both = ask(coat, hat, cause=Subject("fulfilment", "9", "SO-1-F1"), actor=SYSTEM)

    assert again == first
    assert Count.objects.get(pk=both).origin == CountOrigin.SHORT_PICK
    assert list(CountLine.objects.filter(count=both).values_list("item", flat=True)) == [hat.item_id]
    with pytest.raises(IntegrityError), transaction.atomic():
        CountLine.objects.create(count_id=both, item=coat.item, location=coat.location)


def test_a_cancelled_count_frees_its_items_and_changes_nothing(coat):
    count = ask(coat)
    found(count, 2)

    counts.cancel(count, reason="Wrong shelf", actor=AMIRA)

    assert ask(coat) != count
    assert books(coat) == 10


def test_a_count_cannot_be_finished_with_lines_nobody_looked_at(coat):
    hat = StockFactory(item=ItemFactory(sku="HAT"), location=coat.location, sellable=1)
    count = ask(coat, hat)
    found(count, 10)

    with pytest.raises(Refusal) as refused:
        counts.finish(count, actor=CHEN)
    done = counts.finish(count, rest_is_zero=True, actor=CHEN)

    assert (refused.value.code, refused.value.facts["missing"]) == ("not_all_counted", ["HAT"])
    assert (done.status, books(hat)) == (CountStatus.POSTED, 0)


def test_codes_that_do_not_belong_here_are_refused(coat):
    ItemFactory(sku="OTHER")
    count = ask(coat)

    for code, why in (("OTHER", "not_on_this_count"), ("12345", "unknown_code"), ("", "unknown_code")):
        with pytest.raises(Refusal) as refused:
            counts.scan(count, code=code, actor=CHEN)
        assert refused.value.code == why

    assert CountLine.objects.get().counted is None


@pytest.mark.parametrize("quantity", [-1, True, 2**70, "3"])
def test_a_figure_is_a_whole_number(coat, quantity):
    count = ask(coat)

    with pytest.raises(Invalid):
        counts.enter(count, line_id=CountLine.objects.get().pk, quantity=quantity, actor=CHEN)

    with pytest.raises(Invalid):
        counts.scan(count, code="COAT", quantity=quantity, actor=CHEN)


def test_the_places_own_rule_goes_before_the_common_one(coat):
    CountPolicy.objects.create(recount_units=0, recount_percent=0)
    CountPolicy.objects.create(location=coat.location, recount_units=9, approve_value=1000)
    count = ask(coat)
    found(count, 2)

    assert counts.finish(count, actor=CHEN).status == CountStatus.POSTED


def test_what_people_took_down_stays(coat):
    count = ask(coat)
    line = found(count, 2)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        line.entries.update(figure=3)


def test_unknown_items_places_and_empty_requests_are_refused(coat):
    for items, place, why in (([0], coat.location_id, "unknown_item"), ([coat.item_id], 0, "unknown_place")):
        with pytest.raises(Refusal) as refused:
            counts.request(place, items, cause=None, actor=AMIRA)
        assert refused.value.code == why
    with pytest.raises(Invalid):
        counts.request(coat.location_id, [], cause=None, actor=AMIRA)
