"""What is on its way: said once, adapted, settled in parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Event
from core.subjects import Subject
from inventory.models import ExpectedReceipt
from inventory.services import inbound
from inventory.services.inbound import Line
from tests.factories.inventory import ItemFactory, LocationFactory

pytestmark = pytest.mark.django_db
TRANSFER = Subject("transfer", "12", "TR-12")
DUE = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.fixture
def place():
    return LocationFactory()


def rows() -> list[tuple[int, int, str]]:
    return list(ExpectedReceipt.objects.order_by("id").values_list("quantity", "received", "status"))


def test_lines_of_one_item_and_place_are_one_expectation_however_often_it_is_said(place):
    item = ItemFactory()
    lines = [Line(item.pk, place.pk, 3), Line(item.pk, place.pk, 2)]

    first = inbound.expect(TRANSFER, lines, due_at=DUE, actor=SYSTEM)
    second = inbound.expect(TRANSFER, lines, due_at=DUE, actor=SYSTEM)

    assert first == second
    assert rows() == [(5, 0, "EXPECTED")]
    assert Event.objects.filter(type="inbound.expected").count() == 1


def test_said_anew_it_replaces_what_was_expected(place):
    kept, dropped, added = (ItemFactory() for _ in range(3))
    inbound.expect(TRANSFER, [Line(kept.pk, place.pk, 3), Line(dropped.pk, place.pk, 1)], due_at=DUE, actor=SYSTEM)

    lines = [Line(kept.pk, place.pk, 4), Line(added.pk, place.pk, 2)]
    inbound.expect(TRANSFER, lines, due_at=DUE + timedelta(days=1), actor=SYSTEM)

    assert rows() == [(4, 0, "EXPECTED"), (1, 0, "CANCELLED"), (2, 0, "EXPECTED")]
    assert set(ExpectedReceipt.objects.open().values_list("due_at", flat=True)) == {DUE + timedelta(days=1)}


def test_a_partial_arrival_leaves_the_rest_expected_and_an_over_delivery_ends_it(place):
    item = ItemFactory()
    inbound.expect(TRANSFER, [Line(item.pk, place.pk, 5)], due_at=DUE, actor=SYSTEM)

    assert inbound.settle(TRANSFER, [Line(item.pk, place.pk, 2)], actor=SYSTEM) == 2
    assert rows() == [(5, 2, "EXPECTED")]
    assert inbound.settle(TRANSFER, [Line(item.pk, place.pk, 9)], actor=SYSTEM) == 3

    assert rows() == [(5, 5, "SETTLED")]
    assert inbound.settle(TRANSFER, actor=SYSTEM) == 0


def test_less_than_has_arrived_cannot_be_expected(place):
    item = ItemFactory()
    inbound.expect(TRANSFER, [Line(item.pk, place.pk, 5)], due_at=DUE, actor=SYSTEM)
    inbound.settle(TRANSFER, [Line(item.pk, place.pk, 3)], actor=SYSTEM)

    with pytest.raises(Refusal, match="3 units have arrived") as refused:
        inbound.expect(TRANSFER, [Line(item.pk, place.pk, 2)], due_at=DUE, actor=SYSTEM)

    assert refused.value.code == "already_received"
    assert rows() == [(5, 3, "EXPECTED")]


def test_what_is_given_up_is_cancelled_and_another_cause_is_left_alone(place):
    item, other = ItemFactory(), Subject("transfer", "13", "TR-13")
    for cause in (TRANSFER, other):
        inbound.expect(cause, [Line(item.pk, place.pk, 5)], due_at=DUE, actor=SYSTEM)

    assert inbound.cancel(TRANSFER, actor=SYSTEM) == 5

    assert rows() == [(5, 0, "CANCELLED"), (5, 0, "EXPECTED")]
    assert inbound.cancel(TRANSFER, actor=SYSTEM) == 0


@pytest.mark.parametrize("quantity", [0, -1, True, 2**31, 1.5])
def test_a_senseless_quantity_is_named_with_its_line(place, quantity):
    with pytest.raises(Invalid) as refused:
        inbound.expect(TRANSFER, [Line(ItemFactory().pk, place.pk, quantity)], due_at=DUE, actor=SYSTEM)

    assert [(p.path, p.rule) for p in refused.value.problems] == [("lines[0].quantity", "range")]
    assert rows() == []


def test_an_unknown_place_and_a_moment_without_a_zone_are_refused():
    item = ItemFactory()

    with pytest.raises(Invalid, match="no such location"):
        inbound.expect(TRANSFER, [Line(item.pk, 999_999, 1)], due_at=DUE, actor=SYSTEM)
    with pytest.raises(Invalid, match="time zone"):
        inbound.expect(TRANSFER, [Line(item.pk, 999_999, 1)], due_at=datetime(2026, 12, 1), actor=SYSTEM)
