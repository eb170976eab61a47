"""A fix from preview to undo with two people, and one on three hundred cases at once, in a browser."""

from __future__ import annotations

import csv
import io
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import expect

from core import actors
from core.errors import Refusal
from core.models import Job, Site
from core.subjects import Subject
from exceptions import effects, reasons
from exceptions.effects import Change
from exceptions.models import BulkRow, Case
from exceptions.services import bulk_acting, cases, rulebooks


def _level(uid: str) -> int:
    """A site's name stands in for what a till holds: a row of a higher floor that a rehearsal takes back."""
    return int(Site.objects.get(code=f"till-{uid}").name)


def _pay(uid: str, *, actor: Any, euros: int = 50) -> str:
    level = _level(uid)
    if level < 60:
        raise Refusal("too_little", "There is too little in it.")
    Site.objects.filter(code=f"till-{uid}").update(name=str(level - euros))
    return f"{euros} EUR are on their way to the safe."


def _pay_back(run: Any, *, actor: Any) -> str:
    uid = run.case.subject_uid
    Site.objects.filter(code=f"till-{uid}").update(name=str(_level(uid) + run.params["euros"]))
    return "Back in the till."


TILL = reasons.Reason(
    code="ui.till",
    title="A till is too full",
    queue="payments",
    subject_kind="till",
    icon="credit-card",
    predicate=lambda uid: _level(uid) >= 100,
    evidence=lambda uid: reasons.Evidence("The till", ("", "EUR"), [("Holds", str(_level(uid)))]),
    actions=(
        reasons.Action(
            "pay", "Bring it to the safe", "The drop is booked at once.", run=_pay, rehearsed=True, undo=_pay_back,
            primary=True, params=(reasons.Param("euros", "How much, in EUR", kind="number"),),
        ),
    ),
)  # fmt: skip


class Tills:
    def before(self, kind: str, uid: str) -> int:
        return _level(uid) if kind == "till" else 0

    def changes(self, kind: str, uid: str, seen: int) -> list[Change]:
        now = self.before(kind, uid)
        told = Change("money", f"Till {uid}", "Leeds", str(seen), str(now), str(now - seen), Decimal(now - seen), "EUR")
        return [told] if now != seen else []


@pytest.fixture
def tills(transactional_db: None, monkeypatch: Any) -> Any:
    monkeypatch.setitem(reasons._reasons, TILL.code, TILL)
    monkeypatch.setattr(effects, "_lenses", [*effects._lenses, Tills()])
    site = Site.objects.create(code="LDS", name="Leeds Briggate", time_zone="Europe/London")

    def make(count: int) -> list[Case]:
        levels = {str(n): 50 if n % 10 == 9 else 120 for n in range(count)}
        Site.objects.bulk_create(Site(code=f"till-{n}", name=str(level)) for n, level in levels.items())
        cases.open_many(
            TILL.code,
            [cases.Said(Subject("till", n, f"Till {n}")) for n in levels],
            site_id=site.pk,
            actor=actors.SYSTEM,
        )
        return list(Case.objects.order_by("pk"))

    return make


def test_a_fix_is_previewed_agreed_to_by_a_second_person_done_and_undone(page, sign_in, person, tills, axe, shoot):
    sana, bo = person(), person("bo@harrow.example", name="Bo Berg")
    book = rulebooks.open_book(rulebooks.APPROVALS, actor=actors.person(bo))
    draft = rulebooks.draft(book.pk, actor=actors.person(bo))
    document = {"rules": [{"above": "20", "currency": "EUR"}]}
    rulebooks.save(draft.pk, document=document, note="", version=None, actor=actors.person(bo))
    rulebooks.go_live(draft.pk, version=None, actor=actors.person(bo))
    (case,) = tills(1)
    sign_in(page, sana)
    page.goto(f"/exceptions/{case.pk}")
    page.locator("main").get_by_role("button", name="Preview").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("How much, in EUR").fill("30")
    dialog.get_by_role("button", name="Preview with these").click()

    expect(dialog).to_contain_text("Somebody else has to agree")
    axe(page)
    shoot(page, "fix-preview", widths=(390, 1440))
    dialog.get_by_role("button", name="Ask for approval").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("main")).to_contain_text("waits for approval")
    assert _level("0") == 120
    request = case.approvals.get()
    page.goto(f"/exceptions/approvals/{request.pk}")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)

    sign_in(page, bo)
    page.goto("/exceptions/approvals/")
    axe(page)
    shoot(page, "approvals", widths=(1440,))
    page.get_by_role("link", name="Bring it to the safe").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    axe(page)
    shoot(page, "approval")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("main")).to_contain_text("Approved and done")
    assert _level("0") == 90

    sign_in(page, sana)
    page.goto("/exceptions/runs/")
    shoot(page, "runs", widths=(1440,))
    page.locator("main table a", has_text="Bring it to the safe").first.click()
    expect(page.locator("main")).to_contain_text("Bo Berg")
    axe(page)
    shoot(page, "run")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Back in the till")
    assert _level("0") == 120
    case.refresh_from_db()
    assert case.status == "OPEN"


def _work(job: Any) -> threading.Thread:
    def run() -> None:
        try:
            (bulk_acting.preview if job.kind == bulk_acting.PREVIEW else bulk_acting.run)(job.pk)
        finally:
            connections.close_all()

    worker = threading.Thread(target=run)
    worker.start()
    return worker


def test_many_rows_at_once_some_of_them_refused(page, sign_in, person, tills, axe, shoot, request):
    many = 300 if request.config.getoption("--long") else 60
    page.expected = ["422"]
    sana = person()
    tills(many)
    sign_in(page, sana)
    page.goto("/exceptions/?reason=ui.till")
    page.locator("thead input[type=checkbox]").first.check()
    page.locator("[data-select-view]").click()
    page.locator(".bulkbar").get_by_role("button", name="Run an action").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text(f"Run an action on {many} cases")
    dialog.get_by_role("button", name="Preview").click()
    amount = dialog.get_by_label("How much, in EUR")
    amount.fill("much")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("A whole number, not negative")
    axe(page, within="#dialog")
    amount.fill("30")
    dialog.get_by_role("button", name="Preview").click()

    page.wait_for_url("**/exceptions/bulk/*")
    worker = _work(Job.objects.get(kind=bulk_acting.PREVIEW))
    expect(page.locator("main")).to_contain_text(f"{many * 9 // 10} cases", timeout=60_000)
    worker.join()
    assert _level("0") == 120
    axe(page)
    shoot(page, "bulk-preview", widths=(390, 1440))
    page.get_by_role("button", name=f"Run it on {many * 9 // 10} cases").click()
    page.wait_for_url(lambda url: not url.endswith(f"/{Job.objects.get(kind=bulk_acting.PREVIEW).pk}"))
    expect(page.get_by_role("progressbar")).to_be_visible()
    worker = _work(Job.objects.get(kind=bulk_acting.RUN))
    download = page.get_by_role("link", name="Download the rows")
    expect(download).to_be_visible(timeout=90_000)
    worker.join()
    axe(page)
    shoot(page, "bulk-done", widths=(390, 1440))
    with page.expect_download() as saved:
        download.click()

    rows = list(csv.DictReader(io.StringIO(saved.value.path().read_text("utf-8-sig"))))
    assert len(rows) == many == BulkRow.objects.count()
    assert sum(row["Outcome"] == "refused" and row["Rule"] == "too_little" for row in rows) == many // 10
    assert (_level("0"), _level("9"), Case.objects.still_open().count()) == (90, 50, many // 10)
