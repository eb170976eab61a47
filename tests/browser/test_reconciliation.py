"""Truth from outside in a browser: an uploaded list becomes differences, a word is explained, a case puts it right."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from core.actors import SYSTEM
from exceptions.models import Case
from inventory.models import Stock, StockDifference, StockUpload
from inventory.services import snapshots, sources, uploads
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

LIST = """SKU,Location,Status,Quantity
COAT-NVY-M,LEEDS,On hand,5
COAT-NVY-L,LEEDS,On hand,9
BOOT-TAN-42,LEEDS,On hand,3
BOOT-TAN-42,LEEDS,Hospital,2
CAP-RST,LEEDS,On hand,4
CAP-RST,LEEDS,Damaged,many
"""


@pytest.fixture
def shop(transactional_db: None) -> None:
    leeds = LocationFactory(code="LEEDS", name="Leeds Briggate")
    for sku, name, units in (
        ("COAT-NVY-M", "Waxed coat, navy, M", 8),
        ("COAT-NVY-L", "Waxed coat, navy, L", 7),
        ("BOOT-TAN-42", "Walking boot, tan, 42", 5),
        ("CAP-RST", "Corduroy cap, rust", 4),
    ):
        item = ItemFactory(sku=sku, name=name, unit_cost=Decimal("12.40"), cost_currency="GBP")
        StockFactory(item=item, location=leeds, sellable=units)
    sources.ensure("leeds-till", name="Till system Leeds", kind="POS", actor=SYSTEM)


def test_from_an_uploaded_list_to_corrected_books(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    shop: None, tmp_path: Path,
) -> None:  # fmt: skip
    sign_in(page, person())
    file = tmp_path / "levels.csv"
    file.write_text(LIST)

    page.goto(f"{live_server.url}/stock/imports/")
    axe(page)
    page.get_by_label("System it comes from").select_option(label="Till system Leeds")
    page.get_by_label("File").set_input_files(file)
    shoot(page, "imports")
    page.get_by_role("button", name="Show what it says").click()
    expect(page.get_by_role("heading", name="Rows that can’t be taken")).to_be_visible()
    axe(page)
    shoot(page, "import")
    page.get_by_label("Leave bad rows out").check()
    page.get_by_role("button", name="Read it this way").click()
    page.get_by_role("button", name="Take 5 lines").click()
    expect(page.get_by_text("Waiting to start")).to_be_visible()
    uploads.run(StockUpload.objects.get().job_id)
    page.reload()
    page.get_by_role("link", name="Open SN-").click()
    expect(page.get_by_role("heading", name="SN-")).to_be_visible()
    axe(page)
    shoot(page, "snapshot")

    page.get_by_role("link", name="Say what its words mean").click()
    axe(page)
    shoot(page, "source")
    page.get_by_label("What Hospital means").select_option(label="Quarantined")
    page.get_by_role("row", name="Hospital").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Version 2 of the map is in force")).to_be_visible()
    snapshots.resolve_again(StockUpload.objects.get().source_id, actor=SYSTEM)

    page.goto(f"{live_server.url}/stock/snapshots/")
    axe(page)
    shoot(page, "snapshots")
    page.goto(f"{live_server.url}/stock/sources/")
    axe(page)

    page.goto(f"{live_server.url}/stock/reconciliation/")
    expect(page.locator("#rows tr")).to_have_count(3)
    axe(page)
    shoot(page, "reconciliation", full=True)
    page.get_by_label("Search in this list").fill("COAT-NVY-M")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.locator("#rows").get_by_role("link", name="EX-").click()
    expect(page.get_by_text("Both sides as of")).to_be_visible()
    axe(page)
    shoot(page, "case-snapshot-differs", full=True)
    case = Case.objects.get(reason="inventory.snapshot_differs", subject_label__startswith="COAT-NVY-M")
    assert "Correct the books" in page.content()

    from exceptions import reasons

    reasons.run(reasons.get(case.reason).action("correct"), case.subject_uid, actor=SYSTEM)
    page.goto(f"{live_server.url}/stock/reconciliation/")
    expect(page.locator("#rows tr")).to_have_count(2)
    assert Stock.objects.get(item__sku="COAT-NVY-M").sellable == 5
    assert StockDifference.objects.open().count() == 2
