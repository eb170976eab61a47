"""A file of orders in a browser: dropped, its columns said, taken, at three widths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from core.models import Job
from integrations.files.orders import drops
from integrations.models import Connection
from orders.models import Channel, Order
from tests.integrations.test_order_files import GERMAN


def test_a_file_is_mapped_and_taken(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any
) -> None:
    channel = Channel.objects.create(
        code="wholesale", name="Wholesale", currency="EUR", kind="WHOLESALE", time_zone="Europe/Berlin"
    )
    files = Connection.objects.create(
        code="files", name="Files, Rhein & Söhne", kind="CHANNEL", vendor="orderfile", channel=channel
    )
    sign_in(page, person())

    page.goto(f"{live_server.url}/ops/links/{files.pk}/files")
    axe(page)
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "bestellungen.csv", "mimeType": "text/csv", "buffer": GERMAN}
    )
    page.get_by_role("button", name="Show what it says").click()
    expect(page.get_by_role("heading", name="bestellungen.csv")).to_be_visible()
    page.get_by_label("Decimals").select_option(",")
    page.get_by_label("Thousands").select_option(".")
    page.get_by_label("Dates", exact=True).select_option("D.M.Y")
    page.get_by_role("button", name="Read it this way").click()
    expect(page.get_by_text("2 lines, 3 units, 2515.85 EUR")).to_be_visible()
    expect(page.get_by_text("should be a whole number of units, is 'zwei'")).to_be_visible()
    page.get_by_text("Other columns, 7 of them said").click()
    expect(page.get_by_label("Ship to: town")).to_have_value("Ort")
    axe(page)
    page.get_by_text("Other columns, 7 of them said").click()
    page.evaluate("scrollTo(0, 0)")
    shoot(page, "order-file")
    page.get_by_role("button", name="Take 4 orders").click()
    expect(page.get_by_text("Waiting to start")).to_be_visible()

    drops.run(Job.objects.latest("pk").pk)
    page.reload()
    expect(page.get_by_role("link", name="Refused rows")).to_be_visible()
    assert Order.objects.get().channel_ref == "B-1"
    axe(page)
    shoot(page, "order-file-read")
    page.goto(f"{live_server.url}/ops/links/{files.pk}/files")
    expect(page.locator("#rows tr")).to_have_count(1)
    shoot(page, "order-files")
