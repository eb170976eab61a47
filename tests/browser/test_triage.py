"""Twenty cases triaged with the keyboard alone; and what people see of each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from core import actors
from core.models import Site
from core.subjects import Subject
from exceptions.models import Case, CaseNote, Notice
from exceptions.services import cases
from tests.browser.test_exceptions import KINDS, TRUE_OF, _reasons, sana  # noqa: F401  (fixtures)


@pytest.fixture
def twenty(transactional_db: None, sana: Any) -> list[Case]:  # noqa: F811
    """Twenty cases nobody has, nearest their time first, half of them still true."""
    site = Site.objects.create(code="LDS", name="Leeds Briggate", time_zone="Europe/London")
    now, made = timezone.now(), []
    for n in range(20):
        code, _, _, _, summary, _ = KINDS[n % len(KINDS)]
        if n % 2:
            TRUE_OF.add(f"t{n}")
        made.append(
            cases.open_(
                code, Subject("ui", f"t{n}", f"SO-77{n:03}"), summary=summary, site_id=site.pk, units=n, tier=n % 4,
                started_at=now + timedelta(minutes=n), actor=actors.SYSTEM,
            )
        )  # fmt: skip
    return [Case.objects.get(pk=pk) for pk in made]


def test_twenty_cases_are_triaged_with_the_keyboard_alone(page, sign_in, sana, twenty, person, axe):  # noqa: F811
    """Each gets one of five fates: resolved, waiting, put aside, given away with a note, claimed."""
    tom = person("tom@harrow.example", name="Tom Baker")
    sign_in(page, sana)
    page.goto("/exceptions/")
    dialog = page.locator("#dialog")
    keys = page.keyboard

    def submit() -> None:
        keys.press("Enter")
        expect(dialog).not_to_be_visible()

    for n, case in enumerate(twenty):
        keys.press("j")
        row = page.locator(f"#ex-{case.pk}")
        expect(row).to_have_attribute("data-cursor", "")
        if n % 5 == 4:
            keys.press("c")
            expect(row).to_contain_text("You")
            continue
        keys.press(("r" if n % 2 == 0 else "c", "p", "s", "n")[n % 5])
        if n % 5 == 0 and n % 2:
            expect(row).to_contain_text("You")
            continue
        expect(dialog).to_be_visible()
        if n % 5 == 0:  # Tab to the note, then back to the button by Enter in the number field
            dialog.locator("input[name=duplicate_of]").focus()
        elif n % 5 == 1:
            if n == 1:
                axe(page)
            dialog.locator("select[name=on]").focus()
            keys.type("Car")
            dialog.locator("button[type=submit]").focus()
        elif n % 5 == 2:
            dialog.locator("select[name=wake_on]").focus()
            keys.type("Until some")
            dialog.locator("button[type=submit]").focus()
        else:
            dialog.locator("textarea").focus()
            keys.type("@tom.baker please look")
            keys.press("Tab")
        submit()

    fates = [Case.objects.get(pk=case.pk) for case in twenty]
    assert [case.status for case in fates[0::10]] == ["RESOLVED"] * 2
    assert [(case.status, case.waiting_on) for case in fates[1::5]] == [("WAITING", "carrier")] * 4
    assert [case.wake_on for case in fates[2::5]] == ["anything"] * 4
    assert {case.owner_id for case in [*fates[4::5], *fates[5::10]]} == {sana.pk}
    assert CaseNote.objects.filter(case__in=fates[3::5]).count() == 4
    assert Notice.objects.filter(user=tom, kind="mention").count() == 4


def test_people_see_each_other_and_their_notices(page, sign_in, sana, twenty, person, context, axe, shoot):  # noqa: F811
    root, *symptoms = twenty[:6]
    amira = person("amira@harrow.example", name="Amira Khan")
    as_amira = actors.person(amira)
    for case in symptoms:
        cases.link(case.pk, root.pk, actor=as_amira)
    cases.assign(root.pk, to=sana.pk, actor=as_amira)
    cases.note(root.pk, text="@sana the feed is down since nine", actor=as_amira)
    cases.note(root.pk, text=f"@{sana.email} can you look?", actor=as_amira)
    from core import presence

    presence.here(f"case:{root.pk}", amira.pk)
    sign_in(page, sana)
    page.goto(f"/exceptions/{root.pk}")
    expect(page.locator("#presence")).to_contain_text("Amira Khan is looking at this too")
    expect(page.locator("#symptoms")).to_contain_text("Root of 5 open cases")
    expect(page.locator("#company")).to_contain_text("Watchers")
    axe(page)
    shoot(page, "case-root", widths=(390, 820, 1440))
    presence.gone(f"case:{root.pk}", amira.pk)
    expect(page.locator("#presence")).not_to_contain_text("Amira", timeout=12_000)

    page.locator("#bell summary").click()
    expect(page.locator("#bell-menu")).to_contain_text("can you look?")
    shoot(page, "bell", widths=(1440,))
    page.goto("/inbox")
    axe(page)
    shoot(page, "inbox", widths=(390, 820, 1440))
    page.get_by_role("button", name="Mark all as read").first.click()
    expect(page.locator(".bell .n")).to_have_count(0)

    page.goto("/exceptions/?group=root&sort=priority")
    expect(page.locator(f"#ex-{root.pk}")).to_contain_text("Root of 5 cases")
    page.get_by_role("button", name="Save view").click()
    page.get_by_label("Name").fill("Feeds")
    axe(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Feeds")).to_have_attribute("aria-current", "page")
    expect(page.locator("[id^=vn-]")).to_have_text("15")
    axe(page)
    shoot(page, "queue-roots", widths=(390, 820, 1440))
