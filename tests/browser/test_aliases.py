"""What a connection's words mean, in a browser: said where a message failed for want of it, listed, forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from core.actors import SYSTEM
from integrations import aliases, inbox
from integrations.models import Connection
from orders.models import Channel
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.integrations.test_square import fixture


@pytest.fixture
def till(transactional_db: None) -> Connection:
    LocationFactory(code="LEEDS", name="Leeds, Briggate")
    for n, name in enumerate(("Enamel mug", "Tote bag", "Wool throw")):
        ItemFactory(sku=f"SKU-{n}", name=name)
    channel = Channel.objects.create(code="tills", name="Tills", currency="GBP", kind="POS")
    till = Connection.objects.create(
        code="tills", name="Square, Harrow & Vale", kind="CHANNEL", vendor="square", channel=channel
    )
    for n in range(3):
        aliases.say(till.pk, "ITEM", f"variation:2TZFAOHWGG7PAK2QEXWYPZS{n}", f"SKU-{n}", actor=SYSTEM)
    return till


def test_a_missing_place_is_said_where_its_message_failed(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    till: Connection,
) -> None:  # fmt: skip
    ids = []
    for n in range(2):
        sale = {"order": fixture("sale_tax_included")["order"] | {"id": f"S{n}", "tenders": []}}
        ids.append(
            inbox.accept(till, external_id=f"s{n}", headers={}, body=json.dumps(sale).encode(), verdict="NONE")[0]
        )
        inbox.process(ids[-1])
    sign_in(page, person())

    page.goto(f"{live_server.url}/ops/messages/{ids[0]}")
    expect(page.get_by_text("2 messages failed for want of it")).to_be_visible()
    page.get_by_label("Our place").select_option("LEEDS")
    page.get_by_role("button", name="Test on this message").click()
    expect(page.get_by_text("It would be processed")).to_be_visible()
    axe(page)
    shoot(page, "mapping-missing")
    page.get_by_role("button", name="Save and try all 2 again").click()
    expect(page.get_by_text("Waiting to start")).to_be_visible()

    page.goto(f"{live_server.url}/ops/links/{till.pk}/aliases")
    expect(page.locator("#rows tr")).to_have_count(3)
    axe(page)
    shoot(page, "aliases")
    page.get_by_role("link", name="Place", exact=True).click()
    expect(page.locator("#rows tr")).to_have_count(1)
    page.get_by_role("button", name="Add", exact=True).click()
    axe(page)
    shoot(page, "alias-add", widths=(390,))
    page.get_by_label("Its word or code").fill("L2")
    page.get_by_label("Our place").select_option("LEEDS")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#rows tr")).to_have_count(2)
    page.get_by_role("button", name="Forget L2").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    page.get_by_role("link", name="Version 6").click()
    expect(page.get_by_role("heading", name="Versions of its mapping")).to_be_visible()
    axe(page)
    shoot(page, "alias-history", widths=(390, 1440))
