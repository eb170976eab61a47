"""Every channel with a client, as the storms drive it: a server, a connection to it, and what it was told.

A vendor joins by one line of SITES. Those of tests/integrations/markets.py join by their case.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from config.devstack import bigcommerce, lightspeed, magento, shopify, square, vendure, woocommerce
from config.devstack.local_server import LocalServer
from integrations import tokens
from integrations.channels.news import ShipmentNews
from integrations.channels.vendure import client as vendure_client
from integrations.models import Connection
from tests.factories.inventory import LocationFactory
from tests.integrations import markets, test_feeds, test_lightspeed, test_square
from tests.integrations.conftest import FIXTURES
from tests.integrations.test_stores import connect, fixture


@dataclass
class Site:
    """A vendor's server with orders in it. `told` says how often the shipment of an order was noted there; a till isn't
    told of any."""

    connection: Connection
    url: str
    refs: list[str]
    news: Callable[[str], ShipmentNews] | None
    told: Callable[[str], int] | None
    skus: tuple[str, ...]
    quantities: Callable[[], dict[str, int]]
    parcels: int = 1  # how often the server notes one shipment
    feeds: tuple[str, ...] = ("orders",)  # none where orders only come as webhooks, which `hooks` holds
    hooks: list[bytes] = field(default_factory=list)
    calm: Callable[[], None] = lambda: None
    share: float = 0.6  # of its calls, that go wrong in a storm


Open = Callable[[list[str]], AbstractContextManager[Site]]


def of_market(case: markets.Case) -> Open:
    @contextmanager
    def opened(refs: list[str]) -> Iterator[Site]:
        with markets.calling(case) as called:
            called.market.orders.clear()
            for ref in refs:
                markets.another(called, ref)
            if case.vendor == "amazon":
                called.market.rate = 1_000.0  # nobody waits for its quotas here
                hold_notifications(called, refs)
            url = str(called.connection.settings["api"])
            chance = random.Random(7)
            feeds = ("notifications", "orders") if case.vendor == "amazon" else ("orders",)

            def calm() -> None:
                called.pause_over()
                if chance.random() < 0.05:
                    called.market.end_tokens()

            yield Site(
                called.connection, url, refs, lambda ref: called.news(f"RM{int(ref):09}GB", ref=ref),
                lambda ref: len(called.market.told.get(ref, [])), case.skus, called.market.quantities,
                parcels=case.parcels, calm=calm, feeds=feeds,
            )  # fmt: skip

    return opened


def hold_notifications(called: markets.Called, refs: list[str]) -> None:
    """Its queue names every order, twice."""
    connection = called.connection
    connection.settings |= {"queue_url": f"{connection.settings['api']}/123/orders", "queue_region": "eu-west-1"}
    connection.save()
    connection.keep_secret("queue_key_id", called.market.queue_key[0])
    connection.keep_secret("queue_key", called.market.queue_key[1])
    for ref in refs * 2:
        changed = {"AmazonOrderId": ref, "Summary": {"OrderStatus": "Unshipped"}}
        told = {
            "NotificationType": "ORDER_CHANGE", "NotificationMetadata": {"NotificationId": f"n-{ref}"},
            "Payload": {"OrderChangeNotification": changed},
        }  # fmt: skip
        called.market.queue[f"receipt-{len(called.market.queue)}"] = json.dumps(told)


@contextmanager
def of_woocommerce(refs: list[str]) -> Iterator[Site]:
    with woocommerce.Server("ck_1", "cs_1") as server:
        connection = connect("woocommerce", shop=server.url, private_address_allowed=True)
        connection.keep_secret("key", "ck_1")
        connection.keep_secret("secret", "cs_1")
        shop = server.shop
        recent = markets.ago(5, "%Y-%m-%dT%H:%M:%S")
        for ref in refs:
            known = copy.deepcopy(fixture("woocommerce", "order"))
            shop.orders[int(ref)] = known | {"id": int(ref), "number": ref, "date_modified_gmt": recent, "refunds": []}
        shop.products = {n: {"id": n, "sku": sku, "type": "simple", "parent_id": 0} for n, sku in ((5, "A"), (6, "B"))}
        yield Site(
            connection, server.url, refs,
            lambda ref: ShipmentNews(ref, f"SH-{ref}", (("11", 1), ("12", 2)), "Royal Mail", f"RM{ref}"),
            lambda ref: len(shop.notes.get(int(ref), [])), ("A", "B"),
            lambda: {row["sku"]: row.get("stock_quantity") for row in shop.products.values()},
        )  # fmt: skip


@contextmanager
def of_bigcommerce(refs: list[str]) -> Iterator[Site]:
    with bigcommerce.Server("tok_1") as server:
        connection = connect("bigcommerce", store_hash="abc", api_url=server.url, private_address_allowed=True)
        connection.keep_secret("token", "tok_1")
        shop = server.shop
        for ref in refs:
            known = copy.deepcopy(fixture("bigcommerce", "order"))
            known["order"]["id"] = int(ref)
            shop.add(known)
        shop.variants = {301: {"id": 301, "sku": "A"}, 302: {"id": 302, "sku": "B"}}
        yield Site(
            connection, server.url, refs,
            lambda ref: ShipmentNews(ref, f"SH-{ref}", (("1", 1), ("2", 2)), "Royal Mail", f"RM{ref}"),
            lambda ref: len(shop.orders[int(ref)]["shipments"]), ("A", "B"),
            lambda: {row["sku"]: row.get("inventory_level") for row in shop.variants.values()},
            share=0.3,  # an order takes six calls
        )  # fmt: skip


@contextmanager
def of_shopify(refs: list[str]) -> Iterator[Site]:
    body = json.loads((FIXTURES / "orders_create.json").read_text())
    lines = tuple((str(line["id"]), line["quantity"]) for line in body["line_items"])
    with shopify.Server("shpat_test") as server:
        connection = connect("shopify", shop=server.url, private_address_allowed=True, stock_location="880")
        connection.keep_secret("token", "shpat_test")
        orders = [body | {"id": int(ref), "name": f"#{ref}"} for ref in refs]
        for order in orders:
            server.shop.add_order(copy.deepcopy(order))
        server.shop.stock.add(["A", "B"])
        known = server.shop.orders

        def waited() -> None:  # its bucket of points fills within seconds, which nobody waits for here
            server.shop.available = shopify.CAPACITY

        yield Site(
            connection, server.url, refs,
            lambda ref: ShipmentNews(ref, f"SH-{ref}", lines, "Royal Mail", f"RM{ref}"),
            lambda ref: len(known[f"gid://shopify/Order/{ref}"]["fulfillments"]), ("A", "B"),
            lambda: {sku: sum(places.values()) for sku, places in server.shop.stock.levels().items()},
            feeds=(), hooks=[json.dumps(order).encode() for order in orders], calm=waited,
        )  # fmt: skip


@contextmanager
def of_square(refs: list[str]) -> Iterator[Site]:
    tokens._kept.clear()
    LocationFactory(code="LSHOP1")
    with square.Server("EAAA0") as server:
        connection = test_square.connect(api=server.url, private_address_allowed=True, stock_location="LSHOP1")
        connection.keep_secret("token", "EAAA0")
        account = server.account
        for ref in refs:
            account.orders[ref] = copy.deepcopy(test_square.fixture("shipment")["order"]) | {"id": ref}
        yield Site(
            connection, server.url, refs,
            lambda ref: ShipmentNews(ref, f"SH-{ref}", (("w1", 2),), "Royal Mail", f"RM{ref}"),
            lambda ref: sum(
                1 for each in account.orders[ref]["fulfillments"]
                if each.get("shipment_details", {}).get("tracking_number") == f"RM{ref}"
            ), (), dict,
        )  # fmt: skip


@contextmanager
def of_magento(refs: list[str]) -> Iterator[Site]:
    with magento.Server("tok_1") as server:
        connection = connect("magento", base_url=server.url, private_address_allowed=True)
        connection.keep_secret("token", "tok_1")
        shop = server.shop
        recent = markets.ago(5, "%Y-%m-%d %H:%M:%S")
        for ref in refs:
            known = copy.deepcopy(fixture("magento", "order"))
            shop.orders[int(ref)] = known | {"entity_id": int(ref), "increment_id": ref, "updated_at": recent}
        shop.skus = {"A", "B"}
        yield Site(
            connection, server.url, refs,
            lambda ref: ShipmentNews(ref, f"SH-{ref}", (("1", 1), ("4", 2)), "Royal Mail", f"RM{ref}"),
            lambda ref: sum(each["order_id"] == int(ref) for each in shop.shipments), ("A", "B"),
            lambda: {sku: units for (sku, _), units in shop.sources.items()},
        )  # fmt: skip


@contextmanager
def of_vendure(refs: list[str]) -> Iterator[Site]:
    vendure_client._sessions.clear()
    with vendure.Server("admin", "hush") as server:
        connection = connect("vendure", admin_api=f"{server.url}/admin-api", private_address_allowed=True)
        connection.keep_secret("username", "admin")
        connection.keep_secret("password", "hush")
        shop = server.shop
        recent = markets.ago(5, "%Y-%m-%dT%H:%M:%S.000Z")
        for ref in refs:
            known = copy.deepcopy(fixture("vendure", "order")["data"]["order"])
            line = known["lines"][0] | {"id": f"{ref}1", "quantity": 2}
            known |= {"id": ref, "code": f"VND{ref}", "updatedAt": recent, "lines": [line], "fulfillments": []}
            known["payments"][0] |= {"id": f"{ref}2", "refunds": []}
            shop.add_order(known)
        shop.put_on_sale("A", "B", promised=4)
        yield Site(
            connection, server.url, refs,
            lambda ref: ShipmentNews(ref, f"SH-{ref}", ((f"{ref}1", 2),), "Royal Mail", f"RM{ref}"),
            lambda ref: sum(each["state"] == "Shipped" for each in shop.orders[ref]["fulfillments"]), ("A", "B"),
            shop.sellable, calm=shop.end_sessions,
        )  # fmt: skip


@contextmanager
def of_standard(refs: list[str]) -> Iterator[Site]:
    """A shop that is only asked for its orders, two at a time."""
    pairs = [refs[at : at + 2] for at in range(0, len(refs), 2)]
    pages = [
        test_feeds.page(*map(test_feeds.order, some), cursor=str(n), more=n < len(pairs))
        for n, some in enumerate(pairs, 1)
    ]
    pages.append(test_feeds.page(cursor=str(len(pairs)), more=False))
    with LocalServer(test_feeds.Pages, pages=pages, faults=[], asked=[]) as server:
        connection = connect("standard", base_url=server.url, private_address_allowed=True)
        connection.keep_secret("token", "t")
        yield Site(connection, server.url, refs, None, None, (), dict)


def of_lightspeed(series: str) -> Open:
    @contextmanager
    def opened(refs: list[str]) -> Iterator[Site]:
        tokens._kept.clear()
        with lightspeed.Server("gone", "refresh-0") as server:
            older = series == "R"
            named = (
                {"account": "77", "client_id": "app", "token_url": f"{server.url}/auth/oauth/token"} if older else {}
            )
            connection = test_lightspeed.connect(series=series, api=server.url, stock_location="1", **named)
            for secret, value in {"client_secret": "hush", "refresh_token": "refresh-0"}.items() if older else ():
                connection.keep_secret(secret, value)
            if not older:
                connection.keep_secret("token", "gone")
            shop = server.shop
            skus = ("item:21", "item:22") if older else ("product:a", "product:b")
            sale, old = test_lightspeed.fixture("x_sale")["register_sale"], test_lightspeed.fixture("r_sale")["Sale"]
            if older:
                now = markets.ago(5, "%Y-%m-%dT%H:%M:%S+00:00")
                shop.older = [copy.deepcopy(old) | {"saleID": ref, "timeStamp": now} for ref in refs]
            else:
                shop.sales = [copy.deepcopy(sale) | {"id": ref, "version": n} for n, ref in enumerate(refs, 1)]
                shop.products = [{"id": sku.partition(":")[2], "version": n} for n, sku in enumerate(skus, 1)]
            yield Site(
                connection, server.url, refs, None, None, skus,
                lambda: {f"{skus[0].partition(':')[0]}:{ref}": units for (ref, _), units in shop.levels.items()},
                feeds=("sales",),
            )  # fmt: skip

    return opened


SITES: dict[str, Open] = {
    "shopify": of_shopify,
    "woocommerce": of_woocommerce,
    "bigcommerce": of_bigcommerce,
    "square": of_square,
    "lightspeedX": of_lightspeed("X"),
    "lightspeedR": of_lightspeed("R"),
    "magento": of_magento,
    "standard": of_standard,
    "vendure": of_vendure,
    **{case.id: of_market(case) for case in markets.CASES},
}
