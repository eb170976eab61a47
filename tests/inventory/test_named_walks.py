"""Counts and transfers of units told apart, in any order, leave exactly the units plain Python says, by name."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core import audit
from core.actors import SYSTEM, Actor
from core.ids import uuid7
from core.subjects import Subject
from inventory.models import (
    Count,
    CountLine,
    CountStatus,
    DiscrepancyKind,
    LotStock,
    Resolution,
    TransferDiscrepancy,
)
from inventory.services import counts, movements, transfers
from tests.factories.inventory import ItemFactory, LocationFactory

ASKS, COUNTS, APPROVES = (Actor("PERSON", str(n), name) for n, name in enumerate(("Asks", "Counts", "Approves")))
places = st.integers(0, 1)
serials = st.sets(st.sampled_from([f"S{n}" for n in range(6)]), max_size=4)
amounts = st.dictionaries(st.sampled_from(["L0", "L1", "L2"]), st.integers(0, 4), max_size=3)


class NamedWalks(RuleBasedStateMachine):
    """`units` is {(item, code, place, state): units}, as the books should have them."""

    @initialize()
    def open_with(self) -> None:
        self.phone, self.cream = ItemFactory(tracking="SERIAL"), ItemFactory(tracking="LOT")
        self.places = [LocationFactory().pk for _ in range(2)]
        self.units: Counter[tuple[int, str, int, str]] = Counter()
        self.about: dict[str, Any] = {"cause": Subject("test", "1"), "actor": SYSTEM}

    def at(self, item: int, place: int, state: str = "sellable") -> dict[str, int]:
        return {code: n for (i, code, p, s), n in self.units.items() if (i, p, s) == (item, place, state) and n}

    @rule(place=places, codes=serials, lots=amounts)
    def receive(self, place: int, codes: set[str], lots: dict[str, int]) -> None:
        here = self.places[place]
        known = {code for (i, code, _, _), n in self.units.items() if i == self.phone.pk and n}
        new = sorted(codes - known)
        if new:
            movements.receive(self.phone.pk, here, len(new), serials=tuple(new), key=uuid7().hex, **self.about)
            self.units.update({(self.phone.pk, code, here, "sellable"): 1 for code in new})
        for lot, n in lots.items():
            if n:
                movements.receive(self.cream.pk, here, n, lot=lot, key=uuid7().hex, **self.about)
                self.units[self.cream.pk, lot, here, "sellable"] += n

    @rule(place=places, codes=serials)
    def damage(self, place: int, codes: set[str]) -> None:
        here = self.places[place]
        for code in sorted(codes & self.at(self.phone.pk, here).keys()):
            movements.damage(self.phone.pk, here, 1, serials=(code,), key=uuid7().hex, **self.about)
            self.units[self.phone.pk, code, here, "sellable"] -= 1
            self.units[self.phone.pk, code, here, "damaged"] += 1

    @rule(place=places, codes=serials, lots=amounts)
    def count(self, place: int, codes: set[str], lots: dict[str, int]) -> None:
        """Whatever is found is what lies there afterwards; a serial found here lies nowhere else."""
        here = self.places[place]
        count = counts.request(here, [self.phone.pk, self.cream.pk], cause=None, actor=ASKS)
        lines = {line.item_id: line for line in CountLine.objects.filter(count=count)}
        while True:
            for line in CountLine.objects.filter(count=count, round=Count.objects.get(pk=count).round):
                counts.enter(count, line_id=line.pk, quantity=0, actor=COUNTS)
                found: dict[str, int] = dict.fromkeys(codes, 1) if line.item_id == self.phone.pk else lots
                for code, n in sorted(found.items()):
                    counts.enter(count, line_id=line.pk, code=code, quantity=n, actor=COUNTS)
            if counts.finish(count, actor=COUNTS).status != CountStatus.COUNTING:
                break
        if Count.objects.get(pk=count).status == CountStatus.IN_REVIEW:
            counts.approve(count, actor=APPROVES)
        assert len(lines) == 2
        for key in list(self.units):
            item, code, at, state = key
            if (at, state) == (here, "sellable") or (item == self.phone.pk and code in codes):
                self.units[key] = 0
        self.units.update({(self.phone.pk, code, here, "sellable"): 1 for code in codes})
        self.units.update({(self.cream.pk, lot, here, "sellable"): n for lot, n in lots.items()})

    @rule(place=places, arrived=serials, lots=amounts, answer=st.integers(0, 2))
    def transfer(self, place: int, arrived: set[str], lots: dict[str, int], answer: int) -> None:
        """All that lies here is sent; what arrives is another matter, and each difference is settled some way."""
        here, there = self.places[place], self.places[1 - place]
        sent = {item: self.at(item, here) for item in (self.phone.pk, self.cream.pk)}
        wanted = [(item, sum(each.values())) for item, each in sent.items() if each]
        if not wanted:
            return
        transfer = transfers.request(here, there, wanted, actor=ASKS)
        transfers.approve(transfer, actor=APPROVES)
        for item, each in sent.items():
            for code, n in sorted(each.items()):
                transfers.pick(transfer, code=code, quantity=n, actor=COUNTS)
                self.units[item, code, here, "sellable"] -= n
        transfers.ship(transfer, actor=COUNTS)
        seen = {self.phone.pk: dict.fromkeys(arrived, 1), self.cream.pk: {lot: n for lot, n in lots.items() if n}}
        told = [
            transfers.Seen(item, sum(seen[item].values()), lots={code: (n, 0) for code, n in seen[item].items()})
            for item, _ in wanted
        ]
        transfers.take_in(transfer, told, accept_differences=True, actor=COUNTS)
        for item, _ in wanted:
            for code, n in seen[item].items():
                extra = n - min(n, sent[item].get(code, 0))
                elsewhere = item == self.phone.pk and extra and any(
                    n for (i, c, _, _), n in self.units.items() if (i, c) == (item, code)
                )  # fmt: skip
                self.units[item, code, there, "sellable"] += 0 if elsewhere else n
        for each in TransferDiscrepancy.objects.filter(transfer=transfer).order_by("pk"):
            self.settle(each, here, there, answer)

    def settle(self, each: TransferDiscrepancy, here: int, there: int, answer: int) -> None:
        item, code, n = each.item_id, each.code, each.quantity
        if each.kind == DiscrepancyKind.SHORT:
            way = (Resolution.ARRIVED, Resolution.LOST, Resolution.NEVER_LEFT)[answer]
            if way != Resolution.LOST:
                self.units[item, code, there if way == Resolution.ARRIVED else here, "sellable"] += n
        elif each.booked:
            way = Resolution.WAS_OURS
        else:
            way = Resolution.FROM_ORIGIN
            for key in list(self.units):
                if key[:2] == (item, code):
                    self.units[key] = 0
            self.units[item, code, there, "sellable"] = 1
        transfers.resolve(each.pk, way, actor=APPROVES)

    @invariant()
    def the_books_say_the_same(self) -> None:
        if not hasattr(self, "units"):
            return
        rows = LotStock.objects.filter(lot__item__in=[self.phone.pk, self.cream.pk], quantity__gt=0)
        books = {
            (item, code, at, state): n
            for item, code, at, state, n in rows.values_list(
                "lot__item_id", "lot__code", "location_id", "state", "quantity"
            )
        }
        assert books == dict(+self.units)


def test_counts_and_transfers_by_name_agree_with_plain_python(transactional_db: Any, request: Any) -> None:
    long = request.config.getoption("--long")
    run_state_machine_as_test(
        NamedWalks,
        settings=settings(
            max_examples=200 if long else 2, stateful_step_count=20 if long else 6, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    assert [finding.invariant.name for finding in audit.audit("inventory.") if finding.broken] == []
