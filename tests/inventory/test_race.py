"""Many processes want the last units at once."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Q, Sum

from core import audit
from core.actors import SYSTEM
from inventory.models import Reservation, Stock, StockMovement
from inventory.services import reservations
from inventory.services.reservations import Held, Want
from tests.factories.inventory import LocationFactory, StockFactory
from tests.forked import at_once
from tests.inventory.race import race as run

UNITS = 60  # of each item; far fewer than are wanted


@pytest.fixture
def shelf(transactional_db) -> list[Stock]:
    location = LocationFactory()
    return [StockFactory(sellable=UNITS, location=location) for _ in range(5)]


def race(
    shelf: list[Stock], *, way: str, processes: int, orders: int, churn: bool = False, seconds: float = 300
) -> Counter[str]:
    """Run the race and add up what the processes saw."""
    about = {
        "items": [stock.item_id for stock in shelf],
        "location": shelf[0].location_id,
        "orders": orders // processes,
        "way": way,
        "churn": churn,
    }
    each = [({**about, "process": n},) for n in range(processes)]
    return sum(at_once(run, each, seconds=seconds), Counter())


def oversold(shelf: list[Stock]) -> int:
    """Units promised or gone beyond those there were."""
    beyond = 0
    for stock in shelf:
        held = Reservation.objects.held().filter(item_id=stock.item_id).aggregate(n=Sum("quantity"))["n"] or 0
        gone = StockMovement.objects.filter(item_id=stock.item_id, to_state="customer").aggregate(n=Sum("quantity"))
        beyond += max(0, held + (gone["n"] or 0) - UNITS)
    return beyond


def broken() -> set[str]:
    return {finding.invariant.name for finding in audit.audit("inventory.") if finding.broken}


def errors(seen: Counter[str]) -> dict[str, int]:
    return {what: count for what, count in seen.items() if what.startswith("error")}


@pytest.mark.parametrize("churn", [False, True], ids=["for the last units", "while goods leave and come back"])
@pytest.mark.parametrize("processes, orders", [pytest.param(4, 400), pytest.param(16, 2_000, marks=pytest.mark.long)])
def test_nothing_is_oversold_and_nobody_sees_a_deadlock(shelf, processes, orders, churn):
    seen = race(shelf, way="service", processes=processes, orders=orders, churn=churn)

    assert errors(seen) == {}
    assert seen["met"] + seen["short"] == orders
    assert seen["short"] > 0
    assert oversold(shelf) == 0
    assert broken() == set()
    if not churn:
        assert {row.free for row in Stock.objects.filter(~Q(reserved=0))} == {0}


@pytest.mark.long
def test_a_hundred_thousand_reservations_by_eight_processes_meet_no_deadlock(transactional_db):
    """Lines in random order over forty items with stock for all, some given back, sold and found in between."""
    location, orders = LocationFactory(), 100_000
    shelf = [StockFactory(sellable=1_000_000, location=location) for _ in range(40)]

    seen = race(shelf, way="service", processes=8, orders=orders, churn=True, seconds=3_000)

    assert errors(seen) == {}
    assert seen["met"] == orders
    assert broken() == set()


def test_the_same_race_catches_one_who_looks_before_writing(shelf):
    seen = race(shelf, way="naive", processes=4, orders=800)

    assert errors(seen) == {}
    assert oversold(shelf) > 0
    assert "inventory.reserved_is_the_sum_of_what_is_held" in broken()


def test_units_freed_while_a_demand_waits_for_the_lock_are_its_to_have(transactional_db):
    stock = StockFactory(sellable=1)
    want = Want("1", stock.item_id, stock.location_id, 1)
    first = reservations.hold("first", [want], actor=SYSTEM)

    def second() -> Held:
        try:
            return reservations.hold("second", [want], actor=SYSTEM)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            reservations.release([(first.reservations[0].id, None)], key="back", reason="test", actor=SYSTEM)
            waiting = threads.submit(second)
            until_somebody_waits_for_a_lock()

        assert waiting.result(timeout=10).ok
    assert broken() == set()


def test_nobody_waits_longer_for_a_lock_than_two_seconds(transactional_db):
    stock = StockFactory(sellable=5)
    want = Want("1", stock.item_id, stock.location_id, 1)

    def busy() -> str:
        try:
            with pytest.raises(OperationalError) as waited, transaction.atomic():  # an outer transaction never retries
                reservations.hold("second", [want], actor=SYSTEM)
            return waited.value.__cause__.sqlstate
        finally:
            connection.close()

    started = time.monotonic()
    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        reservations.hold("first", [want], actor=SYSTEM)
        assert threads.submit(busy).result(timeout=10) == "55P03"

    assert 1.9 < time.monotonic() - started < 6


def until_somebody_waits_for_a_lock() -> None:
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waited")
