"""Payments captured and let go of, store credit given and taken, by people: seen first, limited, agreed to, kept."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from core import actors, amounts, downloads, outbox
from core.models import User
from exceptions.models import ApprovalRequest, Case
from exceptions.services import approvals
from orders.models import Order, PaymentInstruction, PaymentRoute, StoreCredit, StoreCreditEntry
from tests.factories.orders import ChannelFactory, incoming_line, place
from tests.orders.test_instructions import told

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("ada@harrow.example", "x", name="Ada Boss")


@pytest.fixture
def desk(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("ben@harrow.example", "x", name="Ben Clerk"))
    return client


def authorised(amount: str = "100.00", currency: str = "GBP", **more: Any) -> Order:
    PaymentRoute.objects.create(channel=ChannelFactory(currency=currency), gateway="card", via="HAND", holds_days=7)
    return place(
        incoming_line(price=amount), total=D(amount), currency=currency, payment_state="authorised",
        payments=(told("authorised", amount, "a1", currency=currency),), **more,
    )  # fmt: skip


def twice(client: Client, path: str, form: dict[str, str]) -> Any:
    """Preview, then what the preview says."""
    form = {"key": str(uuid4()), **form}
    seen = client.post(path, form)
    assert seen.status_code == 200, seen.content.decode()
    summed = seen.content.decode().split('name="sum" value="')[1].split('"')[0]
    return client.post(path, form | {"sum": summed})


def test_a_person_captures_part_and_lets_go_of_the_rest_after_seeing_it(desk):
    order = authorised()
    page = desk.get(f"/orders/{order.number}").content.decode()
    assert ("Authorised" in page, "Left to capture" in page, "data-due" in page) == (True, True, True)

    desk.post(f"/orders/{order.number}/payment/capture", {"amount": "60.00", "why": "Paid in parts"})
    assert not PaymentInstruction.objects.exists()  # looked at only
    twice(desk, f"/orders/{order.number}/payment/capture", {"amount": "60.00", "why": "Paid in parts"})
    twice(desk, f"/orders/{order.number}/payment/void", {"why": "Customer asked"})

    made = PaymentInstruction.objects.order_by("pk").values_list("kind", "amount", "why", "asked_by")
    assert list(made) == [
        ("CAPTURE", D(60), "Paid in parts", "Ben Clerk"),
        ("VOID", D(40), "Customer asked", "Ben Clerk"),
    ]


def test_above_the_limit_somebody_else_has_to_agree(desk, boss):
    order = authorised("900.00")
    path = f"/orders/{order.number}/payment/capture"

    twice(desk, path, {"amount": "900.00", "why": "Goods are ready"})

    asked = ApprovalRequest.objects.get()
    assert (PaymentInstruction.objects.count(), asked.amount, asked.permission) == (0, D(900), "orders.approve_payment")
    assert Case.objects.get(reason="orders.payment_asked").status == "OPEN"
    assert "waits for somebody else" in desk.get(f"/orders/{order.number}").content.decode()
    approvals.approve(asked.pk, actor=actors.person(boss))
    assert PaymentInstruction.objects.get().amount == D(900)
    assert Case.objects.get(reason="orders.payment_asked").status == "RESOLVED"


def test_what_nobody_agreed_to_closes_its_case(desk, boss):
    credit = StoreCredit.objects.create(
        code="AAAA-BBBB", channel=ChannelFactory(), holder="eve@x.example", currency="GBP"
    )
    twice(desk, f"/finance/store-credit/{credit.code}", {"verb": "give", "amount": "400.00", "why": "Goodwill"})
    asked = ApprovalRequest.objects.get()

    approvals.decline(asked.pk, note="Too much", actor=actors.person(boss))
    outbox.drain()

    assert Case.objects.get(reason="orders.credit_asked").status == "RESOLVED"
    assert not StoreCreditEntry.objects.exists()
    # Nobody gets round it on the case's own page.
    case = Case.objects.get(reason="orders.credit_asked")
    params = {"amount": "400.00", "why": "Goodwill", "key": str(uuid4()), "v": str(case.version)}
    desk.post(f"/exceptions/{case.pk}/actions/enter_credit", params)
    assert not StoreCreditEntry.objects.exists()


def test_store_credit_is_opened_given_taken_and_never_below_nothing(desk):
    channel = ChannelFactory()
    desk.post(
        "/finance/store-credit/new",
        {"kind": "CREDIT", "channel": channel.code, "currency": "gbp", "holder": "Eve@x.example"},
    )
    credit = StoreCredit.objects.get()
    path = f"/finance/store-credit/{credit.code}"

    twice(desk, path, {"verb": "give", "amount": "25.00", "why": "Late parcel"})
    twice(desk, path, {"verb": "take", "amount": "5.00", "why": "Given twice"})
    refused = desk.post(path, {"verb": "take", "amount": "20.01", "why": "Too much"})

    credit.refresh_from_db()
    assert (credit.balance, refused.status_code) == (D(20), 422)
    assert "no more can be taken" in refused.content.decode()
    listed = desk.get("/finance/store-credit/?holds=true").content.decode()
    assert (credit.code in listed, "e•••@x.example" in listed, "eve@x.example" in listed) == (True, True, False)
    exported = b"".join(desk.get("/finance/store-credit/export.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert (credit.code in exported, credit.code[-4:] in exported, "eve@" in exported) == (False, True, False)


def test_a_route_is_made_seen_first_and_changed_by_one_at_a_time(desk):
    channel = ChannelFactory()
    form = {"channel": channel.code, "gateway": "card", "via": "HAND", "holds_days": "7", "warn_hours": "48"}
    assert "under way" in desk.post("/finance/payment-routes/new", form).content.decode()
    assert not PaymentRoute.objects.exists()

    desk.post("/finance/payment-routes/new", form | {"sure": "1"})
    route = PaymentRoute.objects.get()
    path = f"/finance/payment-routes/{route.pk}"
    was = desk.get(path).content.decode().split('name="was" value="')[1].split('"')[0]
    desk.post(path, form | {"holds_days": "5", "was": was, "sure": "1"})
    stale = desk.post(path, form | {"holds_days": "9", "was": was, "sure": "1"})
    wrong = desk.post(path, form | {"holds_days": "٧", "warn_hours": "-1", "via": "PROVIDER", "was": was})

    route.refresh_from_db()
    assert (route.holds_days, stale.status_code, wrong.status_code) == (5, 422, 422)
    assert wrong.content.decode().count('class="problem"') == 2
    assert "card" in desk.get("/finance/payment-routes/").content.decode()


BAD = ("1,5,0", "1,50", "-5", "1.555", "0", "1e3", "NaN", "١٢", "９", "9" * 40, "12 50", "£5", "\x00", "' OR 1=1")


def test_bad_amounts_are_named_with_their_rule_and_never_an_error(desk):
    order, credit = authorised(), StoreCredit.objects.create(code="AAAA-BBBB", channel=ChannelFactory(), currency="JPY")
    forms: dict[str, Callable[[str], dict[str, str]]] = {
        f"/orders/{order.number}/payment/capture": lambda text: {"amount": text, "why": "A reason"},
        f"/finance/store-credit/{credit.code}": lambda text: {"amount": text, "why": "A reason", "verb": "give"},
    }

    for path, form in forms.items():
        for text in BAD:
            answer = desk.post(path, form(text))
            assert (answer.status_code, 'href="#f-amount"' in answer.content.decode()) == (422, True), (path, text)

    assert amounts.read("1.5", "JPY", field="a")[1][0].message == "The amount can have no decimals in JPY."
    assert amounts.read("1,5", "GBP", field="a")[1][0].message.endswith("with a point, and no commas.")
    assert amounts.read("1.555", "KWD", field="a") == (D("1.555"), [])
    assert not PaymentInstruction.objects.exists()


def test_without_the_permission_nothing_of_it_is_seen_or_done(client):
    order = authorised()
    credit = StoreCredit.objects.create(code="AAAA-BBBB", channel=ChannelFactory(), currency="GBP")
    client.force_login(User.objects.create_user("nobody@harrow.example", "x", name="No Body"))

    paths = (
        f"/orders/{order.number}/payment/capture", "/finance/store-credit/", f"/finance/store-credit/{credit.code}",
        "/finance/store-credit/new", "/finance/store-credit/export.csv", "/finance/payment-routes/",
        "/finance/payment-routes/new",
    )  # fmt: skip
    assert {client.get(path).status_code for path in paths} == {403}


def test_the_badge_says_what_the_money_events_come_to(desk):
    order = authorised()
    from orders.services import payments

    late = told("captured", "100.00", "c1", parent="a1")
    payments.record(order.channel_ref, [late], channel=order.channel, actor=actors.SYSTEM)

    page = desk.get(f"/orders/{order.number}").content.decode()
    head = page.split("</header>")[-1].split('class="cols"')[0]
    assert ("Paid" in head, "Authorised" in head) == (True, False)
    assert "itself calls it authorised" in page


def test_no_cell_of_an_export_is_a_formula_however_it_is_spelt():
    spelt = ("=1+1", "+1", "-cmd", "@a", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\uff1d1+1", "\uff0b1", "\uff201")

    assert [downloads.cell(text)[0] for text in spelt] == ["'"] * len(spelt)
    assert downloads.cell(D("-1.50")) == D("-1.50")
