"""The warehouse's floor as people walk it: a wave is planned and picked, packed with every unit seen, and driven off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from core import outbox
from core.actors import SYSTEM
from inventory.models import Bin
from inventory.services import placements
from orders.models import Carton, FulfilmentOrder, Manifest, Wave
from orders.services import fulfilment
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders.parcels import service

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def floor(transactional_db: None) -> Any:
    dc = LocationFactory(code="DC", name="Wakefield", kind="WAREHOUSE", time_zone="Europe/London")
    for n, sku in enumerate(("CHJ-NVY-M", "BNI-OAT")):
        item = ItemFactory(
            sku=sku, name=("Chore jacket", "Ribbed beanie")[n], weight_grams=400, length_mm=200, width_mm=150,
            height_mm=60,
        )  # fmt: skip
        StockFactory(item=item, location=dc, sellable=20)
        Bin.objects.create(location=dc, code=f"{'AB'[n]}-01-1", walk_order=n)
        placements.put(item.pk, location_id=dc.pk, code=f"{'AB'[n]}-01-1")
    Carton.objects.create(
        code="m", name="Medium", length_mm=300, width_mm=200, height_mm=150, tare_grams=120, max_grams=9_000
    )
    service()
    for ref in ("1", "2"):
        order = place(incoming_line("CHJ-NVY-M"), incoming_line("BNI-OAT"), channel_ref=ref)
        fulfilment.create(order.pk)
    return dc


def scan(page: Any, code: str) -> None:
    page.locator("main[data-ready]").wait_for()
    page.keyboard.type(code, delay=5)
    page.keyboard.press("Enter")


def test_a_wave_from_its_plan_to_the_van(
    page: Any, person: Callable[..., Any], sign_in: Any, axe: Any, shoot: Any, floor: Any
) -> None:
    sign_in(page, person())
    page.goto("/w/DC/")
    page.get_by_role("checkbox", name="Plan 2 orders").check()
    axe(page)
    shoot(page, "floor")
    page.get_by_role("button", name="Plan the ticked groups").click()
    expect(page.locator("#list")).to_contain_text("All work is in a wave")
    wave = Wave.objects.get()
    page.get_by_role("link", name=wave.number).click()
    page.get_by_role("button", name="Release").click()
    expect(page.locator("#wave")).to_contain_text("Released")
    axe(page)
    shoot(page, "wave")
    page.get_by_role("button", name="Pick the next totes").click()
    page.get_by_label("Totes on the cart").fill("T-1 T-2")
    page.get_by_role("button", name="Start walking").click()

    page.set_viewport_size({"width": 390, "height": 844})
    for sku in ("CHJ-NVY-M", "CHJ-NVY-M", "BNI-OAT", "BNI-OAT"):
        scan(page, sku)
        expect(page.locator("#verdict")).to_contain_text("found")
    expect(page.locator("#pick")).to_contain_text("The walk is over")

    outbox.drain()
    page.goto("/w/DC/pack/")
    axe(page)
    shoot(page, "pack-lane", widths=(390, 1440))
    scan(page, "T-1")
    expect(page.get_by_role("heading", name="Pack")).to_be_visible()
    scan(page, "CHJ-NVY-M")
    expect(page.locator("#verdict")).to_contain_text("Seen")
    page.expected = ["409"]
    scan(page, "CHJ-NVY-M")
    expect(page.locator("#verdict")).to_contain_text("belong in here")
    axe(page)
    shoot(page, "pack", widths=(390, 1440))
    scan(page, "BNI-OAT")
    page.get_by_label("Weight of parcel 1 in grams").fill("2000")
    axe(page)
    shoot(page, "pack-close", widths=(390,))
    page.get_by_role("button", name="Pack and print the labels").click()
    expect(page.locator("#notice")).to_contain_text("Look inside")
    page.get_by_label("Weight of parcel 1 in grams").fill("930")
    page.get_by_role("button", name="Pack and print the labels").click()
    expect(page.locator("#pick")).to_contain_text("Label of parcel 1")
    axe(page)
    job = FulfilmentOrder.objects.get(status="PACKED")

    page.goto("/w/DC/ship/")
    axe(page)
    shoot(page, "vans", widths=(390, 1440))
    page.get_by_role("button", name="Dispatch").click()
    scan(page, job.number)
    expect(page.locator("#verdict")).to_contain_text("Aboard")
    axe(page)
    shoot(page, "van", widths=(390, 1440))
    page.get_by_role("button", name="Hand over").click()
    axe(page)
    shoot(page, "van-close", widths=(390,))
    page.get_by_role("button", name="It has left").click()
    expect(page.locator("#pick")).to_contain_text("The van has left")
    outbox.drain()
    job.refresh_from_db()
    assert (job.status, Manifest.objects.get().status) == ("SHIPPED", "CLOSED")

    other = FulfilmentOrder.objects.get(status="PICKED")
    fulfilment.cancel(other.pk, reason="Changed their mind", actor=SYSTEM)
    page.goto("/w/DC/moves/")
    axe(page)
    shoot(page, "put-backs", widths=(390, 1440))
    scan(page, "BNI-OAT")
    expect(page.locator("#verdict")).to_contain_text("Ribbed beanie: 1 of 1 back")
