"""A settlement in a browser: a file is looked at, imported, and its payout explained to the cent by a person."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from playwright.sync_api import expect

from finance.models import Settlement
from tests.finance import settling
from tests.finance.settling import ADYEN_ROWS, adyen


def test_from_a_file_to_a_payout_explained_to_the_cent(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
) -> None:  # fmt: skip
    settling.adyen_orders()
    settling.paid("elsewhere", "10.00", name="W-9")
    sign_in(page, person())
    rows = (*ADYEN_ROWS[:4], ADYEN_ROWS[1].replace("W-2,", "lost,").replace("5642", "0001").replace("5952", "0002")
            .replace("21.95", "10.00").replace("21.70", "9.75"),
            ADYEN_ROWS[4], ADYEN_ROWS[5].replace("149.15", "158.90"))  # fmt: skip

    page.goto(f"{live_server.url}/finance/settlements/new")
    page.get_by_label("Provider", exact=True).select_option("adyen")
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "b.csv", "mimeType": "text/csv", "buffer": adyen(*rows)}
    )
    axe(page)
    page.get_by_role("button", name="Show what it says").click()
    expect(page.get_by_text("Equal")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Import").click()

    expect(page.get_by_role("heading", name="From orders to bank")).to_be_visible()
    expect(page.get_by_text("4 of 5")).to_be_visible()
    axe(page)
    shoot(page, "settlement")
    page.get_by_role("link", name="Settled").click()
    page.get_by_label("Order number or payment id").fill("W-9")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("checkbox").check()
    axe(page)
    page.get_by_role("button", name="Match with what is chosen").click()

    expect(page.get_by_text("5 of 5")).to_be_visible()
    assert Settlement.objects.get().residual == 0

    # One nobody of the people here imported: a suggestion is confirmed, a line split over two orders, the rest given up.
    settling.paid("near", "20.03", name="W-20")
    settling.paid("part1", "60.00", name="W-21")
    settling.paid("part2", "39.00", name="W-22")
    near = ADYEN_ROWS[0].replace("8816098341845641", "near").replace("7936098342605951", "n1").replace("W-1,", "W-20,")
    near = near.replace(",100.00,1,EUR,,98.80", ",20.00,1,EUR,,18.80")
    split = ADYEN_ROWS[0].replace("8816098341845641", "both").replace("7936098342605951", "n2").replace("W-1,", "lost,")
    (other,) = settling.settled("adyen", adyen(*(row.replace(",7", ",8") for row in (near, split))))
    page.goto(f"{live_server.url}/finance/settlements/{other.pk}")
    expect(page.get_by_role("heading", name="Suggested")).to_be_visible()
    axe(page)
    shoot(page, "settlement-suggested")
    page.get_by_role("button", name="Confirm").first.click()
    expect(page.get_by_role("heading", name="Suggested")).to_have_count(0)
    for name in ("W-21", "W-22"):
        page.goto(f"{live_server.url}/finance/settlements/{other.pk}/lines/{other.lines.get(payment_ref='both').pk}")
        page.get_by_label("Order number or payment id").fill(name)
        page.get_by_role("button", name="Find").click()
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Match with what is chosen").click()
        expect(page.get_by_role("heading", name="From orders to bank")).to_be_visible()
    page.goto(f"{live_server.url}/finance/settlements/{other.pk}/lines/{other.lines.get(payment_ref='both').pk}")
    page.expected = ["422"]
    page.get_by_label("Amount").fill("1,00")
    page.get_by_label("Why").fill("A coin")
    page.get_by_role("button", name="Write off").click()
    expect(page.locator("#write-off-form .errors")).to_contain_text("no commas")
    axe(page)
    shoot(page, "settlement-line")
    page.get_by_label("Amount").fill("1.00")
    page.get_by_role("button", name="Write off").click()
    expect(page.get_by_text("2 of 2", exact=True)).to_be_visible()
    other.refresh_from_db()
    assert other.written_off == Decimal("0.97")  # a coin given up, less what a suggestion said too little
    axe(page)
    for path in ("", "../labels/?provider=adyen", "../bank/", "../fees/?from=2026-01-01&to=2026-12-31"):
        page.goto(f"{live_server.url}/finance/settlements/{path}")
        axe(page)
        shoot(page, f"settlements-{path[3:7] or 'list'}")
