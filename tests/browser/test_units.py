"""Lots, serial numbers and kits in a browser: their pages, and picking a kit part by part."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from playwright.sync_api import expect

from core.actors import SYSTEM
from core.subjects import Subject
from inventory.services import kits, movements
from orders.models import FulfilmentOrder
from orders.services import fulfilment
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place


def test_units_by_name_and_a_kit_from_its_recipe_to_the_picker(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    transactional_db: None,
) -> None:  # fmt: skip
    leeds = LocationFactory(code="LEEDS", name="Leeds, Park Row", kind="STORE")
    lamp, cream = ItemFactory(sku="LMP-ASH", name="Ash lamp", tracking="SERIAL"), ItemFactory(sku="CRM", tracking="LOT")
    cup = StockFactory(item=ItemFactory(sku="CUP-OAT", name="Cup, oat"), location=leeds)
    StockFactory(item=ItemFactory(sku="SPN-OAT", name="Spoon, oat"), location=leeds)
    kit = ItemFactory(sku="TEA-SET", name="Tea for one")
    about = {"cause": Subject("delivery", "1", "D-1"), "actor": SYSTEM}
    numbers = tuple(f"AL-{n:04d}" for n in range(60))
    movements.receive(lamp.pk, leeds.pk, 60, serials=numbers, key="1", **about)
    movements.receive(cream.pk, leeds.pk, 9, lot="P-0417", expires_on=date(2027, 5, 31), key="2", **about)
    kits.define(kit.pk, {cup.item_id: 1}, actor=SYSTEM)
    sign_in(page, person())

    page.goto(f"{live_server.url}/stock/LMP-ASH/units")
    expect(page.get_by_text("AL-0000")).to_be_visible()
    axe(page)
    shoot(page, "stock-units")

    page.goto(f"{live_server.url}/stock/TEA-SET/parts")
    page.expected.append("422")
    page.get_by_label("Parts").fill("CUP-OAT 1\nNOBODY 2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("nobody knows NOBODY").first).to_be_visible()
    axe(page)
    shoot(page, "kit-parts")
    page.get_by_label("Parts").fill("CUP-OAT 1\nSPN-OAT 2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Change parts")).to_be_visible()

    order = place(incoming_line("TEA-SET", 1), incoming_line("LMP-ASH", 1))
    fulfilment.create(order.pk)
    job = FulfilmentOrder.objects.get()
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/s/{leeds.site.code}/pick/{job.number}")
    expect(page.get_by_text("For Tea for one")).to_be_visible()
    axe(page)
    shoot(page, "pick-kit")
