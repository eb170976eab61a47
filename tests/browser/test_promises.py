"""Why a figure is what it is, a rule with its effect shown first, and a channel told everything: in a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from core.actors import SYSTEM
from core.subjects import Subject
from inventory.models import BufferRule, ChannelFeed, Publication, Stock
from inventory.services import inbound, publishing, reservations
from inventory.services.inbound import Line
from inventory.services.reservations import Want
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory


@pytest.fixture
def coat(transactional_db: None) -> Stock:
    """A coat at three places, with rules, promises, a transfer on its way, and two channels that hear of it."""
    item = ItemFactory(sku="COAT-NVY-M", name="Waxed coat, navy, M", attributes={"season": "winter"})
    leeds = StockFactory(
        item=item, sellable=24, location=LocationFactory(code="LEEDS", name="Leeds, Briggate", pickup=True)
    )
    StockFactory(item=item, sellable=6, location=LocationFactory(code="YORK", name="York, Coney Street", kind="STORE"))
    StockFactory(item=item, sellable=90, location=LocationFactory(code="DC1", name="Doncaster", status="PAUSED"))
    publishing.open_feed("web", "Harrow & Vale web shop")
    publishing.open_feed("marketplace", "Marketplace")
    for n in range(3):
        want = Want("1", item.pk, leeds.location_id, n + 1)
        reservations.hold(f"d{n}", [want], actor=SYSTEM, cause=Subject("order", str(n), f"SO-{88400 + n}"))
    BufferRule.objects.create(channel="web", item=item, amount=4, note="Sells fast when the feed lags")
    BufferRule.objects.create(channel="web", measure="PERCENT", amount=10)
    BufferRule.objects.create(kind="SAFETY", location=leeds.location, amount=2)
    BufferRule.objects.create(channel="marketplace", measure="DERIVED", amount=2, at_least=1, at_most=20)
    due = timezone.now() + timedelta(hours=5)
    inbound.expect(Subject("transfer", "12", "TR-12"), [Line(item.pk, leeds.location_id, 8)], due_at=due, actor=SYSTEM)
    publishing.fold_all()
    Publication.objects.filter(feed__channel="marketplace").update(problem="The item is not stocked at the location.")
    ChannelFeed.objects.filter(channel="web").update(lag_p50_ms=640, lag_p95_ms=2300, acknowledged_at=timezone.now())
    ChannelFeed.objects.filter(channel="marketplace").update(
        failures=3,
        last_error="connect.example: ConnectTimeout",
        backs_off_until=due,
        lag_p50_ms=4_200,
        lag_p95_ms=61_000,
    )
    return leeds


def test_from_a_figure_to_its_rule_and_the_rules_effect(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    coat: Stock,
) -> None:  # fmt: skip
    sign_in(page, person())

    page.goto(f"{live_server.url}/stock/COAT-NVY-M/why?channel=web")
    expect(page.get_by_role("heading", name="Available to promise", exact=True)).to_be_visible()
    axe(page)
    shoot(page, "why")

    page.get_by_role("link", name="Leeds, Briggate").click()
    expect(page.get_by_text("Less specific").first).to_be_visible()
    axe(page)
    shoot(page, "why-here", full=True)

    page.get_by_label("Channel").select_option("marketplace")
    expect(page.get_by_text("Measured: ")).to_be_visible()

    page.goto(f"{live_server.url}/stock/buffers/")
    expect(page.locator("#rows tr")).to_have_count(4)
    axe(page)
    shoot(page, "buffers")

    page.goto(f"{live_server.url}/stock/buffers/new")
    page.get_by_label("Attribute").fill("season")
    page.get_by_label("Its value").fill("winter")
    page.get_by_label("How much").fill("9")
    page.get_by_role("button", name="Show its effect").click()
    expect(page.get_by_text("of the 3 promises looked at change")).to_be_visible()
    axe(page)
    shoot(page, "buffer-effect", full=True)
    page.get_by_role("button", name="Put it in force").click()
    expect(page.locator("#rows tr")).to_have_count(5)


def test_a_channel_is_told_everything(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    coat: Stock,
) -> None:  # fmt: skip
    sign_in(page, person())

    page.goto(f"{live_server.url}/stock/publishing/")
    expect(page.get_by_text("Can’t be reached")).to_be_visible()
    axe(page)
    shoot(page, "publishing")
    page.get_by_role("link", name="1", exact=True).click()
    expect(page.get_by_text("not stocked at the location")).to_be_visible()
    axe(page)

    page.goto(f"{live_server.url}/stock/publishing/")
    page.get_by_role("button", name="Tell everything to Harrow & Vale web shop").click()
    expect(page.get_by_role("heading", name="Tell Harrow & Vale web shop every figure").first).to_be_visible()
