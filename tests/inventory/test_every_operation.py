"""Every stock operation, alone and several at once from other processes, leaves what plain Python says it should.

Operations done at once must look as if they had been done one after another: some order of them gives exactly the
answers the processes got, and exactly the balances.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core import audit
from core.actors import SYSTEM
from core.ids import uuid7
from inventory.models import LotStock, Reservation, Stock
from inventory.services import availability, kits
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.forked import Forked
from tests.inventory.model import INSIDE, Model
from tests.inventory.operations import perform

AT_ONCE = 3

# Few units, few places, few names: sequences soon meet at the edges.
items, places, units = st.integers(0, 3), st.sampled_from([0, 0, 1]), st.integers(1, 3)
stated = st.sampled_from(["sellable", "sellable", "sellable", "damaged", "quarantined", "in_transit_in"])
outside = st.sampled_from(["supplier", "supplier", "customer", "shrinkage", "found"])
picks = st.integers(0, 10_000)  # which of what there is by then
ops = st.one_of(
    st.fixed_dictionaries(
        {"do": st.just("hold"), "lines": st.lists(st.tuples(st.integers(0, 4), places, units), min_size=1, max_size=2),
         "soft": st.booleans()}
    ),
    st.fixed_dictionaries({"do": st.sampled_from(["extend", "confirm"]), "pick": picks}),
    st.fixed_dictionaries(
        {"do": st.sampled_from(["release", "consume", "consume"]), "pick": picks, "n": st.integers(0, 2),
         "quantity": st.none() | units}
    ),
    st.fixed_dictionaries(
        {"do": st.just("post"), "moves": st.lists(
            st.tuples(items, units, st.none() | places, stated, st.none() | places, stated, outside, picks),
            min_size=1, max_size=2)}
    ),
    st.fixed_dictionaries({"do": st.just("compensate"), "pick": picks}),
    st.fixed_dictionaries({"do": st.just("expire")}),
    st.fixed_dictionaries({"do": st.just("again"), "pick": picks}),
)  # fmt: skip


class Workers:
    """Processes with connections of their own, doing one operation each at the same moment."""

    def __init__(self, count: int):
        self.all = [Forked() for _ in range(count)]

    def perform(self, ops: list[dict[str, Any]]) -> list[Any]:
        busy = self.all[: len(ops)]
        for worker, op in zip(busy, ops, strict=True):
            worker.ask(perform, op)
        return [worker.answer(60) for worker in busy]

    def stop(self) -> None:
        for worker in self.all:
            worker.stop()


class EveryOperation(RuleBasedStateMachine):
    workers: Workers | None = None

    @initialize(amount=st.integers(0, 4))
    def open_with(self, amount: int) -> None:
        plain = [ItemFactory() for _ in range(2)]
        phone, cream, kit = ItemFactory(tracking="SERIAL"), ItemFactory(tracking="LOT"), ItemFactory()
        kits.define(kit.pk, {plain[0].pk: 1, plain[1].pk: 2}, actor=SYSTEM)
        self.items = [*(item.pk for item in plain), phone.pk, cream.pk, kit.pk]
        self.locations = [LocationFactory(allows_backorder=n == 1).pk for n in range(2)]
        self.model = Model(
            backorder={self.locations[1]},
            tracking={phone.pk: "SERIAL", cream.pk: "LOT", **{item.pk: "NONE" for item in plain}},
            kits={kit.pk: sorted([(plain[0].pk, 1), (plain[1].pk, 2)])},
        )
        self.run, self.count, self.done = uuid7().hex, 0, list[dict[str, Any]]()
        if amount:
            opening = [[i.pk, amount, None, "opening", at, "sellable", "", []] for i in plain for at in self.locations]
            opening += [[cream.pk, amount, None, "opening", self.locations[0], "sellable", "L0", []]]
            opening += [[phone.pk, 2, None, "opening", self.locations[0], "sellable", "", ["S0", "S1"]]]
            self.one({"do": "post", "key": self.name(), "moves": opening})

    def name(self) -> str:
        self.count += 1
        return f"{self.run}:{self.count}"

    def ready(self, wish: dict[str, Any]) -> dict[str, Any]:
        """The wish with ids, keys and whatever it picks of what has been done; many hit, some miss on purpose."""
        do = wish["do"]
        if do == "again":
            return self.done[wish["pick"] % len(self.done)] if self.done else {"do": "expire"}
        if do == "hold":
            lines = [(self.items[i], self.locations[p], q) for i, p, q in wish["lines"]]
            return {"do": do, "uid": self.name(), "soft": wish["soft"], "lines": lines}
        if do == "post":
            return {"do": do, "key": self.name(), "moves": [self.move(*move) for move in wish["moves"]]}
        if do == "compensate":
            keys = sorted(self.model.posted)
            return {"do": do, "key": self.name(), "of": keys[wish["pick"] % len(keys)] if keys else "none"}
        if do in {"extend", "confirm", "release", "consume"}:
            uids = sorted(self.model.demands)
            uid = uids[wish["pick"] % len(uids)] if uids else "nobody's"
            if do in {"extend", "confirm"}:
                return {"do": do, "uid": uid}
            return {"do": do, "uid": uid, "key": self.name(), **self.end(uid, wish)}
        return {"do": do}

    def end(self, uid: str, wish: dict[str, Any]) -> dict[str, Any]:
        promises = self.model.demands[uid][1] if uid in self.model.demands else []
        n = wish["n"] % len(promises) if promises else 0
        named: list[list[Any]] = []
        if promises and wish["do"] == "consume":
            (item, location), wanted = promises[n].place, wish["quantity"] or promises[n].held
            named = [list(each) for each in self.lying(item, location, "sellable", wanted)]
        return {"n": n, "quantity": wish["quantity"], "units": named}

    def lying(self, item: int, location: int, state: str, wanted: int) -> Iterator[tuple[str, int]]:
        """Names of so many units that lie there, if as many do."""
        for (i, code, at, how), n in sorted(self.model.named.items()):
            if (i, at, how) == (item, location, state) and n and wanted:
                yield code, min(n, wanted)
                wanted -= min(n, wanted)

    def move(
        self, item: int, quantity: int, origin: int | None, at: str, target: int | None, to: str, beyond: str, pick: int
    ) -> list[Any]:
        if origin is None and target is None:
            target = 0
        if (origin, at) == (target, to):
            to = "awaiting_inspection"
        start = None if origin is None else self.locations[origin]
        goal = None if target is None else self.locations[target]
        move = [self.items[item], quantity, start, at if start else beyond, goal, to if goal else beyond]
        lot, serials = "", list[str]()
        if item == 2:
            here = [code for code, _ in self.lying(self.items[2], start, at, quantity)] if start else []
            serials = here if len(here) == quantity else [f"S{(pick + n) % 7}" for n in range(quantity)]
        if item == 3:
            lot = f"L{pick % 3}"
        return [*move, lot, serials]

    @rule(wish=ops)
    def alone(self, wish: dict[str, Any]) -> None:
        self.one(self.ready(wish))

    def one(self, op: dict[str, Any]) -> None:
        expected = self.model.apply(op)
        assert perform(op) == expected, op
        self.done.append(op)

    @rule(wishes=st.lists(ops, min_size=2, max_size=3))
    def in_a_batch(self, wishes: list[dict[str, Any]]) -> None:
        """Documents posted together, each for itself; one of them twice."""
        entries = [op for op in map(self.ready, wishes) if op["do"] == "post"]
        if entries:
            self.one({"do": "many", "entries": [*entries, entries[0]]})

    @rule(wishes=st.lists(ops, min_size=2, max_size=AT_ONCE), twice=st.booleans())
    def at_once(self, wishes: list[dict[str, Any]], twice: bool) -> None:
        wanted = [self.ready(wish) for wish in wishes]
        if twice:
            wanted[-1] = wanted[0]
        assert self.workers is not None
        answers = self.workers.perform(wanted)
        for order in itertools.permutations(range(len(wanted))):
            after = self.model.copy()
            told = {n: after.apply(wanted[n]) for n in order}
            if [told[n] for n in range(len(wanted))] == answers and self.agrees(after):
                self.model = after
                self.done += wanted
                return
        raise AssertionError(f"no order of these explains the answers {answers}: {wanted}")

    @rule()
    def let_time_run_out(self) -> None:
        mine = Reservation.objects.filter(
            item__in=self.items, status="HELD", kind="SOFT", expires_at__gt=timezone.now()
        )
        mine.update(expires_at=F("created_at"))
        self.model.time_runs_out()

    def agrees(self, model: Model) -> bool:
        stock: Counter[tuple[int, int, str]] = Counter()
        reserved: dict[tuple[int, int], int] = {}
        for row in Stock.objects.filter(item__in=self.items):
            reserved[row.item_id, row.location_id] = row.reserved
            stock.update({(row.item_id, row.location_id, state): getattr(row, state) for state in INSIDE})
        lots = LotStock.objects.filter(lot__item__in=self.items, quantity__gt=0)
        named = {
            tuple(each): n for *each, n in lots.values_list("lot__item", "lot__code", "location", "state", "quantity")
        }
        return (
            +stock == +model.units
            and named == dict(+model.named)
            and all(n == model.reserved(place) for place, n in reserved.items())
            and all(n <= stock[*place, "sellable"] for place, n in reserved.items() if place[1] not in model.backorder)
        )

    @invariant()
    def both_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        assert self.agrees(self.model)
        for free in availability.free_stock(self.items):
            assert free.free == self.model.free((free.item_id, free.location_id), past_counts=True)


def test_every_operation_agrees_with_plain_python_alone_and_at_once(transactional_db: Any, request: Any) -> None:
    long = request.config.getoption("--long")
    EveryOperation.workers = Workers(AT_ONCE)
    try:
        run_state_machine_as_test(
            EveryOperation,
            settings=settings(
                max_examples=400 if long else 15,
                stateful_step_count=40 if long else 20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        EveryOperation.workers.stop()
    assert [finding.invariant.name for finding in audit.audit("inventory.") if finding.broken] == []


def test_the_model_notices_when_two_are_promised_the_same_unit() -> None:
    """The check proves something only if it fails: one free unit, two who both were told it is theirs."""
    model = Model(backorder=set(), tracking={1: "NONE"}, kits={})
    model.apply({"do": "post", "key": "o", "moves": [[1, 1, None, "opening", 7, "sellable", "", []]]})
    wanted = [{"do": "hold", "uid": uid, "soft": False, "lines": [[1, 7, 1]]} for uid in "ab"]

    told = [[each.apply(wanted[n]) for n in order] for order in ((0, 1), (1, 0)) for each in [model.copy()]]

    assert all(answers == [True, False] for answers in told)


@pytest.mark.parametrize("broken", ["sellable", "reserved"])
def test_the_machine_notices_a_row_that_drifts(transactional_db: Any, broken: str) -> None:
    machine = EveryOperation()
    machine.open_with(3)
    machine.both_agree()

    Stock.objects.filter(item=machine.items[0], location=machine.locations[0]).update(**{broken: 1})

    with pytest.raises(AssertionError):
        machine.both_agree()
