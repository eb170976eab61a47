"""Waiting orders placed together: what it saves is shown before anything happens, then done; or stopped. In a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from core.models import Job
from orders.models import FulfilmentLine
from orders.services import batching
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place


def test_a_batch_is_previewed_stopped_run_and_confirmed(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    transactional_db: None,
) -> None:  # fmt: skip
    lamp, shade = ItemFactory(sku="LAMP"), ItemFactory(sku="SHADE")
    place(incoming_line("LAMP"), channel_ref="1")
    place(incoming_line("LAMP"), incoming_line("SHADE"), channel_ref="2")
    near, far = (LocationFactory(code=code, priority=n, country="GB") for n, code in enumerate(("NEAR", "FAR")))
    for item, where in ((lamp, near), (shade, near), (lamp, far)):
        StockFactory(item=item, location=where, sellable=1)
    sign_in(page, person())

    page.goto(f"{live_server.url}/ops/policies/")
    page.get_by_role("button", name="Place waiting orders together").click()
    expect(page.get_by_text("The waiting orders are being read")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Stop").click()
    stopped = Job.objects.get(kind=batching.PLAN)
    batching.work_out(stopped.pk)
    expect(page.get_by_text("Stopped").first).to_be_visible()
    assert not FulfilmentLine.objects.exists()

    page.goto(f"{live_server.url}/ops/policies/")
    page.get_by_role("button", name="Place waiting orders together").click()
    expect(page.get_by_text("The waiting orders are being read")).to_be_visible()
    batching.work_out(Job.objects.filter(kind=batching.PLAN).latest("pk").pk)
    expect(page.get_by_role("button", name="Place 2 orders so")).to_be_visible()
    expect(page.get_by_role("row", name="Parcels 3 2")).to_be_visible()
    axe(page)
    shoot(page, "together", full=True)
    page.get_by_role("button", name="Place 2 orders so").click()
    expect(page.get_by_role("button", name="Place 2 orders so")).to_have_count(0)
    batching.carry_out(Job.objects.get(kind=batching.PLACE).pk)
    expect(page.get_by_text("2 of 2 done").first).to_be_visible()
    axe(page)
    assert FulfilmentLine.objects.filter(quantity__gt=0).count() == 3
