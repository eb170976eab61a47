"""Parcels and message templates in a browser: labels on paper and on the page, scans, and words with their preview."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import expect

from core.actors import SYSTEM
from orders.models import ParcelLabel
from orders.services import label_answers, tracking
from orders.tracking import Scan
from tests.orders.parcels import bought, packed, service


def test_from_a_packed_parcel_to_its_label_and_its_scans(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any
) -> None:
    service(tracking_url="https://track.example/{tracking}")
    bought(zones=[{"name": "UK", "countries": ["GB"], "days": 1, "prices": [[30000, "4.10"]]}])
    job = packed(400, 2300)
    sign_in(page, person())

    page.goto(f"{live_server.url}/fulfilments/{job.number}/parcels")
    axe(page)
    shoot(page, "parcels-packed")
    page.get_by_label("Service").select_option("own-standard")
    page.get_by_role("button", name="Get 2 labels").click()
    expect(page.get_by_text("Label: Ready").first).to_be_visible()
    page.get_by_role("button", name="Give back").nth(1).click()
    expect(page.get_by_text("Label: Given back")).to_be_visible()
    page.get_by_label("Service").select_option("parcel-post")
    page.get_by_role("button", name="Get 1 label").click()
    expect(page.get_by_text("Label: Ordered")).to_be_visible()
    axe(page)

    label = ParcelLabel.objects.get(status="WANTED")
    label_answers.failed(label.pk, reason="Postcode and town disagree.", actor=SYSTEM)
    expect(page.get_by_text("Postcode and town disagree.")).to_be_visible()
    axe(page)
    first = ParcelLabel.objects.get(status="BOUGHT")
    tracking.record(
        first.tracking_number,
        [
            Scan("in_transit", datetime(2026, 11, 19, 20, 5, tzinfo=UTC), "Arrived at the depot", place="Leeds, GB"),
            Scan(
                "delivery_delayed", datetime(2026, 11, 20, 7, 30, tzinfo=UTC), "Held for the weather", place="York, GB"
            ),
        ],
        actor=SYSTEM,
    )
    page.reload()
    expect(page.get_by_role("cell", name="Held for the weather")).to_be_visible()
    axe(page)
    shoot(page, "parcels")

    page.get_by_role("button", name="Print", exact=True).click()
    expect(page.get_by_text(f"(00) {first.tracking_number}")).to_be_visible()
    axe(page)
    shoot(page, "label", widths=(820,))
    page.goto(f"{live_server.url}/orders/{job.order.number}")
    expect(page.get_by_role("link", name=f"{job.number}, parcel 1")).to_be_visible()
    axe(page)


def test_a_template_is_written_seen_and_put_live(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any
) -> None:
    sign_in(page, person())
    page.goto(f"{live_server.url}/ops/templates/")
    expect(page.get_by_role("heading", name="No templates yet")).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Write a template").click()
    page.get_by_label("Tells of").select_option("fulfilment.shipped")
    page.get_by_label("Subject").fill("Your order {{ order.ref }} is on its way")
    page.get_by_label("Words", exact=True).fill(
        "Dear {{ customer.name }},\n\n{{ parcels[0].carrier }} {{ parcels[0].colour }}"
    )
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_role("group", name="Problems")).to_contain_text("colour")
    page.expected.append("422")
    axe(page)

    page.get_by_label("Words", exact=True).fill(
        "Dear {{ customer.name }},\n\nyour parcel goes with {{ parcels[0].carrier }}: {{ parcels[0].tracking }}"
    )
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("your parcel goes with Royal Mail: RM100000001GB")).to_be_visible()
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_role("heading", name="Parcel sent or order handed over, version 1")).to_be_visible()
    page.get_by_role("button", name="Put live").click()
    expect(page.get_by_role("link", name="Draft the next version")).to_be_visible()
    axe(page)
    shoot(page, "template")
    page.goto(f"{live_server.url}/ops/templates/?status=LIVE")
    expect(page.locator("#rows tr")).to_have_count(1)
    axe(page)
    shoot(page, "templates", widths=(390, 1440))
