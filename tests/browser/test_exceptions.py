"""The queue and a case in a browser: keys, claims, conflicts, bulk, what is new."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from core import actors
from core.models import Site
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import Case
from exceptions.reasons import Action, Cell, Column, Evidence, Reason, Row
from exceptions.services import cases

TRUE_OF: set[str] = set()

KINDS = [  # code, title, queue, icon, summary, what to do
    ("ui.erp", "Paid order missing from ERP", "finance", "file-text", "Unknown tax code UK-RED", "Replay as GB-STD"),
    (
        "ui.pickup",
        "Pickup not started in 2 hours",
        "store",
        "store",
        "No pick since 11:58",
        "Call store, then re-source",
    ),
    (
        "ui.label",
        "Cancelled after label was printed",
        "warehouse",
        "truck",
        "4 m after hand-over",
        "Ask carrier to stop it",
    ),
    (
        "ui.short",
        "Stock short at pick, 1 of 2 found",
        "store",
        "store",
        "Chore jacket, Navy M",
        "Re-source to White Rose",
    ),
    (
        "ui.address",
        "Address failed validation",
        "orders",
        "map-pin",
        "Postcode LS1 6HN not in street",
        "Correct to LS1 6HQ",
    ),
    (
        "ui.oversold",
        "Oversold by 3 across two channels",
        "stock",
        "boxes",
        "Feed was 14 m behind",
        "Fill 4 oldest orders",
    ),
]
COLUMNS = ("JKT-NVY-M at Leeds", Column("On hand", numeric=True), Column("Reserved", numeric=True), "Source record")
PREVIEW = [("Reserve", "1 × JKT-NVY-M at White Rose"), ("Tell", "SMS, ready by 16:15")]


def _fix(uid: str, *, actor: Any) -> str:
    TRUE_OF.discard(uid)
    return "Put right."


@pytest.fixture(autouse=True)
def _reasons() -> Iterator[None]:
    TRUE_OF.clear()
    for code, title, queue, icon, _, todo in KINDS:
        reasons.register(
            Reason(
                code=code,
                title=title,
                queue=queue,
                subject_kind="ui",
                icon=icon,
                acknowledge_minutes=60,
                resolve_minutes=120,
                predicate=lambda uid: uid in TRUE_OF,
                clears="The next check finds it gone.",
                evidence=lambda uid: Evidence(
                    "a till sale at 13:12 never reached the ERP",
                    (
                        "JKT-NVY-M at Leeds Briggate",
                        Column("On hand", numeric=True),
                        Column("Reserved", numeric=True),
                        "Source record",
                    ),
                    (
                        ("ERP ledger", "2", "2", Cell("INV-MV-99120", url="/exceptions/", code=True)),
                        Row(("Till, sold 1 at 13:12", "1", "0", Cell("POS-4471-0231", code=True)), hot=True),
                        ("Shelf and pick tote, Amira K.", "1", "2", Cell("CNT-20418-2", code=True, note="45 m old")),
                    ),
                ),
                actions=(
                    Action(
                        "fix",
                        todo,
                        "Reserves the unit elsewhere and tells the customer.",
                        run=_fix,
                        preview=lambda uid: PREVIEW,
                        confirm="Do this now?",
                        primary=True,
                    ),
                    Action(
                        "call", "Call the store", "Their number is on the site's page.", href=lambda uid: "/exceptions/"
                    ),
                ),
            )
        )
    yield
    for code, *_ in KINDS:
        reasons._reasons.pop(code)


@pytest.fixture
def sana(person: Callable[..., Any]) -> Any:
    return person()


@pytest.fixture
def queue(transactional_db: None, sana: Any, person: Callable[..., Any]) -> list[Case]:
    """Eighteen cases: some overdue, some due soon, some later, one paused; Amira has two."""
    leeds = Site.objects.create(code="LDS", name="Leeds Briggate", time_zone="Europe/London")
    york = Site.objects.create(code="YRK", name="York Coney Street", time_zone="Europe/London")
    amira = actors.person(person("amira@harrow.example", name="Amira Khan"))
    now, made = timezone.now(), []
    for n in range(18):
        code, _, _, _, summary, _ = KINDS[n % len(KINDS)]
        uid = f"{n}"
        TRUE_OF.add(uid)
        minutes = (-192, -98, -64, -70, -55, -42, -31, -25, -14, -3, 30, 70, 95, 140, 190, 260, 400, 900)[n]
        case_id = cases.open_(
            code,
            Subject("ui", uid, f"SO-88{213 + n * 7}"),
            summary=summary,
            site_id=(leeds, york, None)[n % 3] and (leeds, york, None)[n % 3].pk,
            value=Decimal("64.00") + n * 31,
            currency="GBP" if n % 5 else "EUR",
            started_at=now + timedelta(minutes=minutes),
            promise_by=now + timedelta(hours=5) if n == 3 else None,
            actor=actors.SYSTEM,
        )
        made.append(case_id)
    cases.claim(made[1], actor=amira)
    cases.claim(made[5], actor=amira)
    cases.claim(made[3], actor=actors.person(sana))
    cases.wait(made[17], on="customer", actor=amira)
    return list(Case.objects.order_by("rank", "pk"))


def row(page: Any, case: Case) -> Any:
    return page.locator(f"#ex-{case.pk}")


def test_the_queue_looks_and_reads_right(page, sign_in, sana, queue, axe, shoot):
    sign_in(page, sana)
    page.goto("/exceptions/")

    expect(page.get_by_role("heading", name="Exceptions")).to_be_visible()
    expect(page.locator("tr.group")).to_have_count(4)
    axe(page)
    shoot(page, "queue")


def test_keys_move_select_and_claim(page, sign_in, sana, queue):
    sign_in(page, sana)
    page.goto("/exceptions/")
    free = next(c for c in queue if c.owner_id is None)
    at = [c.pk for c in queue].index(free.pk)

    for _ in range(at + 1):
        page.keyboard.press("j")
    expect(row(page, free)).to_have_attribute("data-cursor", "")
    page.keyboard.press("c")

    expect(row(page, free)).to_contain_text("You")
    expect(page.locator(".bulkbar")).to_be_hidden()
    page.keyboard.press("x")
    expect(page.locator(".bulkbar")).to_contain_text("1 selected")
    free.refresh_from_db()
    assert free.owner == sana


def test_slash_searches_and_the_address_says_so(page, sign_in, sana, queue):
    sign_in(page, sana)
    page.goto("/exceptions/")

    page.keyboard.press("/")
    page.keyboard.type("postcode")

    expect(page.locator("tbody tr[id]")).to_have_count(3)
    expect(page).to_have_url(re.compile(r"\?q=postcode$"))
    page.go_back()
    expect(page.locator("tbody tr[id]")).to_have_count(18)


def test_bulk_claim_keeps_the_selection_and_says_what_happened(page, sign_in, sana, queue):
    sign_in(page, sana)
    page.goto("/exceptions/")
    free = [c for c in queue if c.owner_id is None][:2]
    taken = next(c for c in queue if c.owner_id not in (None, sana.pk))

    for case in (*free, taken):
        row(page, case).get_by_role("checkbox").check()
    page.locator(".bulkbar").get_by_role("button", name="Claim").click()

    expect(page.locator("#toasts")).to_contain_text("2 cases claimed")
    expect(page.locator("#toasts")).to_contain_text("is with Amira Khan")
    for case in free:
        expect(row(page, case)).to_contain_text("You")
        expect(row(page, case).get_by_role("checkbox")).to_be_checked()
    assert Case.objects.filter(owner=sana).count() == 3


def test_bulk_assign_asks_whom(page, sign_in, sana, queue, axe):
    sign_in(page, sana)
    page.goto("/exceptions/")
    free = [c for c in queue if c.owner_id is None][:2]

    for case in free:
        row(page, case).get_by_role("checkbox").check()
    page.locator(".bulkbar").get_by_role("button", name="Assign").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_be_visible()
    axe(page)
    dialog.get_by_label("To").select_option(label="Amira Khan")
    dialog.get_by_role("button", name="Assign", exact=True).click()

    expect(dialog).to_be_hidden()
    for case in free:
        expect(row(page, case)).to_contain_text("Amira Khan")


def test_two_people_claim_the_same_case(page, sign_in, sana, queue, person):
    page.expected = ["409"]
    sign_in(page, sana)
    page.goto("/exceptions/")
    free = next(c for c in queue if c.owner_id is None)
    cases.claim(free.pk, actor=actors.person(person("tom@harrow.example", name="Tom Baker")))

    row(page, free).get_by_role("button", name="Claim").click()

    expect(page.locator("#notice")).to_contain_text("Tom Baker has")
    expect(row(page, free)).to_contain_text("Tom Baker")


def test_a_conflict_keeps_what_was_typed_and_the_second_try_counts(page, sign_in, sana, queue, person):
    page.expected = ["409"]
    case = next(c for c in queue if c.owner_id == sana.pk)
    sign_in(page, sana)
    page.goto(f"/exceptions/{case.pk}")
    page.get_by_role("button", name="Pause clock").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Note").fill("Nadia rings back after lunch")
    cases.release(case.pk, actor=actors.person(person("tom@harrow.example", name="Tom Baker")))

    dialog.get_by_role("button", name="Wait", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("changed while you were looking")
    expect(dialog.get_by_label("Note")).to_have_value("Nadia rings back after lunch")
    expect(page.locator("#case-head")).to_contain_text("Nobody has it")
    dialog.get_by_role("button", name="Wait", exact=True).click()

    expect(dialog).to_be_hidden()
    expect(page.locator("#case-head")).to_contain_text("waiting for customer")
    case.refresh_from_db()
    assert case.status == "WAITING"


def test_new_cases_wait_behind_a_button(page, sign_in, sana, queue):
    sign_in(page, sana)
    page.goto("/exceptions/")
    TRUE_OF.add("new")
    new = cases.open_(KINDS[0][0], Subject("ui", "new", "SO-99999"), started_at=timezone.now(), actor=actors.SYSTEM)

    page.evaluate("document.body.dispatchEvent(new CustomEvent('live-exceptions', {bubbles: true}))")

    button = page.get_by_role("link", name="1 new")
    expect(button).to_be_visible()
    expect(page.locator(f"#ex-{new}")).to_have_count(0)
    button.click()
    expect(page.locator(f"#ex-{new}")).to_be_visible()
    expect(button).to_have_count(0)


def test_a_case_is_worked_with_the_keyboard(page, sign_in, sana, queue, axe, shoot):
    page.expected = ["409"]
    case = next(c for c in queue if c.owner_id is None)
    sign_in(page, sana)
    page.goto(f"/exceptions/{case.pk}")
    axe(page)
    shoot(page, "case", full=True)

    page.keyboard.press("c")
    expect(page.locator("#case-head")).to_contain_text("You, since")
    page.keyboard.press("e")
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("What opened it is still true")
    axe(page)
    dialog.get_by_role("button", name="Resolve").click()
    expect(dialog.get_by_role("alert")).to_contain_text("still true")
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("Preview")).first.click()
    expect(dialog).to_contain_text("1 × JKT-NVY-M at White Rose")
    axe(page)
    dialog.get_by_role("button", name=re.compile("Replay|Call|Ask|Re-source|Correct|Fill")).click()

    expect(dialog).to_be_hidden()
    expect(page.locator("#case-head")).to_contain_text("Cleared by itself")
    expect(page.locator("#toasts")).to_contain_text("Put right.")
    axe(page)


def test_a_note_joins_the_timeline(page, sign_in, sana, queue):
    sign_in(page, sana)
    page.goto(f"/exceptions/{queue[0].pk}")

    page.get_by_label("Add a note").fill("Called the store, they look again at four.")
    page.get_by_role("button", name="Add note").click()

    expect(page.locator("#timeline")).to_contain_text("they look again at four")
    expect(page.get_by_label("Add a note")).to_have_value("")


def test_next_and_previous_stay_in_the_queue_one_came_from(page, sign_in, sana, queue):
    sign_in(page, sana)
    page.goto("/exceptions/?q=postcode")
    mine = [c for c in queue if "Postcode" in c.summary]

    row(page, mine[0]).get_by_role("link", name=mine[0].title).click()
    expect(page.locator(".case-crumbs")).to_contain_text("1 of 3")
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(rf"/exceptions/{mine[1].pk}\?list="))
    page.get_by_role("link", name="Exceptions", exact=True).last.click()

    expect(page).to_have_url(re.compile(r"/exceptions/\?q=postcode"))


def test_empty_states_and_reasons_read_well(page, sign_in, sana, axe, shoot):
    sign_in(page, sana)
    for name, address in (("queue-nothing", "/exceptions/"), ("reasons", "/exceptions/reasons/")):
        page.goto(address)
        axe(page)
        shoot(page, name)
