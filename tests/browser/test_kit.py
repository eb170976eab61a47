"""Every component at work, on pages that exist only here."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.browser.kit import urls as kit

pytestmark = pytest.mark.urls("tests.browser.kit.urls")


def until(page, true):
    """Playwright's own wait_for_function needs eval, which the policy refuses."""
    for _ in range(100):
        if true():
            return
        page.wait_for_timeout(100)
    pytest.fail("It never came true.")


@pytest.fixture(autouse=True)
def _fresh_work():
    kit.claimed.clear()
    kit.seen.clear()


def test_a_list_is_reachable_and_looks_right(page, person, sign_in, axe, shoot):
    sign_in(page, person())

    page.goto("/kit/")
    axe(page)
    shoot(page, "kit-list", widths=(320, 390, 820, 1440))


def test_a_filter_answers_the_list_and_stands_in_the_address(page, person, sign_in):
    sign_in(page, person())
    page.goto("/kit/")

    page.get_by_placeholder("Order, SKU, cause").fill("refund")
    expect(page.locator("#list tbody tr[id]")).to_have_count(2)

    assert "q=refund" in page.url
    assert "type=" not in page.url
    expect(page.get_by_placeholder("Order, SKU, cause")).to_be_focused()
    page.get_by_placeholder("Order, SKU, cause").fill("nothing like this")
    expect(page.get_by_role("heading", name="No exceptions match")).to_be_visible()
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator("#list tbody tr[id]")).to_have_count(16)


