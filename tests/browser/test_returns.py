"""A customer's parcel at the counter of a store: taken in, looked at, photographed, and back on the shelf."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from inventory.models import Item, Stock
from returns.models import Disposition, Inspection, InspectionPhoto, ReturnLine
from tests.factories.inventory import LocationFactory
from tests.returns.bench import approved, sold

pytestmark = pytest.mark.django_db(transaction=True)


def scan(page: Any, code: str) -> None:
    page.locator("main[data-ready]").wait_for()
    page.keyboard.type(code, delay=5)
    page.keyboard.press("Enter")


def test_a_return_is_taken_in_at_the_counter_inspected_and_sellable_again(
    page: Any, person: Callable[..., Any], sign_in: Any, axe: Any, shoot: Any, transactional_db: None
) -> None:
    leeds = LocationFactory(code="LEEDS", name="Leeds Briggate", kind="STORE", returns=True)
    looks = {"family": "Outerwear", "colour": "Navy", "size": "M"}
    jacket = Item.objects.create(sku="CHJ-NVY-M", gtin="2000000010014", name="Chore jacket", attributes=looks)
    Item.objects.create(sku="BNI-OAT", gtin="2000000010021", name="Ribbed beanie, Oat", attributes=looks)
    rma = approved(sold((jacket, 2)), (jacket, 2), at=leeds)
    ReturnLine.objects.filter(request=rma).update(reason="TOO_SMALL", reason_text="Runs small, size up")
    sign_in(page, person())
    page.set_viewport_size({"width": 390, "height": 844})

    page.goto("/s/LEEDS/returns/")
    axe(page)
    shoot(page, "site-returns")
    page.locator(f"#return-{rma.pk}").click()
    axe(page)
    shoot(page, "return-receive")
    scan(page, "2000000010014")
    expect(page.locator("#verdict")).to_contain_text("Chore jacket: 1 of 2")
    page.expected = ["422"]
    scan(page, "BNI-OAT")
    expect(page.locator("#verdict")).to_contain_text("was not announced")
    axe(page)
    shoot(page, "return-unexpected", widths=(390,))
    page.get_by_role("button", name="The box is empty").click()
    axe(page)
    page.get_by_role("button", name="That was all").click()

    expect(page.locator("#pick")).to_contain_text("How is it?")
    axe(page)
    shoot(page, "return-inspect")
    out = io.BytesIO()
    Image.effect_noise((800, 600), 60).save(out, "JPEG")
    picture = {"name": "jacket.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}
    page.get_by_label("Photos").set_input_files(picture)
    page.get_by_role("button", name="Keep photo").click()
    expect(page.get_by_alt_text("Photo 1 of Chore jacket")).to_be_visible()
    page.get_by_label("A As new, complete").check()
    expect(page.locator("#rule")).to_contain_text("Back on sale")
    axe(page)
    shoot(page, "return-graded", widths=(390,))
    page.get_by_role("button", name="Inspected").click()
    expect(page.locator("#verdict")).to_contain_text("1 accepted: back on sale")
    axe(page)
    shoot(page, "return-done", widths=(390,))

    assert Stock.objects.get(item=jacket, location=leeds).sellable == 1
    assert Disposition.objects.get().kind == "RESTOCK"
    assert InspectionPhoto.objects.get().inspection == Inspection.objects.get()

    page.goto(f"/returns/{rma.number}/bench")
    expect(page.locator("#return-clocks")).to_contain_text("Receipt to disposition")
    axe_free_pages = ("/ops/dispositions/", "/returns/signals/")
    for address in axe_free_pages:
        page.goto(address)
        axe(page)
        shoot(page, address.strip("/").replace("/", "-"), widths=(390, 1440))
