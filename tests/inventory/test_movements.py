"""The ledger and its projection."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Event
from core.subjects import Subject
from inventory.models import Stock, StockMovement
from inventory.services import movements, reservations
from inventory.services.movements import Move
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
ABOUT = {"cause": Subject("delivery", "7", "D-7"), "actor": SYSTEM}


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
