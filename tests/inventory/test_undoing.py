"""Actions of stock cases taken back: counter-movements, and judgements that stand open again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.actors import SYSTEM
from core.errors import Refusal
from core.subjects import Subject
from exceptions.models import ActionRun, Case
from exceptions.services import cases, undoing
from inventory.models import Count, Transfer, TransferDiscrepancy
from inventory.services import counts, selling, transfers
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.inventory.test_transfers import JONAH, balanced, coat, sent, shop, stock

__all__ = ["coat", "shop"]
pytestmark = pytest.mark.django_db


def act(case: Case, code: str) -> ActionRun:
    cases.act(case.pk, code, actor=SYSTEM)
    return ActionRun.objects.latest("pk")


@pytest.mark.parametrize("resolution", ["lost", "never_left"])
def test_a_missing_unit_settled_the_wrong_way_stands_again_and_can_be_settled_anew(coat, shop, resolution):
    transfer = sent(coat, shop)
    transfers.unpack(transfer, code="COAT", quantity=3, actor=JONAH)
    transfers.receive(transfer, accept_differences=True, actor=JONAH)
    case = Case.objects.get(reason="inventory.transfer_short")
    run = act(case, resolution)
    assert (run.amount, run.currency) == (Decimal(20), "GBP")

    undoing.undo(run.pk, actor=SYSTEM)

    case.refresh_from_db()
    assert (TransferDiscrepancy.objects.get().resolution, case.status) == ("", "OPEN")
    assert (stock(coat)[0], stock(coat, shop)) == (6, (3, 0, 1))
    assert Transfer.objects.get().status == "DISCREPANT"
    again = act(case, resolution)
    assert Transfer.objects.get().status == "RECEIVED"
    undoing.undo(again.pk, actor=SYSTEM)
    assert stock(coat, shop) == (3, 0, 1)
    balanced()


@pytest.fixture
def sold_beyond():
    row = StockFactory(
        item=ItemFactory(unit_cost=Decimal(4), cost_currency="GBP"), location=LocationFactory(), sellable=2
    )
    about = Subject("order", "1", "1")
    selling.sold(row.location_id, {row.item_id: 5}, key="sold:1", cause=about, actor=SYSTEM)
    cases.open_standing(["inventory.sold_beyond_the_books"])
    return row, Case.objects.get(subject_kind="stock")


def test_a_count_asked_for_is_called_off_until_somebody_counts(sold_beyond):
    row, case = sold_beyond
    run = act(case, "count")

    undoing.undo(run.pk, actor=SYSTEM)

    assert Count.objects.get().status == "CANCELLED"
    second = act(case, "count")
    begun = Count.objects.latest("pk")
    counts.start(begun.pk, actor=JONAH)
    with pytest.raises(Refusal) as refused:
        undoing.undo(second.pk, actor=SYSTEM)
    assert refused.value.code == "begun"
    third = act(case, "count")  # the same count: nothing new was asked for
    with pytest.raises(Refusal) as nothing:
        undoing.undo(third.pk, actor=SYSTEM)
    assert nothing.value.code == "nothing_to_undo"


def test_a_surplus_somebody_accepted_is_doubted_again(sold_beyond):
    _, case = sold_beyond
    run = act(case, "accept")
    case.refresh_from_db()
    assert (case.status, run.amount, run.currency) == ("RESOLVED", Decimal(12), "GBP")

    undoing.undo(run.pk, actor=SYSTEM)

    case.refresh_from_db()
    assert case.status == "OPEN"
    cases.open_standing(["inventory.sold_beyond_the_books"])
    assert Case.objects.get().is_open
