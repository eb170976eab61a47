"""Actions of higher floors: rehearsed with stock, money and promise, and nothing left behind."""

from __future__ import annotations

import pytest

from core import actors
from exceptions import effects, reasons
from inventory.models import State, Stock, StockMovement
from inventory.services import movements
from tests.factories.inventory import StockFactory

pytestmark = pytest.mark.django_db


def test_a_rehearsal_shows_what_the_ledger_would_say_and_leaves_nothing():
    stock = StockFactory(sellable=5)
    posted = StockMovement.objects.count()

    def work() -> str:
        movements.damage(
            stock.item_id, stock.location_id, 2, key="probe", cause=stock_subject(stock), actor=actors.SYSTEM
        )
        return "Damaged."

    delta = effects.rehearse("stock", str(stock.pk), work)

    rows = {row.what.rpartition(", ")[2]: (row.before, row.after, row.difference) for row in delta.rows}
    assert rows == {State.SELLABLE.label.lower(): ("5", "3", "-2"), State.DAMAGED.label.lower(): ("0", "2", "+2")}
    assert StockMovement.objects.count() == posted
    assert Stock.objects.get(pk=stock.pk).sellable == 5


def stock_subject(stock):
    from core.subjects import Subject

    return Subject("stock", str(stock.pk))


def test_every_action_that_runs_says_beforehand_what_it_would_do():
    unsaid = [
        f"{reason.code}/{action.code}"
        for reason in reasons.every()
        for action in reason.actions
        if action.run is not None and not action.rehearsed and action.preview is None
        and not reason.code.startswith("tests.")
    ]  # fmt: skip

    assert unsaid == []
