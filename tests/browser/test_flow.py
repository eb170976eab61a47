"""An order's trace, dead letters, an edited message and a cut-over in a browser: both themes, three widths."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from core.models import Delivery, Event
from integrations import inbox
from integrations.models import Connection, InboundMessage, OutboundCall
from orders.models import Order
from tests.integrations.conftest import FIXTURES, connect


@pytest.fixture
def shop(transactional_db: None) -> Connection:
    """A shop with an order, failures of two causes, a dead delivery, and a second connection in shadow."""
    shop = connect("web")
    Connection.objects.filter(pk=shop.pk).update(name="Shopify, Harrow & Vale")
    body = json.loads((FIXTURES / "orders_create.json").read_text())

    def deliver(to: Connection, name: str, document: Any) -> None:
        content = document if isinstance(document, bytes) else json.dumps(document, indent=1).encode()
        message_id, _ = inbox.accept(
            to, external_id=name, headers={}, body=content, topic="orders/create", verdict="GOOD"
        )  # fmt: skip
        inbox.process(message_id)

    deliver(shop, "order", body)
    for n in range(3):
        wrong = json.loads(json.dumps(body))
        wrong["id"] += 100 + n
        wrong["name"] = f"#{3000 + n}"
        wrong["line_items"][0]["price"] = "free"
        deliver(shop, f"wrong-{n}", wrong)
    deliver(shop, "cut", b'{"id": 12')
    shadow = Connection.objects.create(
        code="shopify-new", name="Shopify, new account", kind="CHANNEL", vendor="shopify", channel=shop.channel,
        mode="SHADOW",
    )  # fmt: skip
    deliver(shadow, "same", body)
    deliver(shadow, "differs", {**body, "note": "Ring twice", "updated_at": "2030-01-01T00:00:00Z"})
    deliver(shadow, "missing", {**body, "id": 77, "name": "#77"})
    fact = Event.objects.get(type="order.received")
    OutboundCall.objects.create(
        connection=shop, method="POST", url="https://shop.example/graphql.json", purpose="tell shipment", status=500,
        about=str(fact.uid), failure_class="connection", error="The other side answered 500.", duration_ms=312,
        request_excerpt='{"query": "…"}',
    )  # fmt: skip
    Delivery.objects.filter(event=fact).update(status="DELIVERED", finished_at=timezone.now())
    Delivery.objects.create(
        event=fact, handler="channels.tell_shipment", lane="channels.tell_shipment|order:1", seq=fact.pk,
        queue="outside", status="DEAD", attempts=60, last_error="The other side answered 500. (attempt 60 of 60)",
        finished_at=timezone.now(),
    )  # fmt: skip
    return shop


def test_from_a_trace_to_dead_letters_to_a_cut_over(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    shop: Connection,
) -> None:  # fmt: skip
    sign_in(page, person())
    order = Order.objects.get()

    page.goto(f"{live_server.url}/orders/{order.number}")
    page.get_by_role("link", name="Whole trace").click()
    expect(page.get_by_text("All the same")).to_be_visible()
    axe(page)
    shoot(page, "trace")
    page.get_by_role("button", name="Open message").first.click()
    expect(page.get_by_text("People and secrets are masked.")).to_be_visible()
    axe(page)
    shoot(page, "trace-message", widths=(390, 1440))
    page.get_by_role("button", name="Show unmasked").click()
    expect(page.get_by_text("That you read it is written down.")).to_be_visible()
    page.get_by_role("button", name="Close").click()

    page.goto(f"{live_server.url}/ops/dead/")
    axe(page)
    shoot(page, "dead")
    page.get_by_role("link", name="Bad value at line_items[].price").click()
    page.get_by_role("button", name="Rehearse").first.click()
    axe(page)
    page.get_by_role("button", name="Rehearse them").click()
    expect(page.get_by_text("Waiting to start")).to_be_visible()
    shoot(page, "dead-messages")
    page.goto(f"{live_server.url}/ops/dead/")
    page.get_by_role("link", name="channels.tell_shipment").first.click()
    axe(page)
    shoot(page, "dead-deliveries", widths=(390, 1440))

    bad = InboundMessage.objects.filter(status="FAILED", failure_class="bad_value").first()
    assert bad is not None
    page.goto(f"{live_server.url}/ops/messages/{bad.pk}/edit")
    field = page.get_by_label("The message")
    field.fill(field.input_value().replace('"free"', '"120.00"', 1))
    page.get_by_label("What was wrong").fill("A word for a price")
    page.get_by_role("button", name="Rehearse").click()
    expect(page.get_by_text("It would go through.")).to_be_visible()
    axe(page)
    shoot(page, "edit")
    page.get_by_role("button", name="Keep it and try").click()
    expect(page.get_by_text("Version 1 by")).to_be_visible()
    assert Order.objects.count() == 2

    shadow = Connection.objects.get(code="shopify-new")
    page.goto(f"{live_server.url}/ops/links/{shadow.pk}")
    page.get_by_text("Change how much of it is live").click()
    page.get_by_label("It is").select_option("PART")
    page.get_by_label("Share of its orders").fill("30")
    page.locator("#f-reason").first.fill("Two stores first")
    page.get_by_role("button", name="Show what it changes").click()
    expect(page.get_by_role("button", name="Do it")).to_be_visible()
    axe(page)
    shoot(page, "cutover", full=True)
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_text("Shopify, new account is partly live")).to_be_visible()
    page.goto(f"{live_server.url}/ops/links/{shadow.pk}/shadow")
    axe(page)
    shoot(page, "shadow")
