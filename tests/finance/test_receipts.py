"""Stock receipts: what comes back is the ERP's by its credit memo's own delivery, and by none where it left again."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.db.models import F

from core import actors, outbox
from core.errors import TryLater
from exceptions.models import Case
from finance.models import Kind, Posting, Status
from finance.services import memos, postings
from integrations.erp import adjusting, sending
from integrations.models import StockDocument
from inventory.models import Item, KitComponent
from orders.models import OrderLine
from returns.models import ReturnLine
from returns.services import dispositions, inspection, rejected
from returns.services.inspection import Seen
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.returns import service
from tests.finance.test_adjusting import there
from tests.returns.bench import ANNA, bench_of, came_back

pytestmark = pytest.mark.django_db
HOME = {"line1": "4 Park Row", "city": "Leeds", "postal_code": "LS1 5HD", "country": "GB"}
CENTRE = {"line1": "1 Quay", "city": "Hull", "postal_code": "HU1", "country": "GB"}


@pytest.fixture
def rma(erp):
    erp.add_products("SKU-9")
    erp.connect(warehouses={"centre": "MAIN"})
    service()
    centre = LocationFactory(code="centre", name="Returns centre", returns=True, country="GB", address=CENTRE)
    made = came_back(2, at=centre, item=ItemFactory(sku="SKU-9", weight_grams=400), sent_from=HOME)
    OrderLine.objects.filter(order=made.order_id).update(shipped_here=F("fulfilled"))
    postings.prepare(made.order_id)
    return made


def receipts():
    return Posting.objects.filter(kind=Kind.STOCK_RECEIPT).order_by("pk")


def test_a_receipt_waits_for_its_memo_and_goes_by_the_delivery_behind_it(rma):
    memos.receive(rma.pk)
    memos.receive(rma.pk)
    receipt = receipts().get()

    with pytest.raises(TryLater, match="credit memo"):
        sending.send(receipt.pk)
    memo = Posting.objects.create(
        kind=Kind.RETURN_MEMO, key="memo", reference="memo", entity=receipt.entity, order=receipt.order, sequence=9,
        document={}, currency=receipt.currency, total=-5, booked_on=receipt.booked_on, status=Status.POSTED,
        erp_number="CN-1", erp_id="7", answer={"deliveries": ["IN-4"]},
    )  # fmt: skip
    receipts().update(linked=memo)
    sending.send(receipt.pk)

    receipt.refresh_from_db()
    assert [line["quantity"] for line in receipt.document["lines"]] == [2]
    assert (receipt.status, receipt.erp_number) == (Status.POSTED, "IN-4")


def test_what_was_rejected_and_sent_home_again_needs_no_document(rma):
    memos.receive(rma.pk)
    seen = inspection.inspect(bench_of(rma).pk, Seen("D", "REJECTED", 2, note="Worn out"), key="look", actor=ANNA)
    home = rejected.give_back(seen.pk, key="home", actor=ANNA)
    rejected.handed_over(home.pk, actor=actors.SYSTEM)

    memos.receive(rma.pk)
    for receipt in receipts():
        sending.send(receipt.pk)

    assert [line["quantity"] for receipt in receipts() for line in receipt.document["lines"]] == [2, -2]
    assert set(receipts().values_list("status", "erp_number")) == {(Status.POSTED, sending.NO_DOCUMENT)}


def bring():
    """What is due, twice: a receipt asks for its adjustment, and goes by its number once the ERP has that."""
    outbox.drain(hurry=True)
    for receipt in receipts().filter(status=Status.PENDING):
        with suppress(TryLater):  # within a test's transaction the outbox would take back what was written before it
            sending.send(receipt.pk)
    outbox.drain(hurry=True)


def look(rma, verdict="REJECTED", units=2):
    return inspection.inspect(
        bench_of(rma).pk, Seen("D", verdict, units, note="Worn out"), key=f"look:{verdict}", actor=actors.SYSTEM
    )


def test_rejected_goods_that_are_kept_go_by_a_document_of_their_own(erp, rma):
    seen = look(rma)
    rejected.keep(seen.pk, quantity=1, words="Keep it, she says", key="keep", actor=ANNA)
    rejected.scrap(seen.pk, words="Bin the other one", key="bin", actor=ANNA)

    bring()

    made = StockDocument.objects.order_by("pk")
    kept = [each for each in receipts() if each.cause_kind == memos.OF_KEPT]
    assert sum(line["quantity"] for each in kept for line in each.document["lines"]) == 2
    assert {each.document["location"] for each in kept} == {"centre"}
    assert [each.erp_number for each in kept] == [each.erp_number for each in made]
    assert {each.document["direction"] for each in made} == {"found"}
    assert set(receipts().values_list("status", flat=True)) == {Status.POSTED}
    (move,) = there(made[0].connection)[0]["moves"][0][1]
    assert move["quantity"] == made[0].document["lines"][0]["quantity"]


def test_only_what_was_kept_leaves_the_receipt_that_waits_for_a_memo(rma):
    look(rma, "ACCEPTED", 1)
    rejected.keep(look(rma, units=1).pk, words="Keep it", key="keep", actor=ANNA)

    bring()

    waiting = [each for each in receipts() if each.status == Status.PENDING]
    assert sum(line["quantity"] for each in waiting for line in each.document["lines"]) == 1
    assert {each.cause_kind for each in waiting} == {memos.OF_MEMO}
    assert "credit memo" in waiting[0].waiting_for
    assert StockDocument.objects.get().document["lines"] == [{"sku": "SKU-9", "quantity": 1}]


def test_rejected_goods_that_are_missing_are_the_erps_before_they_are_lost_there(rma):
    seen = look(rma)

    dispositions.dispose(seen.pk, "MISSING", key="gone", actor=ANNA)
    outbox.drain(hurry=True)

    (kept,) = [each for each in receipts() if each.cause_kind == memos.OF_KEPT]
    assert [line["quantity"] for line in kept.document["lines"]] == [2]


def test_an_adjustment_the_erp_refuses_is_one_case_and_the_receipt_says_so(erp, rma):
    Item.objects.filter(sku="SKU-9").update(sku="NEW-ONE")
    ReturnLine.objects.filter(request=rma).update(sku="NEW-ONE")
    rejected.keep(look(rma).pk, words="Keep them", key="keep", actor=ANNA)
    bring()
    with pytest.raises(TryLater):
        sending.send(receipts().get(cause_kind=memos.OF_KEPT).pk)

    (kept,) = [each for each in receipts() if each.cause_kind == memos.OF_KEPT]
    assert "NEW-ONE" in kept.waiting_for
    assert not Case.objects.filter(reason="finance.posting_rejected", subject_uid=str(kept.pk)).exists()

    erp.add_products("NEW-ONE")
    adjusting.retry(StockDocument.objects.get().pk, actor=actors.SYSTEM)
    outbox.drain(hurry=True)
    sending.send(kept.pk)
    kept.refresh_from_db()
    assert (kept.status, kept.erp_number) == (Status.POSTED, StockDocument.objects.get().erp_number)


def test_units_of_a_kit_reach_the_erp_as_its_parts(db):
    kit, part = ItemFactory(sku="KIT", is_kit=True), ItemFactory(sku="PART")
    KitComponent.objects.create(kit=kit, part=part, quantity=3)

    assert sending._units([{"sku": "KIT", "quantity": 2}, {"sku": "PART", "quantity": 1}]) == {"PART": 7}
