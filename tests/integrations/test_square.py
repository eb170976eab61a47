"""Square: sales of its tills and orders to be sent, what comes back, its words and its signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from integrations.channels import registry
from integrations.channels.meaning import AskFor, LearnCodes, Listed, MoveGoods, PlaceOrder, RecordRefund, SetAside
from integrations.failures import Unreadable
from integrations.models import Connection, InboundMessage
from inventory.models import ItemAlias, Location, LocationAlias, Stock
from orders.canonical import IncomingOrder, totals_problem
from orders.models import Channel, Order, OrderLine, Payment, Refund
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.integrations.conftest import ROOT, SAMPLES, state

FIXTURES = ROOT / "integrations/channels/square/fixtures"


def fixture(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def means(document: Any) -> Any:
    return registry.get("square").understand("", json.dumps(document).encode())


def placed(document: Any) -> IncomingOrder:
    found = next(act for act in means(document).acts if isinstance(act, PlaceOrder))
    return found.order


def connect(**settings: Any) -> Connection:
    channel = Channel.objects.create(code="square", name="Square", currency="GBP", kind="POS")
    return Connection.objects.create(
        code="square", name="Square", kind=Connection.Kind.CHANNEL, vendor="square", channel=channel, settings=settings
    )


def ingest(*files: Path) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("ingest", "square", *map(str, files), "--channel", "square", "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_sale_over_the_counter_is_understood_to_the_penny():
    order = placed(fixture("sale"))

    assert (order.total, order.currency, order.tax_included) == (Decimal("78.26"), "GBP", False)
    assert [
        (line.sku, line.quantity, line.unit_price, line.discount_total, line.tax_total) for line in order.lines
    ] == [
        ("variation:VMUG", 3, Decimal("12.50"), Decimal("3.75"), Decimal("6.75")),
        ("variation:VTOTE", 1, Decimal("9.50"), Decimal("0.95"), Decimal("1.71")),
        ("", 1, Decimal(20), Decimal(0), Decimal(0)),
    ]
    assert (order.tax_total, order.other_total) == (Decimal("9.46"), Decimal("6.50"))  # engraving and the tip
    assert totals_problem(order) == []
    assert [line.fulfilled_elsewhere for line in order.lines] == [3, 1, 1]
    assert (order.method, order.pickup_location_code, order.payment_state) == ("PICKUP", "LSHOP1", "paid")
    assert order.placed_at == datetime(2026, 3, 29, 0, 58, 11, 120000, tzinfo=UTC)
    assert [(each.ref, each.kind, each.amount, each.gateway) for each in order.payments] == [
        ("PAY1", "captured", Decimal("58.26"), "Card"), ("PAY2", "captured", Decimal(20), "Cash")
    ]  # fmt: skip


def test_tax_that_prices_hold_is_seen_in_the_figures():
    order = placed(fixture("sale_tax_included"))
    assert (order.tax_included, order.lines[0].unit_price, order.tax_total) == (True, Decimal(12), Decimal(4))
    assert totals_problem(order) == []

    mixed = fixture("sale_tax_included")
    untaxed = deepcopy(mixed["order"]["line_items"][0]) | {
        "uid": "l2",
        "total_money": {"amount": 2880, "currency": "GBP"},
    }
    untaxed["total_tax_money"] = {"amount": 480, "currency": "GBP"}
    mixed["order"]["line_items"].append(untaxed)  # 24.00 and 4.80 on top, beside 24.00 that hold 4.00
    mixed["order"]["total_money"]["amount"], mixed["order"]["total_tax_money"]["amount"] = 5280, 880
    order = placed(mixed)

    assert (order.tax_included, [line.unit_price for line in order.lines]) == (False, [Decimal(10), Decimal(12)])
    assert (order.total, order.tax_total, totals_problem(order)) == (Decimal("52.80"), Decimal("8.80"), [])


def test_figures_that_disagree_are_said_and_cash_is_rounded():
    odd = fixture("sale_tax_included")
    odd["order"]["total_money"]["amount"] = 2395
    odd["order"]["rounding_adjustment"]["amount_money"]["amount"] = -5
    assert totals_problem(placed(odd)) == []

    odd["order"]["total_money"]["amount"] = 2390
    assert totals_problem(placed(odd)) == ["total: stated 23.90, reckoned 23.95"]


def test_an_order_to_be_sent_is_ours_to_send_and_its_progress_counts():
    document = fixture("shipment")
    order = placed(document)
    assert (order.method, order.pickup_location_code, order.payment_state) == ("SHIP", None, "paid")
    assert order.ship_to
    assert (order.ship_to.line1, order.ship_to.country, order.number) == ("4 Kiln Lane", "GB", "W-1001")
    assert order.lines[0].fulfilled_elsewhere == 0

    fulfilment = document["order"]["fulfillments"][0]
    fulfilment |= {"state": "COMPLETED", "entries": [{"line_item_uid": "w1", "quantity": "1"}]}
    assert placed(document).lines[0].fulfilled_elsewhere == 1

    fulfilment |= {"state": "CANCELED"}
    document["order"]["state"] = "CANCELED"
    cancelled = placed(document)
    assert (cancelled.status, cancelled.lines[0].cancelled_quantity, cancelled.payment_state) == (
        "cancelled",
        1,
        "voided",
    )


@pytest.mark.parametrize("state", ["OPEN", "DRAFT", "CANCELED"])
def test_what_isn_t_sold_yet_is_left_until_it_is(state: str):
    document = fixture("sale")
    document["order"]["state"] = state

    assert means(document).ignored


@pytest.mark.parametrize(
    ("place", "value", "path"),
    [
        (("state",), "HALF_OPEN", "order.state"),
        (("line_items", 0, "quantity"), "1.5", "order.line_items[0].quantity"),
        (("line_items", 0, "item_type"), "DREAM", "order.line_items[0].item_type"),
        (("line_items", 0, "gross_sales_money", "amount"), 12.5, "order.line_items[0].gross_sales_money.amount"),
        (("line_items", 0, "total_money", "currency"), "USD", "order.line_items[0].total_money.currency"),
        (("tenders", 0, "type"), "SEASHELLS", "order.tenders[0].type"),
        (("tenders", 0, "card_details", "status"), "MAYBE", "order.tenders[0].card_details.status"),
        (("total_money", "currency"), "POUND", "order.total_money.currency"),
        (("location_id",), "", "order.location_id"),
    ],
)
def test_what_nobody_knows_is_refused_with_its_path(place: tuple[Any, ...], value: Any, path: str):
    document = fixture("sale")
    inner: Any = document["order"]
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value

    with pytest.raises(Unreadable) as refused:
        means(document)

    assert path in [fault.path for fault in refused.value.faults]


def test_what_came_back_belongs_to_the_sale_or_to_nobody():
    (act,) = means(fixture("return")).acts
    assert isinstance(act, RecordRefund)
    assert (act.refund.order_ref, act.refund.amount, act.refund.ref) == ("SALE1aaZZ", Decimal("13.50"), "RET1/ret-a")
    assert [(line.line_ref, line.quantity, line.restock) for line in act.refund.lines] == [("l1", 1, "return")]
    assert [(each.ref, each.kind, each.parent_ref) for each in act.refund.payments] == [
        ("PAY1_RF1", "refunded", "PAY1")
    ]

    nobody_s = fixture("return")
    del nobody_s["orders"][0]["returns"][0]["source_order_id"]
    (moved,) = means(nobody_s).acts
    assert isinstance(moved, MoveGoods)
    assert [(line.sku, line.quantity, line.kind) for line in moved.lines] == [("variation:VMUG", 1, "return")]
    assert moved.store == "LSHOP1"


def test_lists_are_split_where_one_may_have_to_wait():
    payment = fixture("payment")["payment"]
    acts = means({"payments": [payment, payment | {"id": "PAY7", "status": "SHINY"}]}).acts

    assert [type(act) for act in acts] == [SetAside, SetAside]
    assert json.loads(acts[0].body) == payment


def test_webhooks_ask_for_the_order_and_unknown_ones_are_refused():
    reader = registry.get("square").reader(Connection(vendor="square", settings={"api": "https://example.com"}))
    assert reader("", json.dumps(fixture("order_updated")).encode()).acts == (AskFor("order", "WEB1"),)
    with pytest.raises(Unreadable, match="set up to ask"):
        means(fixture("order_updated"))
    with pytest.raises(Unreadable, match=r"no word for: 'payments\.sunk'"):
        means(fixture("order_updated") | {"type": "payments.sunk"})
    with pytest.raises(Unreadable, match="an error Square answered with: No such order"):
        means({"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND", "detail": "No such order"}]})
    assert means({"errors": []}).ignored
    with pytest.raises(Unreadable, match="should be an object"):
        reader("", json.dumps(fixture("order_updated") | {"data": {"id": "WEB1", "object": 7}}).encode())
    assert means(fixture("catalogue")).acts == (LearnCodes((Listed("variation:VMUG", "MUG-RED", "Regular"),)),)


@pytest.mark.django_db
def test_a_webhook_is_signed_over_its_address_and_its_body(client: Client):
    connection = connect(webhook_address="https://shop.example/hooks/1")
    connection.keep_secret("webhook", "key")
    body = json.dumps(fixture("payment")).encode()
    signed = base64.b64encode(
        hmac.new(b"key", b"https://shop.example/hooks/1" + body, hashlib.sha256).digest()
    ).decode()
    elsewhere = base64.b64encode(hmac.new(b"key", b"https://other.example/" + body, hashlib.sha256).digest()).decode()

    def post(signature: str) -> int:
        return client.post(
            f"/hooks/{connection.pk}/", body, "application/json", headers={"x-square-hmacsha256-signature": signature}
        ).status_code

    assert [post(elsewhere), post(""), post(signed), post(signed)] == [401, 401, 202, 200]
    assert InboundMessage.objects.count() == 1


@pytest.mark.django_db
def test_a_sale_a_return_its_refund_and_a_dispute_end_the_same_in_any_order():
    shop = LocationFactory(code="LSHOP1")
    mug = ItemFactory(sku="MUG-RED")
    StockFactory(item=mug, location=shop, sellable=100)
    names = ("sale", "payment", "return", "refund", "dispute")
    files = [FIXTURES / f"{name}.json" for name in names]
    ends = []
    for index, order in enumerate(list(permutations(files))[::33]):
        channel = Channel.objects.create(code=f"sq{index}", name="Square", currency="GBP", kind="POS")
        for path in (FIXTURES / "catalogue.json", *order):
            call_command("ingest", "square", str(path), "--channel", channel.code, "--json", stdout=StringIO())
        call_command("ingest", "square", *map(str, files), "--channel", channel.code, "--json", stdout=StringIO())
        ends.append(json.dumps(state(channel.code)["orders"], default=str, sort_keys=True))

    assert len(set(ends)) == 1
    order = Order.objects.get(channel__code="sq0")
    assert sorted(Payment.objects.filter(order=order).values_list("provider_ref", "kind")) == [
        ("DIS1", "disputed"), ("PAY1", "captured"), ("PAY1_RF1", "refunded"), ("PAY2", "captured")
    ]  # fmt: skip
    assert Refund.objects.get(order=order).amount == Decimal("13.50")
    assert OrderLine.objects.get(order=order, ref="l1").item == mug


@pytest.mark.django_db
def test_a_sale_leaves_the_shelf_of_its_till_and_codes_are_learnt():
    connect()
    shop, mug = LocationFactory(code="LSHOP1"), ItemFactory(sku="MUG-RED")
    StockFactory(item=mug, location=shop, sellable=10)

    (learnt,) = ingest(FIXTURES / "catalogue.json")
    ingest(FIXTURES / "sale_tax_included.json")

    assert learnt["reason"] == "codes: 1 learnt"
    assert ItemAlias.objects.get(system="square", code="variation:VMUG").item == mug
    assert Stock.objects.get(item=mug, location=shop).sellable == 8
    assert Location.objects.count() == 1


@pytest.mark.django_db
def test_every_public_sample_gets_an_outcome_with_a_reason():
    files = sorted(SAMPLES.glob("square/*"))
    if not files:
        pytest.skip("no public samples here")
    connect()
    LocationAlias.objects.create(system="square", code="P3CCK6HSNDAS7", location=LocationFactory())

    found = {Path(each["file"]).name: each for each in ingest(*files)}

    for each in found.values():
        assert each["outcome"] in {"processed", "duplicate", "ignored", "failed"}, each
        assert each["reason"] or each["outcome"] == "processed", each
        assert "stumbled" not in each["reason"], each
    assert found["PayOrderResponse.json"]["outcome"] == "processed"
    assert all(order.total is not None and order.disagreements == [] for order in Order.objects.all())
