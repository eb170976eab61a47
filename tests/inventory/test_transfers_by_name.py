"""Transfers of units told apart: by lot, or each by its serial number."""

from __future__ import annotations

import pytest

from core import audit
from core.actors import SYSTEM, Actor
from core.errors import Invalid, Refusal
from core.subjects import Subject
from exceptions.models import Case
from inventory.models import Item, LotStock, Resolution, TransferDiscrepancy, TransferLine, TransferLot, TransferStatus
from inventory.services import kits, movements, transfers
from inventory.services.transfers import Seen
from tests.factories.inventory import ItemFactory, LocationFactory

pytestmark = pytest.mark.django_db
JONAH, AMIRA, CHEN = (Actor("PERSON", str(n), name) for n, name in enumerate(("Jonah", "Amira", "Chen")))
ABOUT = {"cause": Subject("test", "1"), "actor": SYSTEM}


@pytest.fixture
def depot():
    return LocationFactory(code="DC")


@pytest.fixture
def shop():
    return LocationFactory(code="LEEDS", kind="STORE")


@pytest.fixture
def lamp(depot):
    item = ItemFactory(sku="LAMP", tracking="SERIAL")
    movements.receive(item.pk, depot.pk, 4, serials=("S1", "S2", "S3", "S4"), key="lamps", **ABOUT)
    return item


@pytest.fixture
def candle(depot):
    item = ItemFactory(sku="CANDLE", tracking="LOT")
    movements.receive(item.pk, depot.pk, 10, lot="L1", key="candles 1", **ABOUT)
    movements.receive(item.pk, depot.pk, 5, lot="L2", key="candles 2", **ABOUT)
    return item


def approved(depot, shop, *lines: tuple[Item, int]) -> int:
    wanted = [(item.pk, units) for item, units in lines]
    transfer = transfers.request(depot.pk, shop.pk, wanted, actor=JONAH)
    transfers.approve(transfer, actor=AMIRA)
    return transfer


def sent(depot, shop, lamp, candle) -> int:
    """S1, S2 and 6 of L1 with 1 of L2 are on their way."""
    transfer = approved(depot, shop, (lamp, 2), (candle, 7))
    for code, quantity in (("S1", 1), ("S2", 1), ("L1", 6), ("L2", 1)):
        transfers.pick(transfer, code=code, quantity=quantity, actor=CHEN)
    transfers.ship(transfer, actor=CHEN)
    return transfer


def lying(item: Item, *, state: str = "sellable") -> dict[tuple[str, str], int]:
    rows = LotStock.objects.filter(lot__item=item, quantity__gt=0, state=state)
    return {(code, at): units for code, at, units in rows.values_list("lot__code", "location__code", "quantity")}


def balanced() -> None:
    assert [(found.invariant.name, found.examples) for found in audit.audit("inventory.") if found.broken] == []


def test_picks_name_the_units_and_those_very_units_arrive(depot, shop, lamp, candle):
    transfer = sent(depot, shop, lamp, candle)
    assert lying(lamp, state="in_transit_in") == {("S1", "LEEDS"): 1, ("S2", "LEEDS"): 1}
    assert lying(candle, state="in_transit_in") == {("L1", "LEEDS"): 6, ("L2", "LEEDS"): 1}

    for code in ("S1", "S2"):
        transfers.unpack(transfer, code=code, actor=JONAH)
    transfers.unpack(transfer, code="L1", quantity=6, damaged=True, actor=JONAH)
    transfers.unpack(transfer, code="L2", actor=JONAH)
    done = transfers.receive(transfer, actor=JONAH)

    assert done.status == TransferStatus.RECEIVED
    assert lying(lamp) == {("S1", "LEEDS"): 1, ("S2", "LEEDS"): 1, ("S3", "DC"): 1, ("S4", "DC"): 1}
    assert lying(candle, state="damaged") == {("L1", "LEEDS"): 6}
    balanced()


def test_only_units_that_lie_there_can_be_picked_and_a_serial_once(depot, shop, lamp, candle):
    movements.damage(lamp.pk, depot.pk, 1, serials=("S4",), key="broken", **ABOUT)
    transfer = approved(depot, shop, (lamp, 3), (candle, 12))

    codes = {}
    transfers.pick(transfer, code="S1", actor=CHEN)
    for code, quantity in (("LAMP", 1), ("S1", 1), ("S4", 1), ("L2", 6), ("S9", 1)):
        with pytest.raises(Refusal) as found:
            transfers.pick(transfer, code=code, quantity=quantity, actor=CHEN)
        codes[code] = found.value.code

    assert codes == {
        "LAMP": "name_needed", "S1": "scanned_already", "S4": "not_here", "L2": "not_here", "S9": "unknown_name",
    }  # fmt: skip
    assert dict(TransferLine.objects.values_list("item__sku", "picked")) == {"LAMP": 1, "CANDLE": 0}


