"""Scans of handhelds over HTTP: judged in order, once each, and several orders picked on one walk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from core import audit
from core.actors import SYSTEM
from core.errors import Refusal
from core.models import User
from inventory.models import Bin, Item
from inventory.services import placements
from orders.models import BatchWork, DeviceScan, FulfilmentLine, FulfilmentOrder, PickBatch, StorePolicy
from orders.services import batches, changing, fulfilment
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def everyone(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss@harrow.example", "correct horse battery"))
    return client


@pytest.fixture
def store() -> Any:
    location = LocationFactory(code="LEEDS", kind="STORE")
    for n, code in ((1, "C-02"), (2, "A-01"), (3, "")):
        item = ItemFactory(sku=f"SKU-{n}", gtin=f"20000000100{n}4")
        StockFactory(item=item, location=location, sellable=20)
        if code:
            Bin.objects.create(location=location, code=code, walk_order=ord(code[0]))
            placements.put(item.pk, location_id=location.pk, code=code)
    return location


def released(ref: str, *wanted: tuple[str, int], due_in: int = 60) -> FulfilmentOrder:
    order = place(*[incoming_line(sku, n) for sku, n in wanted], channel_ref=ref)
    fulfilment.create(order.pk)
    FulfilmentOrder.objects.filter(order=order).update(due_at=timezone.now() + timedelta(minutes=due_in))
    return FulfilmentOrder.objects.get(order=order)


def a_scan(target: Any, code: str, kind: str = "pick", **fields: Any) -> dict[str, Any]:
    key = {"key": str(uuid4()), "kind": kind, "target": str(target), "code": code, "at": timezone.now().isoformat()}
    return key | fields


def send(client: Client, *scans: dict[str, Any], site: str = "LEEDS") -> Any:
    return client.post(f"/s/{site}/scans", {"scans": list(scans)}, content_type="application/json")


def verdicts(answer: Any) -> list[tuple[bool, str]]:
    assert answer.status_code == 200, answer.content
    return [(verdict["ok"], verdict["rule"]) for verdict in answer.json()["verdicts"]]


def picked(job: FulfilmentOrder) -> dict[str, int]:
    return dict(FulfilmentLine.objects.filter(fulfilment=job).values_list("item__sku", "picked"))


def books_are_clean() -> None:
    assert [found.invariant.name for found in audit.audit("orders") if found.broken] == []


def test_scans_kept_on_a_device_are_judged_in_order_and_only_once(everyone: Client, store: Any) -> None:
    job = released("1", ("SKU-1", 2))
    kept = [a_scan(job.number, "SKU-1"), a_scan(job.number, "SKU-3"), a_scan(job.number, "2000000010014"),
            a_scan(job.number, "SKU-1"), a_scan("SO-0-1", "SKU-1"), a_scan(job.number, "\u0000 7")]  # fmt: skip

    first = send(everyone, *kept[:5])
    again = send(everyone, *kept[:5])

    # The third makes the work picked, so the fourth comes too late.
    expected = [(True, ""), (False, "wrong_item"), (True, ""), (False, "not_picking"), (False, "not_found")]
    assert verdicts(first) == expected
    assert again.json() == first.json()
    assert picked(job) == {"SKU-1": 2}
    assert DeviceScan.objects.filter(accepted=False).count() == 3
    assert send(everyone, kept[5]).status_code == 400
    page = everyone.get("/s/LEEDS/outbox").content.decode()
    assert page.count('id="scan-') == 3
    books_are_clean()


def test_a_key_used_for_another_scan_changes_nothing(everyone: Client, store: Any) -> None:
    job = released("1", ("SKU-1", 3))
    scan = a_scan(job.number, "SKU-1")
    send(everyone, scan)

    answer = send(everyone, scan | {"code": "2000000010014"})

    assert verdicts(answer) == [(False, "key_reused")]
    assert picked(job) == {"SKU-1": 1}


@pytest.mark.parametrize(
    "broken",
    [{"key": ""}, {"key": "tab\tkey--"}, {"kind": "refund"}, {"at": "yesterday"}, {"code": "x" * 101}, {"extra": 1},
     {"target": ""}],
)  # fmt: skip
def test_a_lot_that_makes_no_sense_is_refused_as_a_whole(everyone: Client, store: Any, broken: dict[str, Any]) -> None:
    job = released("1", ("SKU-1", 3))

    answer = send(everyone, a_scan(job.number, "SKU-1"), a_scan(job.number, "SKU-1") | broken)

    assert answer.status_code == 400
    assert picked(job) == {"SKU-1": 0}
    assert not DeviceScan.objects.exists()
    assert send(everyone).status_code == 400
    assert send(everyone, *[a_scan(job.number, "SKU-1")] * 101).status_code == 413
    assert send(everyone, a_scan(job.number, "SKU-1"), site="YORK").status_code == 404


def test_several_orders_are_picked_on_one_walk_in_the_order_of_the_bins(
    everyone: Client, store: Any, query_count: Any
) -> None:
    later = released("1", ("SKU-1", 2), ("SKU-3", 1), due_in=90)
    sooner = released("2", ("SKU-1", 1), ("SKU-2", 1), due_in=30)

    answer = everyone.post("/s/LEEDS/batches")

    batch = PickBatch.objects.get()
    totes = dict(BatchWork.objects.values_list("tote", "fulfilment__number"))
    assert answer["Location"] == f"/s/LEEDS/batches/{batch.pk}"
    assert totes == {"A": sooner.number, "B": later.number}
    with query_count("orders-batch", lambda: everyone.get(f"/s/LEEDS/batches/{batch.pk}")):
        pass
    page = everyone.get(f"/s/LEEDS/batches/{batch.pk}").content.decode()
    assert page.index(">A-01<") < page.index(">C-02<") < page.index(">SKU-3<")
    # The first unit goes to whom it was promised first; a device that told another tote is believed.
    said = send(everyone, a_scan(batch.pk, "SKU-1", "batch")).json()["verdicts"][0]["words"]
    assert said.endswith("Put it into tote A")
    assert verdicts(send(everyone, a_scan(batch.pk, "SKU-1", "batch", into="B"))) == [(True, "")]
    assert (picked(sooner), picked(later)) == ({"SKU-1": 1, "SKU-2": 0}, {"SKU-1": 1, "SKU-3": 0})
    assert verdicts(send(everyone, a_scan(batch.pk, "SKU-1", "batch", into="A"))) == [(False, "picked_already")]
    rest = [a_scan(batch.pk, sku, "batch") for sku in ("SKU-2", "SKU-1", "SKU-3", "SKU-3")]
    assert verdicts(send(everyone, *rest)) == [(True, ""), (True, ""), (True, ""), (False, "batch_over")]
    assert {job.status for job in FulfilmentOrder.objects.all()} == {"PICKED"}
    assert not BatchWork.objects.filter(running=True).exists()
    books_are_clean()


def test_a_unit_for_an_order_cancelled_meanwhile_is_refused_with_its_tote(everyone: Client, store: Any) -> None:
    gone, stays = released("1", ("SKU-1", 1)), released("2", ("SKU-1", 1), due_in=90)
    batch = batches.start(store.pk, actor=SYSTEM)
    changing.cancel(gone.order_id, actor=SYSTEM)

    told = send(everyone, a_scan(batch.pk, "SKU-1", "batch", into="A"), a_scan(batch.pk, "SKU-1", "batch"))

    assert verdicts(told) == [(False, "tote_over"), (True, "")]
    assert picked(stays) == {"SKU-1": 1}
    books_are_clean()


def test_what_is_short_on_a_walk_is_taken_from_the_order_due_last(everyone: Client, store: Any) -> None:
    sooner, later = released("1", ("SKU-1", 2)), released("2", ("SKU-1", 2), due_in=90)
    batch = batches.start(store.pk, actor=SYSTEM)
    item = Item.objects.get(sku="SKU-1")
    here = f"/s/LEEDS/batches/{batch.pk}/short"

    assert everyone.post(here, {"item": item.pk, "quantity": 5, "reason": "NO_TIME"}).status_code == 422
    assert everyone.post(here, {"item": item.pk, "quantity": 3, "reason": "NO_TIME"}).status_code == 303

    lines = FulfilmentLine.objects.filter(item=item)
    assert lines.get(fulfilment=sooner).quantity == 1
    assert lines.get(fulfilment=later).quantity == 0
    books_are_clean()


def test_work_is_on_one_walk_at_a_time(store: Any) -> None:
    StorePolicy.objects.create(location=store, batch_size=2)
    jobs = [released(str(n), ("SKU-1", 1), due_in=n) for n in range(1, 5)]

    first = batches.start(store.pk, actor=SYSTEM)
    second = batches.start(store.pk, numbers=[jobs[0].number, jobs[3].number], actor=SYSTEM)

    assert {work.fulfilment_id for work in first.works.all()} == {jobs[0].pk, jobs[1].pk}
    assert [work.fulfilment_id for work in second.works.all()] == [jobs[3].pk]
    with pytest.raises(Refusal) as no:
        batches.start(store.pk, numbers=[jobs[0].number], actor=SYSTEM)
    assert no.value.code == "nothing_to_pick"
    batches.end(first.pk, actor=SYSTEM)
    assert not first.works.filter(running=True).exists()


def test_closing_for_the_day_shows_first_what_it_does(everyone: Client, store: Any) -> None:
    other = LocationFactory(code="YORK", kind="STORE", priority=900)
    StockFactory(item=Item.objects.get(sku="SKU-1"), location=other, sellable=5)
    job = released("1", ("SKU-1", 1), due_in=30)
    assert job.location == store

    page = everyone.get("/s/LEEDS/close").content.decode()

    assert "Another place takes it" in page
    assert FulfilmentOrder.objects.get().status == "OPEN"
    assert everyone.get("/s/LEEDS/close?opens=someday").status_code == 422
    assert everyone.post("/s/LEEDS/close/now", {"reason": ""}).status_code == 422
    assert everyone.post("/s/LEEDS/close/now", {"reason": "No staff"}).status_code == 303
    assert "Closed for the day" in everyone.get("/s/LEEDS/").content.decode()
    job.refresh_from_db()
    assert job.status != "OPEN"
    everyone.post("/s/LEEDS/reopen")
    assert "Closed for the day" not in everyone.get("/s/LEEDS/").content.decode()
    books_are_clean()
