"""Postings in a browser: both themes, three widths, and a rejected one sent again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect

from core import actors
from exceptions.models import Case
from finance.models import Posting, Status
from finance.services import entering, postings
from tests.finance import making


@pytest.fixture
def books(transactional_db: None) -> Posting:
    """A dozen postings: most are in the ERP, one was refused, one differs by a cent, two wait."""
    rejected = None
    for n in range(12):
        order = making.order(
            {"ordered": 2, "price": f"{19 + n}.90", "discount": "3.98", "tax": "7.16"},
            {"sku": "CAP-RST", "price": "12.00", "tax": "2.40", "title": "Corduroy cap, rust"},
            shipping="4.90",
        )
        posting_id = postings.prepare(order.pk)
        assert posting_id is not None
        if n < 2:
            postings.waits(posting_id, "Tryton is paused: the books are being closed")
            continue
        held = postings.claim(posting_id, connection_uid="erp", connection_name="Tryton", seconds=30)
        assert held is not None
        if n == 5:
            rejected = posting_id
            postings.rejected(
                held,
                reason="Tryton has no product with the code CAP-RST.",
                failure_class="missing_reference",
                answer={"skus": ["CAP-RST"]},
                actor=actors.SYSTEM,
            )
        else:
            total = Decimal(held.document["total"]) - (Decimal("0.01") if n == 7 else 0)
            postings.confirmed(held, number=f"S{1040 + n}", erp_id=str(n), total=total, answer={}, actor=actors.SYSTEM)
    return Posting.objects.get(pk=rejected)


def test_from_a_rejected_posting_to_one_on_its_way(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    books: Posting,
) -> None:  # fmt: skip
    sign_in(page, person())

    page.goto(f"{live_server.url}/finance/postings/")
    expect(page.get_by_role("heading", name="Postings", exact=True)).to_be_visible()
    expect(page.locator("#rows tr")).to_have_count(12)
    axe(page)
    shoot(page, "postings")

    page.get_by_role("link", name="Rejected", exact=True).click()
    expect(page.locator("#rows tr")).to_have_count(1)
    page.get_by_role("link", name=books.reference).click()
    expect(page.get_by_text("At fault")).to_be_visible()
    axe(page)
    shoot(page, "posting-rejected")

    case = Case.objects.get(is_open=True)
    page.goto(f"{live_server.url}/exceptions/{case.pk}")
    expect(page.get_by_text("What was sent").first).to_be_visible()
    axe(page)
    shoot(page, "case-posting-rejected")

    page.goto(f"{live_server.url}/finance/postings/{books.pk}")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("On its way", exact=True)).to_be_visible()
    assert Posting.objects.get(pk=books.pk).status == Status.PENDING

    page.goto(f"{live_server.url}/orders/{books.order.number}")
    expect(page.get_by_role("heading", name="Postings")).to_be_visible()
    told = page.get_by_role("region", name="Postings")
    expect(told.get_by_role("link", name=books.reference, exact=True)).to_be_visible()
    axe(page)


def test_postings_that_wait_are_approved_in_the_one_inbox(
    page: Any, live_server: Any, sign_in: Callable[..., None], person: Callable[..., Any], axe: Any, shoot: Any,
    transactional_db: None,
) -> None:  # fmt: skip
    asker, chief = person("mo@harrow.example", name="Mo Hall"), person()
    rows = [
        entering.write_off(
            None, Decimal(f"{n}.40"), "USD", why="The bank kept more than it said", order=making.order({"price": "50"}),
            actor=actors.person(asker),
        )
        for n in (3, 4, 5)
    ]  # fmt: skip
    sign_in(page, chief)

    page.goto(f"{live_server.url}/approvals/")
    panel = page.locator("#postings-waiting")
    expect(panel.locator("tbody tr")).to_have_count(3)
    panel.get_by_label(f"Select {rows[0].reference}").check()
    panel.get_by_label(f"Select {rows[1].reference}").check()
    expect(panel.get_by_role("button", name="Approve")).to_be_visible()
    axe(page)
    shoot(page, "approvals-postings")
    panel.get_by_role("button", name="Approve").click()

    expect(panel.locator("tbody tr")).to_have_count(1)
    assert [Posting.objects.get(pk=row.pk).status for row in rows] == [Status.PENDING, Status.PENDING, Status.QUEUED]
