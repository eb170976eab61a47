"""A settlement in a browser: a file is looked at, imported, and its payout explained to the cent by a person."""

from __future__ import annotations

from collections.abc import Callable
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
    for path in ("", "../labels/?provider=adyen", "../bank/", "../fees/?from=2026-01-01&to=2026-12-31"):
        page.goto(f"{live_server.url}/finance/settlements/{path}")
        axe(page)
        shoot(page, f"settlements-{path[3:7] or 'list'}")
