"""Whatever happens while people count, and whenever it is told, the books end up at what is really there."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from core import audit
from core.actors import SYSTEM, Actor
from core.subjects import Subject
from inventory.models import Count, CountLine, CountPolicy, Stock
from inventory.services import counts, movements, reservations, transfers
from inventory.services.reservations import Want
from tests.factories.inventory import LocationFactory, StockFactory

CHEN = Actor("PERSON", "1", "Chen Liu")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["sale", "late sale", "loss", "find", "look", "look", "finish", "tell", "ship", "pick"]),
        st.integers(1, 3),
    ),
    max_size=10,
)


class Shop:
    """A shelf as it is, beside the shop's books about it. `untold` is what nobody will ever tell."""

    def __init__(self) -> None:
        CountPolicy.objects.create(recount_units=10**6, recount_percent=100, approve_value=10**9, approve_units=10**6)
        self.stock = StockFactory(sellable=60)
        self.place = self.stock.location_id
        self.shelf = self.total = 60  # what can be seen; with what stands picked
        self.untold = 0
        self.late: list[tuple[int, Any]] = []
        self.transfer = 0
        self.keys = 0

    def do(self, what: str, units: int) -> None:
        self.keys += 1
        about = {"key": f"k{self.keys}", "cause": Subject("till", "7"), "actor": SYSTEM}
        if what == "sale":
            movements.issue(self.stock.item_id, self.place, units, **about)
            self._take(units)
        elif what == "late sale":
            self.late.append((units, timezone.now()))
            self._take(units)
        elif what in {"loss", "find"}:
            change = units if what == "find" else -units
            self._take(-change)
            self.untold += change
        elif what == "tell":
            self.tell()
        elif what == "look":
            self.look()
        elif what == "finish":
            self.finish()
        elif what == "pick" and not self.transfer:
            self.pick(units)
        elif what == "ship" and self.transfer:
            transfers.ship(self.transfer, actor=CHEN)
            self.total -= self.picked
            self.transfer = 0

    def _take(self, units: int) -> None:
        self.shelf -= units
        self.total -= units

    def pick(self, units: int) -> None:
        """Picked units stand in a box: still in the books, no longer on the shelf."""
        there = self.elsewhere = getattr(self, "elsewhere", None) or LocationFactory().pk
        self.transfer = transfers.request(self.place, there, [(self.stock.item_id, units)], actor=SYSTEM)
        transfers.approve(self.transfer, actor=CHEN)
        transfers.pick(self.transfer, code=self.stock.item.sku, quantity=units, actor=CHEN)
        self.picked = units
        self.shelf -= units

    def look(self) -> None:
        """Somebody reads the shelf in one glance and types the figure; a later look replaces it."""
        count = counts.request(self.place, [self.stock.item_id], cause=None, actor=SYSTEM)
        counts.cancel(count, reason="looked at afresh", actor=CHEN)
        count = counts.request(self.place, [self.stock.item_id], cause=None, actor=SYSTEM)
        line = CountLine.objects.get(count=count)
        counts.enter(count, line_id=line.pk, quantity=self.shelf, actor=CHEN)
        self.since_look = 0
        self.looked = self.untold

    def finish(self) -> None:
        for count in Count.objects.filter(status="COUNTING"):
            counts.finish(count.pk, actor=CHEN)
            self.untold -= self.looked  # what was gone by the time of the look is known now

    def tell(self) -> None:
        for units, at in self.late:
            self.keys += 1
            about = {"key": f"k{self.keys}", "cause": Subject("till", "7"), "actor": SYSTEM, "occurred_at": at}
            movements.issue(self.stock.item_id, self.place, units, **about)
        self.late.clear()

    def settle(self) -> None:
        self.tell()
        for count in Count.objects.filter(status="POSTED"):
            counts.settle(count.pk, actor=SYSTEM)


class TestCountsAreTrue(TestCase):
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def test_the_books_end_up_at_what_is_really_there(self, steps: list[tuple[str, int]]) -> None:
        shop = Shop()

        for what, units in steps:
            shop.do(what, units)
        shop.settle()

        shop.stock.refresh_from_db()
        assert shop.stock.sellable == shop.total - shop.untold
        assert [(f.invariant.name, f.examples) for f in audit.audit("inventory.") if f.broken] == []


@pytest.mark.django_db
def test_a_late_fact_about_promised_units_stays_a_case_until_the_promise_ends():
    shop = Shop()
    shop.do("loss", 3)
    shop.look()
    held = reservations.hold("order:1", [Want("1", shop.stock.item_id, shop.place, 60)], actor=SYSTEM)

    shop.finish()
    assert Stock.objects.get(pk=shop.stock.pk).sellable == 60
    reservations.release([(held.reservations[0].id, None)], key="r", reason="", actor=SYSTEM)
    shop.settle()

    assert Stock.objects.get(pk=shop.stock.pk).sellable == 57
