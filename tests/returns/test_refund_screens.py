"""Refunds on screen: found, previewed before they move anything, approved by somebody else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from core import actors
from core.actors import SYSTEM
from orders.models import PaymentInstruction, PaymentRoute
from orders.services import instruction_answers
from returns.models import RefundDecision
from returns.services import refunds
from returns.services.refunds import Line
from tests.factories.orders import ChannelFactory, incoming_line, place
from tests.orders.test_instructions import told
from tests.returns.test_refunds import somebody

pytestmark = pytest.mark.django_db
D = Decimal
SEE, DECIDE, APPROVE = "returns.view_refunddecision", "returns.decide_refund", "returns.approve_refund"


@pytest.fixture
def order():
    PaymentRoute.objects.create(channel=ChannelFactory(), gateway="card", via="PROVIDER", connection="stripe")
    return place(
        incoming_line("SKU-1", 2, "50.00"), incoming_line("SKU-2", 1, "400.00"), total=D("500.00"),
        payments=(told("captured", "500.00", "c1"),),
    )  # fmt: skip


@pytest.fixture
def clerk(client: Client):
    user = somebody(SEE, DECIDE, "orders.view_order")
    client.force_login(user)
    return user


def text(answer: Any) -> str:
    return answer.content.decode()


def test_a_refund_is_previewed_then_confirmed_once(client, clerk, order):
    first, dear = order.lines.order_by("position")
    form = text(client.get(f"/finance/refunds/of/{order.number}"))
    key = form.split('name="key" value="')[1][:36]
    asked = {"key": key, f"units-{first.pk}": "1", "to": "ORIGINAL", "why": "Torn", "fee": "5.00"}

    seen = client.post(f"/finance/refunds/of/{order.number}", asked)
    assert "Refund £45.00" in text(seen)
    assert not RefundDecision.objects.exists()
    changed = client.post(f"/finance/refunds/of/{order.number}", {**asked, "sum": "44.00:ORIGINAL:GBP"})
    assert "something else by now" in text(changed)
    done = [client.post(f"/finance/refunds/of/{order.number}", {**asked, "sum": "45.00:ORIGINAL:GBP"}) for _ in "ab"]

    decision = RefundDecision.objects.get()
    assert [answer.headers["Location"] for answer in done] == [f"/finance/refunds/{decision.number}"] * 2
    assert (decision.amount, decision.why, decision.entered_by) == (D("45.00"), "Torn", clerk)
    assert PaymentInstruction.objects.get().amount == D("45.00")
    bad = client.post(f"/finance/refunds/of/{order.number}", {**asked, f"units-{dear.pk}": "7", "fee": "1e9"})
    much = client.post(f"/finance/refunds/of/{order.number}", {**asked, f"units-{dear.pk}": "7", "fee": ""})
    assert (bad.status_code, much.status_code) == (422, 422)
    assert "has to be a plain number such as 1250.50" in text(bad)
    assert "1 of its units are not refunded yet." in text(much)
    assert "Fees kept back" in text(client.get(f"/finance/refunds/{decision.number}"))
    assert decision.number in text(client.get(f"/finance/orders/{order.number}/refunds"))


def test_the_queue_shows_what_waits_and_only_somebody_else_approves(client, clerk, order, query_count):
    dear = order.lines.get(sku="SKU-2")
    decision = refunds.decide_for_order(order.pk, [Line(dear.pk, 1)], cause="x", actor=actors.person(clerk), why="Late")
    url = f"/finance/refunds/{decision.number}"

    with query_count("refunds: queue", lambda: client.get("/finance/refunds/?status=WAITING")):
        refunds.decide_for_order(
            order.pk, [Line(order.lines.get(sku="SKU-1").pk, 0, amount=D(1))], cause="y", actor=SYSTEM
        )
    listed = text(client.get("/finance/refunds/?status=WAITING"))
    assert decision.number in listed
    assert decision.number in text(client.get(f"/finance/refunds/?q={order.number}"))
    assert "No refunds match" in text(client.get("/finance/refunds/?status=FAILED"))
    assert client.get("/finance/refunds/?status=what").status_code == 400
    assert "Approve, pay" not in text(client.get(url))
    assert client.post(f"{url}/approve", {"v": decision.version}).status_code == 403

    client.force_login(somebody(SEE, DECIDE, APPROVE, "exceptions.approve_action"))
    assert "Approve, pay £400.00" in text(client.get(url))
    assert client.post(f"{url}/approve", {"v": 99}).status_code == 409
    assert client.post(f"{url}/approve", {"v": decision.version}).status_code == 303
    row = PaymentInstruction.objects.get(amount=400)
    instruction_answers.failed(row.pk, code="x", reason="The card is closed", actor=SYSTEM)
    refunds.settle(decision.pk, actor=SYSTEM)
    decision.refresh_from_db()
    assert "The card is closed" in text(client.get(url))
    assert client.post(f"{url}/retry", {"v": decision.version}).status_code == 303
    row.refresh_from_db()
    assert row.status == "WANTED"
    file = b"".join(client.get("/finance/refunds/export.csv?status=APPROVED").streaming_content).decode()
    assert decision.number in file


def test_an_empty_queue_says_how_refunds_arrive(client, clerk):
    assert "No refunds yet" in text(client.get("/finance/refunds/"))
