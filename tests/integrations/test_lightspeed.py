"""Lightspeed: sales of its tills of three series, what came back, what is asked for."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command

from config.devstack import lightspeed
from core.errors import Permanent, TryLater
from integrations import inbox, tokens
from integrations.channels import polling, registry
from integrations.channels.lightspeed import client
from integrations.channels.meaning import LearnCodes, Listed, MoveGoods, PlaceOrder, RecordRefund, TakeSnapshot
from integrations.channels.shop_documents import Terms
from integrations.failures import Unreadable
from integrations.models import Connection, FeedState
from inventory.models import LocationAlias
from inventory.services.figures import Level
from orders.canonical import IncomingOrder, totals_problem
from orders.models import Channel, Order
from tests.factories.inventory import LocationFactory
from tests.integrations.conftest import ROOT, SAMPLES

FIXTURES = ROOT / "integrations/channels/lightspeed/fixtures"


def fixture(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def means(document: Any, currency: str = "GBP") -> Any:
    from integrations.channels.lightspeed import translate

    return translate._understand(json.dumps(document).encode(), Terms(currency=currency))


def placed(document: Any) -> IncomingOrder:
    return next(act.order for act in means(document).acts if isinstance(act, PlaceOrder))


def connect(**settings: Any) -> Connection:
    channel = Channel.objects.create(code="lightspeed", name="Till", currency="GBP", kind="POS")
    place = LocationFactory(code="LEEDS")
    LocationAlias.objects.bulk_create(
        LocationAlias(system="lightspeed", code=code, location=place)
        for code in ("outlet:out-leeds", "shop:3", "shop:1", "site:2301")
    )
    return Connection.objects.create(
        code="lightspeed", name="Till", kind=Connection.Kind.CHANNEL, vendor="lightspeed", channel=channel,
        settings={"private_address_allowed": True, **settings},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "total", "tax", "lines", "paid"),
    [
        ("x_sale", "25", "3.26", [("MUG-RED", 2, "5"), ("product:p-tote", 1, "15")], [("Cash", "10"), ("Credit Card", "15")]),
        ("r_sale", "26.75", "2.76", [("item:12", 2, "7.5"), ("", 1, "9.99")], [("Credit Card", "21.5"), ("Cash", "5.25")]),
        ("o_order", "19", "1.75", [("product:7302", 6, "1.5"), ("product:5312", 1, "10")], [("Cash", "5.5"), ("PayPal", "13.5")]),
    ],
)  # fmt: skip
def test_a_sale_is_understood_to_the_penny(name: str, total: str, tax: str, lines: list[Any], paid: list[Any]):
    order = placed(fixture(name))

    assert (order.total, order.tax_total, order.payment_state) == (Decimal(total), Decimal(tax), "paid")
    assert [(line.sku, line.quantity, line.unit_price) for line in order.lines] == [
        (sku, units, Decimal(price)) for sku, units, price in lines
    ]
    assert [(each.gateway, each.amount) for each in order.payments] == [(how, Decimal(sum_)) for how, sum_ in paid]
    assert totals_problem(order) == []
    assert all(line.fulfilled_elsewhere == line.quantity for line in order.lines)
    assert (order.placed_at.month, order.method) == (3, "PICKUP")


def test_times_places_and_people_are_those_of_the_till():
    order = placed(fixture("x_sale"))
    assert (order.placed_at, order.pickup_location_code) == (
        datetime(2026, 3, 29, 0, 58, 11, tzinfo=UTC),
        "outlet:out-leeds",
    )
    assert order.buyer
    assert (order.buyer.ref, order.buyer.name, order.number) == ("c-77", "Ada Byron", "1042")
    older, kounta = placed(fixture("r_sale")), placed(fixture("o_order"))
    assert (older.pickup_location_code, older.buyer) == ("shop:3", None)
    assert (kounta.pickup_location_code, kounta.placed_at) == ("site:2301", datetime(2026, 3, 29, 1, 14, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("status", "gone", "method", "order_status"),
    [
        ("ONACCOUNT", 2, "PICKUP", "open"),
        ("LAYBY", 0, "PICKUP", "open"),
        ("LAYBY_CLOSED", 2, "PICKUP", "open"),
        ("AWAITING_DISPATCH", 0, "SHIP", "open"),
        ("AWAITING_PICKUP", 0, "PICKUP", "open"),
        ("VOIDED", 0, "PICKUP", "cancelled"),
    ],
)
def test_what_its_status_says_was_handed_over(status: str, gone: int, method: str, order_status: str):
    document = fixture("x_sale")
    document["register_sale"]["status"] = status

    order = placed(document)

    assert (order.lines[0].fulfilled_elsewhere, order.method, order.status) == (gone, method, order_status)


def test_open_sales_are_left_and_unknown_words_refused():
    document = fixture("x_sale")
    for status in ("SAVED", "OPEN", "SERVICE"):
        document["register_sale"]["status"] = status
        assert means(document).ignored
    document["register_sale"]["status"] = "EVAPORATED"
    with pytest.raises(Unreadable, match="status: is a status of a sale Backroom has no word for"):
        means(document)
    with pytest.raises(Unreadable, match="names no currency"):
        means(fixture("r_sale"), currency="")
    broken = fixture("r_sale")
    broken["Sale"]["SaleLines"]["SaleLine"][0]["unitQuantity"] = "0.25"
    with pytest.raises(Unreadable, match="whole number"):
        means(broken)
    with pytest.raises(Unreadable, match="an error Lightspeed answered with: Not Found"):
        means({"httpCode": "404", "message": "Not Found"})
    assert means({"@attributes": {"count": "0"}}).ignored


def test_what_came_back_goes_to_be_inspected_and_its_money_onto_its_sale():
    moved, refund = means(fixture("x_return")).acts

    assert isinstance(moved, MoveGoods)
    assert [(line.sku, line.quantity, line.kind) for line in moved.lines] == [("product:p-mug", 1, "return")]
    assert isinstance(refund, RecordRefund)
    assert refund.refund.order_ref == fixture("x_sale")["register_sale"]["id"]
    assert (refund.refund.amount, refund.refund.payments[0].amount) == (Decimal(5), Decimal(5))

    exchange = fixture("x_return")
    exchange["data"]["line_items"].append(fixture("x_sale")["register_sale"]["register_sale_products"][1])
    exchange["data"] |= {"total_price": 8.69564, "total_tax": 1.30436, "payments": []}
    order = placed(exchange)
    assert (order.total, totals_problem(order)) == (Decimal(15), [])


def test_codes_levels_and_the_form_of_a_webhook():
    assert means(fixture("x_products")).acts == (LearnCodes((Listed("product:p-tote", "TOTE", "Tote bag"),)),)
    assert isinstance(means(fixture("x_inventory")).acts[0], TakeSnapshot)
    codes = next(act for act in means(fixture("r_sale")).acts if isinstance(act, LearnCodes))
    assert [(each.code, each.sku) for each in codes.codes] == [("item:12", "MUG-RED")]

    vendor = registry.get("lightspeed")
    body = urlencode({"payload": json.dumps(fixture("x_sale")["register_sale"]), "type": "sale.update"}).encode()
    signature = hmac.new(b"key", body, hashlib.sha256).hexdigest()
    headers = {"x-signature": f"signature={signature},algorithm=HMAC-SHA256"}
    assert vendor.verify(body, headers, ["old", "key"], datetime.now(UTC))
    assert not vendor.verify(body + b" ", headers, ["key"], datetime.now(UTC))
    assert vendor.delivery(body, headers).topic == "sale.update"
    with pytest.raises(Unreadable, match="currency"):  # understood as a sale, without a channel to name the currency
        vendor.understand("", body)


@pytest.mark.django_db
def test_sales_are_read_by_version_page_by_page_and_once():
    with lightspeed.Server("tok") as server:
        connection = connect(series="X", api=server.url)
        connection.keep_secret("token", "tok")
        sale = fixture("x_sale")["register_sale"]
        server.shop.sales = [sale | {"id": f"s-{n}", "version": n} for n in (1, 2, 3)]
        polling.ensure()
        state = FeedState.objects.get(name="sales")

        assert polling.read(state.pk) == 3
        FeedState.objects.update(next_at=datetime.now(UTC))
        assert polling.read(state.pk) == 0

        state.refresh_from_db()
        assert (state.cursor, state.last_error) == ("3", "")
        inbox.process_due()
        assert Order.objects.count() == 3
        for fault in ("500", "429"):
            server.shop.faults[fault] = 1
            with pytest.raises(TryLater):
                client.changed_sales(connection, "")


@pytest.mark.django_db
def test_older_tills_are_asked_with_a_token_whose_successor_is_kept():
    tokens._kept.clear()
    with lightspeed.Server("gone", "refresh-0") as server:
        connection = connect(
            series="R", api=server.url, account="77", client_id="app", token_url=f"{server.url}/auth/oauth/token"
        )
        connection.keep_secret("client_secret", "hush")
        connection.keep_secret("refresh_token", "refresh-0")
        sale = fixture("r_sale")["Sale"]
        server.shop.older = [sale | {"saleID": str(n), "timeStamp": "2099-01-01T00:00:00+00:00"} for n in (1, 2)]

        first = client.changed_sales(connection, "2026-01-01T00:00:00+00:00")
        second = client.changed_sales(connection, first.cursor)

        assert [page.documents[0].external_id[:6] for page in (first, second)] == ["sale:1", "sale:2"]
        assert (first.more, second.more) == (True, False)
        assert Connection.objects.get(pk=connection.pk).secret("refresh_token") == "refresh-1"
        connection.settings["api"] = "https://elsewhere.example"
        with pytest.raises(Permanent, match="asked at its setting api only"):
            client.call(connection, "http://169.254.169.254/", purpose="follow")


@pytest.mark.django_db
def test_every_public_sample_and_fixture_gets_an_outcome_twice():
    connect()
    files = sorted(FIXTURES.glob("*.json")) + sorted(SAMPLES.glob("lightspeed/*"))

    def ingest() -> list[dict[str, Any]]:
        out = StringIO()
        call_command("ingest", "lightspeed", *map(str, files), "--channel", "lightspeed", "--json", stdout=out)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    first = {Path(each["file"]).name: each for each in ingest()}
    assert {each["outcome"] for each in ingest()} == {"duplicate"}

    for each in first.values():
        assert each["reason"] or each["outcome"] == "processed", each
        assert "stumbled" not in each["reason"], each
    assert {first[f"{name}.json"]["outcome"] for name in ("x_sale", "r_sale", "o_order")} == {"processed"}
    assert all(order.disagreements == [] for order in Order.objects.all())


@pytest.mark.django_db
def test_levels_go_to_an_outlet_and_to_a_shop_by_the_codes_that_were_learnt():
    with lightspeed.Server("tok") as server:
        connection = connect(series="X", api=server.url, stock_locations={"LEEDS": "out-leeds"})
        connection.keep_secret("token", "tok")
        server.shop.products = [{"id": "p-tote", "version": 1}]
        levels = [
            Level(1, ("TOTE", "product:p-tote"), "", {"LEEDS": 7, "YORK": 3}),
            Level(2, ("MUG",), "", {"LEEDS": 1}),
            Level(3, ("product:gone",), "", {"LEEDS": 1}),
            Level(4, ("product:p-tote",), "", {"YORK": 1}),
        ]

        told = registry.get("lightspeed").set_levels(connection, levels, "k")

        assert [(each.ref, each.unlisted, bool(each.problem)) for each in told] == [
            ("p-tote", False, False), ("", True, False), ("", True, False), ("p-tote", False, True),
        ]  # fmt: skip
        assert server.shop.levels == {("p-tote", "out-leeds"): 7}

        connection.settings |= {"series": "R", "account": "77", "stock_locations": {"LEEDS": "2", "YORK": "9"}}
        older = [Level(5, ("item:21",), "", {"LEEDS": -4}), Level(6, ("item:22",), "", {"YORK": 1})]
        below, elsewhere = registry.get("lightspeed").set_levels(connection, older, "k")

        assert (below.problem, server.shop.levels["21", "2"]) == ("", 0)
        assert "kept at no shop 9" in elsewhere.problem
