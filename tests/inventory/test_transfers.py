"""Transfers, from the request to the last discrepancy."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core import audit
from core.actors import SYSTEM, Actor
from core.errors import Invalid, Refusal
from exceptions.models import Case
from exceptions.services import cases
from inventory.models import (
    Count,
    ExpectedReceipt,
    LocationStatus,
    Reservation,
    Resolution,
    Stock,
    Transfer,
    TransferDiscrepancy,
    TransferLine,
    TransferStatus,
)
from inventory.services import counts, reservations, transfers
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
JONAH, AMIRA, CHEN = (Actor("PERSON", str(n), name) for n, name in enumerate(("Jonah", "Amira", "Chen")))


@pytest.fixture
def coat() -> Stock:
    item = ItemFactory(sku="COAT", gtin="2000000010014", unit_cost=Decimal(20), cost_currency="GBP")
    return StockFactory(item=item, location=LocationFactory(code="DC", name="Warehouse"), sellable=10)


@pytest.fixture
def shop():
    return LocationFactory(code="LEEDS", name="Leeds", kind="STORE")


def asked(coat: Stock, shop, units: int = 4) -> int:
    return transfers.request(coat.location_id, shop.pk, [(coat.item_id, units)], actor=JONAH)


def sent(coat: Stock, shop, units: int = 4) -> int:
    transfer = asked(coat, shop, units)
    transfers.approve(transfer, actor=AMIRA)
    transfers.pick(transfer, code="COAT", quantity=units, actor=CHEN)
    transfers.ship(transfer, actor=CHEN)
    return transfer


def stock(coat: Stock, place=None) -> tuple[int, int, int]:
    row = Stock.objects.get(item=coat.item, location=place or coat.location)
    return row.sellable, row.reserved, row.in_transit_in


def balanced() -> None:
    assert [(found.invariant.name, found.examples) for found in audit.audit("inventory.") if found.broken] == []


def test_units_are_promised_on_approval_and_in_transit_once_shipped(coat, shop):
    transfer = asked(coat, shop)
    assert stock(coat) == (10, 0, 0)

    transfers.approve(transfer, actor=AMIRA)
    assert stock(coat) == (10, 4, 0)

    for _ in range(4):
        transfers.pick(transfer, code="2000000010014", actor=CHEN)
    assert Transfer.objects.get().status == TransferStatus.PICKED

    shipped = transfers.ship(transfer, carrier="Own van", actor=CHEN)
    assert (stock(coat), stock(coat, shop)) == ((6, 0, 0), (0, 0, 4))
    expected = ExpectedReceipt.objects.get()
    assert (expected.location_id, expected.due_at) == (shop.pk, shipped.due_at)
    balanced()


def test_a_box_that_holds_what_was_sent_is_received(coat, shop):
    transfer = sent(coat, shop)
    transfers.unpack(transfer, code="COAT", quantity=4, actor=JONAH)

    done = transfers.receive(transfer, actor=JONAH)

    assert done.status == TransferStatus.RECEIVED
    assert stock(coat, shop) == (4, 0, 0)
    assert not ExpectedReceipt.objects.open().exists()
    assert Case.objects.count() == 0
    balanced()


def test_nobody_approves_what_they_asked_for(coat, shop):
    transfer = asked(coat, shop)

    with pytest.raises(Refusal) as refused:
        transfers.approve(transfer, actor=JONAH)

    assert refused.value.code == "own_request"
    assert stock(coat) == (10, 0, 0)


def test_what_the_origin_cannot_spare_is_not_approved(coat, shop):
    transfer = asked(coat, shop, 11)
    line = TransferLine.objects.get()

    with pytest.raises(Refusal) as refused:
        transfers.approve(transfer, actor=AMIRA)
    assert (refused.value.code, stock(coat)) == ("not_enough_stock", (10, 0, 0))

    transfers.approve(transfer, quantities={line.pk: 7}, actor=AMIRA)
    assert stock(coat) == (10, 7, 0)


def test_what_is_not_on_the_shelf_is_given_back_and_counted(coat, shop):
    transfer = asked(coat, shop)
    transfers.approve(transfer, actor=AMIRA)
    transfers.pick(transfer, code="COAT", quantity=3, actor=CHEN)

    transfers.finish_pick(transfer, actor=CHEN)

    assert stock(coat) == (10, 3, 0)
    count = Count.objects.get()
    assert (count.cause_uid, count.origin, count.location) == (str(transfer), "SHORT_PICK", coat.location)
    transfers.ship(transfer, actor=CHEN)
    assert stock(coat, shop) == (0, 0, 3)
    balanced()


def test_units_picked_for_a_transfer_are_not_missed_by_a_count(coat, shop):
    transfer = asked(coat, shop)
    transfers.approve(transfer, actor=AMIRA)
    transfers.pick(transfer, code="COAT", quantity=3, actor=CHEN)
    count = counts.request(coat.location_id, [coat.item_id], cause=None, actor=AMIRA)

    for _ in range(7):
        counts.scan(count, code="COAT", actor=CHEN)
    counts.finish(count, actor=CHEN)

    assert stock(coat) == (10, 4, 0)


def test_a_short_box_leaves_the_rest_in_transit_with_a_case(coat, shop):
    transfer = sent(coat, shop)
    transfers.unpack(transfer, code="COAT", quantity=3, actor=JONAH)

    with pytest.raises(Refusal) as refused:
        transfers.receive(transfer, actor=JONAH)
    assert (refused.value.code, stock(coat, shop)) == ("differs", (0, 0, 4))
    done = transfers.receive(transfer, accept_differences=True, actor=JONAH)

    assert (done.status, stock(coat, shop)) == (TransferStatus.DISCREPANT, (3, 0, 1))
    case = Case.objects.get(reason="inventory.transfer_short")
    assert (case.value, case.is_open) == (Decimal("20.0000"), True)
    assert not ExpectedReceipt.objects.open().exists()
    balanced()


@pytest.mark.parametrize(
    ("resolution", "at_origin", "at_destination"),
    [("ARRIVED", 6, (4, 0, 0)), ("LOST", 6, (3, 0, 0)), ("NEVER_LEFT", 7, (3, 0, 0))],
)
def test_a_missing_unit_is_settled_by_a_movement_and_the_case_clears(coat, shop, resolution, at_origin, at_destination):
    transfer = sent(coat, shop)
    transfers.unpack(transfer, code="COAT", quantity=3, actor=JONAH)
    transfers.receive(transfer, accept_differences=True, actor=JONAH)
    discrepancy = TransferDiscrepancy.objects.get()

    for _ in range(2):
        transfers.resolve(discrepancy.pk, resolution, actor=AMIRA)
    with pytest.raises(Refusal) as refused:
        transfers.resolve(discrepancy.pk, {"LOST": "ARRIVED"}.get(resolution, "LOST"), actor=AMIRA)

    assert refused.value.code == "resolved_already"
    assert (stock(coat)[0], stock(coat, shop)) == (at_origin, at_destination)
    assert Transfer.objects.get().status == TransferStatus.RECEIVED
    assert not Case.objects.get().is_open
    balanced()


def test_more_than_was_sent_is_booked_as_found_until_the_origin_is_put_right(coat, shop):
    transfer = sent(coat, shop)
    transfers.unpack(transfer, code="COAT", quantity=6, actor=JONAH)
    transfers.receive(transfer, accept_differences=True, actor=JONAH)
    assert (stock(coat)[0], stock(coat, shop)) == (6, (6, 0, 0))
    assert Case.objects.get().reason == "inventory.transfer_over"
    balanced()

    transfers.resolve(TransferDiscrepancy.objects.get().pk, "FROM_ORIGIN", actor=AMIRA)

    assert stock(coat)[0] == 4
    balanced()


def test_the_wrong_item_needs_a_word_and_opens_a_case(coat, shop):
    hat = StockFactory(item=ItemFactory(sku="HAT"), location=coat.location, sellable=5)
    transfer = sent(coat, shop)
    transfers.unpack(transfer, code="COAT", quantity=3, actor=JONAH)

    with pytest.raises(Refusal) as refused:
        transfers.unpack(transfer, code="HAT", actor=JONAH)
    transfers.unpack(transfer, code="HAT", unexpected=True, actor=JONAH)
    transfers.receive(transfer, accept_differences=True, actor=JONAH)

    assert refused.value.code == "not_on_this_transfer"
    assert {case.reason for case in Case.objects.all()} == {"inventory.transfer_short", "inventory.transfer_misshipped"}
    assert stock(hat, shop) == (1, 0, 0)
    transfers.resolve(TransferDiscrepancy.objects.get(kind="MISSHIPPED").pk, "FROM_ORIGIN", actor=AMIRA)
    assert Transfer.objects.get().status == TransferStatus.DISCREPANT
    transfers.resolve(TransferDiscrepancy.objects.get(kind="SHORT").pk, "NEVER_LEFT", actor=AMIRA)
    assert Transfer.objects.get().status == TransferStatus.RECEIVED
    assert (stock(hat)[0], stock(coat)[0]) == (4, 7)
    balanced()


def test_damaged_units_are_received_as_damaged(coat, shop):
    transfer = sent(coat, shop)
    transfers.unpack(transfer, code="COAT", quantity=2, actor=JONAH)
    transfers.unpack(transfer, code="COAT", quantity=3, damaged=True, actor=JONAH)

    transfers.receive(transfer, accept_differences=True, actor=JONAH)

    row = Stock.objects.get(location=shop)
    assert (row.sellable, row.damaged, row.in_transit_in) == (2, 3, 0)
    balanced()


@pytest.mark.parametrize("step", ["requested", "approved", "picked"])
def test_a_cancelled_transfer_gives_every_promise_back(coat, shop, step):
    transfer = asked(coat, shop)
    if step != "requested":
        transfers.approve(transfer, actor=AMIRA)
    if step == "picked":
        transfers.pick(transfer, code="COAT", quantity=4, actor=CHEN)

    transfers.cancel(transfer, reason="Not needed", actor=AMIRA)

    assert stock(coat) == (10, 0, 0)
    assert not Reservation.objects.held().exists()
    balanced()


def test_a_step_out_of_turn_changes_nothing(coat, shop):
    transfer = asked(coat, shop)
    about = {"actor": CHEN}

    for step in (
        lambda: transfers.pick(transfer, code="COAT", **about),
        lambda: transfers.ship(transfer, **about),
        lambda: transfers.receive(transfer, **about),
        lambda: transfers.unpack(transfer, code="COAT", **about),
        lambda: transfers.approve(transfer, version=7, **about),
    ):
        with pytest.raises(Refusal):
            step()

    assert (Transfer.objects.get().status, stock(coat)) == (TransferStatus.REQUESTED, (10, 0, 0))


def test_two_lines_of_one_item_are_one(coat, shop):
    transfers.request(coat.location_id, shop.pk, [(coat.item_id, 2), (coat.item_id, 3)], actor=JONAH)

    assert TransferLine.objects.get().wanted == 5


def test_a_transfer_goes_from_an_open_place_to_another(coat, shop):
    closed = LocationFactory(status=LocationStatus.CLOSED)

    for origin, destination in ((coat.location_id, coat.location_id), (coat.location_id, closed.pk), (0, shop.pk)):
        with pytest.raises(Refusal):
            transfers.request(origin, destination, [(coat.item_id, 1)], actor=JONAH)
    for lines in ([], [(coat.item_id, 0)], [(coat.item_id, True)], [(coat.item_id, 2**70)]):
        with pytest.raises(Invalid):
            transfers.request(coat.location_id, shop.pk, lines, actor=JONAH)

    assert not Transfer.objects.exists()


def test_a_transfer_past_its_time_is_a_case_until_it_is_received(coat, shop):
    transfer = sent(coat, shop)
    Transfer.objects.update(due_at=timezone.now() - timedelta(hours=1))

    assert cases.open_standing(["inventory.transfer_late"]) == 1
    transfers.unpack(transfer, code="COAT", quantity=4, actor=JONAH)
    transfers.receive(transfer, actor=JONAH)

    assert not Case.objects.get().is_open


def test_promised_units_cannot_be_shipped_away_from_under_an_order(coat, shop):
    transfer = asked(coat, shop)
    transfers.approve(transfer, actor=AMIRA)

    held = reservations.hold("order:1", [reservations.Want("1", coat.item_id, coat.location_id, 7)], actor=SYSTEM)

    assert not held.ok
    assert Resolution.ARRIVED in transfers.choices("SHORT")