def test_a_lot_that_is_short_and_one_sent_instead_are_discrepancies_of_their_own(depot, shop, lamp, candle):
    transfer = sent(depot, shop, lamp, candle)
    seen = [
        Seen(lamp.pk, 2, lots={"S1": (1, 0), "S2": (1, 0)}),
        Seen(candle.pk, 7, lots={"L1": (4, 0), "L2": (2, 0), "L9": (1, 0)}),
    ]
    with pytest.raises(Refusal) as found:
        transfers.take_in(transfer, seen, actor=JONAH)
    assert "CANDLE L1 4 of 6" in found.value.message

    transfers.take_in(transfer, seen, accept_differences=True, actor=JONAH)

    standing = {each.code: (each.kind, each.quantity) for each in TransferDiscrepancy.objects.all()}
    assert standing == {"L1": ("SHORT", 2), "L2": ("OVER", 1), "L9": ("MISSHIPPED", 1)}
    assert Case.objects.count() == 3
    assert lying(candle, state="in_transit_in") == {("L1", "LEEDS"): 2}
    balanced()

    for each in TransferDiscrepancy.objects.all():
        answer = {"L1": Resolution.NEVER_LEFT, "L2": Resolution.FROM_ORIGIN, "L9": Resolution.WAS_OURS}[each.code]
        done = transfers.resolve(each.pk, answer, actor=AMIRA)
    assert done.transfer.status in {TransferStatus.RECEIVED, TransferStatus.DISCREPANT}
    assert lying(candle) == {
        ("L1", "DC"): 6, ("L2", "DC"): 3, ("L1", "LEEDS"): 4, ("L2", "LEEDS"): 2, ("L9", "LEEDS"): 1,
    }  # fmt: skip
    assert not Case.objects.filter(is_open=True).exists()
    balanced()


def test_another_serial_than_was_sent_is_booked_when_somebody_says_so(depot, shop, lamp, candle):
    transfer = sent(depot, shop, lamp, candle)
    for code in ("S1", "L2"):
        transfers.unpack(transfer, code=code, actor=JONAH)
    transfers.unpack(transfer, code="L1", quantity=6, actor=JONAH)
    with pytest.raises(Refusal) as foreign:
        transfers.unpack(transfer, code="S3", actor=JONAH)
    transfers.unpack(transfer, code="S3", unexpected=True, actor=JONAH)

    transfers.receive(transfer, accept_differences=True, actor=JONAH)
    assert foreign.value.code == "not_on_this_transfer"
    assert lying(lamp) == {("S1", "LEEDS"): 1, ("S3", "DC"): 1, ("S4", "DC"): 1}
    balanced()

    answers = {"S2": Resolution.NEVER_LEFT, "S3": Resolution.FROM_ORIGIN}
    for each in TransferDiscrepancy.objects.all():
        transfers.resolve(each.pk, answers[each.code], actor=AMIRA)

    assert lying(lamp) == {("S1", "LEEDS"): 1, ("S3", "LEEDS"): 1, ("S2", "DC"): 1, ("S4", "DC"): 1}
    assert TransferLot.objects.get(code="S3").received == 1
    balanced()


def test_a_report_that_names_other_numbers_than_its_sums_is_refused_whole(depot, shop, lamp, candle):
    transfer = sent(depot, shop, lamp, candle)

    for seen in (Seen(lamp.pk, 2), Seen(lamp.pk, 2, lots={"S1": (1, 0)}), Seen(lamp.pk, 2, lots={"S1": (2, 0)})):
        with pytest.raises(Invalid):
            transfers.take_in(transfer, [seen], accept_differences=True, actor=JONAH)

    assert TransferLine.objects.filter(found__gt=0).count() == 0


def test_what_could_not_be_picked_is_counted_by_name_and_a_kit_is_listed_by_its_parts(depot, shop, lamp, candle):
    transfer = approved(depot, shop, (lamp, 2))
    transfers.pick(transfer, code="S1", actor=CHEN)
    transfers.finish_pick(transfer, actor=CHEN)
    transfers.ship(transfer, actor=CHEN)
    kit = ItemFactory(sku="SET")
    kits.define(kit.pk, {lamp.pk: 1}, actor=SYSTEM)

    with pytest.raises(Refusal) as found:
        approved(depot, shop, (kit, 1))

    assert lying(lamp, state="in_transit_in") == {("S1", "LEEDS"): 1}
    assert depot.counts.get().lines.get().item == lamp
    assert found.value.code == "is_kit"
    assert "1 of LAMP" in found.value.message
    balanced()
