"""Against a real Vendure, started for this test: guest orders come in once each, shipments go back, stock is what may be
sold. What the local server stands in for is shown to be true."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from config.devstack import vendure_live
from config.devstack.local_server import LocalServer
from integrations import inbox
from integrations.channels import polling, publishing, registry
from integrations.channels.news import ShipmentNews
from integrations.channels.vendure import client as vendure_client
from integrations.models import Connection, FeedState, InboundMessage
from inventory.models import Stock
from orders.models import Channel, Order, OrderLine
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = [pytest.mark.live, pytest.mark.long, pytest.mark.django_db]
ORDERS, SKUS, UNITS, SECRET = 300, 12, 400, "hook-secret"
_COLUMNS = (
    "name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,"
    "variantAssets,variantFacets"
)
_ADD = "mutation($items: [AddItemInput!]!) { addItemsToOrder(inputs: $items) { order { id } errorResults { __typename } } }"
_WHO = """mutation($email: String!) { setCustomerForOrder(input: {
  firstName: "Ada", lastName: "Guest", emailAddress: $email }) { __typename ... on ErrorResult { message } } }"""
_WHERE = """mutation { setOrderShippingAddress(input: { fullName: "Ada Guest", streetLine1: "4 Kiln Lane", city: "Austin",
  province: "TX", postalCode: "78751", countryCode: "US" }) { __typename ... on ErrorResult { message } } }"""
_HOW = """mutation($ids: [ID!]!) { setOrderShippingMethod(shippingMethodId: $ids) {
  __typename ... on ErrorResult { message } } }"""
_NEXT = (
    """mutation { transitionOrderToState(state: "ArrangingPayment") { __typename ... on ErrorResult { message } } }"""
)
_PAY = """mutation { addPaymentToOrder(input: { method: "standard-payment", metadata: {} }) {
  __typename ... on Order { id code totalWithTax } ... on ErrorResult { message } } }"""


class Ears(BaseHTTPRequestHandler):
    heard: list[tuple[bytes, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((body, self.headers["x-oms-signature"]))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def shop(tmp_path: Any) -> Iterator[tuple[vendure_live.Shop, list[tuple[bytes, str]]]]:
    name = f"backroom_vendure_{os.getpid()}"
    server = os.environ["DATABASE_URL"]
    rows = [f"Product {n},product-{n},,,,,,SKU-{n:02},{10 + n}.90,standard,0,true,," for n in range(SKUS)]
    try:
        vendure_live.install()
        about = settings.DATABASES["default"]
        to = {
            "host": about["HOST"],
            "port": about["PORT"] or None,
            "user": about["USER"],
            "password": about["PASSWORD"],
        }
        line = psycopg.connect(dbname="postgres", autocommit=True, **{key: value for key, value in to.items() if value})
        line.execute(f'CREATE DATABASE "{name}"')
        made = vendure_live.filled(server, name, "\n".join([_COLUMNS, *rows]) + "\n")
        heard: list[tuple[bytes, str]] = []
        with LocalServer(Ears, heard=heard) as ears:
            made.start(hook=ears.url, secret=SECRET)
            yield made, heard
    except vendure_live.Unavailable as why:
        if os.environ.get("BACKROOM_REQUIRE_LIVE"):
            raise
        pytest.skip(str(why))
    finally:
        if "made" in locals():
            made.stop()
        if "line" in locals():
            line.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def buy(shop: vendure_live.Shop, n: int, variants: list[str], method: str) -> str:
    """A guest's order of two products; its id."""
    items = [{"productVariantId": variants[(n + step) % SKUS], "quantity": 1 + n % 3} for step in (0, 5)]
    session = ""
    for query, given in (
        (_ADD, {"items": items}), (_WHO, {"email": f"guest-{n}@example.com"}), (_WHERE, {}), (_HOW, {"ids": [method]}),
        (_NEXT, {}), (_PAY, {}),
    ):  # fmt: skip
        answer, session = shop.ask("shop-api", query, given, session)
        said = next(iter((answer.get("data") or {}).values()), None)
        assert said, answer
        assert said.get("__typename") in {None, "Order", "ActiveOrderCustomer"}, answer
    return str(said["id"])


