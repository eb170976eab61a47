"""Messages and connections in a browser: both themes, three widths, and the way from a failure to its end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from integrations import inbox
from integrations.models import Connection, InboundMessage
from tests.integrations.conftest import FIXTURES, connect


@pytest.fixture
def messages(transactional_db: None) -> dict[str, int]:
    """Thirty messages of a shop: most went through, some failed alike, one waits for its order."""
    shop = connect("web")
    Connection.objects.filter(pk=shop.pk).update(name="Shopify, Harrow & Vale")
    order = json.loads((FIXTURES / "orders_create.json").read_text())
    made: dict[str, int] = {}

    def deliver(name: str, body: Any, topic: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        made[name], _ = inbox.accept(
            shop, external_id=f"b54557e4-{len(made):04}", headers={"X-Shopify-Topic": topic, "X-Secret": "s"},
            body=content, topic=topic, verdict="GOOD",
        )  # fmt: skip
        inbox.process(made[name])

    for n in range(24):
        deliver(f"order-{n}", {**order, "id": order["id"] + n, "name": f"#{2001 + n}"}, "orders/create")
    for n in range(3):
        wrong = json.loads(json.dumps(order))
        wrong["id"] += 100 + n
        wrong["line_items"][0]["price"] = "free"
        deliver(f"wrong-{n}", wrong, "orders/create")
    deliver("cut", json.dumps(order).encode()[:700], "orders/create")
    deliver("draft", {"id": 1, "status": "open", "line_items": [], "invoice_sent_at": None}, "draft_orders/create")
    deliver("waits", {**json.loads((FIXTURES / "refunds_create.json").read_text()), "order_id": 77}, "refunds/create")
    return made


def test_from_a_failed_message_to_its_end(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    messages: dict[str, int],
) -> None:  # fmt: skip
    sign_in(page, person())

    page.goto(f"{live_server.url}/ops/messages/")
    expect(page.get_by_role("heading", name="Messages", exact=True)).to_be_visible()
    axe(page)
    shoot(page, "messages")

    page.get_by_role("link", name="Failed", exact=True).click()
    expect(page.locator("#rows tr")).to_have_count(4)
    page.goto(f"{live_server.url}/ops/messages/{messages['wrong-0']}")
    expect(page.get_by_text("line_items[0].price").first).to_be_visible()
    axe(page)
    shoot(page, "message")

    page.get_by_role("button", name="Try all 3 alike").click()
    axe(page)
    page.get_by_role("button", name="Try them again").click()
    expect(page.get_by_text("Waiting to start")).to_be_visible()

    page.goto(f"{live_server.url}/ops/messages/{messages['cut']}")
    page.get_by_role("button", name="Discard").first.click()
    page.get_by_label("Why it is not needed").fill("Their test delivery")
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_text("Their test delivery").first).to_be_visible()
    assert InboundMessage.objects.get(pk=messages["cut"]).status == "IGNORED"

    page.goto(f"{live_server.url}/ops/messages/{messages['waits']}")
    expect(page.get_by_text("It waits.")).to_be_visible()
    axe(page)


def test_pausing_and_resuming_a_connection(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    messages: dict[str, int],
) -> None:  # fmt: skip
    sign_in(page, person())

    page.goto(f"{live_server.url}/ops/links/")
    axe(page)
    shoot(page, "connections")
    page.get_by_role("button", name="Pause").first.click()
    page.get_by_label("Why").fill("Their maintenance window")
    page.get_by_role("button", name="Pause it").click()

    expect(page.get_by_text("Their maintenance window")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause").first).to_be_visible()
