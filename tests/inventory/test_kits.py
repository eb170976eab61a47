"""Kits: sold as one, stocked as their parts."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.models import Event
from core.subjects import Subject
from inventory.models import Item, KitComponent, Stock, Tracking
from inventory.services import kits, movements
from inventory.services.reservations import Want
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
ABOUT = {"cause": Subject("test", "1"), "actor": SYSTEM}


def kit_of(**quantities: int) -> tuple[Item, list[Item]]:
    """A kit with one new part for each quantity."""
    kit, parts = ItemFactory(), [ItemFactory() for _ in quantities]
    kits.define(kit.pk, {part.pk: n for part, n in zip(parts, quantities.values(), strict=True)}, actor=SYSTEM)
    kit.refresh_from_db()
    return kit, parts


def test_a_kit_is_known_by_its_parts_in_one_query(django_assert_num_queries):
    kit, (cup, spoon) = kit_of(cup=1, spoon=4)
    plain = ItemFactory()

    with django_assert_num_queries(1):
        known = kits.components([kit.pk, plain.pk])

    assert known == {kit.pk: [(cup.pk, 1), (spoon.pk, 4)]}
    assert Event.objects.get(type="kit.defined").data == {"parts": {str(cup.pk): 1, str(spoon.pk): 4}}


def test_wanting_kits_is_wanting_their_parts():
    kit, (cup, spoon) = kit_of(cup=1, spoon=4)
    plain = ItemFactory()

    wants = kits.explode([Want("1", kit.pk, 7, 3), Want("2", plain.pk, 7, 2)])

    assert wants == [Want("1", cup.pk, 7, 3), Want("1", spoon.pk, 7, 12), Want("2", plain.pk, 7, 2)]


@pytest.mark.parametrize(("free", "whole"), [({1: 5, 2: 9}, 2), ({1: 5}, 0), ({1: 0, 2: 40}, 0), ({1: 9, 2: 40}, 9)])
def test_the_scarcest_part_decides(free, whole):
    assert kits.whole([(1, 1), (2, 4)], free) == whole
    assert kits.whole([], free) == 0


def test_defining_again_replaces_the_parts_and_once_more_changes_nothing():
    kit, (cup, _) = kit_of(cup=1, spoon=4)
    fork = ItemFactory()

    for _ in range(2):
        kits.define(kit.pk, {cup.pk: 2, fork.pk: 1}, actor=SYSTEM)

    assert kits.components([kit.pk]) == {kit.pk: sorted([(cup.pk, 2), (fork.pk, 1)])}
    assert Event.objects.filter(type="kit.defined").count() == 2


def test_a_kit_without_parts_promises_nothing():
    kit = ItemFactory(is_kit=True)

    with pytest.raises(Refusal) as refused:
        kits.explode([Want("1", kit.pk, 7, 3)])

    assert refused.value.code == "kit_without_parts"
    assert kits.components([kit.pk]) == {kit.pk: []}


def test_no_kit_contains_a_kit():
    kit, (cup, _) = kit_of(cup=1, spoon=4)
    other = ItemFactory()

    for outer, inner in ((other, kit), (cup, other)):
        with pytest.raises(Refusal) as refused:
            kits.define(outer.pk, {inner.pk: 1}, actor=SYSTEM)
        assert refused.value.code == "kit_in_kit"

    assert Item.objects.filter(is_kit=True).count() == 1


@pytest.mark.parametrize("parts", [{}, {0: 1}, {1: 0}, {1: True}, {1: 10_001}, dict.fromkeys(range(2, 60), 1)])
def test_parts_that_make_no_sense_are_invalid(parts):
    with pytest.raises(Invalid):
        kits.define(0, parts, actor=SYSTEM)


def test_what_lies_on_shelves_cannot_become_a_kit_and_a_kit_cannot_be_received():
    stock, part = StockFactory(sellable=1), ItemFactory()
    with pytest.raises(Refusal) as refused:
        kits.define(stock.item_id, {part.pk: 1}, actor=SYSTEM)
    kit, _ = kit_of(cup=1)

    with pytest.raises(Refusal) as not_received:
        movements.receive(kit.pk, stock.location_id, 1, key="r", **ABOUT)

    assert (refused.value.code, not_received.value.code) == ("has_stock", "kit_has_no_stock")
    assert not Stock.objects.filter(item=kit).exists()


def test_the_database_itself_refuses_nested_kits_stocked_kits_and_tracked_kits():
    kit, (cup,) = kit_of(cup=1)
    other, place = ItemFactory(is_kit=True), LocationFactory()
    stocked = StockFactory()

    for act in (
        lambda: KitComponent.objects.create(kit=other, part=kit, quantity=1),
        lambda: KitComponent.objects.create(kit=cup, part=stocked.item, quantity=1),
        lambda: KitComponent.objects.create(kit=other, part=cup, quantity=0),
        lambda: Item.objects.filter(pk=cup.pk).update(is_kit=True),
        lambda: Item.objects.filter(pk=kit.pk).update(is_kit=False),
        lambda: Item.objects.filter(pk=stocked.item_id).update(is_kit=True),
        lambda: Item.objects.filter(pk=kit.pk).update(tracking=Tracking.LOT),
        lambda: Stock.objects.create(item=kit, location=place),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            act()


def test_a_unit_cost_needs_its_currency():
    item = ItemFactory()

    Item.objects.filter(pk=item.pk).update(unit_cost="2.5", cost_currency="EUR")

    for wrong in ({"unit_cost": None}, {"cost_currency": ""}, {"cost_currency": "eur"}, {"unit_cost": -1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Item.objects.filter(pk=item.pk).update(**wrong)
