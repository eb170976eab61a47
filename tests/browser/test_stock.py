"""Stock in a browser: by item, by place and the ledger, in both themes and at three widths."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from core.actors import Actor
from core.subjects import Subject
from inventory.services import kits, movements, reservations
from inventory.services.reservations import Want
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

WORDS = ("Waxed coat, olive", "Corduroy cap, rust", "Lambswool scarf", "Canvas belt", "Chelsea boot, tan")
TILL = Actor("CONNECTION", "1", "Till 4, Leeds")


@pytest.fixture
def stock(transactional_db: None) -> None:
    """Thirty articles at three places; some are gone, some are damaged, one is a kit; tills told of sales, one late."""
    places = [
        LocationFactory(code=code, name=name, kind=kind)
        for code, name, kind in (
            ("LEEDS", "Leeds, Park Row", "STORE"), ("YORK", "York, Stonegate", "STORE"),
            ("DC-NORTH", "Warehouse North", "WAREHOUSE"),
        )
    ]  # fmt: skip
    for n in range(30):
        item = ItemFactory(sku=f"HV-{1000 + n * 7}-{['OLV', 'RST', 'NVY'][n % 3]}", name=WORDS[n % 5])
        for m, place in enumerate(places[: 1 + n % 3]):
            row = StockFactory(
                item=item, location=place, sellable=n * 40 * m + n % 4, damaged=n % 5, in_transit_in=m * 6
            )
            if n % 4 == 3:
                want = Want("1", item.pk, place.pk, row.sellable)
                reservations.hold(f"o:{n}:{m}", [want], actor=TILL, cause=Subject("order", "7", "SO-1007"))
            at = timezone.now() - timedelta(hours=5 * (n % 7 == 0), minutes=n)
            movements.adjust(
                item.pk, place.pk, 1 + n % 3, key=f"{n}:{m}", cause=Subject("message", str(n), f"R-{4000 + n}"),
                actor=TILL, occurred_at=at, note="Found behind the till" if n % 6 == 0 else "",
            )  # fmt: skip
    kit = ItemFactory(sku="HV-GIFT-SET", name="Coat and cap in a box")
    kits.define(kit.pk, {item.pk: 1 for item in (ItemFactory(sku="HV-BOX"), ItemFactory(sku="HV-CARD"))}, actor=TILL)


def test_from_an_item_to_its_place_and_its_ledger(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    stock: None,
) -> None:  # fmt: skip
    sign_in(page, person())

    page.goto(f"{live_server.url}/stock/")
    expect(page.get_by_role("heading", name="Stock", exact=True)).to_be_visible()
    axe(page)
    shoot(page, "stock")

    page.get_by_role("searchbox").first.fill("HV-1007")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.get_by_role("searchbox").first.fill("no such thing")
    expect(page.get_by_role("heading", name="No items match")).to_be_visible()
    axe(page)

    page.goto(f"{live_server.url}/stock/places/")
    expect(page.locator("#rows tr")).to_have_count(3)
    axe(page)
    shoot(page, "stock-places")
    page.get_by_role("link", name="York, Stonegate").click()
    expect(page).to_have_url(f"{live_server.url}/stock/?location=YORK")

    page.get_by_role("link", name="Ledger", exact=True).click()
    expect(page.get_by_role("table")).to_be_visible()
    axe(page)
    shoot(page, "stock-ledger")
    page.locator("summary").filter(has_text="Recorded").click()
    today = timezone.localdate().isoformat()
    page.locator("[name=recorded_from]").fill(today)
    expect(page).to_have_url(f"{live_server.url}/stock/ledger/?recorded_from={today}")
    expect(page.locator("summary").filter(has_text="Recorded")).to_contain_text(f"from {today}")
    axe(page)

    page.locator("#rows .mono a").first.click()
    expect(page.get_by_role("heading", name="Where it lies")).to_be_visible()
    axe(page)
    shoot(page, "stock-item")

    page.goto(f"{live_server.url}/stock/HV-GIFT-SET")
    expect(page.get_by_role("heading", name="Made of")).to_be_visible()
