"""Money of Shopify's own orders, moved through Shopify once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from config.devstack.shopify import Server
from core.actors import SYSTEM
from core.errors import TryLater
from integrations.models import Connection
from integrations.payments import carrying
from orders.canonical import IncomingPayment, IncomingRefund
from orders.models import Order, Payment, PaymentInstruction, Refund
from orders.services import instructions, intake
from tests.factories.orders import incoming_line, place
from tests.integrations.conftest import FIXTURES

pytestmark = pytest.mark.django_db
D = Decimal
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
BODY = json.loads((FIXTURES / "orders_create.json").read_text())


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("shpat_test") as server:
        yield server


def bought(shop: Connection, server: Server, kind: str) -> Order:
    shop.settings = {"shop": server.url, "private_address_allowed": True}
    shop.save()
    shop.keep_secret("token", "shpat_test")
    row = {"id": 777, "kind": "sale" if kind == "captured" else "authorization", "amount": "100.00"}
    server.shop.add_order(BODY | {"transactions": [row]})
    paid = IncomingPayment(ref="777", kind=kind, amount=D(100), currency="GBP", at=AT, gateway="shopify_payments")  # type: ignore[arg-type]
    line = incoming_line(ref=str(BODY["line_items"][0]["id"]), price="100.00")
    return place(line, channel=shop.channel, channel_ref=str(BODY["id"]), payments=(paid,))


def carry(row: PaymentInstruction, *, times: int = 1) -> PaymentInstruction:
    for _ in range(times):
        with suppress(TryLater):
            carrying.carry(row.pk)
    row.refresh_from_db()
    return row


def theirs(server: Server) -> dict[str, Any]:
    return next(iter(server.shop.orders.values()))


def test_a_refund_is_shopifys_own_once_though_its_answer_is_lost_and_its_webhook_comes(shop, server):
    order = bought(shop, server, "captured")
    told = {
        "ref": "RF-1",
        "note": "Torn",
        "lines": [{"line_ref": order.lines.get().ref, "quantity": 1, "restock": "return"}],
    }
    (row,) = instructions.refund(order.pk, D("40.00"), cause="r:1", why="Torn", document=told, actor=SYSTEM)
    server.shop.faults["lose_answer"] = 1

    carry(row, times=3)

    (made,) = theirs(server)["refunds"]
    ref, transaction = made["id"].rsplit("/", 1)[-1], made["transactions"]["nodes"][0]["id"].rsplit("/", 1)[-1]
    assert (row.status, row.via, row.provider_ref, row.refund_ref) == ("DONE", "CHANNEL", transaction, ref)
    assert str(row.uid) in made["note"]
    back = IncomingPayment(ref=transaction, kind="refunded", amount=D(40), currency="GBP", at=AT, parent_ref="777")
    said = IncomingRefund(ref=ref, order_ref=order.channel_ref, at=AT, currency="GBP", amount=D(40), payments=(back,))
    assert intake.refund(said, channel=order.channel, actor=SYSTEM).outcome == "unchanged"
    assert (Refund.objects.count(), Payment.objects.filter(kind="refunded").count()) == (1, 1)
    assert instructions.refundable(order.pk, "GBP") == D(60)


def test_what_shopify_refuses_fails_with_its_words(shop, server):
    order = bought(shop, server, "captured")
    theirs(server)["transactions"][0]["amountSet"]["shopMoney"]["amount"] = "10.00"
    (row,) = instructions.refund(order.pk, D("40.00"), cause="r:1", why="", actor=SYSTEM)

    carry(row)

    assert (row.status, row.failure) == ("FAILED", "Shopify: Refund amount is greater than net payment received")
    assert not Payment.objects.filter(kind="refunded").exists()


def test_what_is_held_is_captured_in_parts_through_shopify_and_let_go(shop, server):
    order = bought(shop, server, "authorised")
    (first,) = instructions.capture(order.pk, D("40.00"), cause="ship:1", actor=SYSTEM)
    server.shop.faults["lose_answer"] = 1
    carry(first, times=2)
    (second,) = instructions.capture(order.pk, D("40.00"), cause="ship:2", actor=SYSTEM)
    carry(second)

    assert (first.status, second.status, first.provider_ref != second.provider_ref) == ("DONE", "DONE", True)
    assert [row["kind"] for row in theirs(server)["transactions"]] == ["AUTHORIZATION", "CAPTURE", "CAPTURE"]
    (void,) = instructions.void(order.pk, cause="end", actor=SYSTEM)
    assert carry(void).status == "DONE"
