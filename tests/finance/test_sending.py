"""Postings on their way into an ERP that loses answers, refuses, goes away and comes back: one sale each, whatever."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import actors, outbox
from core.errors import TryLater
from exceptions.models import Case
from finance.models import Posting, Status
from finance.services import postings
from integrations.erp import registry, sending
from integrations.models import Connection
from tests.finance import making

pytestmark = pytest.mark.django_db

SKUS = ("TEE-NVY-M", "CAP")


@pytest.fixture
def connected(erp):
    erp.add_products(*SKUS)
    return erp.connect()


def prepared(*lines, **more):
    return Posting.objects.get(pk=postings.prepare(making.order(*lines, **more).pk))


def confirmed(erp, reference):
    return [sale for sale in erp.sales(reference) if sale["state"] == "processing"]


def test_a_posting_becomes_one_confirmed_sale_with_our_total(erp, connected):
    posting = prepared(
        {"ordered": 2, "price": "19.90", "discount": "3.98", "tax": "7.16"},
        {"sku": "CAP", "price": "5.05", "tax": "1.01"},
        shipping="4.90",
    )

    sending.send(posting.pk)
    sending.send(posting.pk)

    posting.refresh_from_db()
    (sale,) = erp.sales()
    assert sale["state"] == "processing"
    assert sale["reference"] == posting.reference
    assert Decimal(sale["total_amount"]) == posting.total == posting.erp_total
    assert (posting.status, posting.erp_number) == (Status.POSTED, sale["number"])
    assert posting.connection_name == "Tryton"
    assert posting.lease_token is None
    assert posting.attempts == 1


@pytest.mark.parametrize("step", ["create", "quote", "confirm"])
def test_a_lost_answer_makes_no_second_sale(erp, connected, step):
    erp.control(lose_next={step: 1})
    posting = prepared()

    with pytest.raises(TryLater):
        sending.send(posting.pk)
    posting.refresh_from_db()
    assert (posting.status, posting.lease_token) == (Status.PENDING, None)
    assert posting.waiting_for
    sending.send(posting.pk)

    assert len(erp.sales()) == 1
    assert len(confirmed(erp, posting.reference)) == 1
    posting.refresh_from_db()
    assert posting.status == Status.POSTED


def test_an_answer_that_comes_after_all_leaves_one_confirmed_sale(erp, connected):
    """A request that timed out may still be carried out after the next attempt looked: two drafts of one document."""
    posting = prepared()
    erp.control(lose_next={"quote": 1})
    with pytest.raises(TryLater):
        sending.send(posting.pk)
    (draft,) = erp.sales()
    erp.control(sales=[{k: draft[k] for k in ("party", "reference", "description", "invoice_address")}])
    assert len(erp.sales()) == 2

    sending.send(posting.pk)

    (sale,) = erp.sales()
    assert (sale["id"], sale["state"]) == (draft["id"], "processing")


def test_somebody_elses_sale_under_our_reference_is_not_taken_for_ours(erp, connected):
    posting = prepared()
    erp.control(sales=[{"party": 2, "reference": posting.reference, "description": "typed in by hand"}])

    sending.send(posting.pk)

    posting.refresh_from_db()
    assert (posting.status, posting.failure_class) == (Status.REJECTED, "duplicate")
    assert len(erp.sales()) == 1


def test_an_unknown_product_is_rejected_by_name_and_goes_through_once_it_is_known(erp, connected):
    posting = prepared({"sku": "NEW-ONE"})

    sending.send(posting.pk)

    posting.refresh_from_db()
    assert (posting.status, posting.failure_class) == (Status.REJECTED, "missing_reference")
    assert "NEW-ONE" in posting.last_error
    assert posting.answer["skus"] == ["NEW-ONE"]
    case = Case.objects.get(is_open=True)
    assert (case.reason, case.subject_uid) == ("finance.posting_rejected", str(posting.pk))
    assert erp.sales() == []

    erp.add_products("NEW-ONE")
    postings.retry(posting.pk, actor=actors.SYSTEM)
    sending.send(posting.pk)

    posting.refresh_from_db()
    case.refresh_from_db()
    assert posting.status == Status.POSTED
    assert not case.is_open
    assert len(confirmed(erp, posting.reference)) == 1


def test_scarce_stock_is_a_rejection_and_its_draft_is_used_again(erp, connected):
    erp.control(available={"CAP": 0})
    posting = prepared({"sku": "CAP"})

    sending.send(posting.pk)
    posting.refresh_from_db()
    assert (posting.status, posting.failure_class) == (Status.REJECTED, "bad_value")
    assert posting.last_error == "The sale has not enough stock to be quoted."
    (draft,) = erp.sales()

    erp.control(available={"CAP": 5})
    postings.retry(posting.pk, actor=actors.SYSTEM)
    sending.send(posting.pk)

    (sale,) = erp.sales()
    assert (sale["id"], sale["state"]) == (draft["id"], "processing")


def test_a_draft_of_an_older_version_is_replaced(erp, connected):
    erp.control(available={"CAP": 0})
    posting = prepared({"sku": "CAP", "price": "7"})
    sending.send(posting.pk)
    erp.control(available={"CAP": 5})
    posting.order.lines.update(unit_price=8)
    making.settle(posting.order)
    postings.retry(posting.pk, actor=actors.SYSTEM)

    sending.send(posting.pk)

    (sale,) = erp.sales()
    assert (sale["state"], Decimal(sale["total_amount"])) == ("processing", Decimal(8))


def test_tax_no_tax_of_tryton_comes_to_is_booked_as_collected(erp, connected):
    posting = prepared({"price": "100", "tax": "8.88"})

    sending.send(posting.pk)

    posting.refresh_from_db()
    (sale,) = erp.sales()
    assert posting.status == Status.POSTED
    assert (Decimal(sale["tax_amount"]), Decimal(sale["total_amount"])) == (0, Decimal("108.88"))


def test_cents_of_rounding_become_a_line_of_their_own(erp, connected):
    posting = prepared(*[{"sku": sku, "price": "0.33", "tax": "0.07"} for sku in ("TEE-NVY-M", "CAP")])

    sending.send(posting.pk)

    (sale,) = erp.sales()
    assert Decimal(sale["total_amount"]) == posting.total == Decimal("0.80")
    assert len(sale["lines"]) == 3


def test_a_difference_too_large_is_rejected_with_both_figures(erp, connected):
    connected.settings["tolerance"] = "0.001"
    connected.save()
    posting = prepared(*[{"sku": sku, "price": "0.33", "tax": "0.07"} for sku in ("TEE-NVY-M", "CAP")])

    sending.send(posting.pk)

    posting.refresh_from_db()
    assert posting.status == Status.REJECTED
    assert posting.last_error == "Tryton reckons $0.79, Backroom $0.80: a difference of −$0.01."
    assert confirmed(erp, posting.reference) == []


def test_tax_inside_prices_comes_to_the_same_total(erp, connected):
    posting = prepared({"ordered": 3, "price": "19.99", "tax": "10"}, shipping="5.00", tax_included=True)

    sending.send(posting.pk)

    (sale,) = erp.sales()
    assert Decimal(sale["total_amount"]) == posting.total == Decimal("64.97")


def test_an_amount_no_unit_price_gives_is_split_to_the_cent(erp, connected):
    posting = prepared({"ordered": 700, "price": "1", "discount": "233.33"})

    sending.send(posting.pk)

    (sale,) = erp.sales()
    assert Decimal(sale["total_amount"]) == posting.total == Decimal("466.67")


def test_each_buyer_gets_a_party_when_the_settings_say_so(erp):
    erp.add_products(*SKUS)
    erp.connect(customers="email")
    first, second = prepared(), prepared(buyer_email="ADA@example.com")
    other = prepared(buyer_email="bob@example.com")

    for posting in (first, second, other):
        sending.send(posting.pk)

    parties = [sale["party"] for sale in erp.sales()]
    assert parties[0] == parties[1] != parties[2]


# --- The connection itself -----------------------------------------------------------------------------------------


def test_a_paused_connection_lets_the_posting_wait_without_spending_attempts(erp, connected):
    connected.status, connected.status_reason = Connection.Status.PAUSED, "Tryton isn't started in this demo."
    connected.save()
    posting = prepared()

    with pytest.raises(TryLater) as later:
        sending.send(posting.pk)

    assert not later.value.spends_attempt
    posting.refresh_from_db()
    assert (posting.status, posting.attempts) == (Status.PENDING, 0)
    assert posting.waiting_for == "Tryton is paused: Tryton isn't started in this demo."
    assert erp.sales() == []


def test_without_an_erp_the_posting_waits_and_says_so():
    posting = prepared()

    with pytest.raises(TryLater) as later:
        sending.send(posting.pk)

    assert not later.value.spends_attempt
    posting.refresh_from_db()
    assert posting.waiting_for == "No ERP is connected."


def test_a_wrong_key_rejects_no_posting(erp, connected):
    connected.keep_secret("key", "wrong", retire_others=True)
    posting = prepared()

    with pytest.raises(TryLater):
        sending.send(posting.pk)

    posting.refresh_from_db()
    connected.refresh_from_db()
    assert posting.status == Status.PENDING
    assert "credentials" in posting.waiting_for
    assert connected.health == Connection.Health.TROUBLED
    assert not Case.objects.exists()


def test_an_erp_that_went_away_gets_the_sale_when_it_is_back(erp, connected):
    posting = prepared()
    erp.stop()

    with pytest.raises(TryLater) as later:
        sending.send(posting.pk)
    assert later.value.spends_attempt
    erp.start()
    sending.send(posting.pk)

    posting.refresh_from_db()
    assert posting.status == Status.POSTED
    assert len(erp.sales()) == 1


def test_a_channel_may_have_an_erp_of_its_own(erp, connected):
    own = Connection.objects.create(
        code="own", name="Own", kind="ERP", vendor="tryton", settings={"channels": ["webshop"]}
    )

    assert registry.connection_for("webshop") == own
    assert registry.connection_for("market") == connected
    own.status = Connection.Status.DISABLED
    own.save()
    assert registry.connection_for("webshop") == connected


def test_ping_says_who_answers(erp, connected):
    assert registry.port(connected).ping() == "Tryton answers for Demo (USD)."


def test_a_completed_order_reaches_the_erp_through_the_outbox(erp, connected):
    order = making.order()
    making.complete(order)
    making.complete(order)

    tally = outbox.drain()

    assert (tally.failed, tally.dead) == (0, 0)
    posting = Posting.objects.get(order=order)
    assert posting.status == Status.POSTED
    assert len(confirmed(erp, order.number)) == 1
