"""A store's day on a handheld: several orders on one walk, the connection cut in the middle of it, and the counter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from core.actors import SYSTEM
from core.models import Calendar, Site
from inventory.models import Bin, Item
from inventory.services import placements
from orders.models import Collection, DeviceScan, FulfilmentLine, FulfilmentOrder, PickBatch, RefundDue
from orders.services import fulfilment
from tests.factories.inventory import LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place

pytestmark = pytest.mark.django_db(transaction=True)

GOODS = (
    ("CHJ-NVY-M", "2000000010014", "Chore jacket, Navy M", "B-14-2"),
    ("BNI-OAT", "2000000020013", "Ribbed beanie, Oat", "C-02-1"),
)


@pytest.fixture
def store(transactional_db: None) -> Any:
    hours = Calendar.objects.create(code="all-day", name="All day", weekly=[[["00:00", "24:00"]]] * 7)
    site = Site.objects.create(code="LEEDS", name="Leeds Briggate", time_zone="Europe/London", calendar=hours)
    here = LocationFactory(
        code="LEEDS", name="Leeds Briggate", kind="STORE", site=site, pickup=True, time_zone="Europe/London"
    )
    for n, (sku, gtin, name, bin_code) in enumerate(GOODS):
        item = Item.objects.create(sku=sku, gtin=gtin, name=name, attributes={"family": "Outerwear"})
        StockFactory(item=item, location=here, sellable=9)
        Bin.objects.create(location=here, code=bin_code, walk_order=n)
        placements.put(item.pk, location_id=here.pk, code=bin_code)
    return here


def to_collect(ref: str, *wanted: tuple[str, int]) -> FulfilmentOrder:
    lines = [incoming_line(sku, n, price="20.00") for sku, n in wanted]
    order = place(*lines, channel_ref=ref, method="PICKUP", pickup_location_code="LEEDS")
    fulfilment.create(order.pk)
    return FulfilmentOrder.objects.get(order=order)


def found() -> int:
    return sum(FulfilmentLine.objects.values_list("picked", flat=True))


def test_a_walk_goes_on_without_a_connection_and_the_counter_waits_for_it(
    page: Any, context: Any, person: Callable[..., Any], sign_in: Any, axe: Any, shoot: Any, store: Any
) -> None:
    sign_in(page, person())
    page.expected += ["ERR_INTERNET_DISCONNECTED", "422", "404"]
    first = to_collect("1", ("CHJ-NVY-M", 2), ("BNI-OAT", 1))
    second = to_collect("2", ("CHJ-NVY-M", 1))
    page.set_viewport_size({"width": 390, "height": 844})

    # The day's list: what is due soonest, and both orders on one walk.
    page.goto("/s/LEEDS/")
    expect(page.get_by_role("button", name="Pick together")).to_be_visible()
    axe(page)
    shoot(page, "store-today", widths=(390, 820))
    page.get_by_role("button", name="Pick together").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pick batch")
    expect(page.get_by_text("Scanner ready")).to_be_visible()
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.reload()  # now it is kept on the device
    axe(page)
    page.keyboard.type("2000000010014\n", delay=5)
    expect(page.locator("#verdict")).to_contain_text("Put it into tote A")
    expect(page.locator("#pick .qty")).to_contain_text("1of 3")
    shoot(page, "store-batch", widths=(390, 820))

    # The connection goes. The device knows where each unit goes, keeps every scan and shows how many.
    context.set_offline(True)
    for code, said in (
        ("2000000010014", "Into tote A"),
        ("2000000010014", "Into tote B"),
        ("4006381333931", "Not on this list"),
        ("2000000020013", "Into tote A"),
    ):
        page.keyboard.type(f"{code}\n", delay=5)
        expect(page.locator("#verdict")).to_contain_text(said)
    expect(page.locator("#net")).to_contain_text("4 scans kept on this device")
    axe(page)
    shoot(page, "store-batch-offline", widths=(390,))
    page.reload()
    expect(page.locator("#net")).to_contain_text("4 scans kept on this device")
    assert found() == 1

    # It is back: everything is judged in its order, once; the one that belongs nowhere stays to be looked at.
    context.set_offline(False)
    expect(page.locator("#pick")).to_have_attribute("data-status", "DONE")
    expect(page.locator("#net")).to_contain_text("1 refused scan")
    assert found() == 4
    assert [scan.accepted for scan in DeviceScan.objects.order_by("pk")] == [True, True, True, False, True]
    assert PickBatch.objects.get().status == "DONE"
    axe(page)
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#net")).to_be_hidden()

    # Onto the ready shelf.
    page.get_by_role("link", name=first.number).click()
    page.get_by_label("Place on the ready shelf").fill("r-04")
    axe(page)
    page.get_by_role("button", name="Ready to collect").click()
    expect(page.locator("#pick")).to_have_attribute("data-status", "READY")
    fulfilment.ready(second.pk, actor=SYSTEM)
    page.goto("/s/LEEDS/ready/")
    expect(page.locator("#list .work")).to_have_count(2)
    axe(page)
    shoot(page, "store-ready", widths=(390, 820))

    # The customer shows a code, and takes one of two jackets. Without a connection nothing changes hands.
    page.goto("/s/LEEDS/handover")
    axe(page)
    shoot(page, "store-counter", widths=(390,))
    page.keyboard.type(f"{Collection.objects.get(fulfilment=first).code}\n", delay=5)
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        "Nadia Osei" if first.order.buyer_name else first.number
    )
    axe(page)
    shoot(page, "store-collection", widths=(390, 820), full=True)
    jackets = page.locator("input[name^=taken-]").first
    jackets.fill("1")
    context.set_offline(True)
    page.get_by_role("button", name="Hand over").click()
    expect(page.locator("#notice")).to_contain_text("waits for the connection")
    assert FulfilmentOrder.objects.get(pk=first.pk).status == "READY"
    axe(page)
    context.set_offline(False)
    page.get_by_role("button", name="Hand over").click()
    expect(page.locator("#pick")).to_have_attribute("data-status", "COLLECTED")
    expect(page.locator("#pick")).to_contain_text("1 unit the customer left")
    axe(page)
    shoot(page, "store-left", widths=(390,))
    assert RefundDue.objects.get().amount == 20
    page.get_by_role("button", name="It is back").click()
    expect(page.get_by_role("button", name="It is back")).to_have_count(0)

    # Without a code somebody has to look at an identity document.
    page.goto(f"/s/LEEDS/ready/{second.number}")
    page.get_by_role("button", name="Hand over").click()
    expect(page.locator("#notice")).to_contain_text("identity document")
    page.get_by_role("button", name="Not wanted").click()
    expect(page.locator("#not-wanted")).to_contain_text("£20.00")
    axe(page)
    page.get_by_role("button", name="Keep it").click()
    page.get_by_label("I have seen an identity document").check()
    page.get_by_role("button", name="Hand over").click()
    expect(page.locator("#pick")).to_have_attribute("data-status", "COLLECTED")

    # Signing out leaves nothing of it on the device.
    assert page.evaluate("caches.keys()") == ["site-pages"]
    page.goto("/accounts/logout/")
    page.wait_for_function("caches.keys().then((names) => names.length === 0)")
