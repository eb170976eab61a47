"""Promises: all or nothing, once, and gone when they end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Event
from core.subjects import Subject
from inventory.models import Reservation, ReservationDemand, Stock, StockMovement
from inventory.services import availability, reservations
from inventory.services.reservations import Short, Want
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
SALE = Subject("fulfilment", "1", "F-1")


def want(stock: Stock, quantity: int, ref: str = "1") -> Want:
    return Want(ref, stock.item_id, stock.location_id, quantity)


def hold(uid: str, *wants: Want, **options):
    return reservations.hold(uid, list(wants), actor=SYSTEM, **options)


def numbers(stock: Stock) -> tuple[int, int]:
    stock.refresh_from_db()
    return stock.sellable, stock.reserved


def test_a_demand_that_fits_is_promised_and_recorded():
    stock = StockFactory(sellable=5)

    held = hold("order:1", want(stock, 3))

    assert (held.ok, held.replayed, [line.quantity for line in held.reservations]) == (True, False, [3])
    assert numbers(stock) == (5, 3)
    fact = Event.objects.get(type="reservation.held")
    assert (fact.subject_label, fact.data["lines"][0]["quantity"]) == ("order:1", 3)


def test_a_short_demand_takes_nothing_and_says_what_is_missing():
    plenty, scarce = StockFactory(sellable=5), StockFactory(sellable=1)
    nowhere = ItemFactory()

    held = hold("order:1", want(plenty, 3), want(scarce, 2, "2"), Want("3", nowhere.pk, scarce.location_id, 1))

    assert not held.ok
    assert sorted(held.short, key=lambda s: s.item_id) == [
        Short(scarce.item_id, scarce.location_id, 2, 1),
        Short(nowhere.pk, scarce.location_id, 1, 0),
    ]
    assert numbers(plenty) == (5, 0)
    assert not ReservationDemand.objects.exists()
    assert not Event.objects.filter(type="reservation.held").exists()


def test_two_lines_of_one_item_are_judged_together():
    stock = StockFactory(sellable=5)

    assert not hold("order:1", want(stock, 3, "1"), want(stock, 3, "2")).ok
    held = hold("order:2", want(stock, 3, "1"), want(stock, 2, "2"))

    assert [(line.ref, line.quantity) for line in held.reservations] == [("1", 3), ("2", 2)]
    assert numbers(stock) == (5, 5)


def test_the_same_demand_twice_answers_what_it_got_the_first_time():
    stock = StockFactory(sellable=5)
    first = hold("order:1", want(stock, 4))
    reservations.consume([(first.reservations[0].id, 1)], key="ship", cause=SALE, actor=SYSTEM)

    again = hold("order:1", want(stock, 4))

    assert (again.ok, again.replayed, again.reservations) == (True, True, first.reservations)
    assert numbers(stock) == (4, 3)


def test_a_short_demand_may_be_made_again_once_stock_arrives():
    stock = StockFactory(sellable=1)
    assert not hold("order:1", want(stock, 2)).ok

    Stock.objects.filter(pk=stock.pk).update(sellable=2)

    assert hold("order:1", want(stock, 2)).ok


def test_another_demand_under_a_used_uid_is_refused():
    stock = StockFactory(sellable=5)
    hold("order:1", want(stock, 1))

    with pytest.raises(Refusal) as refused:
        hold("order:1", want(stock, 2))

    assert refused.value.code == "demand_differs"
    assert numbers(stock) == (5, 1)


@pytest.mark.parametrize("quantity", [0, -1, True, 1.5, "1", 2**70])
def test_a_quantity_is_a_whole_positive_sane_number(quantity):
    stock = StockFactory(sellable=5)

    with pytest.raises(Invalid):
        hold("order:1", want(stock, quantity))

    assert numbers(stock) == (5, 0)


def test_a_location_that_allows_it_promises_ahead_even_of_items_it_never_had():
    location = LocationFactory(allows_backorder=True)
    item = ItemFactory()

    held = hold("order:1", Want("1", item.pk, location.pk, 3))

    assert held.ok
    stock = Stock.objects.get(item=item, location=location)
    assert (stock.sellable, stock.reserved, stock.free) == (0, 3, -3)


def test_promising_ahead_cannot_be_forbidden_while_it_stands():
    stock = StockFactory(sellable=1, location__allows_backorder=True)
    hold("order:1", want(stock, 3))

    stock.location.allows_backorder = False
    with pytest.raises(IntegrityError, match="only_what_is_sellable_is_promised"), transaction.atomic():
        stock.location.save()

    reservations.release([(Reservation.objects.get().pk, 2)], key="r", reason="changed", actor=SYSTEM)
    stock.location.save()
    stock.refresh_from_db()
    assert stock.allows_backorder is False


def test_goods_that_are_not_there_cannot_leave_however_promised():
    stock = StockFactory(sellable=1, location__allows_backorder=True)
    held = hold("order:1", want(stock, 3))

    with pytest.raises(Refusal) as refused:
        reservations.consume([(held.reservations[0].id, None)], key="ship", cause=SALE, actor=SYSTEM)

    assert refused.value.code == "not_enough_stock"
    assert refused.value.facts["sku"] == stock.item.sku
    assert numbers(stock) == (1, 3)


def test_consuming_part_splits_the_reservation_and_leaves_the_rest_held():
    stock = StockFactory(sellable=5)
    reservation = hold("order:1", want(stock, 4)).reservations[0]

    ended = reservations.consume([(reservation.id, 3)], key="ship", cause=SALE, actor=SYSTEM)

    assert numbers(stock) == (2, 1)
    rows = Reservation.objects.order_by("id").values_list("id", "split_from", "quantity", "status")
    assert list(rows) == [
        (reservation.id, None, 1, "HELD"),
        (ended[0].id, reservation.id, 3, "CONSUMED"),
    ]
    movement = StockMovement.objects.get(reservation_id=ended[0].id)
    assert (movement.quantity, movement.from_state, movement.to_state) == (3, "sellable", "customer")
    assert (movement.cause_kind, movement.cause_uid) == ("fulfilment", "1")


@pytest.mark.parametrize("quantity", [None, 2])
def test_ending_twice_by_one_key_ends_once(quantity):
    stock = StockFactory(sellable=5)
    reservation = hold("order:1", want(stock, 4)).reservations[0]
    for end, key in (
        (lambda key: reservations.release([(reservation.id, 1)], key=key, reason="less", actor=SYSTEM), "back"),
        (lambda key: reservations.consume([(reservation.id, quantity)], key=key, cause=SALE, actor=SYSTEM), "ship"),
    ):
        first = end(key)
        before = numbers(stock)

        assert end(key) == first

        assert numbers(stock) == before
    assert Event.objects.filter(type="reservation.consumed").count() == 1


def test_a_key_that_ended_something_else_is_refused():
    stock = StockFactory(sellable=5)
    one, two = hold("order:1", want(stock, 1), want(stock, 2, "2")).reservations
    reservations.release([(one.id, None)], key="back", reason="less", actor=SYSTEM)

    for parts in ([(two.id, None)], [(one.id, 2)]):
        with pytest.raises(Refusal) as refused:
            reservations.release(parts, key="back", reason="less", actor=SYSTEM)
        assert refused.value.code == "key_reused"
    assert numbers(stock) == (5, 2)


def test_no_more_ends_than_is_held():
    stock = StockFactory(sellable=5)
    reservation = hold("order:1", want(stock, 2)).reservations[0]

    for parts in ([(reservation.id, 3)], [(reservation.id, 1), (reservation.id, 2)]):
        with pytest.raises(Refusal) as refused:
            reservations.consume(parts, key="ship", cause=SALE, actor=SYSTEM)
        assert refused.value.code == "not_held"
    with pytest.raises(Refusal):
        reservations.release([(0, None)], key="x", reason="", actor=SYSTEM)
    assert numbers(stock) == (5, 2)


def test_what_left_cannot_leave_again_or_be_given_back():
    stock = StockFactory(sellable=5)
    reservation = hold("order:1", want(stock, 2)).reservations[0]
    reservations.consume([(reservation.id, None)], key="ship", cause=SALE, actor=SYSTEM)

    with pytest.raises(Refusal):
        reservations.consume([(reservation.id, None)], key="ship again", cause=SALE, actor=SYSTEM)
    with pytest.raises(Refusal):
        reservations.release([(reservation.id, None)], key="back", reason="", actor=SYSTEM)

    assert numbers(stock) == (3, 0)


def test_giving_back_what_was_given_back_is_no_error():
    stock = StockFactory(sellable=5)
    reservation = hold("order:1", want(stock, 2)).reservations[0]
    reservations.release([(reservation.id, None)], key="back", reason="", actor=SYSTEM)

    assert reservations.release([(reservation.id, None)], key="once more", reason="", actor=SYSTEM) == []
    assert numbers(stock) == (5, 0)


def test_a_soft_reservation_past_its_time_is_free_before_any_sweep():
    stock = StockFactory(sellable=2)
    soft = hold("cart:1", want(stock, 2), kind="SOFT", ttl=timedelta(minutes=5)).reservations[0]
    assert not hold("cart:2", want(stock, 1), kind="SOFT", ttl=timedelta(minutes=5)).ok
    Reservation.objects.filter(pk=soft.id).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert availability.free_stock([stock.item_id])[0].free == 2
    with pytest.raises(Refusal) as refused:
        reservations.consume([(soft.id, None)], key="sell", cause=SALE, actor=SYSTEM)
    assert refused.value.code == "reservation_expired"
    assert hold("order:1", want(stock, 2)).ok

    assert Reservation.objects.get(pk=soft.id).status == "EXPIRED"
    assert numbers(stock) == (2, 2)


def test_the_sweeper_gives_back_what_ran_out_and_only_that():
    stock = StockFactory(sellable=5)
    soft = hold("cart:1", want(stock, 2), kind="SOFT", ttl=timedelta(minutes=5)).reservations[0]
    hold("cart:2", want(stock, 1), kind="SOFT", ttl=timedelta(minutes=5))
    hold("order:1", want(stock, 1))
    Reservation.objects.filter(pk=soft.id).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert reservations.expire() == 1
    assert reservations.expire() == 0

    assert numbers(stock) == (5, 2)
    assert Event.objects.get(type="reservation.expired").subject_label == "cart:1"


def test_an_ended_reservation_is_closed_for_the_database_too():
    stock = StockFactory(sellable=5)
    reservation = hold("order:1", want(stock, 2)).reservations[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        Reservation.objects.filter(pk=reservation.id).update(quantity=3)
    reservations.release([(reservation.id, None)], key="back", reason="", actor=SYSTEM)

    with pytest.raises(IntegrityError), transaction.atomic():
        Reservation.objects.filter(pk=reservation.id).update(ended_at=None, ended_key="", status="HELD")
    with pytest.raises(IntegrityError), transaction.atomic():
        Reservation.objects.filter(pk=reservation.id).delete()


def test_holding_is_one_statement_its_fact_included(django_assert_num_queries):
    stock = StockFactory(sellable=5)

    with django_assert_num_queries(1):
        hold("order:1", want(stock, 1))


def test_a_wait_for_a_lock_is_limited():
    stock = StockFactory(sellable=5)
    hold("order:1", want(stock, 1))

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
        assert cursor.fetchone() == ("2s", "5s")
