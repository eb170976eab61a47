"""What comes out of a parcel: announced, not announced, another article, another unit, and nothing at all."""

from __future__ import annotations

import pytest

from core.errors import Refusal
from exceptions.models import Case
from inventory.models import Item
from returns.models import Arrival, OnBench, ReturnLine, ReturnRequest
from returns.services import receiving
from returns.services.receiving import Found
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.returns.bench import ANNA, approved, sold, units

pytestmark = pytest.mark.django_db


@pytest.fixture
def leeds():
    return LocationFactory(code="leeds", returns=True)


def scan(rma: ReturnRequest, code: str, place, key: str = "", **said) -> Arrival:
    return receiving.receive(rma.pk, Found(code, **said), location_id=place.pk, key=key or f"k:{code}", actor=ANNA)


def refused(rma: ReturnRequest, code: str, place, **said) -> str:
    with pytest.raises(Refusal) as refusal:
        scan(rma, code, place, key=f"no:{code}:{len(said)}", **said)
    return refusal.value.code


def line_of(rma: ReturnRequest, item: Item) -> ReturnLine:
    return ReturnLine.objects.get(request=rma, item=item)


def open_cases() -> list[str]:
    return sorted(Case.objects.still_open().values_list("reason", flat=True))


def test_a_scan_takes_one_unit_in_and_a_repeat_of_it_takes_none(leeds):
    jacket = ItemFactory(sku="JACKET", gtin="5012345678900")
    rma = approved(sold((jacket, 2)), (jacket, 2), at=leeds)

    first = scan(rma, "5012345678900", leeds, key="scan-1")
    again = scan(rma, "5012345678900", leeds, key="scan-1")

    line = line_of(rma, jacket)
    assert again.pk == first.pk
    assert (line.received, line.awaited, line.reception) == (1, 1, "RECEIVED")
    assert units(jacket, leeds) == {"awaiting_inspection": 1}
    assert OnBench.objects.get().waiting == 1
    assert open_cases() == []


def test_more_than_was_announced_is_refused_unless_it_is_said_to_be_there(leeds):
    jacket = ItemFactory()
    rma = approved(sold((jacket, 3)), (jacket, 1), at=leeds)
    scan(rma, jacket.sku, leeds)

    assert refused(rma, jacket.sku, leeds) == "nothing_left"
    scan(rma, jacket.sku, leeds, key="too", unexpected=True)

    extra = ReturnLine.objects.get(request=rma, unexpected=True)
    assert (extra.quantity, extra.received, extra.order_line_id) == (1, 1, None)
    assert units(jacket, leeds) == {"awaiting_inspection": 2}
    assert open_cases() == ["returns.unexpected_item"]


def test_what_nobody_announced_is_refused_with_what_is_awaited(leeds):
    jacket, mug = ItemFactory(), ItemFactory()
    rma = approved(sold((jacket, 2)), (jacket, 2), at=leeds)

    with pytest.raises(Refusal) as refusal:
        scan(rma, mug.sku, leeds)

    assert refusal.value.code == "not_expected"
    assert refusal.value.facts["awaited"] == [{"sku": jacket.sku, "quantity": 2}]
    assert units(mug, leeds) == {}


def test_another_article_instead_takes_the_place_of_the_announced_one(leeds):
    jacket, mug = ItemFactory(), ItemFactory()
    rma = approved(sold((jacket, 1)), (jacket, 1), at=leeds)

    scan(rma, mug.sku, leeds, instead_of=line_of(rma, jacket).pk)

    announced = line_of(rma, jacket)
    assert (announced.reception, announced.gone, announced.received) == ("WRONG_ITEM", 1, 0)
    assert line_of(rma, mug).unexpected
    assert units(mug, leeds) == {"awaiting_inspection": 1}
    assert open_cases() == ["returns.wrong_item"]


