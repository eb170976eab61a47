"""Units told apart: by lot, or each by its serial number."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from core import audit
from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.subjects import Subject
from inventory.models import Item, Lot, LotStock, Stock, StockMovement
from inventory.services import movements, reservations
from inventory.services.movements import Named
from inventory.services.reservations import Want
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
ABOUT = {"cause": Subject("test", "1"), "actor": SYSTEM}


@pytest.fixture
def phone():
    return ItemFactory(tracking="SERIAL")


@pytest.fixture
def cream():
    return ItemFactory(tracking="LOT")


@pytest.fixture
def place():
    return LocationFactory()


def lying(item: Item) -> set[tuple[str, int, str, int]]:
    rows = LotStock.objects.filter(lot__item=item, quantity__gt=0)
    return set(rows.values_list("lot__code", "location_id", "state", "quantity"))


def problem(refused: pytest.ExceptionInfo[Invalid]) -> tuple[str, str]:
    (found,) = refused.value.problems
    assert refused.value.status == 422
    return found.path, found.rule


def clean() -> bool:
    return [finding for finding in audit.audit("inventory.") if finding.broken] == []


def test_serials_arrive_move_and_leave_under_their_numbers(phone, place):
    shop = LocationFactory()

    movements.receive(phone.pk, place.pk, 3, serials=("A", "B", "C"), key="in", **ABOUT)
    movements.transfer_out(phone.pk, place.pk, 2, to_location_id=shop.pk, serials=("A", "B"), key="out", **ABOUT)
    movements.transfer_in(phone.pk, shop.pk, 1, serials=("B",), key="arrive", **ABOUT)
    movements.issue(phone.pk, shop.pk, 1, serials=("B",), key="sell", **ABOUT)
    movements.damage(phone.pk, place.pk, 1, serials=("C",), key="drop", **ABOUT)

    assert lying(phone) == {("A", shop.pk, "in_transit_in", 1), ("C", place.pk, "damaged", 1)}
    steps = Lot.objects.get(item=phone, code="B").steps.order_by("pk").values_list("movement__to_state", flat=True)
    assert list(steps) == ["sellable", "in_transit_in", "sellable", "customer"]
    assert clean()


def test_lots_are_counted_and_keep_their_date(cream, place):
    movements.receive(cream.pk, place.pk, 9, lot="L1", expires_on=date(2027, 1, 31), key="1", **ABOUT)
    movements.receive(cream.pk, place.pk, 3, lot="L1", key="2", **ABOUT)
    movements.receive(cream.pk, place.pk, 4, lot="L2", key="3", **ABOUT)

    movements.quarantine(cream.pk, place.pk, 12, lot="L1", key="4", **ABOUT)

    assert lying(cream) == {("L1", place.pk, "quarantined", 12), ("L2", place.pk, "sellable", 4)}
    assert Lot.objects.get(code="L1").expires_on == date(2027, 1, 31)
    assert clean()


@pytest.mark.parametrize(
    ("quantity", "units", "expected"),
    [
        (1, {}, ("moves[0].serials", "required")),
        (1, {"lot": "A"}, ("moves[0].serials", "required")),
        (2, {"serials": ("A",)}, ("moves[0].serials", "count")),
        (2, {"serials": ("A", "A")}, ("moves[0].serials", "duplicate")),
        (2, {"serials": ("A", "Ａ")}, ("moves[0].serials", "duplicate")),
        (1, {"serials": ("nobody's",)}, ("moves[0].serials[0]", "unknown")),
        (2, {"serials": ("A", "ELSEWHERE")}, ("moves[0].serials[1]", "elsewhere")),
        (1, {"serials": ("GONE",)}, ("moves[0].serials[0]", "elsewhere")),
    ],
)
def test_serials_that_cannot_leave_are_refused_by_field_and_rule(phone, place, quantity, units, expected):
    movements.receive(phone.pk, place.pk, 3, serials=("A", "B", "GONE"), key="in", **ABOUT)
    movements.receive(phone.pk, LocationFactory().pk, 1, serials=("ELSEWHERE",), key="there", **ABOUT)
    movements.adjust(phone.pk, place.pk, -1, reason="LOST", serials=("GONE",), key="lost", **ABOUT)

    with pytest.raises(Invalid) as refused:
        movements.issue(phone.pk, place.pk, quantity, key="sell", **units, **ABOUT)

    assert problem(refused) == expected
    assert Stock.objects.get(item=phone, location=place).sellable == 2
    assert not StockMovement.objects.filter(key="sell").exists()


def test_a_serial_comes_in_once_and_comes_back_only_after_it_left(phone, place):
    movements.receive(phone.pk, place.pk, 2, serials=("A", "B"), key="in", **ABOUT)
    movements.issue(phone.pk, place.pk, 1, serials=("B",), key="sell", **ABOUT)

    with pytest.raises(Invalid) as twice:
        movements.receive(phone.pk, LocationFactory().pk, 1, serials=("A",), key="again", **ABOUT)
    with pytest.raises(Invalid) as stranger:
        movements.return_in(phone.pk, place.pk, 1, serials=("X",), key="back", **ABOUT)
    movements.return_in(phone.pk, place.pk, 1, serials=("B",), key="back", **ABOUT)

    assert problem(twice) == ("moves[0].serials[0]", "duplicate")
    assert problem(stranger) == ("moves[0].serials[0]", "unknown")
    assert lying(phone) == {("A", place.pk, "sellable", 1), ("B", place.pk, "awaiting_inspection", 1)}
    assert clean()


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ({}, ("moves[0].lot", "required")),
        ({"serials": ("L1",)}, ("moves[0].serials", "required")),
        ({"lot": "L9"}, ("moves[0].lot", "unknown")),
        ({"lot": "L2"}, ("moves[0].lot", "short")),
    ],
)
def test_lots_that_cannot_leave_are_refused_by_field_and_rule(cream, place, units, expected):
    movements.receive(cream.pk, place.pk, 5, lot="L1", key="1", **ABOUT)
    movements.receive(cream.pk, place.pk, 1, lot="L2", key="2", **ABOUT)

    with pytest.raises(Invalid) as refused:
        movements.issue(cream.pk, place.pk, 2, key="sell", **units, **ABOUT)

    assert problem(refused) == expected


def test_a_lot_has_one_date(cream, place):
    movements.receive(cream.pk, place.pk, 5, lot="L1", expires_on=date(2027, 1, 31), key="1", **ABOUT)

    with pytest.raises(Invalid) as refused:
        movements.receive(cream.pk, place.pk, 5, lot="L1", expires_on=date(2027, 2, 28), key="2", **ABOUT)

    assert problem(refused) == ("moves[0].expires_on", "differs")


def test_names_on_units_that_are_not_told_apart_are_refused(place):
    with pytest.raises(Invalid) as refused:
        movements.receive(ItemFactory().pk, place.pk, 1, lot="L1", key="1", **ABOUT)

    assert problem(refused) == ("moves[0].lot", "not_tracked")
    assert not Lot.objects.exists()


def test_the_same_key_with_other_serials_is_another_movement(phone, place):
    for _ in range(2):
        movements.receive(phone.pk, place.pk, 1, serials=("A",), key="in", **ABOUT)

    with pytest.raises(Refusal) as refused:
        movements.receive(phone.pk, place.pk, 1, serials=("B",), key="in", **ABOUT)

    assert refused.value.code == "key_reused"
    assert lying(phone) == {("A", place.pk, "sellable", 1)}


def test_what_was_promised_leaves_under_its_numbers(phone, place):
    movements.receive(phone.pk, place.pk, 3, serials=("A", "B", "C"), key="in", **ABOUT)
    (line,) = reservations.hold("o", [Want("1", phone.pk, place.pk, 2)], actor=SYSTEM).reservations
    about = {"cause": Subject("order", "1"), "actor": SYSTEM}

    with pytest.raises(Invalid) as refused:
        reservations.consume([(line.id, 1)], key="ship", **about)
    for _ in range(2):
        reservations.consume([(line.id, 1)], key="ship", units={line.id: [Named("B", 1)]}, **about)

    assert problem(refused) == ("moves[0].serials", "required")
    assert {code for code, *_ in lying(phone)} == {"A", "C"}
    row = Stock.objects.get(item=phone)
    assert (row.sellable, row.reserved) == (2, 1)
    assert clean()


def test_a_movement_taken_back_takes_its_units_back_by_name(phone, place):
    (came,) = movements.receive(phone.pk, place.pk, 2, serials=("A", "B"), key="in", **ABOUT).movement_ids
    (sold,) = movements.issue(phone.pk, place.pk, 1, serials=("A",), key="sell", **ABOUT).movement_ids

    with pytest.raises(Refusal) as gone:
        movements.compensate([came], key="undo receipt", actor=SYSTEM)
    movements.compensate([sold], key="undo sale", actor=SYSTEM)

    assert gone.value.code == "not_enough_stock"
    assert lying(phone) == {("A", place.pk, "sellable", 1), ("B", place.pk, "sellable", 1)}
    assert clean()


def test_how_an_item_is_tracked_changes_only_while_nothing_of_it_is_here(phone, place):
    stock = StockFactory(sellable=2)
    empty = StockFactory(sellable=0)
    movements.receive(phone.pk, place.pk, 1, serials=("A",), key="in", **ABOUT)

    for item in (stock.item, phone):
        with pytest.raises(IntegrityError), transaction.atomic():
            Item.objects.filter(pk=item.pk).update(tracking="LOT")
    Item.objects.filter(pk=empty.item_id).update(tracking="LOT")

    empty.refresh_from_db()
    assert empty.tracking == "LOT"


def test_the_database_itself_refuses_a_serial_in_two_places(phone, place):
    movements.receive(phone.pk, place.pk, 1, serials=("A",), key="in", **ABOUT)
    lot = Lot.objects.get()

    for wrong in (
        {"location": LocationFactory(), "quantity": 1, "single": True},
        {"location": LocationFactory(), "quantity": 1, "single": False},
        {"location": LocationFactory(), "quantity": 2, "single": True},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            LotStock.objects.create(lot=lot, state="sellable", **wrong)
    for statement in ("UPDATE inventory_lotstep SET quantity = 2", "DELETE FROM inventory_lotstep"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
