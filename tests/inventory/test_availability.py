"""Available to promise: the arithmetic, which rule wins, and what the database's rows add up to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.actors import SYSTEM
from core.models import Calendar
from core.subjects import Subject
from inventory import availability as arithmetic
from inventory.availability import Rule, RuleBook, Terms
from inventory.models import BufferRule, ChannelFeed, Reservation, SellRate, Stock
from inventory.services import availability, inbound, kits, reservations
from inventory.services.inbound import Line
from inventory.services.reservations import Want
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
CAUSE = Subject("transfer", "1", "TR-1")


def rule(id_: int = 1, amount: int | str = 1, **fields) -> Rule:
    return Rule(**{"id": id_, "kind": "BUFFER", "measure": "UNITS", "amount": Decimal(amount)} | fields)


def one(stock: Stock, **asked) -> availability.Available:
    (row,) = availability.of([stock.item_id], **asked)
    return row


# --- Arithmetic


def test_the_larger_cushion_counts_and_the_two_are_not_added():
    assert arithmetic.promisable(Terms(sellable=20, reserved=4, safety=3, buffer=5, inbound=2)) == 13
    assert arithmetic.promisable(Terms(sellable=3, reserved=4, safety=3)) == 0


@pytest.mark.parametrize(
    "measure, amount, bounds, expected",
    [
        ("UNITS", "2", (0, None), 2),
        ("PERCENT", "10", (0, None), 2),  # 1.1, rounded up
        ("PERCENT", "10", (4, None), 4),
        ("PERCENT", "100", (0, 5), 5),
        ("DERIVED", "2", (0, None), 5),  # 2 × 24 a day × 2 h = 4, and a little
        ("DERIVED", "0", (1, None), 1),
    ],
)
def test_a_rule_keeps_back_units_a_share_or_what_sells_while_the_feed_lags(measure, amount, bounds, expected):
    made = rule(amount=amount, measure=measure, at_least=bounds[0], at_most=bounds[1])

    assert made.units(sellable=11, per_day=24.0, lag_seconds=7_201.0) == expected


def test_the_more_specific_rule_wins_digit_by_digit():
    item, attribute = rule(1, item_id=7), rule(2, attribute=("season", "winter"), location_id=3, channel="web")
    place, channel = rule(3, location_id=3), rule(4, channel="web")

    ranked = RuleBook([channel, place, attribute, item], "web").matching(7, {"season": "winter"}, 3)

    assert [each.id for each in ranked] == [1, 2, 3, 4]


def test_of_equally_specific_rules_the_one_that_keeps_more_wins():
    rules = [rule(1, 2, attribute=("a", "1")), rule(2, 5, attribute=("b", "1")), rule(3, 5, attribute=("c", "1"))]

    most, special = RuleBook(rules, "").for_item(1, {"a": "1", "b": "1", "c": "1"})

    assert arithmetic.winner(most.buffer, 10) == (5, rules[1])
    assert special == {}


small = st.integers(1, 3)
rules = st.builds(
    rule,
    st.integers(1, 10_000),
    st.integers(0, 9),
    kind=st.sampled_from(["SAFETY", "BUFFER"]),
    channel=st.sampled_from(["", "web", "amazon"]),
    location_id=st.none() | small,
    item_id=st.none() | small,
    attribute=st.none() | st.sampled_from([("season", "winter"), ("size", "L")]),
).filter(lambda each: each.item_id is None or each.attribute is None)  # the database knows no other


@given(st.lists(rules, max_size=12, unique_by=lambda each: each.id), small, small)
def test_the_book_finds_what_looking_at_every_rule_finds(every, item_id, location_id):
    attributes = {"season": "winter", "size": ["M", "L"]} if item_id == 1 else {"season": "summer"}

    most, special = RuleBook(every, "web").for_item(item_id, attributes)
    choice = special.get(location_id, most)

    for kind, chosen in (("SAFETY", choice.safety), ("BUFFER", choice.buffer)):
        fitting = [r for r in every if r.kind == kind and r.applies(item_id, attributes, location_id, "web")]
        top = max((r.specificity for r in fitting), default=0)
        best = max((int(r.amount) for r in fitting if r.specificity == top), default=0)
        assert arithmetic.winner(chosen, 10)[0] == best


def test_the_steps_add_up_and_name_the_cushion_that_lost():
    made = arithmetic.steps(Terms(20, 4, 3, 5, 2), safety=rule(1), buffer=rule(2), room=10, barred="")

    assert [(s.name, s.units, s.used) for s in made] == [
        ("sellable", 20, True), ("reserved", -4, True), ("safety", -3, False), ("buffer", -5, True),
        ("inbound", 2, True), ("capacity", -3, True), ("available", 10, True),
    ]  # fmt: skip
    assert sum(s.units for s in made[:-1] if s.used) == made[-1].units


# --- From the database


@pytest.mark.django_db
def test_reserved_units_and_the_winning_buffer_come_off():
    stock = StockFactory(sellable=10)
    reservations.hold("d", [Want("1", stock.item_id, stock.location_id, 3)], actor=SYSTEM)
    BufferRule.objects.create(amount=1)
    BufferRule.objects.create(kind="SAFETY", amount=2)
    web = BufferRule.objects.create(channel="web", location=stock.location, amount=4)

    assert one(stock).available == 5
    row = one(stock, channel="web")

    assert (row.available, row.safety, row.buffer, row.buffer_rule) == (3, 2, 4, web.pk)


@pytest.mark.django_db
def test_a_rule_out_of_force_or_of_another_channel_keeps_nothing_back():
    stock = StockFactory(sellable=10)
    BufferRule.objects.create(amount=3, active=False)
    BufferRule.objects.create(channel="amazon", amount=5)

    assert one(stock, channel="web").available == 10
    assert one(stock, channel="amazon").available == 5


@pytest.mark.django_db
def test_an_attribute_rule_takes_only_the_items_that_have_it():
    winter, summer = (
        StockFactory(sellable=10, item=ItemFactory(attributes={"season": season})) for season in ("winter", "summer")
    )
    BufferRule.objects.create(attribute_key="season", attribute_value="winter", amount=2)

    assert {row.item_id: row.available for row in availability.of([winter.item_id, summer.item_id])} == {
        winter.item_id: 8,
        summer.item_id: 10,
    }


@pytest.mark.django_db
def test_a_derived_buffer_follows_the_measured_lag_and_sell_rate():
    stock = StockFactory(sellable=100)
    feed = ChannelFeed.objects.create(channel="web", title="Web", lag_p95_ms=600_000)
    SellRate.objects.create(item=stock.item, location=stock.location, per_day=720, measured_at=timezone.now())
    BufferRule.objects.create(channel="web", measure="DERIVED", amount=2)

    assert one(stock, channel="web").buffer == 10  # 2 × 720 a day × 10 minutes
    feed.lag_p95_ms = 60_000
    feed.save()

    assert one(stock, channel="web").buffer == 1


@pytest.mark.django_db
def test_a_soft_reservation_whose_time_ran_out_holds_nothing_before_it_is_swept():
    stock = StockFactory(sellable=10)
    want = Want("1", stock.item_id, stock.location_id, 3)
    reservations.hold("cart", [want], kind="SOFT", ttl=timedelta(minutes=1), actor=SYSTEM)
    assert one(stock).available == 7

    Reservation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert one(stock).available == 10
    stock.refresh_from_db()
    assert stock.reserved == 3


@pytest.mark.django_db
def test_units_due_by_the_day_asked_about_count_where_the_day_ends_in_that_zone():
    stock = StockFactory(sellable=1, location=LocationFactory(time_zone="America/New_York"))
    night = datetime(2026, 3, 3, 3, tzinfo=UTC)  # still the 2nd in New York
    with time_machine.travel(MONDAY):
        inbound.expect(CAUSE, [Line(stock.item_id, stock.location_id, 5)], due_at=night, actor=SYSTEM)

        assert one(stock).available == 1
        assert one(stock, by=MONDAY.date()).available == 6
        assert one(stock, by=MONDAY.date() - timedelta(days=1)).available == 1


@pytest.mark.django_db
def test_a_place_that_only_expects_an_item_promises_it_too_and_an_overdue_promise_is_not_counted_on():
    item, place = ItemFactory(), LocationFactory()
    inbound.expect(CAUSE, [Line(item.pk, place.pk, 5)], due_at=MONDAY, actor=SYSTEM)

    with time_machine.travel(MONDAY + timedelta(hours=3)):
        (row,) = availability.of([item.pk], by=MONDAY.date())
        assert (row.location_id, row.available) == (place.pk, 5)
    with time_machine.travel(MONDAY + timedelta(days=2)):
        assert availability.of([item.pk], by=MONDAY.date() + timedelta(days=9)) == []


@pytest.mark.django_db
def test_sending_and_collecting_ask_for_the_role_and_pausing_takes_a_place_out():
    item = ItemFactory()
    sends = StockFactory(item=item, location=LocationFactory(ships=True, pickup=False))
    hands_over = StockFactory(item=item, location=LocationFactory(ships=False, pickup=True))
    paused = StockFactory(item=item, location=LocationFactory(status="PAUSED"))

    def total(**asked) -> dict[int, int]:
        return {row.location_id: row.available for row in availability.of([item.pk], **asked)}

    assert total(method="SHIP") == {sends.location_id: 10, hands_over.location_id: 0}
    assert total(method="PICKUP") == {sends.location_id: 0, hands_over.location_id: 10}
    (row,) = availability.of([item.pk], location_ids=[paused.location_id])
    assert (row.available, row.barred) == (0, "The location is paused")


@pytest.mark.django_db
def test_no_more_is_offered_than_can_be_picked_before_the_place_closes():
    hours = Calendar.objects.create(code="shop", name="Shop", weekly=[[["09:00", "12:00"]]] + [[]] * 6)
    stock = StockFactory(sellable=100, location=LocationFactory(pickup=True, pick_capacity_hour=10))
    stock.location.site.calendar = hours
    stock.location.site.save()
    reservations.hold("d", [Want("1", stock.item_id, stock.location_id, 5)], actor=SYSTEM)

    with time_machine.travel(MONDAY):  # two hours before it closes
        row = one(stock, method="PICKUP")
        assert (row.available, row.room) == (15, 15)
        assert one(stock).available == 95
    with time_machine.travel(MONDAY + timedelta(hours=3)):
        assert one(stock, method="PICKUP").barred == "Closed for the next 24 hours"
        by = (MONDAY + timedelta(days=7)).date()
        assert one(stock, method="PICKUP", by=by).available == 25


@pytest.mark.django_db
def test_it_takes_the_same_number_of_queries_for_one_row_and_for_many(django_assert_num_queries):
    BufferRule.objects.create(attribute_key="season", attribute_value="winter", amount=2)
    BufferRule.objects.create(channel="web", measure="DERIVED", amount=2)
    items = [ItemFactory() for _ in range(5)]
    StockFactory(item=items[0], location=LocationFactory(pick_capacity_hour=10))

    asked = {"channel": "web", "by": MONDAY.date(), "method": "SHIP"}
    with django_assert_num_queries(8):
        availability.of([items[0].pk], **asked)
    for place in [LocationFactory() for _ in range(4)]:
        for item in items:
            StockFactory(item=item, location=place)
    with django_assert_num_queries(8):
        availability.of([item.pk for item in items], **asked)


@pytest.mark.django_db
def test_a_kit_is_as_many_as_its_scarcest_part_makes_and_only_its_own_rules_come_off_again():
    kit, frame, wheel = (ItemFactory() for _ in range(3))
    kits.define(kit.pk, {frame.pk: 1, wheel.pk: 2}, actor=SYSTEM)
    place = LocationFactory()
    StockFactory(item=frame, location=place, sellable=9)
    StockFactory(item=wheel, location=place, sellable=11)
    StockFactory(item=frame)  # elsewhere, without wheels
    BufferRule.objects.create(amount=1)  # of every part

    (row,) = availability.of([kit.pk])
    assert (row.location_id, row.available) == (place.pk, 5)

    BufferRule.objects.create(item=kit, amount=2)

    assert [(row.item_id, row.available) for row in availability.of([kit.pk, wheel.pk])] == [
        (wheel.pk, 10),
        (kit.pk, 3),
    ]
