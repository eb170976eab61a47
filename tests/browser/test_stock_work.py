"""Counting and moving stock, the way people walk it: the handheld's scanner, the desk's approval, both ends of a box."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect

from core.actors import SYSTEM, Actor
from core.subjects import Subject
from inventory.models import Count, CountPlan, Item, Stock, Transfer, TransferDiscrepancy
from inventory.services import counts, movements, paces, transfers
from tests.factories.inventory import LocationFactory, StockFactory

pytestmark = pytest.mark.django_db(transaction=True)
CHEN = Actor("PERSON", "999", "Chen Liu")


@pytest.fixture
def places(transactional_db: None) -> dict[str, Any]:
    made = {
        "LEEDS": LocationFactory(code="LEEDS", name="Leeds Briggate", kind="STORE"),
        "DC": LocationFactory(code="DC", name="Wakefield", kind="WAREHOUSE"),
    }
    for n, (sku, name) in enumerate((("CHJ-NVY-M", "Chore jacket, Navy M"), ("BNI-OAT", "Ribbed beanie, Oat"))):
        item = Item.objects.create(
            sku=sku, gtin=f"200000001001{n}", name=name, unit_cost=Decimal(40), cost_currency="GBP",
            attributes={"family": "Outerwear", "colour": "Navy", "size": "M"},
        )  # fmt: skip
        for place in made.values():
            StockFactory(item=item, location=place, sellable=12)
    return made


def scan(page: Any, code: str) -> None:
    page.locator("main[data-ready]").wait_for()
    page.keyboard.type(code, delay=5)
    page.keyboard.press("Enter")


def test_a_count_is_scanned_blind_and_approved_by_somebody_else(
    page: Any, person: Callable[..., Any], sign_in: Any, axe: Any, shoot: Any, places: dict[str, Any]
) -> None:
    sign_in(page, person())
    items = list(Item.objects.values_list("pk", flat=True))
    count = counts.request(places["LEEDS"].pk, items, cause=Subject("fulfilment", "7", "SO-7-F1"), actor=SYSTEM)

    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/s/LEEDS/counts/")
    axe(page)
    shoot(page, "site-counts")
    page.locator(f"#count-{count}").click()
    axe(page)
    shoot(page, "count-start")
    page.get_by_role("button", name="Start counting").click()
    expect(page.locator("#pick[data-status=COUNTING]")).to_be_visible()
    axe(page)
    shoot(page, "count-walk")
    scan(page, "BNI-OAT")
    expect(page.locator("#verdict")).to_contain_text("Ribbed beanie, Oat: 1")
    scan(page, "99999999")
    expect(page.locator("#verdict")).to_contain_text("Nobody knows")
    page.expected = ["422"]
    page.get_by_role("button", name="Type the figure").click()
    page.get_by_label("Units on the shelf").fill("12")
    axe(page)
    shoot(page, "count-figure", widths=(390,))
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#verdict")).to_contain_text("Ribbed beanie, Oat: 12")
    page.get_by_role("button", name="Finish").first.click()
    page.get_by_label("There is nothing of them").check()
    axe(page)
    shoot(page, "count-finish", widths=(390,))
    page.locator("#finish").get_by_role("button", name="Finish").click()
    expect(page.locator("#pick")).to_contain_text("Count again, please")
    shoot(page, "count-again", widths=(390,))

    line = Count.objects.get(pk=count).lines.get(counted=None)
    counts.enter(count, line_id=line.pk, quantity=1, actor=CHEN)
    counts.finish(count, actor=CHEN)
    sign_in(page, person("helen@harrow.example", name="Helen Reid"))
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/stock/counts/")
    axe(page)
    shoot(page, "counts")
    page.get_by_role("link", name=f"CT-{count}").click()
    axe(page)
    shoot(page, "count")
    page.get_by_role("button", name="Approve and post").click()
    expect(page.locator("#count")).to_contain_text("Posted")
    axe(page)
    shoot(page, "count-posted", widths=(1440,))
    assert Stock.objects.get(location=places["LEEDS"], item__sku="CHJ-NVY-M").sellable == 1
    page.goto("/stock/counts/new")
    axe(page)
    page.get_by_label("Items").fill("NOBODY")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator(".errors")).to_contain_text("Nobody knows NOBODY")
    axe(page)
    shoot(page, "count-new")


def test_a_transfer_is_suggested_approved_sent_and_arrives_short(
    page: Any, person: Callable[..., Any], sign_in: Any, axe: Any, shoot: Any, places: dict[str, Any]
) -> None:
    jacket = Item.objects.get(sku="CHJ-NVY-M")
    about = {"cause": Subject("till", "7"), "actor": SYSTEM}
    movements.receive(jacket.pk, places["LEEDS"].pk, 80, key="r", **about)
    movements.issue(jacket.pk, places["LEEDS"].pk, 90, key="s", **about)
    paces.measure_due()
    sign_in(page, person())
    page.goto("/stock/transfers/")
    expect(page.locator("#list")).to_contain_text("No transfers yet")
    axe(page)
    page.goto("/stock/transfers/suggestions/")
    axe(page)
    shoot(page, "suggestions")
    page.get_by_role("button", name="Ask for the ticked ones").click()
    expect(page.get_by_role("heading", name="Transfers", exact=True)).to_be_visible()
    transfer = Transfer.objects.get()
    axe(page)
    shoot(page, "transfers")
    page.goto(f"/stock/transfers/{transfer.pk}")
    expect(page.locator("#transfer")).to_contain_text("Somebody else must approve it")
    axe(page)

    sign_in(page, person("helen@harrow.example", name="Helen Reid"))
    page.goto(f"/stock/transfers/{transfer.pk}")
    axe(page)
    shoot(page, "transfer-approve")
    page.get_by_role("button", name="Approve and promise the units").click()
    expect(page.locator("#transfer")).to_contain_text("Approved")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/s/DC/transfers/")
    axe(page)
    shoot(page, "site-transfers")
    page.locator(f"#transfer-{transfer.pk}").click()
    axe(page)
    scan(page, "2000000010010")
    expect(page.locator("#pick")).to_contain_text("1")
    shoot(page, "transfer-pick")
    wanted = transfer.lines.get().wanted
    transfers.pick(transfer.pk, code="CHJ-NVY-M", quantity=wanted - 1, actor=CHEN)
    page.reload()
    axe(page)
    shoot(page, "transfer-send", widths=(390,))
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#pick")).to_contain_text("In transit")

    page.goto(f"/s/LEEDS/transfers/{transfer.pk}")
    scan(page, "BNI-OAT")
    page.expected = ["409"]
    page.get_by_role("button", name="It did come in this box").click()
    expect(page.locator("#verdict")).to_contain_text("came, too")
    scan(page, "CHJ-NVY-M")
    expect(page.locator("#verdict")).to_contain_text("Chore jacket, Navy M: 1")
    axe(page)
    shoot(page, "transfer-unpack")
    page.get_by_role("button", name="Received").first.click()
    page.get_by_label("The box is empty").check()
    axe(page)
    shoot(page, "transfer-receive", widths=(390,))
    page.locator("#finish").get_by_role("button", name="Received").click()
    expect(page.locator("#pick")).to_contain_text("Discrepant")
    assert TransferDiscrepancy.objects.count() == 2

    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"/stock/transfers/{transfer.pk}")
    axe(page)
    shoot(page, "transfer-discrepant", full=True)
    page.get_by_role("button", name="Never left the origin").click()
    expect(page.locator("#transfer")).to_contain_text("Never left the origin, Helen Reid")

    CountPlan.objects.create(location=places["LEEDS"])
    page.goto("/stock/counts/plans/")
    axe(page)
    shoot(page, "count-plans")
    page.goto("/stock/counts/plans/LEEDS")
    axe(page)
    shoot(page, "count-plan")
