"""Money moved by providers once, whatever is lost on the way, and what they say of it believed only when signed."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from config.devstack import adyen as adyen_server
from config.devstack import stripe as stripe_server
from core import outbox
from core.actors import SYSTEM
from core.errors import TryLater
from core.models import Delivery
from exceptions.models import Case
from integrations import inbox
from integrations.models import Connection, InboundMessage, OutboundCall
from integrations.payments import carrying
from integrations.payments.adyen import webhooks as adyen_hooks
from integrations.payments.stripe import webhooks as stripe_hooks
from orders.models import Order, Payment, PaymentInstruction, PaymentRoute
from orders.services import instructions
from tests.factories.orders import ChannelFactory, incoming_line, place
from tests.orders.test_instructions import told

pytestmark = pytest.mark.django_db
D = Decimal
SECRET, HEX = "whsec_test", "44" * 32


def account(vendor: str, url: str, **settings: Any) -> Connection:
    made = Connection.objects.create(
        code=vendor, name=vendor.title(), kind="PAYMENT", vendor=vendor,
        settings={"url": url, "private_address_allowed": True, **settings},
    )  # fmt: skip
    made.keep_secret("key", "sk_1")
    made.keep_secret("webhook", SECRET if vendor == "stripe" else HEX)
    return made


@pytest.fixture
def stripe():
    with stripe_server.Server("sk_1") as server:
        account("stripe", server.url)
        yield server.account


@pytest.fixture
def adyen():
    with adyen_server.Server("sk_1", "Harrowvale") as server:
        account("adyen", f"{server.url}/v71", merchant_account="Harrowvale")
        yield server.account


def bought(via: str, ref: str, *, kind: str = "captured", amount: str = "100.00", **route: Any) -> Order:
    PaymentRoute.objects.create(channel=ChannelFactory(), gateway=via, via="PROVIDER", connection=via, **route)
    return place(incoming_line(price=amount), payments=(told(kind, amount, ref, gateway=via),))


def refund(order: Order, amount: str, cause: str = "r:1") -> PaymentInstruction:
    (row,) = instructions.refund(order.pk, D(amount), cause=cause, why="", actor=SYSTEM)
    return row


def drain(*, again: int = 0) -> None:
    outbox.drain()
    for _ in range(again):
        Delivery.objects.filter(status="PENDING").update(next_at=timezone.now())
        outbox.drain()


def carry(row: PaymentInstruction, *, times: int = 1) -> None:
    """As the outbox does, outside any transaction of its own: what was written before a failure stays."""
    for _ in range(times):
        with suppress(TryLater):
            carrying.carry(row.pk)


def hook(client: Client, vendor: str, body: bytes, **headers: str) -> Any:
    to = Connection.objects.get(vendor=vendor)
    answer = client.post(f"/hooks/{to.pk}/", body, content_type="application/json", headers=headers)
    for pk in InboundMessage.objects.filter(status="RECEIVED").values_list("pk", flat=True):
        inbox.process(pk)
    return answer


def stripe_hook(client: Client, event: dict[str, Any], *, secret: str = SECRET, ago: int = 0) -> Any:
    body = json.dumps(event).encode()
    return hook(client, "stripe", body, **{"Stripe-Signature": stripe_hooks.sign(body, secret, int(time.time()) - ago)})


def adyen_hook(client: Client, item: dict[str, Any], *, key: str = HEX, **changed: Any) -> Any:
    signed = {**item, "additionalData": {"hmacSignature": adyen_hooks.sign(item, key)}, **changed}
    return hook(client, "adyen", adyen_server.wrapped(signed))


# --- Once ----------------------------------------------------------------------------------------------------------


def test_a_refund_whose_answer_is_lost_is_one_refund_at_stripe(stripe):
    order = bought("stripe", stripe.pay(10_000, "gbp"))
    row = refund(order, "40.00")
    stripe.faults.update(lose_write=1)

    carry(row, times=3)

    row.refresh_from_db()
    assert (row.status, len(stripe.refunds)) == ("DONE", 1)
    assert Payment.objects.get(kind="refunded").provider_ref == next(iter(stripe.refunds))
    assert OutboundCall.objects.filter(purpose="POST refunds").count() == 1  # it was looked for, not sent again


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_around_the_call_leaves_one_refund(stripe, monkeypatch, when):
    order = bought("stripe", stripe.pay(10_000, "gbp"))
    row = refund(order, "40.00")

    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    from integrations.payments.stripe.client import Stripe
    from orders.services import instruction_answers

    with monkeypatch.context() as patched:
        patched.setattr(*((Stripe, "carry", die) if when == "before" else (instruction_answers, "done", die)))
        with pytest.raises(Killed):
            carrying.carry(row.pk)
    row.refresh_from_db()
    assert row.status == "SENT"

    carrying.carry(row.pk)
    carrying.carry(row.pk)

    row.refresh_from_db()
    assert (row.status, len(stripe.refunds)) == ("DONE", 1)
    assert Payment.objects.filter(kind="refunded").count() == 1


def test_adyen_takes_a_lost_refund_once_by_its_key_and_the_notification_ends_it(adyen, client):
    order = bought("adyen", adyen.pay(10_000, "GBP", "1001"))
    adyen.payments[order.payments.get().provider_ref]["captured"] = 10_000
    row = refund(order, "40.00")
    adyen.faults.update(lose_write=1)

    carry(row, times=3)

    row.refresh_from_db()
    assert (row.status, len(adyen.modifications), Payment.objects.filter(kind="refunded").count()) == ("SENT", 1, 0)
    assert row.provider_ref == adyen.modifications[0]["pspReference"]
    assert adyen_hook(client, adyen.notifications[-1]).status_code == 202
    assert adyen_hook(client, adyen.notifications[-1]).status_code == 200
    row.refresh_from_db()
    assert (row.status, Payment.objects.get(kind="refunded").amount) == ("DONE", D(40))


def test_a_refund_that_is_refused_or_comes_back_is_a_case_and_can_be_sent_anew(stripe, client):
    charge = stripe.pay(10_000, "gbp")
    order = bought("stripe", charge)
    stripe.charges[charge]["amount_refunded"] = 9_000
    row = refund(order, "40.00")
    drain()
    row.refresh_from_db()
    assert (row.status, row.failure_code) == ("FAILED", "amount_too_large")
    assert Case.objects.get(reason="orders.payment_failed").status == "OPEN"
    stripe.charges[charge]["amount_refunded"] = 0

    instructions.retry(row.pk, actor=SYSTEM)
    drain()
    stripe.settle_refund(next(iter(stripe.refunds)), "failed", "lost_or_stolen_card")
    stripe_hook(client, stripe.events[-1])

    row.refresh_from_db()
    assert (row.status, row.failure) == ("FAILED", "lost_or_stolen_card")
    assert instructions.refundable(order.pk, "GBP") == D(100)


def test_a_wrong_key_fails_nothing_and_a_provider_that_is_down_is_tried_again(stripe):
    order = bought("stripe", stripe.pay(10_000, "gbp"))
    row = refund(order, "40.00")
    stripe.key = "another"
    carry(row)
    row.refresh_from_db()
    assert row.status == "SENT"
    stripe.key = "sk_1"
    stripe.faults.update({"500": 1})

    carry(row, times=2)

    row.refresh_from_db()
    assert (row.status, len(stripe.refunds)) == ("DONE", 1)


# --- Each kind -----------------------------------------------------------------------------------------------------


def test_stripe_holds_captures_in_parts_and_lets_go(stripe, client):
    stripe.several_captures = True
    order = bought("stripe", stripe.pay(10_000, "gbp", captured=False), kind="authorised")
    for n, part in enumerate(("30.00", "50.00"), 1):
        instructions.capture(order.pk, D(part), cause=f"ship:{n}", actor=SYSTEM)
        drain()
    instructions.void(order.pk, cause="end", actor=SYSTEM)
    drain()

    captured = [(p.provider_ref, p.amount) for p in Payment.objects.filter(kind="captured").order_by("pk")]
    charge = next(iter(stripe.charges))
    assert captured == [(charge, D(30)), (f"{charge}:8000", D(50))]
    assert (next(iter(stripe.intents.values()))["status"], Payment.objects.filter(kind="voided").count()) == (
        "canceled",
        1,
    )
    for event in stripe.events:  # its webhooks tell nothing new
        stripe_hook(client, event)
    assert Payment.objects.filter(kind="captured").count() == 2
    assert instructions.refundable(order.pk, "GBP") == D(80)
    hold = instructions.authorise(order.pk, D("25.00"), cause="exchange:1", actor=SYSTEM)
    drain()
    hold.refresh_from_db()
    assert hold.status == "DONE"
    assert instructions.held(order.pk)[0][1] == D(25)


def test_a_single_capture_lets_go_of_the_rest(stripe):
    order = bought("stripe", stripe.pay(10_000, "gbp", captured=False), kind="authorised")

    instructions.capture(order.pk, D("60.00"), cause="ship:1", actor=SYSTEM)
    drain()

    assert Payment.objects.get(kind="voided").amount == D(40)
    assert instructions.held(order.pk) == []


def test_adyen_captures_voids_and_authorises(adyen, client):
    order = bought("adyen", adyen.pay(10_000, "GBP", "1001"), kind="authorised")
    instructions.capture(order.pk, D("60.00"), cause="ship:1", actor=SYSTEM)
    drain()
    adyen_hook(client, adyen.notifications[-1])
    assert Payment.objects.get(kind="captured").amount == D(60)
    instructions.void(order.pk, cause="end", actor=SYSTEM)
    drain()
    adyen_hook(client, adyen.notifications[-1])
    void = PaymentInstruction.objects.get(kind="VOID")
    assert (void.status, void.failure) == ("FAILED", "Transaction is already captured")
    hold = instructions.authorise(order.pk, D(5), cause="x", source={"storedPaymentMethodId": "8416"}, actor=SYSTEM)
    drain()
    hold.refresh_from_db()
    assert (hold.status, hold.provider_ref in adyen.payments) == ("DONE", True)


# --- Webhooks ------------------------------------------------------------------------------------------------------


def test_only_signed_webhooks_are_believed(stripe, adyen, client):
    event = {"id": "evt_1", "object": "event", "type": "charge.succeeded", "created": 1, "data": {"object": {}}}
    item = {"eventCode": "CAPTURE", "success": "true", "pspReference": "1", "amount": {"value": 1, "currency": "EUR"}}

    answers = [
        stripe_hook(client, event, secret="whsec_other"),
        stripe_hook(client, event, ago=600),
        adyen_hook(client, item, key="55" * 32),
        adyen_hook(client, item, amount={"value": 100_000, "currency": "EUR"}),
        hook(client, "adyen", b'{"notificationItems": []}'),
    ]

    assert [answer.status_code for answer in answers] == [401] * 5
    assert not InboundMessage.objects.exists()


def test_a_payment_is_one_whichever_of_its_names_it_is_told_by(stripe, client):
    charge = stripe.pay(10_000, "gbp")
    intent = stripe.charges[charge]["payment_intent"]
    order = bought("stripe", intent)  # the shop tells the intent, Stripe the charge

    stripe_hook(client, stripe.events[0])

    assert Payment.objects.filter(kind="captured").count() == 1
    assert InboundMessage.objects.get().status == "DUPLICATE"
    stripe.dispute(charge, 10_000)
    stripe_hook(client, stripe.events[-1])
    assert (Payment.objects.get(kind="disputed").amount, instructions.refundable(order.pk, "GBP")) == (D(100), D(0))
    assert Case.objects.get(reason="orders.payment_disputed").status == "OPEN"
    stripe.dispute(charge, 10_000, "charge.dispute.funds_reinstated", "won")
    stripe_hook(client, stripe.events[-1])
    assert instructions.refundable(order.pk, "GBP") == D(100)
    assert Case.objects.get(reason="orders.payment_disputed").status == "RESOLVED"


def test_what_comes_before_its_order_waits_and_what_nobody_knows_is_left_or_fails(stripe, adyen, client):
    charge = stripe.pay(10_000, "gbp")
    stripe_hook(client, stripe.events[0])
    assert InboundMessage.objects.get().status == "RECEIVED"
    bought("stripe", charge, kind="authorised")
    drain()
    assert InboundMessage.objects.get().status == "PROCESSED"
    assert Payment.objects.get(kind="captured").provider_ref == charge

    stripe_hook(
        client,
        {"id": "evt_new", "object": "event", "type": "orbit.launched", "created": 1, "data": {"object": {"a": 1}}},
    )
    refund_ = {
        "id": "re_9",
        "object": "refund",
        "status": "teleported",
        "amount": 1,
        "currency": "gbp",
        "charge": charge,
    }
    stripe_hook(
        client,
        {"id": "evt_odd", "object": "event", "type": "refund.updated", "created": 1, "data": {"object": refund_}},
    )
    adyen_hook(
        client,
        {"eventCode": "MOON_LANDING", "success": "true", "pspReference": "1", "eventDate": "2026-03-02T09:30:00+01:00"},
    )

    found = dict(InboundMessage.objects.values_list("external_id", "status"))
    assert (found["evt_new"], found["evt_odd"], found["MOON_LANDING:1:true"]) == ("IGNORED", "FAILED", "IGNORED")


@pytest.mark.parametrize(
    ("currency", "amount", "stripe_units", "adyen_units"),
    [
        ("JPY", "1200", 1200, 1200),
        ("KWD", "1.250", 1250, 1250),
        ("ISK", "500", 50_000, 50_000),
        ("CLP", "990", 990, 99_000),
    ],
)
def test_amounts_are_written_in_each_providers_own_smallest_unit(currency, amount, stripe_units, adyen_units):
    from integrations.payments import minor

    assert minor.to_minor(D(amount), currency, minor.STRIPE) == stripe_units
    assert minor.to_minor(D(amount), currency, minor.ADYEN) == adyen_units
    assert minor.from_minor(adyen_units, currency, minor.ADYEN) == D(amount)


def test_an_authorisation_that_ends_soon_is_told_of_once(stripe, client):
    from core.models import Event
    from orders.services import expiries

    order = bought("stripe", "ch_x", kind="authorised", holds_days=7, warn_hours=48)
    at = datetime.now(UTC) - timedelta(days=6)
    from orders.services import payments

    late = told("authorised", "5.00", "ch_y", gateway="stripe", expires_at=datetime.now(UTC) + timedelta(hours=3))
    payments.record("1001", [late], channel=order.channel, actor=SYSTEM)

    assert (expiries.warn(actor=SYSTEM), expiries.warn(actor=SYSTEM)) == (2, 0)
    assert at
    assert Event.objects.filter(type="payment.expiring").count() == 2
    assert Case.objects.get(reason="orders.authorisation_expires").status == "OPEN"
