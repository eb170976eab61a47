"""One order from a signed webhook to its parcel, the way people walk it: messages, orders, picking, the queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect

from config.demo import payloads
from config.demo.catalogue import Product
from config.demo.history import headers
from core import outbox
from core.models import Calendar, Site
from exceptions.models import Case
from finance.models import Posting
from integrations import inbox
from integrations.models import Connection
from inventory.models import Item, ItemAlias, StockMovement
from orders.models import Channel, FulfilmentOrder, Order, OrderStatus
from tests.factories.inventory import LocationFactory, StockFactory

pytestmark = pytest.mark.django_db(transaction=True)

JACKET = Product(
    "CHJ-NVY-M", "2000000010014", "Chore jacket, Navy M", "Navy", "M", "Outerwear", payloads.Decimal("89.00"), 780
)
BEANIE = Product(
    "BNI-OAT", "2000000020013", "Ribbed beanie, Oat", "Oat", "", "Accessories", payloads.Decimal("24.00"), 90
)


@pytest.fixture
def shop(transactional_db: None) -> Connection:
    channel = Channel.objects.create(code="web-uk", name="Web UK", currency="GBP", prices_include_tax=True)
    connection = Connection.objects.create(
        code="shopify-web-uk", name="Shopify, Web UK", kind="CHANNEL", vendor="shopify", channel=channel
    )
    connection.keep_secret("webhook", "a shop's secret")
    return connection


@pytest.fixture
def store(transactional_db: None) -> Any:
    hours = Calendar.objects.create(code="all-day", name="All day", weekly=[[["00:00", "24:00"]]] * 7)
    site = Site.objects.create(code="LEEDS", name="Leeds Briggate", time_zone="Europe/London", calendar=hours)
    place = LocationFactory(
        code="LEEDS", name="Leeds Briggate", kind="STORE", site=site, country="GB", lat=53.8, lon=-1.5
    )
    for product in (JACKET, BEANIE):
        item = Item.objects.create(
            sku=product.sku,
            gtin=product.gtin,
            name=product.name,
            attributes={"colour": product.colour, "size": product.size},
        )
        StockFactory(item=item, location=place, sellable=5)
    return place


def body(number: int, *products: Product, **changes: Any) -> dict[str, Any]:
    """One unit of each product, as the store would tell it."""

    class Everything(Random):
        def choice(self, options: Any) -> Any:
            return len(products) if isinstance(options, tuple) and options == (1, 1, 1, 2, 2, 3) else options[0]

    made = payloads.order(Everything(7), number=number, at=datetime.now(UTC), catalogue=products)
    return made | changes


def deliver(live_server: Any, shop: Connection, topic: str, told: dict[str, Any]) -> httpx2.Response:
    raw = json.dumps(told).encode()
    answer = httpx2.post(
        f"{live_server.url}/hooks/{shop.pk}/", content=raw, headers=headers(topic, raw, shop.secret("webhook"))
    )
    inbox.process_due()
    outbox.drain("default")
    return answer


def test_an_order_is_walked_from_its_webhook_to_its_parcel(
    page: Any,
    person: Callable[..., Any],
    sign_in: Any,
    axe: Any,
    shoot: Any,
    live_server: Any,
    shop: Connection,
    store: Any,
) -> None:
    sign_in(page, person())
    answer = deliver(live_server, shop, "orders/create", body(7001, JACKET, BEANIE))
    assert answer.status_code == 202
    work = FulfilmentOrder.objects.get()

    # The order is on the list, and its page says where each unit stands.
    page.goto("/orders/")
    expect(page.locator("#rows tr")).to_have_count(1)
    axe(page)
    shoot(page, "orders")
    page.get_by_role("link", name=work.order.number).click()
    expect(page.get_by_role("heading", name=work.order.number)).to_be_visible()
    expect(page.locator("#order")).to_contain_text("Ship from Leeds Briggate")
    page.get_by_role("button", name="Why this split").click()
    expect(page.locator("#dialog")).to_contain_text("Chosen")
    axe(page)
    page.keyboard.press("Escape")
    axe(page)
    shoot(page, "order")

    # The store picks it with a scanner that types.
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/s/LEEDS/")
    axe(page)
    shoot(page, "site", widths=(390,))
    page.get_by_role("link", name=work.number).click()
    axe(page)
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("#pick")).to_have_attribute("data-status", "ACCEPTED")
    page.get_by_role("button", name="Start picking").click()
    expect(page.locator("#pick")).to_have_attribute("data-status", "PICKING")
    axe(page)
    shoot(page, "pick", widths=(390, 820))
    page.expected.append("422")
    page.keyboard.type("4006381333931\n")
    expect(page.locator("#verdict")).to_contain_text("4006381333931")
    assert sum(line.picked for line in work.lines.all()) == 0
    axe(page)
    for product in (JACKET, BEANIE):
        page.keyboard.type(f"{product.gtin}\n")
        expect(page.locator("#verdict")).to_contain_text(f"{product.name}: 1 of 1 found")
    expect(page.locator("#pick")).to_have_attribute("data-status", "PICKED")
    page.get_by_label("Weight of the first parcel").fill("900")
    axe(page)
    page.get_by_role("button", name="Packed").click()
    page.get_by_label("Tracking number").fill("RM123456785GB")
    axe(page)
    page.get_by_role("button", name="Ship", exact=True).click()
    expect(page.locator("#pick")).to_have_attribute("data-status", "SHIPPED")
    outbox.drain("default")

    # Everything behind it is true: stock left, the order is done, the books were told once.
    order = Order.objects.get()
    assert order.status == OrderStatus.COMPLETED
    assert StockMovement.objects.filter(to_state="customer").count() == 2
    assert Posting.objects.count() == 1
    assert Case.objects.still_open().count() == 0
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"/orders/{order.number}")
    expect(page.locator("#order")).to_contain_text("RM123456785GB")
    axe(page)


def test_an_unknown_sku_is_a_case_that_clears_itself_once_it_is_mapped(
    page: Any,
    person: Callable[..., Any],
    sign_in: Any,
    axe: Any,
    shoot: Any,
    live_server: Any,
    shop: Connection,
    store: Any,
) -> None:
    sign_in(page, person())
    stranger = Product("WEB-ONLY-7", "", "Chore jacket, Navy M", "Navy", "M", "Outerwear", JACKET.price, 780)
    deliver(live_server, shop, "orders/create", body(7002, stranger))

    page.goto("/exceptions/")
    row = page.locator("tbody tr[id]").first
    expect(row).to_contain_text("WEB-ONLY-7")
    axe(page)
    row.locator(".t1 a").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    axe(page)
    shoot(page, "case-unknown-sku")
    ItemAlias.objects.create(system="web-uk", code="WEB-ONLY-7", item=Item.objects.get(sku=JACKET.sku))
    from orders.services import mapping

    mapping.retry("WEB-ONLY-7", shop.channel, actor=shop.actor)
    outbox.drain("default")

    assert Case.objects.still_open().count() == 0
    assert FulfilmentOrder.objects.get().location == store
    page.goto("/exceptions/")
    expect(page.locator("tbody tr[id]")).to_have_count(0)


def test_units_that_are_not_on_the_shelf_are_asked_of_another_place(
    page: Any,
    person: Callable[..., Any],
    sign_in: Any,
    axe: Any,
    shoot: Any,
    live_server: Any,
    shop: Connection,
    store: Any,
) -> None:
    sign_in(page, person())
    other = LocationFactory(code="YORK", name="York Coney Street", kind="STORE", country="GB", lat=53.96, lon=-1.08)
    StockFactory(item=Item.objects.get(sku=JACKET.sku), location=other, sellable=2)
    deliver(live_server, shop, "orders/create", body(7003, JACKET))
    work = FulfilmentOrder.objects.get()

    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/s/{work.location.site.code}/pick/{work.number}")
    page.get_by_role("button", name="Start picking").click()
    page.get_by_role("button", name="Can’t find it").click()
    expect(page.locator("#short")).to_be_visible()
    axe(page)
    shoot(page, "short", widths=(390,))
    page.get_by_role("button", name="Report short").click()
    expect(page.locator("#pick")).to_have_attribute("data-status", "CANCELLED")
    outbox.drain("default")

    again = FulfilmentOrder.objects.exclude(pk=work.pk).get()
    assert again.location_id != work.location_id
    assert Case.objects.still_open().filter(reason="orders.short_pick").count() == 1
