"""The warehouse's floor: waves, the packing bench, vans, and what goes back to its shelf."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core import audit, outbox
from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from exceptions.models import Case
from inventory.models import Bin
from inventory.services import placements
from orders.models import (
    BatchWork,
    Carton,
    FulfilmentOrder,
    Manifest,
    ManifestParcel,
    Order,
    Package,
    PutBack,
    Shipment,
    Wave,
    WaveWork,
)
from orders.services import batches, bench, changing, fulfilment, manifests, outages, putting_back, waves
from orders.services.bench import Closed
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders.parcels import service

pytestmark = pytest.mark.django_db


@pytest.fixture
def dc() -> Any:
    made = LocationFactory(code="DC", kind="WAREHOUSE", time_zone="Europe/London")
    for n, sku in enumerate(("MUG", "PLATE")):
        item = ItemFactory(sku=sku, weight_grams=300, length_mm=100, width_mm=100, height_mm=100)
        StockFactory(item=item, location=made, sellable=50)
        Bin.objects.create(location=made, code=f"{'AB'[n]}-01-1", walk_order=n)
        placements.put(item.pk, location_id=made.pk, code=f"{'AB'[n]}-01-1")
    return made


def work(*skus: str, ref: str, quantity: int = 1) -> FulfilmentOrder:
    order = place(*(incoming_line(sku, quantity) for sku in skus or ("MUG",)), channel_ref=ref)
    fulfilment.create(order.pk)
    return FulfilmentOrder.objects.get(order=order)


def picked(*skus: str, ref: str, quantity: int = 1) -> FulfilmentOrder:
    job = work(*skus, ref=ref, quantity=quantity)
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    for sku in skus or ("MUG",):
        fulfilment.pick(job.pk, code=sku, quantity=quantity, actor=SYSTEM)
    job.refresh_from_db()
    return job


def packed(ref: str, parcels: int = 1) -> FulfilmentOrder:
    job = picked("MUG", ref=ref, quantity=parcels)
    for n in range(parcels):
        bench.scan(job.pk, code="MUG", actor=SYSTEM)
        if n + 1 < parcels:
            bench.next_parcel(job.pk, actor=SYSTEM)
    return bench.close(job.pk, parcels=[Closed(grams=300)] * parcels, actor=SYSTEM)[0]


def refused(rule: str, call: Any, /, *arguments: Any, **named: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call(*arguments, **named)
    assert caught.value.code == rule
    return caught.value


def books_are_clean() -> None:
    assert [found.invariant.name for found in audit.audit() if found.broken] == []


# --- Waves


def test_loose_work_is_grouped_by_departure_and_zone_and_planned_as_one_wave(dc):
    first, second, both = work("MUG", ref="1"), work("MUG", ref="2"), work("MUG", "PLATE", ref="3")

    groups = {group.zone: group for group in waves.propose(dc.pk)}
    wave = waves.plan(dc.pk, numbers=groups["A"].numbers, actor=SYSTEM)

    assert groups["A"].numbers == [first.number, second.number]
    assert groups[""].numbers == [both.number]
    assert (wave.zone, wave.departs_at, wave.works.count()) == ("A", first.due_at, 2)
    assert [group.numbers for group in waves.propose(dc.pk)] == [[both.number]]
    refused("nothing_to_plan", waves.plan, dc.pk, numbers=[first.number], actor=SYSTEM)


def test_work_for_two_carriers_is_not_one_wave_and_a_carrier_that_is_out_is_not_foreseen(dc):
    service("light", carrier="Bike", zones=[{"name": "near", "days": 1, "prices": [[500, "2.00"]]}])
    service("heavy", carrier="Lorry", zones=[{"name": "near", "days": 1, "prices": [[30_000, "6.00"]]}])
    light, heavy = work("MUG", ref="1"), work("MUG", ref="2", quantity=3)

    groups = {group.carrier: group.numbers for group in waves.propose(dc.pk)}
    outages.begin("Bike", reason="Snow", actor=SYSTEM)
    without = {group.carrier: group.numbers for group in waves.propose(dc.pk)}
    wave = waves.plan(dc.pk, numbers=[light.number], actor=SYSTEM)

    assert groups == {"Bike": [light.number], "Lorry": [heavy.number]}
    assert without == {"Lorry": [light.number, heavy.number]}
    assert wave.carrier == "Lorry"


def test_nobody_begins_the_work_of_a_wave_before_its_release(dc):
    job = work(ref="1")
    wave = waves.plan(dc.pk, numbers=[job.number], actor=SYSTEM)

    refused("wave_waits", fulfilment.start_pick, job.pk, actor=SYSTEM)
    refused("nothing_to_pick", batches.start, dc.pk, actor=SYSTEM)
    waves.hold(wave.pk, because="Van is late", actor=SYSTEM)
    refused("bad_move", waves.release, wave.pk, actor=SYSTEM)
    waves.resume(wave.pk, actor=SYSTEM)
    waves.release(wave.pk, actor=SYSTEM)

    assert fulfilment.start_pick(job.pk, actor=SYSTEM).status == "PICKING"


def test_a_wave_is_done_by_its_last_pick_and_gives_up_only_what_was_not_begun(dc):
    one, other = work(ref="1"), work(ref="2")
    wave = waves.plan(dc.pk, numbers=[one.number, other.number], actor=SYSTEM)
    waves.release(wave.pk, actor=SYSTEM)
    fulfilment.start_pick(one.pk, actor=SYSTEM)
    fulfilment.pick(one.pk, code="MUG", actor=SYSTEM)
    waves.settle(one.pk, actor=SYSTEM)
    wave.refresh_from_db()
    assert wave.status == "RELEASED"

    waves.drop(wave.pk, number=other.number, actor=SYSTEM)

    wave.refresh_from_db()
    assert (wave.status, WaveWork.objects.filter(running=True).count()) == ("DONE", 0)
    assert [group.numbers for group in waves.propose(dc.pk)] == [[other.number]]


def test_a_cart_takes_the_waves_neighbours_into_totes_of_their_own_names(dc):
    far, near = work("PLATE", ref="1"), work("MUG", ref="2")
    wave = waves.plan(dc.pk, numbers=[far.number, near.number], actor=SYSTEM)
    waves.release(wave.pk, actor=SYSTEM)

    numbers = waves.next_walk(wave.pk, most=1)
    batch = batches.start(dc.pk, numbers=numbers, totes=["t-104"], actor=SYSTEM)
    batches.scan(batch.pk, code="MUG", actor=SYSTEM)

    assert numbers == [near.number]
    assert bench.find(dc.pk, "T-104") == near
    assert waves.next_walk(wave.pk, most=8) == [far.number]
    with pytest.raises(Invalid, match="holds"):
        batches.start(dc.pk, numbers=[far.number], totes=["T-104"], actor=SYSTEM)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_plan_the_same_work_each_order_is_in_one_wave(dc):
    numbers = [work(ref=str(n)).number for n in range(6)]

    def plan() -> None:
        try:
            with suppress(Refusal):
                waves.plan(dc.pk, numbers=numbers, actor=SYSTEM)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(plan) for _ in range(4)]:
            done.result()

    assert WaveWork.objects.filter(running=True).count() == 6
    assert Wave.objects.filter(works__isnull=True).count() == 0


# --- The bench


def test_a_parcel_is_closed_once_every_unit_was_seen_and_never_with_a_stranger_in_it(dc):
    job = picked("MUG", "PLATE", ref="1", quantity=2)

    bench.scan(job.pk, code="MUG", quantity=2, actor=SYSTEM)
    refused("too_many", bench.scan, job.pk, code="MUG", actor=SYSTEM)
    ItemFactory(sku="VASE")
    refused("wrong_item", bench.scan, job.pk, code="VASE", actor=SYSTEM)
    missing = refused("not_all_seen", bench.close, job.pk, parcels=[Closed()], actor=SYSTEM)
    bench.next_parcel(job.pk, actor=SYSTEM)
    bench.scan(job.pk, code="PLATE", quantity=2, actor=SYSTEM)
    done, _, _ = bench.close(job.pk, parcels=[Closed(grams=610), Closed()], actor=SYSTEM)

    assert missing.facts["missing"] == [{"sku": "PLATE", "missing": 2}]
    assert done.status == "PACKED"
    assert list(Package.objects.values_list("sequence", "weight_grams")) == [(1, 610), (2, 600)]


def test_a_weight_that_is_off_stops_the_parcel_until_somebody_looked_inside(dc):
    Carton.objects.create(
        code="s", name="Small", length_mm=150, width_mm=150, height_mm=150, tare_grams=100, max_grams=5000
    )
    job = picked("MUG", ref="1")
    bench.scan(job.pk, code="MUG", actor=SYSTEM)

    off = refused("weight_is_off", bench.close, job.pk, parcels=[Closed("s", 900)], actor=SYSTEM)
    with pytest.raises(Invalid, match="no carton"):
        bench.close(job.pk, parcels=[Closed("huge")], actor=SYSTEM)
    done, _, _ = bench.close(job.pk, parcels=[Closed("s", 900)], anyway=True, actor=SYSTEM)

    assert (off.facts["weighed"], off.facts["expected"]) == (900, 400)
    assert (done.status, Package.objects.get().kind) == ("PACKED", "s")


def test_an_order_that_shrank_at_the_bench_is_packed_without_what_was_taken_off(dc):
    job = picked("MUG", ref="1", quantity=3)
    bench.scan(job.pk, code="MUG", quantity=3, actor=SYSTEM)
    line = job.lines.get()
    line.quantity, line.picked = 2, 2
    line.save(update_fields=["quantity", "picked"])

    extra = refused("take_out", bench.close, job.pk, parcels=[Closed()], actor=SYSTEM)

    assert extra.facts["extra"] == [{"sku": "MUG", "extra": 1}]
    bench.start_over(job.pk, actor=SYSTEM)
    refused("not_all_seen", bench.close, job.pk, parcels=[Closed()], actor=SYSTEM)


# --- Vans


def test_what_is_aboard_whole_leaves_and_what_is_not_becomes_a_case(dc):
    service()
    whole, half, forgotten = packed("1"), packed("2", parcels=2), packed("3")
    van = manifests.open_(dc.pk, carrier="Dispatch", actor=SYSTEM)
    assert manifests.open_(dc.pk, carrier="Dispatch", actor=SYSTEM) == van
    manifests.load(van.pk, code=whole.number, actor=SYSTEM)
    sscc = Package.objects.get(fulfilment=half, sequence=1).sscc
    manifests.load(van.pk, code=f"(00){sscc}", actor=SYSTEM)
    manifests.load(van.pk, code=sscc, actor=SYSTEM)
    refused("several", manifests.load, van.pk, code=half.number, actor=SYSTEM)

    then = manifests.preview(van)
    manifests.close(van.pk, actor=SYSTEM)
    outbox.drain()

    assert [job.number for job in then.leaves] == [whole.number]
    assert {job.number for job in then.left_behind} == {half.number, forgotten.number}
    assert ManifestParcel.objects.count() == 2
    assert Shipment.objects.get().fulfilment == whole
    assert Shipment.objects.get().tracking_number == Package.objects.get(fulfilment=whole).tracking_number
    cases = Case.objects.filter(reason="orders.parcel_left_behind", is_open=True)
    assert {case.subject_label for case in cases} == {half.number, forgotten.number}
    refused("closed", manifests.load, van.pk, code=forgotten.number, actor=SYSTEM)

    # The rest goes with the next van, and the cases clear themselves.
    following = manifests.open_(dc.pk, carrier="Dispatch", actor=SYSTEM)
    manifests.load(following.pk, code=forgotten.number, actor=SYSTEM)
    manifests.load(following.pk, code=Package.objects.get(fulfilment=half, sequence=2).sscc, actor=SYSTEM)
    manifests.close(following.pk, actor=SYSTEM)
    outbox.drain()
    assert set(FulfilmentOrder.objects.values_list("status", flat=True)) == {"SHIPPED"}
    assert not Case.objects.filter(reason="orders.parcel_left_behind", is_open=True).exists()
    books_are_clean()


def test_a_van_takes_only_parcels_of_its_carrier_that_are_packed_and_wanted(dc):
    service()
    job, unpacked = packed("1"), picked("MUG", ref="2")
    theirs = manifests.open_(dc.pk, carrier="Dispatch", actor=SYSTEM)
    other = manifests.open_(dc.pk, carrier="Parcel Line", actor=SYSTEM)

    refused("wrong_carrier", manifests.load, other.pk, code=job.number, actor=SYSTEM)
    refused("unknown_parcel", manifests.load, theirs.pk, code=unpacked.number, actor=SYSTEM)
    refused("empty_van", manifests.close, other.pk, actor=SYSTEM)
    manifests.load(theirs.pk, code=job.number, actor=SYSTEM)
    changing.cancel(job.order_id, reason="Changed their mind", actor=SYSTEM)
    refused("take_off", manifests.close, theirs.pk, actor=SYSTEM)
    manifests.unload(theirs.pk, package_id=Package.objects.get(fulfilment=job).pk, actor=SYSTEM)
    refused("cancelled_work", manifests.load, theirs.pk, code=job.number, actor=SYSTEM)

    assert Manifest.objects.get(pk=theirs.pk).status == "OPEN"
    assert not Shipment.objects.exists()


# --- Back to the shelf


def test_what_was_picked_for_nothing_is_put_back_by_scan(dc):
    job = picked("MUG", ref="1", quantity=3)
    changing.cancel(job.order_id, reason="Changed their mind", actor=SYSTEM)

    row = PutBack.objects.get()
    putting_back.scan(dc.pk, code="MUG", quantity=2, actor=SYSTEM)
    refused("too_many", putting_back.scan, dc.pk, code="MUG", quantity=2, actor=SYSTEM)
    done = putting_back.scan(dc.pk, code="MUG", actor=SYSTEM)

    assert (row.quantity, row.fulfilment_id) == (3, job.pk)
    assert (done.done, done.done_at is not None) == (3, True)
    refused("nothing_to_put_back", putting_back.scan, dc.pk, code="MUG", actor=SYSTEM)
    assert Order.objects.get().status == "CANCELLED"
    books_are_clean()


def test_work_that_was_not_picked_leaves_nothing_to_put_back(dc):
    job = work(ref="1")

    changing.cancel(job.order_id, reason="", actor=SYSTEM)

    assert not PutBack.objects.exists()


def test_goods_in_nobodys_place_for_four_hours_are_a_case(dc):
    from exceptions import tasks

    job = picked("MUG", ref="1")
    fulfilment.cancel(job.pk, reason="Wrong node", actor=SYSTEM)
    tasks.open_standing()
    assert not Case.objects.filter(reason="orders.put_back_waits").exists()

    PutBack.objects.update(created_at=timezone.now() - timezone.timedelta(hours=5))
    tasks.open_standing()
    assert Case.objects.get(reason="orders.put_back_waits", is_open=True).subject_label == job.number

    putting_back.scan(dc.pk, code="MUG", actor=SYSTEM)
    tasks.recheck_standing()
    assert not Case.objects.filter(reason="orders.put_back_waits", is_open=True).exists()
    assert BatchWork.objects.count() == 0