def connect(shop: vendure_live.Shop) -> Connection:
    place = LocationFactory(code="DC")
    channel = Channel.objects.create(code="vendure", name="Vendure", currency="USD", sells_from=place)
    made = Connection.objects.create(
        code="vendure", name="Vendure", kind=Connection.Kind.CHANNEL, vendor="vendure", channel=channel,
        rate_per_minute=600_000,
        settings={"admin_api": f"{shop.url}/admin-api", "private_address_allowed": True, "publish_stock": True},
    )  # fmt: skip
    made.keep_secret("username", "admin")
    made.keep_secret("password", shop.password)
    made.keep_secret("webhook", SECRET)
    vendure_client._sessions.clear()
    publishing.follow_connections()
    for n in range(SKUS):
        StockFactory(item=ItemFactory(sku=f"SKU-{n:02}"), location=place, sellable=UNITS)
    return made


def sellable_there(connection: Connection) -> dict[str, int]:
    document = (
        "{ productVariants(options: { take: 100 }) { items { sku stockLevels { stockOnHand stockAllocated } } } }"
    )
    rows = vendure_client.call(connection, document, {}, purpose="read stock")["productVariants"]["items"]
    return {
        row["sku"]: sum(level["stockOnHand"] - level["stockAllocated"] for level in row["stockLevels"]) for row in rows
    }


def promised_here() -> dict[str, int]:
    return {stock.item.sku: stock.sellable - stock.reserved for stock in Stock.objects.select_related("item")}


def test_three_hundred_guest_orders_come_in_once_are_shipped_and_leave_true_stock(shop: Any, client: Client):
    vendure, heard = shop
    connection = connect(vendure)
    while publishing.publish():
        pass
    assert sellable_there(connection) == promised_here() == {f"SKU-{n:02}": UNITS for n in range(SKUS)}
    found = vendure_client.call(
        connection, "{ productVariants(options: { take: 100, sort: { sku: ASC } }) { items { id } } shippingMethods { items { id } } }",
        {}, purpose="read ids",
    )  # fmt: skip
    variants = [str(each["id"]) for each in found["productVariants"]["items"]]
    method = str(found["shippingMethods"]["items"][0]["id"])

    with ThreadPoolExecutor(4) as buyers:
        placed = sorted(buyers.map(lambda n: buy(vendure, n, variants, method), range(ORDERS)))
    began = timezone.now()
    for body, signature in heard:
        answer = client.post(
            f"/hooks/{connection.pk}/", body, content_type="application/json", headers={"x-oms-signature": signature}
        )
        assert answer.status_code == 202
    polling.ensure()
    feed = FeedState.objects.get(connection=connection, name="orders")
    for _ in range(2):  # what the webhooks said is found by the feed as well
        polling.restart(feed, (began.replace(microsecond=0)).isoformat()[:10] + "T00:00:00+00:00")
        polling.read(feed.pk)
        inbox.process_due(2_000)

    assert threading.active_count() < 50
    assert sorted(Order.objects.values_list("channel_ref", flat=True)) == placed
    assert len(set(placed)) == ORDERS
    assert not InboundMessage.objects.filter(status="FAILED").values_list("reason", flat=True)
    assert set(Order.objects.values_list("payment_state", flat=True)) == {"paid"}
    assert all(order.disagreements == [] for order in Order.objects.all())

    vendor = registry.get("vendure")
    for order in Order.objects.all():
        lines = tuple(OrderLine.objects.filter(order=order).values_list("ref", "ordered"))
        news = ShipmentNews(order.channel_ref, f"SH-{order.pk}", lines, "Royal Mail", f"RM{order.pk:09}GB")
        assert vendor.tell_shipment(connection, news) == vendor.tell_shipment(connection, news)
    for order in Order.objects.all():
        there = vendure_client._order(connection, order.channel_ref)
        assert [(each["state"], each["trackingCode"]) for each in there["fulfillments"]] == [
            ("Shipped", f"RM{order.pk:09}GB")
        ]

    while publishing.publish():
        pass
    assert sellable_there(connection) == promised_here()
    assert sum(promised_here().values()) < SKUS * UNITS
