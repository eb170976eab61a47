"""Postings: one per shipped order, balanced, sent by one worker at a time, and a case where the ERP says no."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from core import actors, audit
from core.errors import Refusal, TryLater
from core.models import Event
from exceptions.models import Case
from finance.models import Charge, Posting, PostingLine, Status
from finance.services import postings
from tests.finance import making

pytestmark = pytest.mark.django_db


def claim(posting_id, *, seconds=30):
    return postings.claim(posting_id, connection_uid="c1", connection_name="ERP", seconds=seconds)


def confirm(held, number="S1", total="10"):
    postings.confirmed(held, number=number, erp_id="7", total=Decimal(total), answer={}, actor=actors.SYSTEM)


def reject(held, reason="no product", failure_class="missing_reference"):
    postings.rejected(
        held, reason=reason, failure_class=failure_class, answer={"skus": ["TEE-NVY-M"]}, actor=actors.SYSTEM
    )


def broken(prefix="finance."):
    return [finding.invariant.name for finding in audit.audit(prefix) if finding.broken]


def test_a_shipped_order_is_prepared_once_however_often_it_is_told():
    order = making.order({"ordered": 2, "price": "19.90", "tax": "3.98"}, shipping="4.90")

    first = postings.prepare(order.pk)
    again = postings.prepare(order.pk)

    posting = Posting.objects.get()
    assert first == again == posting.pk
    assert posting.total == order.total == Decimal("48.68")
    assert (posting.reference, posting.status) == (order.number, Status.PENDING)
    assert Event.objects.filter(type="posting.prepared", subject_uid=str(posting.pk)).count() == 1
    assert sum(line.debit - line.credit for line in posting.lines.all()) == 0
    assert sum(charge.amount for charge in Charge.objects.all()) == posting.total
    assert broken() == []


@pytest.mark.parametrize(
    "given",
    [
        [{"ordered": 2, "fulfilled": 1, "open": 1}],
        [{"ordered": 2, "fulfilled": 1, "allocated": 1}],
        [{"ordered": 1, "cancelled": 1}],
        [{"ordered": 1, "fulfilled": 1, "shipped_here": 0}],
    ],
    ids=["units still open", "units still allocated", "all cancelled", "left before our time"],
)
def test_nothing_is_prepared_before_we_shipped_everything(given):
    order = making.order(*given)

    assert postings.prepare(order.pk) is None
    assert not Posting.objects.exists()
    assert broken() == []


def test_a_test_order_never_reaches_the_books():
    assert postings.prepare(making.order(test=True).pk) is None
    assert not Posting.objects.exists()


def test_units_added_later_make_a_posting_of_their_own():
    order = making.order({"price": "10"}, shipping="5")
    postings.prepare(order.pk)
    making.line(order, 2, sku="CAP", ordered=2, price="7")
    making.settle(order)

    assert "finance.shipped_orders_are_posted" in broken()
    postings.prepare(order.pk)
    postings.prepare(order.pk)

    made = list(Posting.objects.order_by("sequence").values_list("reference", "total"))
    assert made == [(order.number, Decimal(15)), (f"{order.number}-2", Decimal(14))]
    assert broken() == []


def test_lines_that_do_not_balance_are_refused_at_commit():
    posting = Posting.objects.get(pk=postings.prepare(making.order().pk))
    PostingLine.objects.create(posting=posting, position=9, account="sales", debit=1)

    with pytest.raises(IntegrityError, match="does not balance"), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS a_posting_balances IMMEDIATE")


def test_a_posted_documents_lines_stay():
    posting_id = postings.prepare(making.order().pk)
    confirm(claim(posting_id))

    with pytest.raises(IntegrityError, match="stay as they were sent"), transaction.atomic():
        PostingLine.objects.filter(posting_id=posting_id).update(note="changed")


def test_charges_are_never_changed():
    postings.prepare(making.order().pk)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Charge.objects.update(amount=1)


def test_only_one_worker_has_a_posting_in_hand():
    posting_id = postings.prepare(making.order().pk)
    held = claim(posting_id)

    with pytest.raises(TryLater) as refused:
        claim(posting_id)

    assert not refused.value.spends_attempt
    confirm(held)
    assert claim(posting_id) is None


def test_a_worker_that_lost_its_lease_changes_nothing():
    posting_id = postings.prepare(making.order().pk)
    late = claim(posting_id, seconds=-1)
    held = claim(posting_id)

    for step in (
        lambda: postings.keep(late, erp_id="99"),
        lambda: confirm(late, "S99"),
        lambda: reject(late),
    ):
        with pytest.raises(TryLater):
            step()

    postings.give_back(late, "no matter")
    assert not Case.objects.exists()
    confirm(held, "S1")
    assert Posting.objects.get().erp_number == "S1"


def test_what_one_attempt_learnt_the_next_one_knows():
    posting_id = postings.prepare(making.order().pk)
    held = claim(posting_id)
    postings.keep(held, erp_id="41")
    postings.give_back(held, "The ERP did not answer.")

    again = claim(posting_id)

    assert again.erp_id == "41"
    assert Posting.objects.get().attempts == 2


def test_a_rejection_opens_a_case_that_only_the_erps_acceptance_clears():
    order = making.order({"price": "10"})
    posting_id = postings.prepare(order.pk)

    reject(claim(posting_id))
    posting = Posting.objects.get()
    assert (posting.status, posting.failure_class) == (Status.REJECTED, "missing_reference")
    case = Case.objects.get()
    assert (case.reason, case.is_open, case.value) == ("finance.posting_rejected", True, Decimal(10))

    postings.retry(posting_id, actor=actors.SYSTEM)
    case.refresh_from_db()
    assert case.is_open

    reject(claim(posting_id), "still none")
    postings.retry(posting_id, actor=actors.SYSTEM)
    confirm(claim(posting_id))

    case.refresh_from_db()
    assert (case.is_open, case.outcome, case.occurrences) == (False, "cleared", 2)
    assert Case.objects.count() == 1
    assert Posting.objects.get().status == Status.POSTED
    assert broken() == []


def test_a_retry_sends_the_order_as_it_stands_now():
    order = making.order({"price": "10"})
    posting_id = postings.prepare(order.pk)
    reject(claim(posting_id))
    order.lines.update(unit_price=12)
    making.settle(order)

    posting = postings.retry(posting_id, actor=actors.SYSTEM)

    assert posting.total == Decimal(12)
    assert posting.document["total"] == "12"
    assert {one.account: one.debit - one.credit for one in posting.lines.all()} == {"receivable": 12, "sales": -12}
    assert broken() == []


def test_a_retry_with_an_old_version_is_refused():
    posting_id = postings.prepare(making.order().pk)
    reject(claim(posting_id))

    with pytest.raises(Refusal) as refused:
        postings.retry(posting_id, version=1, actor=actors.SYSTEM)

    assert refused.value.code == "stale"
    assert Posting.objects.get().status == Status.REJECTED


def test_a_posting_that_is_not_rejected_is_not_sent_again():
    posting_id = postings.prepare(making.order().pk)

    with pytest.raises(Refusal) as refused:
        postings.retry(posting_id, actor=actors.SYSTEM)

    assert refused.value.code == "bad_move"


def test_the_audit_notices_a_shipped_order_nobody_posted():
    making.order()

    assert broken() == ["finance.shipped_orders_are_posted"]
