"""Refunds decided, approved by somebody else above the limit, paid once, and followed to their end."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission

from core import actors
from core.actors import SYSTEM
from core.errors import Invalid, Refusal
from core.ids import uuid7
from core.models import Event, User
from exceptions.models import ApprovalRequest, Case
from exceptions.services import approvals
from orders.models import Payment, PaymentInstruction, PaymentRoute, Refund, StoreCredit
from orders.services import instruction_answers, instructions
from returns.models import RefundDecision, ReturnLine, ReturnRequest
from returns.services import refund_approval, refunds
from returns.services.refunds import Line
from tests.factories.orders import ChannelFactory, incoming_line, place
from tests.orders.test_instructions import told


def somebody(*permissions):
    user = User.objects.create_user(f"u{User.objects.count()}@example.org", "x")
    for each in permissions:
        app, _, name = each.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=name))
    return user


pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
D = Decimal


@pytest.fixture
def bought():
    PaymentRoute.objects.create(channel=ChannelFactory(), gateway="card", via="PROVIDER", connection="stripe")
    return place(
        incoming_line("SKU-1", 2, "50.00"), incoming_line("SKU-2", 1, "400.00"), shipping_total=D("10.00"),
        total=D("510.00"), payments=(told("captured", "510.00", "c1"),),
    )  # fmt: skip


@pytest.fixture
def clerk():
    return somebody("returns.decide_refund")


@pytest.fixture
def chief():
    return somebody("returns.decide_refund", "returns.approve_refund", "exceptions.approve_action")


def returned(order, *units, **fields):
    rma = ReturnRequest.objects.create(
        number=f"RMA-{ReturnRequest.objects.count()}", uid=uuid7(), kind="SERVICE", order=order, channel=order.channel,
        currency=order.currency, **fields,
    )  # fmt: skip
    lines = [
        ReturnLine.objects.create(request=rma, position=n, order_line=line, sku=line.sku, quantity=quantity)
        for n, (line, quantity) in enumerate(zip(order.lines.order_by("position"), units, strict=False), 1)
    ]
    return rma, lines


def paid_out(ref="re_1"):
    for row in PaymentInstruction.objects.filter(status="WANTED"):
        instruction_answers.sending(row.pk, actor=SYSTEM)
        instruction_answers.done(row.pk, ref=ref, at=AT, actor=SYSTEM)


def test_up_to_the_limit_it_is_paid_at_once_and_stands_among_the_refunds(bought, clerk):
    rma, (line,) = returned(bought, 1, fee=D("4.00"), refunds_shipping=True)
    actor = actors.person(clerk)

    seen = refunds.preview(rma.pk, {line.pk: 1})
    decision = refunds.decide(rma.pk, {line.pk: 1}, cause="return:1", actor=actor)
    again = refunds.decide(rma.pk, {line.pk: 1}, cause="return:1", actor=actor)
    paid_out()
    refunds.settle(decision.pk, actor=SYSTEM)

    decision.refresh_from_db()
    assert (seen.amount, seen.approval, again.pk) == (D("47.00"), "", decision.pk)
    assert (decision.status, decision.goods, decision.shipping, decision.fees) == ("POSTED", 50, 1, 4)
    assert Payment.objects.get(kind="refunded").amount == D(47)
    refund = Refund.objects.get()
    assert (refund.ref, refund.amount, refund.shipping_amount) == (decision.number, D(47), D(1))
    assert [(part["line_ref"], part["quantity"], part["restock"]) for part in refund.lines] == [
        ("line-SKU-1", 1, "return")
    ]
    assert Event.objects.filter(type="refund.posted").count() == 1
    assert instructions.refundable(bought.pk, "GBP") == D("463.00")
    # The rest of that line, and the fee is not kept twice.
    rest = refunds.decide(rma.pk, [Line(line.pk, 1)], cause="return:2", actor=actor)
    assert (rest.amount, rest.fees) == (D("51.00"), 0)
    with pytest.raises(Invalid, match="0 of its units"):
        refunds.decide(rma.pk, {line.pk: 1}, cause="return:3", actor=actor)


def test_above_the_limit_somebody_else_agrees_in_the_one_inbox(bought, clerk, chief):
    rma, lines = returned(bought, 2, 1)
    decision = refunds.decide(rma.pk, {lines[1].pk: 1}, cause="return:1", actor=actors.person(clerk))

    assert (decision.status, PaymentInstruction.objects.count()) == ("WAITING", 0)
    request = ApprovalRequest.objects.get()
    assert (request.amount, request.case.reason, request.asked_by) == (D(400), "returns.refund_waits", clerk)
    with pytest.raises(Refusal) as own:
        refund_approval.approve(decision.pk, actor=actors.person(clerk))
    with pytest.raises(Refusal):
        refund_approval.approve(decision.pk, actor=actors.person(somebody("returns.decide_refund")))
    assert own.value.code == "own_refund"
    assert PaymentInstruction.objects.count() == 0

    approvals.approve(request.pk, actor=actors.person(chief))

    decision.refresh_from_db()
    assert (decision.status, decision.approved_by, decision.entered_by) == ("APPROVED", chief, clerk)
    assert PaymentInstruction.objects.get().amount == D(400)
    assert Case.objects.get(reason="returns.refund_waits").status == "RESOLVED"


def test_what_waits_counts_against_what_is_left_until_it_is_declined(bought, clerk, chief):
    rma, lines = returned(bought, 2, 1)
    waits = refunds.decide(rma.pk, {lines[1].pk: 1}, cause="return:1", actor=actors.person(clerk))
    instructions.refund(bought.pk, D("60.00"), cause="by hand", why="", actor=SYSTEM)

    with pytest.raises(Refusal) as no:
        refunds.decide(rma.pk, {lines[0].pk: 2}, cause="return:2", actor=actors.person(clerk))

    assert (no.value.code, no.value.facts["left"]) == ("more_than_captured", "50.0000")
    refund_approval.decline(waits.pk, note="Worn", actor=actors.person(chief))
    waits.refresh_from_db()
    assert (waits.status, ApprovalRequest.objects.get().status) == ("DECLINED", "VOID")
    assert refunds.decide(rma.pk, {lines[0].pk: 2}, cause="return:2", actor=actors.person(clerk)).amount == D(100)


def test_an_instant_refund_nobody_entered_needs_one_person(bought, chief):
    rma, lines = returned(bought, 2, 1, refund_plan="INSTANT")
    decision = refunds.decide(rma.pk, {lines[1].pk: 1}, cause="return:1:instant", actor=SYSTEM)
    assert (decision.status, ApprovalRequest.objects.count()) == ("WAITING", 0)

    refund_approval.approve(decision.pk, actor=actors.person(chief))

    decision.refresh_from_db()
    assert (decision.status, decision.approved_by) == ("APPROVED", chief)


def test_money_that_did_not_get_there_is_tried_again_and_posted_once(bought, clerk):
    rma, (line,) = returned(bought, 1)
    decision = refunds.decide(rma.pk, {line.pk: 1}, cause="return:1", actor=actors.person(clerk))
    row = PaymentInstruction.objects.get()
    instruction_answers.sending(row.pk, actor=SYSTEM)
    instruction_answers.failed(row.pk, code="card_closed", reason="The card is closed", actor=SYSTEM)
    refunds.settle(decision.pk, actor=SYSTEM)
    decision.refresh_from_db()
    assert (decision.status, decision.note) == ("FAILED", "The card is closed")
    assert Case.objects.filter(reason="orders.payment_failed", status="OPEN").count() == 1

    refunds.retry(decision.pk, actor=actors.person(clerk))
    paid_out()
    refunds.settle(decision.pk, actor=SYSTEM)

    decision.refresh_from_db()
    assert (decision.status, Refund.objects.count(), Payment.objects.filter(kind="refunded").count()) == (
        "POSTED",
        1,
        1,
    )
    assert not Case.objects.filter(reason="orders.payment_failed", status="OPEN").exists()


def test_store_credit_and_blind_returns_need_no_tender(bought, clerk):
    rma, (line,) = returned(bought, 1, refund_to="STORE_CREDIT")
    credit = refunds.decide(rma.pk, {line.pk: 1}, cause="return:1", actor=actors.person(clerk))
    blind = ReturnRequest.objects.create(
        number="RMA-9", uid=uuid7(), kind="COUNTER", proof="NONE", channel=bought.channel, currency="GBP",
        buyer_email="Ada@example.org",
    )  # fmt: skip
    back = ReturnLine.objects.create(request=blind, position=1, sku="SKU-1", quantity=2, unit_value=D("12.50"))

    card = refunds.decide(blind.pk, {back.pk: 2}, cause="return:9", actor=actors.person(clerk))

    assert (credit.status, credit.amount) == ("POSTED", D(50))
    assert (card.status, card.amount, card.order) == ("POSTED", D(25), None)
    assert StoreCredit.objects.get(holder="ada@example.org").balance == D(25)
    assert Refund.objects.get().ref == credit.number
    assert not PaymentInstruction.objects.exclude(status="DONE").exists()


def test_goodwill_is_money_alone_and_the_customer_keeps_the_goods(bought, clerk):
    line = bought.lines.get(sku="SKU-1")

    found = refunds.decide_for_order(
        bought.pk, [Line(line.pk, 0, amount=D("7.50"))], cause="goodwill:1", actor=actors.person(clerk), why="Scratch"
    )

    assert (found.amount, found.keep_it, found.lines[0]["quantity"]) == (D("7.50"), True, 0)
    assert RefundDecision.objects.count() == 1


def test_what_an_inspection_gives_back_above_the_limit_is_agreed_to_without_its_inspector_being_asked(bought):
    inspector, boss = somebody("returns.inspect_return"), somebody(
        "returns.approve_refund", "returns.decide_refund", "exceptions.approve_action"
    )  # fmt: skip
    dear = bought.lines.get(sku="SKU-2")
    decision = refunds.decide_for_order(bought.pk, [Line(dear.pk, 1)], cause="i", actor=actors.person(inspector))

    assert refund_approval.request_of(decision) is None
    approved = refund_approval.approve(decision.pk, actor=actors.person(boss))

    assert (decision.status, approved.status) == ("WAITING", "APPROVED")
