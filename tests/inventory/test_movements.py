"""The ledger and its projection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import audit
from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Event
from core.subjects import Subject
from inventory.models import Stock, StockMovement
from inventory.services import movements, reservations
from inventory.services.movements import Move, Posted, Posting
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
ABOUT = {"cause": Subject("delivery", "7", "D-7"), "actor": SYSTEM}


def broken() -> list[str]:
    return [finding.invariant.name for finding in audit.audit("inventory.") if finding.broken]


def test_units_received_appear_with_their_movement_and_fact():
    item, location = ItemFactory(), LocationFactory()

    posted = movements.receive(item.pk, location.pk, 12, key="receipt:1", **ABOUT)

    stock = Stock.objects.get(item=item, location=location)
    movement = StockMovement.objects.get(pk=posted.movement_ids[0])
    assert stock.sellable == 12
    assert (movement.from_state, movement.from_location_id, movement.to_state) == ("supplier", None, "sellable")
    fact = Event.objects.get(type="stock.moved")
    assert (fact.subject_uid, fact.data["change"], fact.data["now"]["sellable"]) == (
        str(stock.pk),
        {"sellable": 12},
        12,
    )


def test_the_same_key_posts_once_and_other_moves_under_it_are_refused():
    stock = StockFactory(sellable=5)
    first = movements.adjust(stock.item_id, stock.location_id, -2, key="count:1", **ABOUT)

    again = movements.adjust(stock.item_id, stock.location_id, -2, key="count:1", **ABOUT)
    with pytest.raises(Refusal) as refused:
        movements.adjust(stock.item_id, stock.location_id, -3, key="count:1", **ABOUT)

    assert (again.movement_ids, again.replayed) == (first.movement_ids, True)
    assert refused.value.code == "key_reused"
    stock.refresh_from_db()
    assert stock.sellable == 3


def test_what_is_promised_cannot_be_moved_away():
    stock = StockFactory(sellable=5)
    reservations.hold("order:1", [reservations.Want("1", stock.item_id, stock.location_id, 4)], actor=SYSTEM)

    with pytest.raises(Refusal) as refused:
        movements.issue(stock.item_id, stock.location_id, 2, key="till:1", **ABOUT)

    assert refused.value.code == "not_enough_stock"
    assert (refused.value.facts["wanted"], refused.value.facts["available"]) == (2, 1)
    assert (refused.value.facts["sku"], refused.value.facts["location"]) == (stock.item.sku, stock.location.code)
    assert StockMovement.objects.filter(key="till:1").count() == 0


def test_several_moves_are_posted_together_or_not_at_all():
    stock, other = StockFactory(sellable=5), LocationFactory()
    to_there = Move(stock.item_id, 3, stock.location_id, "sellable", other.pk, "in_transit_in")
    too_many = Move(stock.item_id, 9, stock.location_id, "damaged", None, "shrinkage")

    with pytest.raises(Refusal):
        movements.post([to_there, too_many], key="t:1", **ABOUT)
    movements.post([to_there], key="t:2", **ABOUT)

    stock.refresh_from_db()
    assert stock.sellable == 2
    assert Stock.objects.get(location=other).in_transit_in == 3
    assert StockMovement.objects.exclude(key__startswith="opening").count() == 1


@pytest.mark.parametrize(
    "move",
    [
        Move(1, 0, None, "supplier", 1, "sellable"),
        Move(1, True, None, "supplier", 1, "sellable"),
        Move(1, 2**70, None, "supplier", 1, "sellable"),
        Move(1, 1, None, "sellable", 1, "sellable"),
        Move(1, 1, None, "supplier", None, "customer"),
        Move(1, 1, 1, "sellable", 1, "sellable"),
        Move(1, 1, 1, "customer", None, "customer"),
        Move(1, 1, None, "nowhere", 1, "sellable"),
    ],
)
def test_a_move_that_makes_no_sense_is_invalid(move):
    with pytest.raises(Invalid):
        movements.post([move], key="x", **ABOUT)


def test_unknown_items_and_places_are_refused():
    with pytest.raises(Refusal) as refused:
        movements.receive(ItemFactory().pk, 0, 1, key="x", **ABOUT)

    assert refused.value.code == "unknown_place"


def test_the_ledger_is_append_only():
    StockFactory(sellable=5)

    for statement in ("UPDATE inventory_stockmovement SET quantity = 1", "DELETE FROM inventory_stockmovement"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_every_verb_moves_units_between_the_places_it_names():
    stock, other = StockFactory(sellable=20), LocationFactory()
    here = (stock.item_id, stock.location_id)

    movements.receive(*here, 5, key="1", **ABOUT)
    movements.damage(*here, 1, key="2", **ABOUT)
    movements.quarantine(*here, 2, key="3", **ABOUT)
    movements.move_state(*here, 1, from_state="quarantined", to_state="sellable", key="4", **ABOUT)
    movements.transfer_out(*here, 6, to_location_id=other.pk, key="5", **ABOUT)
    movements.transfer_in(stock.item_id, other.pk, 4, key="6", **ABOUT)
    movements.issue(*here, 3, key="7", **ABOUT)
    movements.return_in(*here, 1, key="8", **ABOUT)
    movements.adjust(*here, -2, reason="THEFT", key="9", **ABOUT)
    movements.adjust(*here, 1, reason="FOUND", key="10", **ABOUT)

    stock.refresh_from_db()
    there = Stock.objects.get(item=stock.item, location=other)
    assert (stock.sellable, stock.damaged, stock.quarantined, stock.awaiting_inspection) == (13, 1, 1, 1)
    assert (there.in_transit_in, there.sellable) == (2, 4)
    assert StockMovement.objects.get(key="9").reason == "THEFT"
    assert broken() == []


def test_a_fact_that_comes_late_keeps_both_times():
    stock = StockFactory(sellable=5)
    then = timezone.now() - timedelta(days=3)

    movements.issue(stock.item_id, stock.location_id, 1, key="till:1", occurred_at=then, **ABOUT)

    movement = StockMovement.objects.get(key="till:1")
    assert movement.occurred_at == then
    assert timezone.now() - movement.recorded_at < timedelta(minutes=1)
    assert Event.objects.get(type="stock.moved").occurred_at == then


@pytest.mark.parametrize(
    ("when", "rule"),
    [
        (timezone.now() + timedelta(minutes=20), "future"),
        (datetime(2026, 1, 1), "timezone"),
        (datetime(1969, 12, 31, tzinfo=UTC), "past"),
    ],
)
def test_nothing_happened_in_the_future_or_at_no_time(when, rule):
    stock = StockFactory(sellable=5)

    with pytest.raises(Invalid) as refused:
        movements.issue(stock.item_id, stock.location_id, 1, key="till:1", occurred_at=when, **ABOUT)

    assert [(p.path, p.rule) for p in refused.value.problems] == [("occurred_at", rule)]
    assert not StockMovement.objects.filter(key="till:1").exists()


def test_a_clock_that_runs_a_little_ahead_is_believed():
    stock = StockFactory(sellable=5)

    movements.issue(
        stock.item_id, stock.location_id, 1, key="t", occurred_at=timezone.now() + timedelta(minutes=2), **ABOUT
    )

    assert StockMovement.objects.filter(key="t").exists()


def test_a_correction_is_the_reverse_movement_once():
    stock = StockFactory(sellable=5)
    (wrong,) = movements.adjust(stock.item_id, stock.location_id, -2, reason="LOST", key="a", **ABOUT).movement_ids

    first = movements.compensate([wrong], key="undo", actor=SYSTEM, note="It was found again")
    again = movements.compensate([wrong], key="undo", actor=SYSTEM)
    with pytest.raises(Refusal) as refused:
        movements.compensate([wrong], key="undo once more", actor=SYSTEM)

    back = StockMovement.objects.get(pk=first.movement_ids[0])
    assert (back.from_state, back.to_state, back.quantity, back.compensates_id) == ("shrinkage", "sellable", 2, wrong)
    assert (again.movement_ids, again.replayed) == (first.movement_ids, True)
    assert refused.value.code == "compensated"
    stock.refresh_from_db()
    assert stock.sellable == 5
    assert broken() == []


def test_corrections_are_all_or_nothing_and_never_take_what_is_gone():
    stock = StockFactory(sellable=0)
    here = (stock.item_id, stock.location_id)
    (came,) = movements.receive(*here, 5, key="r", **ABOUT).movement_ids
    (sold,) = movements.issue(*here, 1, key="s", **ABOUT).movement_ids
    movements.issue(*here, 4, key="s2", **ABOUT)

    with pytest.raises(Refusal) as gone:
        movements.compensate([came], key="u", actor=SYSTEM)
    with pytest.raises(Refusal) as unknown:
        movements.compensate([sold, 0], key="u", actor=SYSTEM)

    assert (gone.value.code, unknown.value.code) == ("not_enough_stock", "unknown_movement")
    assert not StockMovement.objects.filter(key="u").exists()


def test_many_entries_stand_each_for_itself():
    stock = StockFactory(sellable=3)
    here = (stock.item_id, stock.location_id)

    def sale(key: str, quantity: int, item_id: int = stock.item_id) -> Posting:
        return Posting([Move(item_id, quantity, here[1], "sellable", None, "customer")], key, **ABOUT)

    wanted = [sale("1", 2), sale("2", 2), sale("3", 0), sale("4", 1, 0), sale("1", 2), sale("1", 1), sale("5", 1)]
    results = movements.post_many(wanted)
    again = movements.post_many(wanted)

    codes = [r.code if isinstance(r, Refusal) else r.replayed for r in results]
    assert codes == [False, "not_enough_stock", "invalid", "unknown_place", True, "key_reused", False]
    assert [r.code if isinstance(r, Refusal) else r.replayed for r in again][:2] == [True, "not_enough_stock"]
    assert results[0].movement_ids == results[4].movement_ids == again[0].movement_ids
    stock.refresh_from_db()
    assert stock.sellable == 0
    assert broken() == []


def test_five_hundred_moves_cost_a_handful_of_statements():
    location = LocationFactory()
    items = [ItemFactory().pk for _ in range(20)]
    moves = [Move(items[n % 20], 1, None, "supplier", location.pk, "sellable") for n in range(500)]
    wanted = [Posting([move], f"k{n}", **ABOUT) for n, move in enumerate(moves)]

    with CaptureQueriesContext(connection) as queries:
        results = movements.post_many(wanted)

    assert all(isinstance(result, Posted) for result in results)
    assert {row.sellable for row in Stock.objects.all()} == {25}
    assert len(queries) <= 10
    assert [r.replayed for r in movements.post_many(wanted)] == [True] * 500


def test_the_fact_of_each_entry_says_what_stood_then():
    stock = StockFactory(sellable=3)
    one = Move(stock.item_id, 1, stock.location_id, "sellable", None, "customer")

    movements.post_many([Posting([one], "1", **ABOUT), Posting([one], "2", **ABOUT)])

    facts = Event.objects.filter(type="stock.moved").order_by("pk")
    assert [(fact.data["key"], fact.data["now"]["sellable"]) for fact in facts] == [("1", 2), ("2", 1)]
