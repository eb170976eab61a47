"""Businesses buy on terms: up to a limit, after somebody's word, for a day they name."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Refusal
from core.models import Event
from exceptions.models import Case
from orders import canonical, due
from orders.models import Account, Approval, FulfilmentOrder, Hold, HoldStatus, Order, Payment
from orders.services import accounts, approving, changing, credit, fulfilment, notes, releasing
from orders.services.accounts import Draft
from tests.factories.accounts import AccountFactory
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming, incoming_line, place

pytestmark = pytest.mark.django_db
PERSON = Actor("PERSON", "7", "Femi Cole")


@pytest.fixture(autouse=True)
def stocked():
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=1_000)


@pytest.fixture
def buyer():
    return AccountFactory(code="HALDEN", name="Halden Ltd", credit_limit=Decimal(100))


def bought(units, ref, **fields):
    """An order on account, at 10.00 a unit."""
    fields = {"account": "HALDEN", "payment_state": "pending"} | fields
    return place(incoming_line(quantity=units), channel_ref=ref, **fields)


def standing(order):
    return set(Hold.objects.standing().filter(order=order).values_list("type", flat=True))


def test_an_order_on_terms_waits_for_no_payment_and_takes_the_accounts_terms(buyer):
    order = bought(3, "1", po_number="PO-77")

    assert (order.account, order.payment_terms, order.po_number) == (buyer, "NET30", "PO-77")
    assert not standing(order)
    assert fulfilment.create(order.pk)


def test_what_is_paid_in_advance_still_waits_for_its_payment(buyer):
    assert standing(bought(3, "1", payment_terms="PREPAID")) == {"PAYMENT"}


def test_an_order_over_the_limit_is_held_and_takes_no_credit_from_the_others(buyer):
    first = bought(6, "1")
    second = bought(5, "2")
    third = bought(4, "3")

    assert not standing(first)
    assert standing(second) == {"CREDIT"}
    assert "£50.00 on top of £60.00 owed is over the limit of £100.00" in Hold.objects.get(order=second).reason
    assert not standing(third)
    assert not fulfilment.create(second.pk)
    owed = credit.exposures([buyer.pk])[buyer.pk]
    assert (owed.total, owed.orders, owed.held, owed.held_orders) == (100, 2, 50, 1)


def test_exposure_is_what_nobody_paid_of_what_was_not_cancelled(buyer):
    order = bought(5, "1", shipping_total=Decimal(10), total=Decimal(60), payment_state="partially_paid")
    Payment.objects.create(order=order, provider_ref="p", kind="captured", amount=20, currency="GBP", at=timezone.now())
    other = bought(2, "2")
    changing.cancel(other.pk, actor=PERSON)
    bought(3, "3", payment_state="paid")
    bought(1, "4", currency="EUR")

    owed = credit.exposures([buyer.pk])[buyer.pk]

    assert (owed.total, owed.orders, owed.foreign) == (Decimal(40), 1, 1)
    assert owed.held_orders == 0
    assert standing(Order.objects.get(channel_ref="4")) == {"CREDIT"}


def test_units_that_left_are_unpaid_and_the_rest_is_open(buyer):
    order = bought(5, "1")
    line = order.lines.get()
    type(line).objects.filter(pk=line.pk).update(allocated=2, fulfilled=3, shipped_here=3)

    owed = credit.exposures([buyer.pk])[buyer.pk]

    assert (owed.open, owed.unpaid) == (20, 30)


def test_credit_that_comes_free_goes_to_the_oldest_order_that_waits(buyer):
    first = bought(8, "1")
    second, third = bought(7, "2"), bought(6, "3")
    assert approving.reweigh_waiting() == 0

    changing.cancel(first.pk, actor=PERSON)
    moved = approving.reweigh_waiting()

    assert moved == 1
    assert (standing(second), standing(third)) == (set(), {"CREDIT"})
    assert Event.objects.filter(type="hold.resolved", subject_uid=str(second.pk)).exists()


def test_a_person_lets_an_order_through_as_it_stands_and_no_further(buyer):
    order = bought(12, "1")

    approving.approve(order.pk, kind="CREDIT", actor=PERSON, note="Paid by phone", version=order.version)
    assert not standing(order)
    with pytest.raises(Refusal, match="doesn't wait"):
        approving.approve(order.pk, kind="CREDIT", actor=PERSON)

    bought(15, "1", version=2)

    assert standing(order) == {"CREDIT"}
    said = Approval.objects.get()
    assert (said.total, said.actor_label, said.note) == (Decimal(120), "Femi Cole", "Paid by phone")
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.update(total=1)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"on_stop": True}, "is on stop"),
        ({"payment_terms": "NET14"}, "NET30 is asked, NET14 is agreed"),
        ({"currency": "EUR"}, "The limit is in EUR"),
    ],
)
def test_stop_longer_terms_and_another_currency_need_a_person(buyer, changed, why):
    Account.objects.update(**changed)

    order = bought(1, "1", payment_terms="NET30")

    assert why in Hold.objects.get(order=order, type="CREDIT").reason


def test_orders_above_a_worth_are_approved_before_they_are_picked(buyer):
    Account.objects.update(requires_approval=True, approval_above=Decimal(50), credit_limit=None)
    small, large = bought(5, "1"), bought(6, "2")

    assert (standing(small), standing(large)) == (set(), {"APPROVAL"})
    assert not fulfilment.create(large.pk)
    approving.approve(large.pk, kind="APPROVAL", actor=PERSON)

    assert fulfilment.create(large.pk)


def test_an_unknown_account_keeps_the_order_held_until_somebody_makes_it():
    order = bought(3, "1", account="NEWCO")
    assert standing(order) == {"CREDIT", "PAYMENT"}
    assert Case.objects.get().reason == "orders.unknown_account"
    with pytest.raises(Refusal, match="Make it known"):
        approving.approve(order.pk, kind="CREDIT", actor=PERSON)

    made = accounts.make("NEWCO", Draft(name="Newco", currency="GBP"), actor=PERSON)
    approving.reweigh_account(made.pk)

    order.refresh_from_db()
    assert (order.account, order.payment_terms, standing(order)) == (made, "NET30", set())
    assert not Case.objects.get().is_open


def test_an_account_of_one_channel_is_unknown_at_another(buyer):
    Account.objects.update(channel=ChannelFactory(code="wholesale"))

    assert bought(1, "1").account is None


def test_a_raised_limit_frees_what_waits_and_a_stale_form_changes_nothing(buyer):
    order = bought(12, "1")
    draft = Draft(name="Halden", currency="GBP", credit_limit=Decimal(500))

    accounts.change(buyer.pk, draft, actor=PERSON, version=1)
    approving.reweigh_account(buyer.pk)
    with pytest.raises(Refusal) as stale:
        accounts.change(buyer.pk, Draft(name="X", currency="GBP"), actor=PERSON, version=1)

    assert not standing(order)
    assert stale.value.code == "stale"
    assert Account.objects.get().name == "Halden"


def test_an_account_names_every_field_that_is_wrong():
    with pytest.raises(Invalid) as wrong:
        accounts.make(
            "a/b",
            Draft(name=" ", currency="XXX", payment_terms="NET0", credit_limit=Decimal(-1), approval_above=Decimal(1)),
            actor=PERSON,
        )

    assert {p.path for p in wrong.value.problems} == {
        "code", "name", "currency", "payment_terms", "credit_limit", "approval_above",
    }  # fmt: skip
    assert not Account.objects.exists()


def test_terms_without_an_account_contradict_themselves():
    with pytest.raises(Invalid, match="payment terms"):
        incoming(payment_terms="NET30")


def test_nothing_is_released_before_the_eve_of_the_day_it_is_wanted(buyer):
    near, far = timezone.now().date() + timedelta(days=1), timezone.now().date() + timedelta(days=9)
    soon = bought(1, "1", requested_ship_on=near)
    later = bought(1, "2", requested_ship_on=far)
    assert not fulfilment.create(later.pk)

    assert releasing.release_requested() == 1

    work = FulfilmentOrder.objects.get()
    assert work.order == soon
    assert work.due_at.date() >= near
    assert later.lines.get().allocated == 1


def test_work_for_a_day_is_due_that_day_or_after_its_sunday():
    monday = canonical.datetime(2026, 3, 2, 9, tzinfo=canonical.UTC)

    assert due.due_at(monday, method="SHIP", time_zone="UTC", not_before=date(2026, 3, 5)).day == 5
    assert due.due_at(monday, method="SHIP", time_zone="UTC", not_before=date(2026, 3, 8)).day == 9
    assert due.releases_at(date(2026, 3, 5), "America/New_York").isoformat() == "2026-03-04T05:00:00+00:00"


def test_a_note_stays_as_it_was_written():
    order = place()

    made = notes.write(order.pk, text="  Rang the customer.\0 ", actor=PERSON)

    assert (made.text, made.author_label) == ("Rang the customer.", "Femi Cole")
    assert Event.objects.get(type="order.noted").data["text"] == "Rang the customer."
    with pytest.raises(IntegrityError), transaction.atomic():
        made.delete()
    for text in ("", " \0", "x" * 4_001):
        with pytest.raises(Invalid):
            notes.write(order.pk, text=text, actor=PERSON)
    assert Hold.objects.filter(status=HoldStatus.CREATED).count() == 0
