"""People who want the same returned units at the same moment: exactly one outcome, and the units add up."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from inventory.models import Stock
from returns.models import Arrival, Disposition, Inspection, Reception, ReturnLine, ReturnRequest
from returns.services import dispositions, inspection, lifecycle, receiving, rejected, requests
from returns.services.asking import Asked, AskedLine
from returns.services.inspection import Seen
from returns.services.receiving import Found
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.orders.test_races import at_once, books_balance, refused
from tests.returns.bench import ANNA, BEN, approved, bench_of, came_back, sold

pytestmark = pytest.mark.django_db(transaction=True)


def call_off(rma: ReturnRequest) -> Any:
    from inventory.services.locking import retrying

    def work() -> list[dict[str, Any]]:
        desk = lifecycle.open_return(rma.pk, actor=BEN)
        gone = lifecycle.give_up(desk, Reception.CANCELLED)
        lifecycle.save(desk)
        return gone

    return retrying(work)


def _receive_against_cancel() -> None:
    item, leeds = ItemFactory(), LocationFactory()
    rma = approved(sold((item, 1)), (item, 1), at=leeds)

    came, gone = at_once(
        lambda: receiving.receive(rma.pk, Found(item.sku), location_id=leeds.pk, key=f"r{rma.pk}", actor=ANNA),
        lambda: call_off(rma),
    )

    line = ReturnLine.objects.get(request=rma)
    assert line.received + line.gone == 1
    assert refused(came) == bool(gone)
    assert Arrival.objects.filter(line=line).count() == line.received
    assert sum(Stock.objects.filter(item=item).values_list("awaiting_inspection", flat=True)) == line.received


def _one_scan_sent_twice() -> None:
    item, leeds = ItemFactory(), LocationFactory()
    rma = approved(sold((item, 2)), (item, 2), at=leeds)
    send = lambda: receiving.receive(  # noqa: E731
        rma.pk, Found(item.sku), location_id=leeds.pk, key=f"same{rma.pk}", actor=ANNA
    )

    results = at_once(send, send, send)

    assert not any(refused(result) for result in results)
    assert len({result.pk for result in results}) == 1
    assert ReturnLine.objects.get(request=rma).received == 1


def _two_inspectors() -> None:
    rma = came_back(1)
    bench = bench_of(rma)

    results = at_once(
        lambda: inspection.inspect(bench.pk, Seen("A", disposition="RESTOCK"), key=f"a{rma.pk}", actor=ANNA),
        lambda: inspection.inspect(bench.pk, Seen("E", disposition="SCRAP"), key=f"b{rma.pk}", actor=BEN),
    )

    assert sorted(refused(result) for result in results) == [False, True]
    line = ReturnLine.objects.get(request=rma)
    assert (line.accepted, Inspection.objects.filter(line=line).count()) == (1, 1)
    (placed,) = Disposition.objects.filter(line=line)
    row = Stock.objects.get(item=line.item)
    assert (row.sellable, row.awaiting_inspection) == (1 if placed.kind == "RESTOCK" else 0, 0)


def _two_ways_onward() -> None:
    rma = came_back(2)
    seen = inspection.inspect(bench_of(rma).pk, Seen("D", quantity=2), key=f"s{rma.pk}", actor=ANNA)
    first = dispositions.dispose(seen.pk, "REFURBISH", key=f"f{rma.pk}", actor=ANNA)

    results = at_once(
        lambda: dispositions.dispose(seen.pk, "RESTOCK", quantity=2, after=first.pk, key=f"x{rma.pk}", actor=ANNA),
        lambda: dispositions.dispose(seen.pk, "SCRAP", quantity=2, after=first.pk, key=f"y{rma.pk}", actor=BEN),
    )

    assert sorted(refused(result) for result in results) == [False, True]
    first.refresh_from_db()
    assert first.here == 0


def _two_requests_for_the_last_unit() -> None:
    item, _ = ItemFactory(), LocationFactory(kind="RETURNS_CENTRE", returns=True)
    order = sold((item, 1), placed_at=timezone.now())
    ask = Asked(lines=(AskedLine(quantity=1, line=order.lines.get().ref),), order_id=order.pk)

    results = at_once(*[lambda who=who: requests.request(ask, actor=who) for who in (ANNA, BEN, ANNA)])

    taken = [rma for rma in results if rma.status == "OPEN"]
    assert len(taken) == 1
    assert {(rma.status, rma.rule) for rma in results if rma not in taken} == {("DECLINED", "already-returned")}


def _parcel_home_against_keeping_it() -> None:
    rma = came_back(1)
    rejected_ = Seen("D", "REJECTED", note="Worn")
    seen = inspection.inspect(bench_of(rma).pk, rejected_, key=f"no{rma.pk}", actor=ANNA)

    results = at_once(
        lambda: rejected.give_back(seen.pk, by_hand=True, key=f"home{rma.pk}", actor=ANNA),
        lambda: rejected.keep(seen.pk, words="By phone", key=f"keep{rma.pk}", actor=BEN),
    )

    assert sorted(refused(result) for result in results) == [False, True]
    seen.refresh_from_db()
    assert seen.chosen == 1


def _all(turns: int) -> None:
    for _ in range(turns):
        _two_requests_for_the_last_unit()
        _parcel_home_against_keeping_it()
        _receive_against_cancel()
        _one_scan_sent_twice()
        _two_inspectors()
        _two_ways_onward()
    books_balance()


def test_whoever_races_over_returned_units_one_wins_and_they_add_up():
    _all(2)


@pytest.mark.long
def test_it_stays_so_over_many_turns():
    _all(40)
