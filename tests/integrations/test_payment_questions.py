"""What banks ask, and money that did not come: a case with its deadline, or left with its reason, and never an error."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from config.devstack import adyen as adyen_server
from exceptions.models import Case
from finance.models import OrderMoney
from finance.services import charges
from integrations.models import InboundMessage
from integrations.payments.adyen import webhooks as adyen_hooks
from integrations.payments.stripe import webhooks as stripe_hooks
from orders.models import Order, Payment, PaymentNotice
from orders.services import instructions
from tests.integrations.test_payments import HEX, SECRET, account, adyen_hook, bought, hook, stripe_hook

pytestmark = pytest.mark.django_db
D = Decimal
DUE = datetime(2026, 12, 1, 23, 59, 59, tzinfo=UTC)
DEFEND = "2026-12-01T10:15:30+01:00"


def event(kind: str, it: dict[str, Any], *, n: int = 1, at: int = 1_790_000_000) -> dict[str, Any]:
    return {"id": f"evt_{kind}_{n}", "object": "event", "type": kind, "created": at + n, "data": {"object": it}}


def dispute(status: str, *, due: int = int(DUE.timestamp()), amount: int = 10_000) -> dict[str, Any]:
    return {
        "id": "dp_1", "object": "dispute", "charge": "ch_1", "payment_intent": "pi_1", "amount": amount,
        "currency": "gbp", "status": status, "reason": "product_not_received",
        "evidence_details": {"due_by": due, "has_evidence": False, "past_due": False, "submission_count": 0},
    }  # fmt: skip


def item(code: str, *, psp: str = "993", original: str = "8836", success: str = "true", **more: Any) -> dict[str, Any]:
    return {
        "eventCode": code, "success": success, "pspReference": psp, "originalReference": original,
        "merchantAccountCode": "Harrowvale", "merchantReference": "", "eventDate": "2026-11-02T09:30:00+01:00",
        "amount": {"value": 10_000, "currency": "GBP"}, "reason": "Goods not received", **more,
    }  # fmt: skip


def tell(client: Client, code: str, *, data: dict[str, str] | None = None, **fields: Any) -> str:
    """The item as Adyen signs it; returns how its message ended."""
    it = item(code, **fields)
    answer = adyen_hook(client, it, additionalData={**(data or {}), "hmacSignature": adyen_hooks.sign(it, HEX)})
    assert answer.status_code in {200, 202}
    return InboundMessage.objects.order_by("-pk").values_list("status", flat=True)[0]


def case(reason: str) -> Case:
    return Case.objects.filter(reason=reason).latest("pk")


def at_stripe() -> Order:
    account("stripe", "https://stripe.example")
    return bought("stripe", "ch_1")


def at_adyen() -> Order:
    account("adyen", "https://adyen.example")
    return bought("adyen", "8836")


def test_an_inquiry_is_a_case_with_its_deadline_and_grows_into_a_dispute(client):
    order = at_stripe()

    stripe_hook(client, event("charge.dispute.created", dispute("warning_needs_response")))

    asked = case("orders.payment_inquiry")
    assert (asked.status, asked.promise_by, asked.value) == ("OPEN", DUE, D(100))
    assert instructions.refundable(order.pk, "GBP") == D(100)  # nothing is withheld
    stripe_hook(client, event("charge.dispute.updated", dispute("warning_under_review"), n=2))
    assert case("orders.payment_inquiry").status == "RESOLVED"
    later = int(DUE.timestamp()) + 86_400
    stripe_hook(client, event("charge.dispute.updated", dispute("needs_response", due=later), n=3))
    disputed = case("orders.payment_disputed")
    assert (disputed.status, disputed.promise_by.timestamp()) == ("OPEN", later)
    assert instructions.refundable(order.pk, "GBP") == 0
    stripe_hook(client, event("charge.dispute.funds_withdrawn", dispute("needs_response", due=0), n=4))
    stripe_hook(
        client, event("charge.dispute.updated", dispute("warning_needs_response"), n=2)
    )  # late: changes nothing
    stripe_hook(client, event("charge.dispute.closed", dispute("lost"), n=5))
    assert case("orders.payment_disputed").status == "RESOLVED"
    assert sorted(Payment.objects.filter(provider_ref="dp_1").values_list("kind", flat=True)) == [
        "chargeback", "dispute_lost", "disputed",
    ]  # fmt: skip
    assert dict(PaymentNotice.objects.values_list("kind", "state")) == {"INQUIRY": "CLOSED", "DISPUTE": "CLOSED"}
    stripe_hook(client, event("charge.dispute.updated", dispute("pondering"), n=6))
    assert InboundMessage.objects.order_by("-pk")[0].status == "FAILED"  # a word nobody knows is a case


def balance(amount: int, currency: str = "gbp") -> dict[str, Any]:
    return {"id": f"txn_{amount}", "object": "balance_transaction", "amount": amount, "currency": currency,
            "fee": 0, "net": amount}  # fmt: skip


@pytest.mark.parametrize("taken_was_heard", [True, False])
def test_a_dispute_that_was_won_is_withheld_until_its_money_is_back(client, taken_was_heard):
    order = at_stripe()
    stripe_hook(client, event("charge.dispute.created", dispute("needs_response")))
    if taken_was_heard:
        stripe_hook(client, event("charge.dispute.funds_withdrawn", dispute("under_review"), n=2))
    won = {**dispute("won"), "balance_transactions": [balance(-10_000)]}

    stripe_hook(client, event("charge.dispute.closed", won, n=3))

    assert case("orders.payment_disputed").status == "OPEN"
    assert instructions.refundable(order.pk, "GBP") == 0
    back = {**won, "balance_transactions": [balance(-10_000), balance(10_000)]}
    stripe_hook(client, event("charge.dispute.updated", back, n=4))
    stripe_hook(client, event("charge.dispute.funds_reinstated", back, n=5))
    assert case("orders.payment_disputed").status == "RESOLVED"
    assert instructions.refundable(order.pk, "GBP") == 100
    assert sorted(Payment.objects.filter(provider_ref="dp_1").values_list("kind", "amount")) == [
        ("chargeback", 100), ("disputed", 100), ("reinstated", 100),
    ]  # fmt: skip
    assert charges.keep(order.pk) is not None
    assert OrderMoney.objects.get(order=order).disputed == 0


@pytest.mark.parametrize(
    ("status", "moved", "back"),
    [
        ("won", [balance(-10_000), balance(10_000)], 100),
        ("won", [balance(-12_700, "usd"), balance(12_500, "usd")], 100),
        ("lost", [balance(-10_000), balance(4_000)], 40),  # what had been refunded before
        ("lost", [balance(-12_700, "usd"), balance(5_080, "usd")], 40),
        ("lost", [balance(-10_000)], 0),
    ],
)
def test_a_disputes_balance_transactions_say_what_came_back(client, status, moved, back):
    order = at_stripe()
    stripe_hook(client, event("charge.dispute.funds_withdrawn", dispute("under_review")))

    stripe_hook(client, event("charge.dispute.closed", {**dispute(status), "balance_transactions": moved}, n=2))

    found = dict(Payment.objects.filter(provider_ref="dp_1").values_list("kind", "amount"))
    assert found.pop("chargeback") == 100
    assert found.pop("dispute_lost", None) == (100 if status == "lost" else None)
    assert found == ({"reinstated": back} if back else {})
    assert instructions.refundable(order.pk, "GBP") == back
    odd = {**dispute(status), "balance_transactions": [{"amount": "4,00", "currency": "gbp"}]}
    stripe_hook(client, event("charge.dispute.updated", odd, n=3))
    assert InboundMessage.objects.order_by("-pk")[0].status == "FAILED"


def test_a_fraud_warning_is_a_case_until_nothing_can_be_done(client):
    at_stripe()
    warning = {"id": "issfr_1", "object": "radar.early_fraud_warning", "charge": "ch_1", "payment_intent": "pi_1",
               "actionable": True, "fraud_type": "unauthorized_use_of_card", "created": 1_790_000_000}  # fmt: skip

    stripe_hook(client, event("radar.early_fraud_warning.created", warning))

    told = case("orders.payment_fraud_warning")
    assert (told.status, "unauthorized use" in told.summary) == ("OPEN", True)
    stripe_hook(client, event("radar.early_fraud_warning.updated", {**warning, "actionable": False}, n=2))
    assert case("orders.payment_fraud_warning").status == "RESOLVED"


def test_what_fails_at_stripe_is_a_case_only_where_something_is_missing_for_it(client):
    order = at_stripe()
    failed = {
        "id": "pi_9", "object": "payment_intent", "amount": 4_000, "currency": "gbp", "latest_charge": None,
        "last_payment_error": {"code": "card_declined", "decline_code": "insufficient_funds"},
    }  # fmt: skip
    stripe_hook(client, event("payment_intent.payment_failed", failed))
    nobodys = InboundMessage.objects.get()
    assert (nobodys.status, "no order" in nobodys.reason) == ("IGNORED", True)

    stripe_hook(client, event("payment_intent.payment_failed", {**failed, "metadata": {"order": order.number}}, n=2))
    assert Payment.objects.filter(kind="failed").count() == 1
    assert not Case.objects.filter(reason="orders.payment_fell_through").exists()  # it was paid another way

    refund = {"id": "re_1", "object": "refund", "charge": "ch_1", "payment_intent": "pi_1", "amount": 3_000,
              "currency": "gbp", "status": "succeeded"}  # fmt: skip
    stripe_hook(client, event("refund.created", refund))
    back = {**refund, "status": "failed", "failure_reason": "lost_or_stolen_card"}
    stripe_hook(client, event("refund.failed", back, n=2))
    stripe_hook(client, event("charge.refund.updated", back, n=3))
    came_back = case("orders.refund_came_back")
    assert (came_back.status, came_back.value, Payment.objects.filter(kind="refund_failed").count()) == (
        "OPEN",
        D(30),
        1,
    )
    stripe_hook(client, event("refund.created", {**refund, "id": "re_2"}, n=4, at=int(time.time()) + 9))
    assert case("orders.refund_came_back").status == "RESOLVED"


def test_an_authorisation_that_ran_out_leaves_a_case(client):
    account("stripe", "https://stripe.example")
    bought("stripe", "ch_1", kind="authorised")
    charge = {"id": "ch_1", "object": "charge", "amount": 10_000, "currency": "gbp", "payment_intent": "pi_1"}

    stripe_hook(client, event("charge.expired", charge))

    assert (case("orders.payment_fell_through").status, case("orders.payment_fell_through").value) == ("OPEN", D(100))


def test_a_dispute_at_adyen_is_followed_through_its_rounds(client):
    order = at_adyen()
    defend = {"defensePeriodEndsAt": DEFEND, "defendable": "true", "disputeStatus": "Undefended"}

    tell(client, "REQUEST_FOR_INFORMATION", psp="771", data={"defensePeriodEndsAt": DEFEND, "rfiReasonCode": "4837"})
    asked = case("orders.payment_inquiry")
    assert (asked.status, asked.promise_by) == ("OPEN", datetime.fromisoformat(DEFEND))
    assert instructions.refundable(order.pk, "GBP") == D(100)
    tell(client, "INFORMATION_SUPPLIED", psp="771", eventDate="2026-11-03T09:30:00+01:00")
    assert case("orders.payment_inquiry").status == "RESOLVED"
    rounds = [
        ("NOTIFICATION_OF_CHARGEBACK", 0), ("CHARGEBACK", 0), ("INFORMATION_SUPPLIED", 0), ("CHARGEBACK_REVERSED", 100),
        ("SECOND_CHARGEBACK", 0), ("PREARBITRATION_LOST", 0),
    ]  # fmt: skip
    for day, (code, left) in enumerate(rounds, 4):
        assert tell(client, code, data=defend, eventDate=f"2026-11-{day:02}T09:30:00+01:00") != "FAILED"
        assert instructions.refundable(order.pk, "GBP") == left, code

    # What was taken twice and given back once is gone once.
    assert sum(p.amount for p in Payment.objects.filter(kind="chargeback")) == D(200)
    assert Case.objects.filter(reason="orders.payment_disputed", status="OPEN").count() == 0
    tell(client, "NOTIFICATION_OF_FRAUD", psp="555", data={"nofReasonCode": "6"})
    assert not Case.objects.filter(reason="orders.payment_fraud_warning", status="OPEN").exists()  # all of it is gone


@pytest.mark.parametrize(
    ("code", "status", "kinds", "opened"),
    [
        ("NOTIFICATION_OF_FRAUD", "PROCESSED", [], "orders.payment_fraud_warning"),
        ("CAPTURE_FAILED", "PROCESSED", ["capture_failed"], "orders.payment_fell_through"),
        ("REFUND_FAILED", "PROCESSED", ["refund_failed"], "orders.refund_came_back"),
        ("REFUNDED_REVERSED", "PROCESSED", ["refund_failed"], "orders.refund_came_back"),
        ("OFFER_CLOSED", "PROCESSED", ["failed"], ""),
        ("EXPIRE", "PROCESSED", ["voided"], ""),
        ("CANCEL_OR_REFUND", "FAILED", [], "integrations.message_failed"),
        ("CHARGEBACK_TELEPORTED", "FAILED", [], "integrations.message_failed"),
        ("PREARBITRATION_WON", "PROCESSED", [], ""),
        ("DISPUTE_DEFENSE_PERIOD_ENDED", "PROCESSED", ["dispute_lost"], ""),
        ("ISSUER_RESPONSE_TIMEFRAME_EXPIRED", "IGNORED", [], ""),
        ("ISSUER_COMMENTS", "IGNORED", [], ""),
        ("REPORT_AVAILABLE", "IGNORED", [], ""),
        ("MOON_LANDING", "IGNORED", [], ""),
    ],
)
def test_every_code_of_adyen_is_processed_left_with_a_reason_or_a_case(client, code, status, kinds, opened):
    order = at_adyen()

    assert tell(client, code) == status

    assert list(Payment.objects.exclude(kind="captured").values_list("kind", flat=True)) == kinds
    found = list(Case.objects.exclude(reason__startswith="orders.unalloc").values_list("reason", flat=True))
    assert [opened] * bool(opened) == [
        reason for reason in found if reason.startswith(("orders.pay", "orders.ref", "int"))
    ]
    assert InboundMessage.objects.get().reason or status == "PROCESSED"
    assert order.number


def test_a_batch_is_believed_only_when_every_item_is_signed_and_large_amounts_are_amounts(client):
    account("adyen", "https://adyen.example")
    bought("adyen", "8836", kind="authorised")
    bought_big = {"amount": {"value": 134_161_595, "currency": "GBP"}}
    first, second = item("CAPTURE", psp="c1", **bought_big), item("CAPTURE", psp="c2")

    def signed(it: dict[str, Any], key: str) -> dict[str, Any]:
        return {**it, "additionalData": {"hmacSignature": adyen_hooks.sign(it, key)}}

    refused = hook(client, "adyen", adyen_server.wrapped(signed(first, HEX), signed(second, "55" * 32)))
    taken = hook(client, "adyen", adyen_server.wrapped(signed(first, HEX), signed(second, HEX)))

    assert (refused.status_code, taken.status_code) == (401, 202)
    found = dict(Payment.objects.filter(parent_ref="8836").values_list("provider_ref", "amount"))
    assert found == {"c1": D("1341615.95"), "c2": D(100)}


def test_a_rotated_secret_is_believed_beside_the_new_one_within_five_minutes(client):
    at_stripe()
    body = json.dumps(event("charge.dispute.created", dispute("warning_closed"))).encode()
    now = datetime.now(UTC)
    at = int(now.timestamp())
    both = f"t={at},v1={'0' * 64},v1={stripe_hooks.sign(body, 'old', at).partition('v1=')[2]},v0=x"

    assert stripe_hooks.verify(body, {"stripe-signature": both}, ["new", "old"], now)
    assert not stripe_hooks.verify(body, {"stripe-signature": both}, ["new"], now)
    for seconds, good in ((299, True), (301, False), (-299, True), (-301, False)):
        given = stripe_hooks.sign(body, SECRET, at - seconds)
        assert stripe_hooks.verify(body, {"stripe-signature": given}, [SECRET], now) is good
