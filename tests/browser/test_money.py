"""Money on screen as its people meet it: taken back at a counter, agreed to by a second person, paid out, closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from core import actors
from core.models import User
from finance.models import EvidencePack, PeriodStatus
from finance.services import closes, entities, evidence
from inventory.models import Item
from orders.models import PaymentRoute, StoreCredit
from returns.models import RefundDecision, RefundStatus, ReturnRequest
from returns.services import refunds
from returns.services.refunds import Line
from tests.factories.inventory import LocationFactory
from tests.factories.orders import ChannelFactory, incoming_line, place
from tests.finance import settling
from tests.orders.test_instructions import told

pytestmark = pytest.mark.django_db(transaction=True)


def test_money_goes_back_is_agreed_to_and_the_month_is_closed(
    page: Any, person: Callable[..., Any], sign_in: Any, axe: Any, shoot: Any, transactional_db: None
) -> None:
    LocationFactory(code="LEEDS", name="Leeds Briggate", kind="STORE", returns=True)
    jacket = Item.objects.create(sku="CHJ-NVY-M", gtin="2000000010014", name="Chore jacket")
    PaymentRoute.objects.create(channel=ChannelFactory(), gateway="card", via="PROVIDER", connection="stripe")
    order = place(
        incoming_line(jacket.sku, 2, "200.00", fulfilled_elsewhere=2), total=Decimal("400.00"),
        channel_ref="W-77", placed_at=timezone.now(), payments=(told("captured", "400.00", "c1"),),
    )  # fmt: skip
    sana = person()
    sign_in(page, sana)

    # The counter takes one of two back.
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/s/LEEDS/returns/new")
    page.get_by_role("textbox").first.fill("W-77")
    page.get_by_role("button", name="Find the purchase").click()
    page.get_by_role("spinbutton", name=jacket.sku).fill("1")
    page.get_by_role("combobox").first.select_option("TOO_SMALL")
    page.get_by_role("button", name="What does the policy say?").click()
    expect(page.locator("#judged")).to_contain_text("It may come back")
    axe(page)
    shoot(page, "money-counter", widths=(390, 820))
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator("#pick")).to_contain_text("Taken back")
    rma = ReturnRequest.objects.get()
    page.goto(f"/returns/{rma.number}")
    expect(page.locator("#return-clocks")).to_be_visible()
    axe(page)
    shoot(page, "money-return")

    # What somebody else asked for above the limit waits, and is agreed to.
    clerk = User.objects.create_superuser("ben@harrow.example", "x", name="Ben Clerk")
    line = order.lines.get()
    asked = refunds.decide_for_order(
        order.pk, [Line(line.pk, 2)], cause="torn", actor=actors.person(clerk), why="Arrived torn"
    )
    page.goto("/finance/refunds/?status=WAITING")
    axe(page)
    shoot(page, "money-refunds")
    page.get_by_role("link", name=asked.number).click()
    expect(page.locator("#timeline")).to_contain_text(
        "Refund of £400.00 decided" if order.currency == "GBP" else "decided"
    )
    axe(page)
    shoot(page, "money-refund")
    page.get_by_role("button", name="Approve, pay").click()
    expect(page.get_by_text("Waits for somebody else.")).to_have_count(0)
    assert RefundDecision.objects.get().status == RefundStatus.APPROVED

    # What is only authorised is captured by hand: above the limit somebody else agrees.
    held = place(
        incoming_line(jacket.sku, 2, "200.00"), total=Decimal("400.00"), channel_ref="W-78", placed_at=timezone.now(),
        payments=(told("authorised", "400.00", "c2"),),
    )  # fmt: skip
    page.goto(f"/orders/{held.number}")
    expect(page.get_by_text("Left to capture")).to_be_visible()
    axe(page)
    shoot(page, "money-order")
    page.locator("a", has_text="Capture").first.click()
    page.expected = ["422"]
    page.get_by_label("Amount").fill("1,5,0")
    page.get_by_label("Why").fill("Goods are ready")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".errors")).to_contain_text("no commas")
    axe(page)
    page.get_by_label("Amount").fill("400.00")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Needs a second person")).to_be_visible()
    axe(page)
    shoot(page, "money-capture")
    page.get_by_role("button", name="Ask for").click()
    page.wait_for_url("**/exceptions/approvals/*")
    axe(page)
    shoot(page, "money-approval")

    # A customer gets store credit, with its reason.
    credit = StoreCredit.objects.create(code="AAAA-BBBB", channel=held.channel, holder="eve@x.example", currency="GBP")
    for path in (f"store-credit/{credit.code}", "store-credit/", "store-credit/new", "payment-routes/"):
        page.goto(f"/finance/{path}")
        axe(page)
        shoot(page, f"money-{path.strip('/').replace('/', '-')[:16]}")
    page.goto(f"/finance/payment-routes/{PaymentRoute.objects.get().pk}")
    page.get_by_role("button", name="Show whom it concerns").click()
    axe(page)
    shoot(page, "money-route")
    page.goto(f"/finance/store-credit/{credit.code}")
    page.get_by_label("Amount in GBP").fill("25.00")
    page.get_by_label("Why").fill("Late parcel")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Give £25.00").click()
    expect(page.locator("table", has=page.get_by_text("Entries of"))).to_contain_text("Late parcel")
    axe(page)
    assert StoreCredit.objects.get().balance == 25

    # A payout is explained, beside what is sent to the books and by which chart.
    settling.adyen_orders()
    (payout,) = settling.settled("adyen", settling.adyen())
    assert payout.residual == 0
    for path in ("settlements/", "postings/", "chart/"):
        page.goto(f"/finance/{path}")
        axe(page)
        shoot(page, f"money-{path.strip('/').split('/')[0]}")

    # Last month is closed by two.
    period = closes.ensure(entities.main(), (timezone.localdate().replace(day=1) - timedelta(days=1)))
    page.goto(f"/finance/close/{period.code}")
    axe(page)
    shoot(page, "money-close")
    page.get_by_role("link", name="Postings not confirmed by the ERP").click()
    axe(page)
    closes.prepare(period.pk, actor=actors.person(clerk))
    page.goto(f"/finance/close/{period.code}")
    page.get_by_role("button", name=f"Lock {period.code}").click()
    expect(page.get_by_text("Nothing is booked into it any more")).to_be_visible()
    page.get_by_role("button", name="Make evidence pack").click()
    expect(page.locator("#evidence")).to_contain_text("Evidence of")
    evidence.make(EvidencePack.objects.get().job_id)
    page.goto(f"/finance/close/{period.code}")
    with page.expect_download() as got:
        page.get_by_role("link", name=EvidencePack.objects.get().name).click()
    assert got.value.suggested_filename.endswith(".xlsx")
    axe(page)
    shoot(page, "money-closed")
    period.refresh_from_db()
    assert (period.status, period.locked_by) == (PeriodStatus.LOCKED, sana)
