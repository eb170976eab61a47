"""An order is changed the way a person does it, and a hold is decided: previewed, confirmed, looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from core.actors import SYSTEM
from inventory.models import Stock
from orders.edits import Substitute
from orders.models import OrderChange
from orders.services import changing
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders.test_holds import over, rule

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(transactional_db: None) -> Any:
    node = LocationFactory(code="LEEDS", name="Leeds Briggate", pickup=True)
    for sku, name in (("CHJ-NVY-M", "Chore jacket, Navy M"), ("BNI-OAT", "Ribbed beanie, Oat")):
        StockFactory(item=ItemFactory(sku=sku, name=name), location=node, sellable=9)
    rule("big", tests=[over("200.00"), {"test": "among", "what": "country", "codes": ["GB"]}])
    return place(incoming_line("CHJ-NVY-M", 3, "89.00", title="Chore jacket, Navy M"))


def test_a_change_is_previewed_before_it_is_made_and_a_hold_shows_its_evidence(
    page: Any, person: Callable[..., Any], sign_in: Any, axe: Any, shoot: Any, order: Any
) -> None:
    sign_in(page, person())

    # The hold waits in the queue; the order's page says what was found.
    page.goto("/orders/holds/")
    expect(page.locator("#rows tr")).to_have_count(1)
    axe(page)
    shoot(page, "holds")
    page.get_by_role("link", name=order.number).click()
    expect(page.get_by_role("region", name="Fraud review hold")).to_contain_text("£267.00")
    axe(page)
    shoot(page, "order-held")

    # Fewer jackets and another article: first its effect.
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("Units of Chore jacket, Navy M").fill("2")
    page.get_by_label("SKU of another article").fill("BNI-OAT")
    page.get_by_label("Price of the other article").fill("24")
    page.get_by_role("button", name="Show what it does").click()
    effect = page.locator("#effect")
    expect(effect).to_contain_text("£202.00")
    expect(effect).to_contain_text("BNI-OAT at Leeds Briggate: 0 → 1")
    assert Stock.objects.get(item__sku="BNI-OAT").reserved == 0
    axe(page)
    shoot(page, "change", full=True)
    effect.get_by_role("button", name="Confirm the change").click()
    expect(page.locator("#order-changes")).to_contain_text("BNI-OAT added")
    assert Stock.objects.get(item__sku="BNI-OAT").reserved == 1

    # What was proposed is answered on the page; the hold is lifted with what was found out.
    changing.propose(order.pk, [Substitute(line="here-1", sku="CHJ-NVY-M")], version=None, actor=SYSTEM, key="offer")
    page.reload()
    page.locator("#order-changes").get_by_role("button", name="Decline").click()
    expect(page.locator("#order-changes")).to_contain_text("Declined")
    axe(page)
    assert OrderChange.objects.filter(status="CONFIRMED").count() == 1
    page.get_by_label("What you found out").fill("Rang her")
    page.get_by_role("button", name="Lift hold").click()
    expect(page.get_by_role("region", name="Fraud review hold")).to_have_count(0)

    # Why it goes where it goes, who was told, and what a cancellation would do.
    page.get_by_role("button", name="Why this split").click()
    expect(page.locator("#dialog")).to_contain_text("LEEDS Chosen")
    axe(page, within="#dialog")
    shoot(page, "order-why")
    page.keyboard.press("Escape")
    page.locator("#order-told").scroll_into_view_if_needed()
    expect(page.locator("#order-told")).to_contain_text("Customer")
    axe(page)
    shoot(page, "order", full=True)
    page.get_by_role("button", name="Hold", exact=True).click()
    axe(page, within="#hold-order")
    shoot(page, "order-hold")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Cancel order").click()
    page.locator("#cancel-order").get_by_label("Why").fill("Changed her mind")
    page.locator("#cancel-order").get_by_role("button", name="Show what it does").click()
    expect(page.locator("#cancel-effect")).to_contain_text("CHJ-NVY-M at Leeds Briggate: 2 → 0")
    axe(page, within="#cancel-order")
    shoot(page, "order-cancel")
    assert Stock.objects.get(item__sku="CHJ-NVY-M").reserved == 2
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("button", name="Cancel order")).to_have_count(0)
    assert Stock.objects.get(item__sku="CHJ-NVY-M").reserved == 0


def test_a_rule_is_built_on_a_form(
    page: Any, person: Callable[..., Any], sign_in: Any, axe: Any, shoot: Any, order: Any
) -> None:
    sign_in(page, person())
    page.goto("/ops/holds/")
    axe(page)
    shoot(page, "hold-rules")
    page.get_by_role("link", name="New rule").click()
    page.get_by_label("Code").fill("twice")
    page.get_by_label("Name").fill("Ordered twice")
    page.get_by_label("Holds for").select_option("DUPLICATE")
    page.get_by_label("Test to add").select_option("duplicate")
    page.get_by_role("button", name="Add the test").click()
    page.get_by_label("Hours").fill("0")
    page.expected = ["422"]
    page.get_by_role("button", name="Save the rule").click()
    expect(page.get_by_role("group", name="Problems")).to_be_visible()
    page.get_by_label("Hours").fill("24")
    page.get_by_role("button", name="Try it on past orders").click()
    expect(page.locator("#tried")).to_contain_text("0 of the latest 1 order")
    axe(page)
    shoot(page, "hold-rule", full=True)
    page.get_by_role("button", name="Save the rule").click()
    expect(page.locator("#rule-twice")).to_contain_text("Ordered twice")
    page.goto("/ops/holds/prices/")
    axe(page)
