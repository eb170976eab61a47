"""A carrier's van against whoever gives labels back, cancels, or calls it too: one outcome, and the books balance.

`--long` takes every race many more times.
"""

from __future__ import annotations

from typing import Any

import pytest

from core.actors import SYSTEM
from core.subjects import Subject
from inventory.models import Stock
from inventory.services import movements
from orders.models import CalledParcel, FulfilmentOrder, ParcelLabel, VanCall
from orders.services import changing, fulfilment, labels, van_answers, van_calls
from orders.services.packing import Parcel
from tests.factories.orders import incoming_line, place
from tests.orders.parcels import packed, service
from tests.orders.test_races import at_once, books_balance, refused
from tests.orders.test_van_calls import EVERY_DAY, window

pytestmark = pytest.mark.django_db(transaction=True)


def times(request: Any) -> int:
    return 30 if request.config.getoption("--long") else 2


def another(first: FulfilmentOrder, n: int) -> FulfilmentOrder:
    """One more order of two labelled parcels at the same node."""
    order = place(incoming_line(quantity=1), channel_ref=f"more-{n}")
    fulfilment.create(order.pk)
    job = FulfilmentOrder.objects.get(order=order)
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.pick(job.pk, code="SKU-1", actor=SYSTEM)
    fulfilment.pack(job.pk, parcels=[Parcel(weight_grams=400), Parcel(weight_grams=500)], actor=SYSTEM)
    labels.buy(job.pk, actor=SYSTEM)
    return job


@pytest.fixture
def first() -> FulfilmentOrder:
    service(collects=EVERY_DAY)
    job = packed(400)
    labels.buy(job.pk, actor=SYSTEM)
    movements.receive(
        Stock.objects.get().item_id, job.location_id, 100, key="more", cause=Subject("test", "1", "more"), actor=SYSTEM
    )
    return job


def test_a_van_called_while_a_label_goes_back_never_waits_for_that_parcel(request, first):
    for n in range(times(request)):
        job = another(first, n)
        label = ParcelLabel.objects.live().filter(package__fulfilment=job).order_by("pk")[0]
        given = window(2 + 0.01 * n)

        results = at_once(
            lambda n=n, given=given: van_calls.book(
                first.location_id, carrier="Dispatch", key=f"k{n}", actor=SYSTEM, **given
            ),
            lambda pk=label.pk: labels.void(pk, reason="Crushed", actor=SYSTEM),
            lambda n=n, given=given: van_calls.book(
                first.location_id, carrier="Dispatch", key=f"other{n}", actor=SYSTEM, **given
            ),
        )

        for result in results:
            refused(result)  # raises what is no refusal
        assert not CalledParcel.objects.filter(package=label.package_id, released_at__isnull=True).exists()
        (booked,) = VanCall.objects.filter(status="BOOKED")
        assert booked.parcels.filter(released_at__isnull=True).exists()
        van_calls.cancel(booked.pk, actor=SYSTEM)
        labels.void_all(job.pk, reason="x", actor=SYSTEM)
    books_balance()


def test_a_van_that_takes_an_order_while_it_is_cancelled_sends_it_or_doesnt(request, first):
    for n in range(times(request)):
        job = another(first, n)
        call = van_calls.book(first.location_id, carrier="Dispatch", key=f"k{n}", actor=SYSTEM, **window(2 + 0.01 * n))

        def fetch(pk: int = call.pk) -> None:
            van_calls.came(pk, actor=SYSTEM)
            van_answers.follow(pk, actor=SYSTEM)

        results = at_once(fetch, lambda pk=job.order_id: changing.cancel(pk, actor=SYSTEM))

        for result in results:
            refused(result)
        job.refresh_from_db()
        job.order.refresh_from_db()
        assert (job.status, job.order.status) in {("SHIPPED", "COMPLETED"), ("CANCELLED", "CANCELLED")}
        labels.void_all(job.pk, reason="x", actor=SYSTEM)
    books_balance()
