"""Stock receipts: what comes back is the ERP's by its credit memo's own delivery, and by none where it left again."""

from __future__ import annotations

import pytest
from django.db.models import F

from core import actors
from core.errors import TryLater
from finance.models import Kind, Posting, Status
from finance.services import memos, postings
from integrations.erp import sending
from orders.models import OrderLine
from returns.services import inspection, rejected
from returns.services.inspection import Seen
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.returns import service
from tests.returns.bench import ANNA, bench_of, came_back

pytestmark = pytest.mark.django_db
HOME = {"line1": "4 Park Row", "city": "Leeds", "postal_code": "LS1 5HD", "country": "GB"}
CENTRE = {"line1": "1 Quay", "city": "Hull", "postal_code": "HU1", "country": "GB"}


@pytest.fixture
def rma(erp):
    erp.connect()
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
