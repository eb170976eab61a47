"""A policy reworded, tried, run in shadow and put live; and why an order went where it went: in a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from core.actors import SYSTEM
from orders.models import FulfilmentLine, PolicyVersion
from orders.services import replays
from tests.factories import policies
from tests.factories.orders import PLACED_AT, incoming_line, place


@pytest.fixture
def shop(transactional_db: None) -> None:
    policies.lamp()
    for n in range(4):
        place(incoming_line(quantity=2), channel_ref=f"before-{n}")
    policies.drafted()


def test_from_draft_to_shadow_to_live(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any, shop: None
) -> None:  # fmt: skip
    sign_in(page, person())
    page.goto(f"{live_server.url}/ops/policies/")
    page.get_by_role("link", name="Cheap").click()
    axe(page)
    page.get_by_role("link", name="Version 1").click()

    page.get_by_role("button", name="Rule", exact=True).click()
    expect(page.locator("#policy section.panel")).to_have_count(2)
    page.locator("[name=r1-name]").fill("anywhere")
    page.locator("[name=r1-then]").select_option("BACKORDER")
    page.get_by_role("button", name="Criterion for rule 2").click()
    page.locator("[name=r1-c1-name]").select_option("capacity")
    expect(page.locator("[name=r1-c1-least]")).to_be_visible()
    page.get_by_role("button", name="Try it on the latest orders").click()
    expect(page.get_by_text("4 of 4 orders would have gone elsewhere")).to_be_visible()
    axe(page)
    shoot(page, "policy-draft", full=True)
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_text("Draft 1 is saved")).to_be_visible()

    page.get_by_role("button", name="Run in shadow").click()
    expect(page.get_by_role("button", name="Put live")).to_be_visible()
    watched = place(incoming_line(quantity=1), channel_ref="watched")
    page.get_by_role("link", name="Shadow's decisions").click()
    expect(page.get_by_role("link", name=watched.number)).to_be_visible()
    axe(page)
    shoot(page, "policy-shadow")

    page.goto(f"{live_server.url}/ops/policies/cheap/1")
    page.get_by_role("button", name="Put live").click()
    expect(page.get_by_text("Live since")).to_be_visible()
    axe(page)
    assert PolicyVersion.objects.get().status == "LIVE"
    after = place(incoming_line(quantity=1), channel_ref="after")
    assert FulfilmentLine.objects.get(order_line__order=after).location.code == "LONDON"

    page.goto(f"{live_server.url}/orders/{after.number}/why")
    expect(page.get_by_text("rule cheapest")).to_be_visible()
    axe(page)
    shoot(page, "why-these-nodes")

    period = {"placed_from": PLACED_AT - timedelta(days=1), "placed_to": PLACED_AT + timedelta(days=1)}
    replay = replays.start(PolicyVersion.objects.get().pk, channel=None, actor=SYSTEM, **period)
    replays.carry_on()
    page.goto(f"{live_server.url}/ops/replays/{replay.pk}")
    expect(page.get_by_text("of 6 orders would have gone elsewhere")).to_be_visible()
    axe(page)
    shoot(page, "policy-replay", full=True)
    page.goto(f"{live_server.url}/ops/nodes/")
    axe(page)
    shoot(page, "nodes")
