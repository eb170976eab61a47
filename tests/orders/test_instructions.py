"""What is told to whoever holds an order's money: each cause once, and never more than there is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.ids import uuid7
from core.models import Event
from orders.canonical import IncomingPayment
from orders.models import Payment, PaymentInstruction, PaymentRoute, StoreCredit
from orders.services import instruction_answers, instructions, payments
from orders.services.instructions import ToTender
from tests.factories.orders import ChannelFactory, incoming_line, place

D = Decimal
pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def told(kind, amount, ref, *, parent="", gateway="card", currency="GBP", **more):
    return IncomingPayment(
        ref=ref, kind=kind, amount=D(amount), currency=currency, at=AT, gateway=gateway, parent_ref=parent, **more
    )


def paid(*payments, price="100.00", **fields):
    PaymentRoute.objects.get_or_create(
        channel=ChannelFactory(), gateway="card", defaults={"via": "PROVIDER", "connection": "stripe"}
    )
    return place(incoming_line(price=price), payments=payments or (told("captured", price, "c1"),), **fields)


def refund(order, amount, cause="return:1", **more):
    return instructions.refund(order.pk, D(amount), cause=cause, why="Came back", actor=SYSTEM, **more)


def left(order):
    return instructions.refundable(order.pk, order.currency)


def test_a_refund_goes_to_the_tenders_in_order_once_per_cause():
    order = paid(told("captured", "30.00", "c1"), told("captured", "70.00", "c2"))

    first = refund(order, "50.00")
    again = refund(order, "50.00")

    assert [(row.tender.provider_ref, row.amount, row.via) for row in first] == [
        ("c1", D(30), "PROVIDER"), ("c2", D(20), "PROVIDER"),
    ]  # fmt: skip
    assert [row.pk for row in again] == [row.pk for row in first]
    assert Event.objects.filter(type="payment.wanted").count() == 2
    assert left(order) == D("50.00")
    with pytest.raises(Refusal) as no:
        refund(order, "50.01", "return:2")
    assert (no.value.code, no.value.facts["left"]) == ("more_than_captured", "50.0000")
    with pytest.raises(Refusal, match="Something else"):
        refund(order, "49.00")
    assert PaymentInstruction.objects.count() == 2


def test_what_is_done_stands_among_the_payments_and_its_webhook_adds_nothing():
    order = paid()
    (row,) = refund(order, "40.00")
    assert instruction_answers.sending(row.pk, actor=SYSTEM)

    instruction_answers.done(row.pk, ref="re_1", at=AT, actor=SYSTEM)
    payments.record("1001", [told("refunded", "40.00", "re_1", parent="c1")], channel=order.channel, actor=SYSTEM)
    instruction_answers.done(row.pk, ref="re_1", at=AT, actor=SYSTEM)

    row.refresh_from_db()
    assert (row.status, row.provider_ref) == ("DONE", "re_1")
    assert [(p.kind, p.amount, p.parent_ref) for p in Payment.objects.filter(kind="refunded")] == [
        ("refunded", D(40), "c1")
    ]
    assert left(order) == D("60.00")


def test_a_refund_its_bank_sent_back_leaves_the_money_to_give_again():
    order = paid()
    (row,) = refund(order, "100.00")
    instruction_answers.sending(row.pk, actor=SYSTEM)
    instruction_answers.done(row.pk, ref="re_1", at=AT, actor=SYSTEM)

    instruction_answers.failed(row.pk, code="expired_card", reason="The account is closed", actor=SYSTEM)

    row.refresh_from_db()
    assert (row.status, left(order)) == ("FAILED", D("100.00"))
    instructions.retry(row.pk, actor=SYSTEM)
    assert (PaymentInstruction.objects.get().tries, left(order)) == (2, D(0))


def test_money_that_went_back_by_another_way_leaves_nothing_to_send():
    order = paid()
    (row,) = refund(order, "60.00")
    payments.record("1001", [told("refunded", "50.00", "r9", parent="c1")], channel=order.channel, actor=SYSTEM)

    assert not instruction_answers.sending(row.pk, actor=SYSTEM)

    row.refresh_from_db()
    assert (row.status, row.failure_code) == ("FAILED", "more_than_captured")


def test_what_a_bank_withholds_is_not_given_back_until_it_is_reinstated():
    order = paid()
    payments.record("1001", [told("disputed", "100.00", "dp1", parent="c1")], channel=order.channel, actor=SYSTEM)
    payments.record("1001", [told("chargeback", "100.00", "dp1", parent="c1")], channel=order.channel, actor=SYSTEM)
    assert left(order) == 0
    with pytest.raises(Refusal, match=r"has 0\S* GBP left"):
        refund(order, "1.00")

    payments.record("1001", [told("reinstated", "100.00", "dp1", parent="c1")], channel=order.channel, actor=SYSTEM)

    assert refund(order, "1.00")[0].tender.provider_ref == "c1"


def test_tenders_may_be_named_and_give_what_they_hold():
    order = paid(told("captured", "30.00", "c1"), told("captured", "70.00", "c2"))
    c1, c2 = Payment.objects.order_by("pk")

    rows = refund(order, "40.00", tenders=[ToTender(c2.pk, D("40.00"))])

    assert [row.tender_id for row in rows] == [c2.pk]
    with pytest.raises(Refusal) as no:
        refund(order, "31.00", "return:2", tenders=[ToTender(c2.pk, D("31.00"))])
    assert no.value.code == "tender_holds_less"
    with pytest.raises(Invalid):
        refund(order, "5.00", "return:3", tenders=[ToTender(c1.pk, D("4.00"))])


@pytest.mark.parametrize(("currency", "wrong"), [("GBP", "1.001"), ("JPY", "1.5"), ("KWD", "1.0001")])
def test_an_amount_its_currency_does_not_know_is_refused(currency, wrong):
    order = paid(told("captured", "100", "c1", currency=currency), price="100", currency=currency)

    for amount in (wrong, "0", "-1", "NaN"):
        with pytest.raises(Invalid):
            refund(order, amount)
    assert not PaymentInstruction.objects.exists()


def test_the_database_refuses_whoever_does_not_ask_what_is_left():
    order = paid()
    tender = Payment.objects.get()
    rows = {"order": order, "kind": "REFUND", "currency": "GBP", "via": "PROVIDER", "connection": "stripe"}

    with pytest.raises(IntegrityError, match="exceed what was captured"), transaction.atomic():
        PaymentInstruction.objects.create(uid=uuid7(), cause="x", key="x", amount=D("100.01"), **rows)
    with pytest.raises(IntegrityError, match="take"), transaction.atomic():
        PaymentInstruction.objects.create(
            uid=uuid7(), cause="y", key="y", amount=D(101), tender=tender, **rows | {"kind": "CAPTURE"}
        )
    assert not PaymentInstruction.objects.exists()


def test_store_credit_is_given_at_once_and_is_the_sum_of_its_entries():
    order = paid(buyer=None)
    (row,) = refund(order, "25.00", to_credit=True)

    card = StoreCredit.objects.get()
    assert (row.status, row.via, card.balance, card.kind) == ("DONE", "LEDGER", D(25), "GIFT_CARD")
    assert Payment.objects.get(kind="refunded").gateway == "store_credit"
    assert left(order) == D("75.00")
    with pytest.raises(IntegrityError, match="by its entries alone"), transaction.atomic():
        StoreCredit.objects.update(balance=D(1000))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        card.entries.update(amount=D(1000))


def test_a_source_without_money_events_is_believed_and_its_money_moved_by_its_own_way():
    order = place(incoming_line(price="100.00"))

    (row,) = refund(order, "100.00")

    assert (row.via, row.tender, left(order)) == ("CHANNEL", None, D(0))
    instructions.confirm(row.pk, reference="office-77", actor=SYSTEM)
    assert Payment.objects.get().provider_ref == "office-77"
    assert left(order) == 0


def test_captures_take_what_is_authorised_and_a_void_lets_the_rest_go():
    order = paid(told("authorised", "100.00", "a1"), payment_state="authorised")

    (first,) = instructions.capture(order.pk, D("60.00"), cause="ship:1", actor=SYSTEM)
    with pytest.raises(Refusal) as no:
        instructions.capture(order.pk, D("40.01"), cause="ship:2", actor=SYSTEM)
    instruction_answers.sending(first.pk, actor=SYSTEM)
    instruction_answers.done(first.pk, ref="c1", at=AT, actor=SYSTEM)

    assert no.value.facts["left"] == "40.0000"
    assert [(p.provider_ref, r) for p, r in instructions.held(order.pk)] == [("a1", D(40))]
    (void,) = instructions.void(order.pk, cause="cancel:1", actor=SYSTEM)
    assert (void.kind, void.amount) == ("VOID", D(40))
    assert instructions.held(order.pk) == []
    assert left(order) == D("60.00")
