"""Any sequence of stock operations leaves the database where plain Python says it should be."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import InternalError, connection, transaction
from django.db.models import F
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from core import audit
from core.actors import SYSTEM
from core.errors import Refusal
from core.subjects import Subject
from inventory.models import INSIDE, Reservation, Stock
from inventory.services import availability, movements, reservations
from inventory.services.movements import Move
from inventory.services.reservations import Want
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.inventory.reference import Promise, Reference, Refused

CAUSE = Subject("test", "1")
# Few units in few places, so that sequences soon meet at the edges: the last unit, a promise that ran out, a repeat.
quantities = st.integers(1, 4)
items, places = st.integers(0, 1), st.sampled_from([0, 0, 1])
states = st.sampled_from(["sellable", "sellable", "sellable", *map(str, INSIDE)])


class StockMachine(RuleBasedStateMachine):
    """Every step runs against both; a step that is refused must change neither."""

    held = Bundle("held")
    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.items = [ItemFactory().pk for _ in range(2)]
        self.locations = [LocationFactory(allows_backorder=n == 1).pk for n in range(2)]
        self.reference = Reference(backorder={self.locations[1]})
        self.count = 0

    def teardown(self) -> None:
        try:
            with suppress(InternalError):  # a step that broke the transaction has been reported already
                assert [finding for finding in audit.audit("inventory.") if finding.broken] == []
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def key(self) -> str:
        self.count += 1
        return f"call {self.count}"

    @initialize(amount=st.integers(1, 6))
    def open_with(self, amount: int) -> None:
        moves = [(item, amount, None, "opening", place, "sellable") for item in self.items for place in self.locations]
        if amount:
            self.post(moves, self.key())

    def post(self, moves: list[tuple[Any, ...]], key: str) -> None:
        movements.post([Move(*move) for move in moves], key=key, cause=CAUSE, actor=SYSTEM)
        self.reference.move(moves)

    @rule(target=held, item=items, place=places, beyond=st.integers(-1, 1), soft=st.booleans())
    def hold_to_the_edge(self, item: int, place: int, beyond: int, soft: bool) -> Any:
        free = self.reference.free((self.items[item], self.locations[place]), past_counts=True)
        return self.hold([(item, place, free + beyond)], soft) if free + beyond > 0 else multiple()

    @rule(target=held, lines=st.lists(st.tuples(items, places, quantities), min_size=1, max_size=3), soft=st.booleans())
    def hold_lines(self, lines: list[tuple[int, int, int]], soft: bool) -> Any:
        return self.hold(lines, soft)

    def hold(self, lines: list[tuple[int, int, int]], soft: bool) -> Any:
        wants = [Want(str(n), self.items[i], self.locations[p], q) for n, (i, p, q) in enumerate(lines)]
        wanted: Counter[tuple[int, int]] = Counter()
        for want in wants:
            wanted[want.item_id, want.location_id] += want.quantity
        options: dict[str, Any] = {"kind": "SOFT", "ttl": timedelta(hours=1)} if soft else {}
        uid = self.key()

        held = reservations.hold(uid, wants, actor=SYSTEM, **options)

        assert held.ok == self.reference.fits(wanted)
        self.reference.sweep(self.reference.needs_a_sweep(wanted))
        if not held.ok:
            assert held.short
            return multiple()
        for line in held.reservations:
            self.reference.promises[line.id] = Promise((line.item_id, line.location_id), line.quantity, soft)
        again = reservations.hold(uid, wants, actor=SYSTEM, **options)
        assert again.replayed
        assert again.reservations == held.reservations
        return multiple(*(line.id for line in held.reservations))

    @rule(target=calls, number=held, quantity=st.none() | quantities, sell=st.booleans())
    def end_part(self, number: int, quantity: int | None, sell: bool) -> Any:
        return self.end(number, quantity, sell)

    @rule(number=consumes(held), sell=st.booleans())
    def end_all(self, number: int, sell: bool) -> None:
        self.end(number, None, sell)

    def end(self, number: int, quantity: int | None, sell: bool) -> Any:
        key = self.key()

        def call() -> Any:
            if sell:
                return reservations.consume([(number, quantity)], key=key, cause=CAUSE, actor=SYSTEM)
            return reservations.release([(number, quantity)], key=key, reason="test", actor=SYSTEM)

        promise = self.reference.promises.get(number)
        expected = True
        if promise is None or (quantity or 0) > promise.quantity:
            expected = False
        elif sell:
            enough = self.reference.units[*promise.place, "sellable"] >= (quantity or promise.quantity)
            expected = enough and not promise.past
        try:
            ended = call()
        except Refusal:
            assert not expected
            return multiple()
        if not ended:  # gave back what was given back already
            assert promise is None
            return multiple()
        assert expected
        place, gone = self.reference.shrink(number, quantity)
        if sell:
            self.reference.units[*place, "sellable"] -= gone
        return (call, ended)

    @rule(target=calls, item=items, place=places, beyond=st.integers(-1, 1))
    def sell_to_the_edge(self, item: int, place: int, beyond: int) -> Any:
        quantity = self.reference.free((self.items[item], self.locations[place])) + beyond
        return self.move([(item, quantity, place, "sellable", None, "")], "customer") if quantity > 0 else multiple()

    @rule(target=calls, item=items, place=places, quantity=quantities)
    def receive(self, item: int, place: int, quantity: int) -> Any:
        return self.move([(item, quantity, None, "", place, "sellable")], "supplier")

    @rule(
        target=calls,
        moves=st.lists(
            st.tuples(items, quantities, st.none() | places, states, st.none() | places, states), min_size=1, max_size=3
        ),
        outside=st.sampled_from(["supplier", "customer", "shrinkage", "found", "opening"]),
    )
    def move_anything(self, moves: list[tuple[Any, ...]], outside: str) -> Any:
        return self.move(moves, outside)

    def move(self, moves: list[tuple[Any, ...]], outside: str) -> Any:
        wanted = []
        for item, quantity, origin, origin_state, target, target_state in moves:
            if (origin is None and target is None) or (origin, origin_state) == (target, target_state):
                continue
            wanted.append(
                (
                    self.items[item],
                    quantity,
                    None if origin is None else self.locations[origin],
                    outside if origin is None else origin_state,
                    None if target is None else self.locations[target],
                    outside if target is None else target_state,
                )
            )
        if not wanted:
            return multiple()
        key = self.key()

        def call() -> Any:
            posted = movements.post([Move(*move) for move in wanted], key=key, cause=CAUSE, actor=SYSTEM)
            return posted.movement_ids

        try:
            self.reference.move(wanted)
        except Refused:
            with pytest.raises(Refusal):
                call()
            return multiple()
        return (call, call())

    @rule(call=calls)
    def repeat(self, call: tuple[Any, Any]) -> None:
        again, answer = call
        assert again() == answer

    @rule()
    def let_time_run_out(self) -> None:
        mine = Reservation.objects.filter(item__in=self.items, status="HELD", kind="SOFT")
        mine.update(expires_at=F("expires_at") - timedelta(hours=2))
        for promise in self.reference.promises.values():
            promise.past = promise.past or promise.soft

    @rule()
    def sweep(self) -> None:
        assert reservations.expire() == self.reference.sweep()

    @invariant()
    def both_agree(self) -> None:
        units: Counter[tuple[int, int, str]] = Counter()
        for row in Stock.objects.filter(item__in=self.items):
            place = (row.item_id, row.location_id)
            assert row.reserved == self.reference.reserved(place)
            for state in INSIDE:
                units[*place, str(state)] = getattr(row, state)
        assert {k: v for k, v in units.items() if v} == {k: v for k, v in self.reference.units.items() if v}
        for free in availability.free_stock(self.items):
            assert free.free == self.reference.free((free.item_id, free.location_id), past_counts=True)


@pytest.mark.django_db
def test_stock_agrees_with_plain_python_whatever_happens():
    examples = settings.default.max_examples // 2
    run_state_machine_as_test(StockMachine, settings=settings(max_examples=examples, stateful_step_count=40))
    assert not connection.needs_rollback