def test_back_and_forward_show_what_the_address_says(page, person, sign_in):
    sign_in(page, person())
    page.goto("/kit/")
    page.get_by_placeholder("Order, SKU, cause").fill("refund")
    expect(page.locator("#list tbody tr[id]")).to_have_count(2)

    page.go_back()
    expect(page.locator("#list tbody tr[id]")).to_have_count(16)
    page.go_forward()

    expect(page.locator("#list tbody tr[id]")).to_have_count(2)
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def test_keys_move_select_and_claim_and_focus_stays(page, person, sign_in, axe):
    sign_in(page, person())
    page.goto("/kit/")

    page.keyboard.press("j")
    expect(page.locator("#ex-20398 .t1 a")).to_be_focused()
    page.keyboard.press("c")
    expect(page.locator("#ex-20398")).to_contain_text("You")
    expect(page.locator(".toast")).to_contain_text("EX-20398 claimed")
    expect(page.locator("#ex-20398 .t1 a")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("x")

    expect(page.locator(".bulkbar")).to_contain_text("1 selected")
    axe(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_the_focus_of_a_clicked_button_goes_to_its_row(page, person, sign_in):
    sign_in(page, person())
    page.goto("/kit/")

    page.get_by_role("button", name="Claim EX-20398").click()
    expect(page.locator("#ex-20398")).to_contain_text("You")

    assert page.evaluate("document.activeElement.closest('tr')?.id") == "ex-20398"


def test_selection_outlives_a_swap_and_grows_to_the_view(page, person, sign_in, shoot):
    sign_in(page, person())
    page.goto("/kit/")

    page.get_by_label("Select EX-20418").check()
    page.get_by_label("Select EX-20415").check()
    page.get_by_role("link", name="Value", exact=True).click()
    page.wait_for_url("**sort=-value**")

    expect(page.get_by_label("Select EX-20418")).to_be_checked()
    expect(page.locator(".bulkbar")).to_contain_text("2 selected")
    shoot(page, "kit-selected")
    page.get_by_role("button", name="Select all 16 in this view").click()
    expect(page.locator(".bulkbar")).to_contain_text("16 selected")
    assert page.locator(".bulkbar input[name=scope]").input_value() == "view"
    page.get_by_role("button", name="Clear selection").click()
    expect(page.locator(".bulkbar")).to_be_hidden()


def test_a_refusal_is_a_banner_and_changes_nothing(page, person, sign_in, axe):
    sign_in(page, person())
    page.expected.append("409")
    page.goto("/kit/")

    page.locator("#taken").evaluate("b => b.click()")

    expect(page.locator("#notice")).to_contain_text("Amira K. claimed this 20 seconds ago.")
    expect(page.locator("#list tbody tr[id]")).to_have_count(16)
    axe(page)


def test_a_failing_server_gets_a_banner_with_a_reference(page, person, sign_in):
    sign_in(page, person())
    page.expected.append("503")
    page.goto("/kit/")

    page.locator("#break").evaluate("b => b.click()")

    expect(page.locator("#notice")).to_contain_text(re.compile("Reference [0-9a-f]{12}"))
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_lost_connection_is_said_and_the_list_stays(page, person, sign_in, context):
    sign_in(page, person())
    page.expected += ["ERR_INTERNET_DISCONNECTED", "Failed to fetch"]
    page.goto("/kit/")

    context.set_offline(True)
    page.locator("#break").evaluate("b => b.click()")

    expect(page.locator("#notice")).to_contain_text("No connection")
    expect(page.locator("#list tbody tr[id]")).to_have_count(16)
    context.set_offline(False)


def test_an_ended_session_takes_the_tab_to_sign_in_and_back(page, person, sign_in, context):
    sign_in(page, person())
    page.expected.append("401")
    page.goto("/kit/")

    context.clear_cookies()
    page.get_by_placeholder("Order, SKU, cause").fill("refund")

    page.wait_for_url("**/accounts/login/**")
    assert "next=%2Fkit%2F" in page.url


def test_a_refused_form_comes_back_with_the_focus_on_its_summary(page, person, sign_in, axe, shoot):
    sign_in(page, person())
    page.expected.append("422")
    page.goto("/kit/form")

    page.get_by_label("Reference optional").fill("SO-2")
    page.get_by_role("button", name="Resolve").click()

    expect(page.locator(".errors")).to_be_focused()
    expect(page.locator("#f-note")).to_have_attribute("aria-invalid", "true")
    axe(page)
    shoot(page, "kit-form")


def test_a_dialog_opens_closes_and_gives_the_focus_back(page, person, sign_in, axe, shoot):
    sign_in(page, person())
    page.goto("/kit/form")

    page.get_by_role("button", name="Ask first").click()
    expect(page.get_by_role("dialog", name="Claim 148 exceptions?")).to_be_visible()
    axe(page)
    shoot(page, "kit-dialog")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Ask first")).to_be_focused()
    page.get_by_role("button", name="Ask first").click()
    page.get_by_role("button", name="Claim 23").click()

    expect(page.get_by_role("dialog", name="Claim 148 exceptions?")).to_be_hidden()


def test_a_detail_page_looks_right(page, person, sign_in, axe, shoot):
    sign_in(page, person())
    page.expected.append("404")  # the panel asks for a job that only exists on this page

    page.goto("/kit/order")
    axe(page)
    shoot(page, "kit-order", widths=(320, 390, 820, 1440), full=True)


def test_columns_that_left_come_back_under_their_row(page, person, sign_in, axe):
    sign_in(page, person())
    page.set_viewport_size({"width": 820, "height": 900})
    page.goto("/kit/")

    page.get_by_role("button", name="More about EX-20398").click()

    expect(page.locator("tr.more")).to_contain_text("Message M-552104")
    axe(page)


def test_a_handheld_screen_scans_and_shows_the_verdict(page, person, sign_in, axe, shoot):
    sign_in(page, person())
    page.expected.append("422")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/kit/pick")

    axe(page)
    expect(page.get_by_text("Scanner ready")).to_be_visible()
    page.keyboard.type("5012345678900", delay=5)
    page.keyboard.press("Enter")
    expect(page.locator("#verdict")).to_contain_text("Jacket 1 of 2 matched")
    expect(page.locator("#pick")).to_contain_text("Found1of 2")
    shoot(page, "kit-pick", widths=(390,))
    page.get_by_role("button", name="Type code").click()
    page.get_by_role("textbox", name="Code").fill("999")
    page.get_by_role("button", name="Use it").click()

    expect(page.locator("#verdict")).to_contain_text("Wrong size. This is 999")
    axe(page)
    assert [c for c, _ in kit.seen] == ["5012345678900", "999"]


def test_scans_wait_on_the_device_while_there_is_no_network(page, person, sign_in, context, shoot):
    sign_in(page, person())
    page.expected += ["ERR_INTERNET_DISCONNECTED"]
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/kit/pick")

    expect(page.get_by_text("Scanner ready")).to_be_visible()
    context.set_offline(True)
    for _ in range(2):
        page.keyboard.type("5012345678900", delay=5)
        page.keyboard.press("Enter")
    expect(page.locator("#net")).to_contain_text("2 scans kept on this device")
    shoot(page, "kit-pick-offline", widths=(390,))
    context.set_offline(False)

    until(page, lambda: len(kit.seen) == 2)
    expect(page.locator("#net")).to_be_hidden()
    expect(page.locator("#verdict")).to_contain_text("Jacket 1 of 2 matched")
    assert [code for code, _ in kit.seen] == ["5012345678900"] * 2
    assert len({key for _, key in kit.seen}) == 2


def test_paper_has_bars(page, person, sign_in, axe, shoot):
    sign_in(page, person())

    page.goto("/kit/print")
    expect(page.get_by_role("img", name="Barcode JKT-NVY-M")).to_be_visible()
    shoot(page, "kit-print", widths=(1440,))


def test_a_list_of_fifty_rows_is_light(page, person, sign_in, monkeypatch):
    monkeypatch.setattr(kit, "ROWS", [replace(r, id=r.id + n * 1000) for n in range(4) for r in kit.ROWS][:50])
    sign_in(page, person())

    page.goto("/kit/")
    expect(page.locator("#list tbody tr[id]")).to_have_count(50)

    html = page.evaluate("fetch('/kit/').then(r => r.text())")
    assert len(gzip.compress(html.encode())) < 20 * 1024
    assert page.evaluate("document.querySelectorAll('*').length") < 3000
