"""A business account from its form to an order let through, with a note beside it: in a browser."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect

from orders.models import Account, Order
from tests.factories.accounts import AccountFactory
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming_line, place


@pytest.fixture
def halden(transactional_db: None) -> Account:
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=1_000)
    wholesale = ChannelFactory(code="wholesale", name="Harrow & Vale wholesale", kind="WHOLESALE")
    account = AccountFactory(
        code="HALDEN", name="Halden & Daughters Ltd", credit_limit=Decimal(5_000), channel=wholesale
    )
    AccountFactory(code="QUILL", name="Quill Stationers", on_stop=True, payment_terms="NET14")
    AccountFactory(code="NORTH", name="North Road Books", credit_limit=Decimal(800), requires_approval=True)
    for ref, units in (("PO-4417", 310), ("PO-4425", 240), ("PO-4431", 60)):
        place(
            incoming_line(quantity=units), channel=wholesale, channel_ref=ref, po_number=ref, account="HALDEN",
            payment_state="pending",
        )  # fmt: skip
    return account


def test_from_the_account_to_the_order_that_waits_for_it(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    halden: Account,
) -> None:  # fmt: skip
    sign_in(page, person())
    waits = Order.objects.get(po_number="PO-4425")

    page.goto(f"{live_server.url}/accounts/")
    expect(page.locator("#rows tr")).to_have_count(3)
    axe(page)
    shoot(page, "accounts")

    page.get_by_role("link", name="Halden & Daughters Ltd").click()
    expect(page.get_by_role("heading", name="What it owes")).to_be_visible()
    axe(page)
    shoot(page, "account", full=True)

    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("Credit limit").fill("6200")
    page.get_by_role("button", name="Show its effect").click()
    expect(page.get_by_text("Goes on")).to_be_visible()
    axe(page)
    shoot(page, "account-edit", full=True)

    page.goto(f"{live_server.url}/orders/{waits.number}")
    page.get_by_label("Add a note").fill("Their buyer rang: needed before the fair.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#notes li")).to_have_count(1)
    expect(page.get_by_role("button", name="Let it through")).to_be_visible()
    axe(page)
    shoot(page, "order-on-account", full=True)

    page.get_by_role("button", name="Let it through").click()
    expect(page.get_by_text("Let through on credit up to £2,400.00 by")).to_be_visible()
    expect(page.get_by_text("Credit hold")).to_have_count(0)
