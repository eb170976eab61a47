"""The marketplaces as tests call them: a server that speaks each one's protocol, and a connection to it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from config.devstack import amazon, ebay, etsy, mirakl, tiktok, walmart
from config.devstack.rest_server import Market
from core.errors import TryLater
from integrations import inbox, tokens
from integrations.channels import polling, registry
from integrations.channels.amazon import quota
from integrations.channels.news import ShipmentNews
from integrations.channels.vendor import Document
from integrations.models import Breaker, Connection, FeedState
from inventory.services.figures import Level
from inventory.services.publishing import Outcome
from tests.integrations.test_marketplaces import fixture
from tests.integrations.test_stores import connect


@dataclass
class Case:
    """One marketplace: how its server is made and known, and what its order is called there."""

    vendor: str
    ref: str
    total: str
    lines: tuple[tuple[str, int], ...]
    serve: Callable[[], Any]
    secrets: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)
    order: Callable[[], dict[str, Any]] = dict
    skus: tuple[str, str] = ("FF-SCK-WOOL", "FF-JKT-OLV-M")
    parcels: int = 1  # how often the server notes one shipment

    @property
    def id(self) -> str:
        return f"{self.vendor}{self.settings.get('orders', '')}"


def ago(minutes: int, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return (timezone.now() - timedelta(minutes=minutes)).strftime(form)


def amazon_order() -> dict[str, Any]:
    return fixture("amazon", "order_v0")["payload"] | {"LastUpdateDate": ago(5)}


def amazon_case(orders: str) -> Case:
    return Case(
        "amazon", "113-4400001-0000001", "86.41", (("50000000000001", 1), ("50000000000002", 1)),
        lambda: amazon.Server(("app", "hush"), "Atzr|refresh"), {"client_secret": "hush", "refresh_token": "Atzr|refresh"},
        {"client_id": "app", "marketplaces": ["ATVPDKIKX0DER"], "seller_id": "A1", "orders": orders}, amazon_order,
    )  # fmt: skip


def walmart_order() -> dict[str, Any]:
    """Both lines released, nothing acknowledged yet."""
    order = fixture("walmart", "order")["order"]
    for state in walmart.states(order):
        state["status"] = "Created"
    return order


WALMART = Case(
    "walmart", "1790000000001", "72.02", (("1", 1), ("2", 1)), lambda: walmart.Server("app:hush"),
    {"client_secret": "hush"}, {"client_id": "app"}, walmart_order, parcels=2,
)  # fmt: skip

MIRAKL = Case(
    "mirakl", "005-26061A-A", "72.00", (("005-26061A-A-1", 3),), lambda: mirakl.Server("key-1"), {"api_key": "key-1"}, {},
    lambda: fixture("mirakl", "order")["orders"][0] | {"last_updated_date": ago(5)},
)  # fmt: skip
ETSY = Case(
    "etsy", "3000000001", "64.75", (("81", 2),), lambda: etsy.Server("keystring", "shared", "7001.refresh", 5),
    {"shared_secret": "shared", "refresh_token": "7001.refresh"}, {"client_id": "keystring", "shop_id": 5},
    lambda: fixture("etsy", "receipt") | {"updated_timestamp": int(timezone.now().timestamp()) - 300},
)  # fmt: skip
TIKTOK = Case(
    "tiktok", "576400000000000001", "42.16", (("5770000000000000011", 1), ("5770000000000000012", 1)),
    lambda: tiktok.Server("68xu9", "e59af8", "ROW_refresh"), {"app_secret": "e59af8", "refresh_token": "ROW_refresh"},
    {"app_key": "68xu9", "shop_cipher": "ROW_c", "carriers": {"Royal Mail": "7117"}},
    lambda: fixture("tiktok", "order")["data"]["orders"][0] | {"update_time": int(timezone.now().timestamp()) - 300},
)  # fmt: skip
EBAY = Case(
    "ebay", "07-10000-20000", "45.00", (("9001", 3),), lambda: ebay.Server("app:hush", "v^1.1#refresh"),
    {"client_secret": "hush", "refresh_token": "v^1.1#refresh"}, {"client_id": "app", "carriers": {"DPD": "DPD_UK"}},
    lambda: fixture("ebay", "order") | {"lastModifiedDate": ago(5, "%Y-%m-%dT%H:%M:%S.000Z")},
)  # fmt: skip

CASES = [amazon_case("v0"), amazon_case("2026-01-01"), WALMART, MIRAKL, ETSY, TIKTOK, EBAY]


@dataclass
class Called:
    case: Case
    market: Any
    connection: Connection

    @property
    def vendor(self) -> Any:
        return registry.get(self.case.vendor)

    def news(self, number: str = "RM123456785GB", lines: Any = None, ref: str = "") -> ShipmentNews:
        """News of a parcel of the case's order, or of another with the same lines."""
        lines = lines or self.case.lines
        return ShipmentNews(ref or self.case.ref, f"FO-{ref or 1}-1", lines, "Royal Mail", number)

    def accept(self, *documents: Document) -> None:
        polling.accept(self.connection, documents)
        inbox.process_due()

    def poll(self, name: str = "orders") -> int:
        """How many documents nobody had brought before; what they asked for is fetched as well."""
        found = self.read(name)
        state = FeedState.objects.get(connection=self.connection, name=name)
        assert state.last_error == ""
        inbox.process_due()
        return found

    def read(self, name: str) -> int:
        polling.ensure()
        state = FeedState.objects.get(connection=self.connection, name=name)
        FeedState.objects.filter(pk=state.pk).update(next_at=timezone.now())
        return polling.read(state.pk)

    def set_levels(self, *levels: Level) -> list[Outcome]:
        """Asked again where the marketplace works on a file for a while."""
        with suppress(TryLater):
            return list(self.vendor.set_levels(self.connection, levels, "k"))
        return list(self.vendor.set_levels(self.connection, levels, "k"))

    def pause_over(self) -> None:
        Breaker.objects.update(hold_until=None)
        quota._left.clear()


@contextmanager
def calling(case: Case) -> Iterator[Called]:
    tokens._kept.clear()
    quota._left.clear()
    with case.serve() as server:
        base = {"api": server.url, "login": server.url, "private_address_allowed": True}
        connection = connect(case.vendor, **base, **case.settings)
        for name, value in case.secrets.items():
            connection.keep_secret(name, value)
        market: Market = server.shop
        market.orders[case.ref] = case.order()
        market.put_on_sale(*case.skus)
        yield Called(case, market, connection)


# What names an order there, by vendor; its lines are numbered anew for each.
NAMES = {"amazon": "AmazonOrderId", "walmart": "purchaseOrderId", "mirakl": "order_id", "etsy": "receipt_id",
         "tiktok": "id", "ebay": "orderId"}  # fmt: skip


def another(called: Called, ref: str) -> None:
    order = copy.deepcopy(called.case.order())
    name = NAMES[called.case.vendor]
    order[name] = int(ref) if isinstance(order[name], int) else ref
    called.market.orders[ref] = order
