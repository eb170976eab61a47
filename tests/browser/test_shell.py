"""The shell in a browser: getting in, finding things, and what everyone can set for themselves."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from core import actors, jobs
from core.models import Site


def test_a_person_signs_in_with_an_email_and_lands_at_home(page, person, axe, shoot):
    person()

    page.goto("/")
    axe(page)
    shoot(page, "sign-in")
    page.get_by_label("Email").fill("sana@harrow.example")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Sana")
    axe(page)
    shoot(page, "home")


def test_a_wrong_password_is_said_in_words(page, person, axe):
    person()

    page.goto("/login?next=/me")
    page.get_by_label("Email").fill("sana@harrow.example")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("not correct")
    axe(page)


def test_the_palette_opens_by_key_and_searches(page, person, sign_in, axe):
    sign_in(page, person())

    page.goto("/")
    page.keyboard.press("Control+k")
    box = page.get_by_role("dialog", name="Search").get_by_role("searchbox")
    expect(box).to_be_focused()
    box.fill("SO-404")

    expect(page.locator("#found")).to_contain_text("SO-404")
    axe(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Search")).to_be_hidden()


def test_the_theme_is_remembered_by_the_server(page, person, sign_in):
    user = person()
    sign_in(page, user)

    page.goto("/")
    with page.expect_response("**/me/theme"):
        page.get_by_role("button", name="Switch colour theme").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    user.refresh_from_db()
    assert user.preferences["theme"] == "dark"


def test_preferences_are_saved(page, person, sign_in, axe, shoot):
    user = person()
    sign_in(page, user)

    page.goto("/me")
    page.get_by_label("Comfortable").check()
    page.get_by_label("Time zone").select_option("Europe/London")
    axe(page)
    shoot(page, "preferences")
    page.get_by_role("button", name="Save").click()

    expect(page.locator("#toasts")).to_contain_text("Preferences saved")
    expect(page.locator("html")).to_have_attribute("data-density", "comfortable")
    expect(page.locator(".live")).to_contain_text(re.compile("GMT|BST"))


def test_an_address_that_leads_nowhere_says_so(page, person, sign_in, axe, shoot):
    sign_in(page, person())
    page.expected.append("404")

    page.goto("/no/such/page")

    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    axe(page)
    shoot(page, "not-found")


def test_the_first_tab_stop_skips_to_the_content(page, person, sign_in):
    sign_in(page, person())

    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("#main")).to_be_focused()


def test_the_menu_opens_on_a_phone(page, person, sign_in, axe):
    sign_in(page, person())
    page.set_viewport_size({"width": 390, "height": 844})

    page.goto("/")
    expect(page.get_by_role("link", name="Preferences").first).to_be_hidden()
    page.get_by_role("link", name="Menu", exact=True).click()

    expect(page.locator("#nav").get_by_role("link", name="Preferences")).to_be_visible()
    axe(page)
    page.keyboard.press("Escape")
    expect(page.locator("#nav")).to_be_hidden()


def test_the_account_pages_share_the_look(page, person, sign_in, axe, shoot):
    sign_in(page, person())

    for path, title in (
        ("/accounts/2fa/", "Two-Factor Authentication"),
        ("/accounts/password/change/", "Change Password"),
        ("/accounts/logout/", "Sign out?"),
        ("/accounts/email/", "Email Addresses"),
    ):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        axe(page)
    page.goto("/accounts/2fa/")
    shoot(page, "two-step", widths=(390, 1440))


def test_a_second_step_can_be_set_up(page, person, sign_in, axe):
    sign_in(page, person())
    page.goto("/accounts/2fa/totp/activate/")
    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill("correct horse battery")
        page.get_by_role("button", name="Confirm").click()

    expect(page.get_by_role("img")).to_be_visible()
    axe(page)


def test_the_administration_works_under_the_policy(page, person, sign_in):
    sign_in(page, person())

    page.goto("/admin/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("administration")
    page.goto("/admin/core/user/")
    expect(page.locator("#result_list")).to_be_visible()


def test_the_site_switch_narrows_and_widens(page, person, sign_in, axe):
    Site.objects.create(code="LDS", name="Leeds Briggate")
    user = person()
    sign_in(page, user)

    page.goto("/me")
    page.locator(".switch").click()
    page.get_by_role("button", name="Leeds Briggate").click()
    page.wait_for_url("**/me")
    expect(page.locator(".switch")).to_contain_text("Leeds Briggate")
    page.locator(".switch").click()
    expect(page.get_by_role("button", name="All my sites")).to_be_visible()
    axe(page)
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="All my sites")).to_be_hidden()
    user.refresh_from_db()
    assert user.preferences["site"]["code"] == "LDS"


def test_a_job_is_watched_until_it_ends_and_can_be_stopped(page, person, sign_in, axe, shoot):
    user = person()
    job = jobs.start("messages.replay", actors.person(user), total=412, title="Replaying 412 messages")
    jobs.begin(job.pk)
    jobs.advance(job.pk, 261, [{"row": "M-1", "reason": "unknown tax code"}])
    sign_in(page, user)

    page.goto(f"/jobs/{job.pk}")
    expect(page.locator(f"#job-{job.pk}")).to_contain_text("262 of 412 done, 1 failed")
    axe(page)
    shoot(page, "job", widths=(390, 1440))
    page.get_by_role("button", name="Stop after this batch").click()
    expect(page.locator(f"#job-{job.pk}")).to_contain_text("Stopping")
    jobs.stopped(job.pk)

    expect(page.locator(f"#job-{job.pk}")).to_contain_text("Stopped")
    expect(page.locator(f"#job-{job.pk}")).not_to_have_attribute("hx-trigger", "every 2s")