def test_an_empty_box_leaves_the_rest_short_and_one_case(leeds):
    jacket, mug = ItemFactory(), ItemFactory()
    rma = approved(sold((jacket, 2), (mug, 1)), (jacket, 2), (mug, 1), at=leeds)
    scan(rma, jacket.sku, leeds)

    receiving.finish(rma.pk, location_id=leeds.pk, actor=ANNA)
    receiving.finish(rma.pk, location_id=leeds.pk, actor=ANNA)

    assert (line_of(rma, jacket).gone, line_of(rma, jacket).reception) == (1, "RECEIVED")
    assert (line_of(rma, mug).gone, line_of(rma, mug).reception) == (1, "SHORT")
    assert open_cases() == ["returns.short"]


def test_a_parcel_given_up_that_comes_after_all_is_taken_in(leeds):
    jacket = ItemFactory()
    rma = approved(sold((jacket, 1)), (jacket, 1), at=leeds)
    ReturnLine.objects.filter(request=rma).update(gone=1, reception="LOST")

    scan(rma, jacket.sku, leeds)

    line = line_of(rma, jacket)
    assert (line.gone, line.received, line.reception) == (0, 1, "RECEIVED")


def test_it_may_come_to_any_place_which_has_it_from_then_on(leeds):
    york = LocationFactory(code="york")
    jacket = ItemFactory()
    rma = approved(sold((jacket, 1)), (jacket, 1), at=leeds)

    scan(rma, jacket.sku, york)

    rma.refresh_from_db()
    assert rma.location == york
    assert units(jacket, york) == {"awaiting_inspection": 1}


@pytest.mark.parametrize(
    ("fields", "code"), [({"approved_at": None}, "not_approved"), ({"status": "DECLINED"}, "declined")]
)
def test_nothing_is_taken_in_for_a_return_nobody_approved(leeds, fields, code):
    jacket = ItemFactory()
    rma = approved(sold((jacket, 1)), (jacket, 1), at=leeds)
    if "status" in fields:
        fields |= {"ended_at": rma.created_at}
    ReturnRequest.objects.filter(pk=rma.pk).update(**fields)

    assert refused(rma, jacket.sku, leeds) == code
    assert units(jacket, leeds) == {}


def test_a_serial_is_scanned_once_and_must_be_one_that_was_sold(leeds):
    phone = ItemFactory(tracking="SERIAL")
    rma = approved(sold((phone, 2)), (phone, 2), at=leeds)
    ReturnLine.objects.filter(request=rma).update(serials=["SN-1", "SN-2"])

    assert refused(rma, phone.sku, leeds) == "name_needed"
    arrival = scan(rma, "SN-1", leeds)
    assert refused(rma, "SN-1", leeds) == "scanned_already"
    line = line_of(rma, phone)
    assert refused(rma, "SN-9", leeds, line=line.pk) == "serial_mismatch"
    other = scan(rma, "SN-9", leeds, line=line.pk, other_serial=True)

    assert (arrival.serial, arrival.serial_fits, other.serial_fits) == ("SN-1", True, False)
    assert sorted(OnBench.objects.values_list("serial", "received")) == [("SN-1", 1), ("SN-9", 1)]
    assert open_cases() == ["returns.serial_mismatch"]


def test_a_kit_comes_back_as_its_parts(leeds):
    from inventory.models import KitComponent

    kit, cup, plate = ItemFactory(is_kit=True), ItemFactory(), ItemFactory()
    KitComponent.objects.create(kit=kit, part=cup, quantity=2)
    KitComponent.objects.create(kit=kit, part=plate, quantity=1)
    rma = approved(None, (kit, 1), at=leeds)

    scan(rma, kit.sku, leeds)

    assert units(cup, leeds) == {"awaiting_inspection": 2}
    assert units(plate, leeds) == {"awaiting_inspection": 1}


def test_a_key_stands_for_one_scan_for_ever(leeds):
    jacket, mug = ItemFactory(), ItemFactory()
    one = approved(sold((jacket, 1)), (jacket, 1), at=leeds)
    other = approved(sold((mug, 1)), (mug, 1), at=leeds)
    scan(one, jacket.sku, leeds, key="same")

    with pytest.raises(Refusal) as refusal:
        scan(other, mug.sku, leeds, key="same")

    assert refusal.value.code == "key_reused"
    assert units(mug, leeds) == {}
