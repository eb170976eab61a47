"""Actions: previewed by doing them and taking them back, stored with what they changed, undone once, asked about."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core import actors
from core.errors import Invalid, Refusal
from core.models import Site
from exceptions import effects, reasons
from exceptions.effects import Change
from exceptions.models import ActionRun, ApprovalRequest, ApprovalStatus, Notice
from exceptions.services import acting, approvals, cases, rulebooks, undoing
from exceptions.services.closing import about

pytestmark = pytest.mark.django_db


def _level(uid: str) -> int:
    """The till of a probe: a site's name stands in for a row of a higher floor."""
    return int(Site.objects.get(code=f"till-{uid}").name)


def _pay(uid: str, *, actor: actors.Actor, euros: int = 50) -> str:
    if euros == 13:
        raise Refusal("unlucky", "Not thirteen.")
    Site.objects.filter(code=f"till-{uid}").update(name=str(_level(uid) - euros))
    return f"{euros} paid."


def _pay_back(run: ActionRun, *, actor: actors.Actor) -> str:
    uid = run.case.subject_uid
    Site.objects.filter(code=f"till-{uid}").update(name=str(_level(uid) + int(run.params.get("euros", 50))))
    return "Paid back."


PAID = reasons.Reason(
    code="tests.unpaid",
    title="A till is too full",
    queue="payments",
    subject_kind="till",
    predicate=lambda uid: _level(uid) >= 100,
    evidence=lambda uid: reasons.Evidence("The till", ("", "EUR"), [("Holds", str(_level(uid)))]),
    actions=(
        reasons.Action(
            "pay", "Pay out", run=_pay, rehearsed=True, undo=_pay_back,
            params=(reasons.Param("euros", "How much", kind="number", required=False),),
        ),
        reasons.Action("look", "Look at it", run=lambda uid, *, actor: "Looked.", rehearsed=True),
    ),
)  # fmt: skip


class Tills:
    def before(self, kind: str, uid: str) -> int:
        return _level(uid) if kind == "till" else 0

    def changes(self, kind: str, uid: str, seen: int) -> list[Change]:
        now = _level(uid) if kind == "till" else 0
        if now == seen:
            return []
        return [Change("money", f"Till {uid}", "", str(seen), str(now), str(now - seen), Decimal(now - seen), "EUR")]


@pytest.fixture(autouse=True)
def tills(monkeypatch) -> None:
    monkeypatch.setitem(reasons._reasons, PAID.code, PAID)
    monkeypatch.setattr(effects, "_lenses", [*effects._lenses, Tills()])


@pytest.fixture
def till(db):
    def make(uid: str = "1", holds: int = 120):
        site = Site.objects.create(code=f"till-{uid}", name=str(holds))
        pk = cases.open_(
            PAID.code, _subject(uid), site_id=site.pk, value=Decimal(holds), currency="EUR", actor=actors.SYSTEM
        )
        from exceptions.models import Case

        return Case.objects.get(pk=pk)

    return make


def _subject(uid: str):
    from core.subjects import Subject

    return Subject("till", uid, f"Till {uid}")


def rules(above: str, who, **more: Any) -> None:
    actor = actors.person(who)
    book = rulebooks.open_book(rulebooks.APPROVALS, actor=actor)
    version = rulebooks.draft(book.pk, actor=actor)
    document = {"rules": [{"above": above, "currency": "EUR", **more}]}
    rulebooks.save(version.pk, document=document, note="", version=None, actor=actor)
    rulebooks.go_live(version.pk, version=None, actor=actor)


@pytest.fixture
def boss(person):
    return person("Bo Boss", may="view_case work_case approve_action")


def test_a_preview_does_it_looks_and_takes_it_back(till, person):
    case = till()
    who = actors.person(person())

    plan = acting.preview(case, "pay", params={"euros": "30"}, actor=who)

    (row,) = plan.delta.rows
    assert (row.before, row.after, row.value) == ("120", "90", Decimal(-30))
    assert plan.amount == (Decimal(30), "EUR")
    assert _level("1") == 120
    assert not ActionRun.objects.exists()


def test_a_run_is_stored_with_who_what_before_and_after_and_clears_the_case(till, person):
    case = till()
    who = person()

    said = cases.act(case.pk, "pay", params={"euros": "30"}, actor=actors.person(who))

    run = ActionRun.objects.get()
    assert said == "30 paid."
    assert (run.actor_uid, run.params, run.ok, run.holds) == (str(who.pk), {"euros": 30}, True, False)
    assert run.before["evidence"][0]["rows"] == [["Holds", "120"]]
    assert run.after["evidence"][0]["rows"] == [["Holds", "90"]]
    assert run.delta[0]["difference"] == "-30"
    assert (run.amount, run.currency) == (Decimal(30), "EUR")
    case.refresh_from_db()
    assert (case.outcome, case.outcome_note) == ("cleared", "Pay out.")


def test_a_refused_run_is_stored_and_changes_nothing(till, person):
    case = till()

    with pytest.raises(Refusal, match="thirteen"):
        cases.act(case.pk, "pay", params={"euros": "13"}, actor=actors.person(person()))

    run = ActionRun.objects.get()
    assert (run.ok, run.code, run.said, run.delta) == (False, "unlucky", "Not thirteen.", [])
    assert _level("1") == 120


def test_parameters_are_asked_for_by_name(till, person):
    case = till()

    with pytest.raises(Invalid) as wrong:
        cases.act(case.pk, "pay", params={"euros": "-3"}, actor=actors.person(person()))

    assert [problem.path for problem in wrong.value.problems] == ["euros"]
    assert not ActionRun.objects.exists()


def test_the_database_refuses_to_change_a_run(till, person):
    case = till()
    cases.act(case.pk, "look", actor=actors.person(person()))

    for sql in ("UPDATE exceptions_actionrun SET said = 'x'", "DELETE FROM exceptions_actionrun"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_a_second_click_is_refused(till, person):
    case = till()
    who = actors.person(person())
    cases.act(case.pk, "look", version=case.version, actor=who)

    with pytest.raises(Refusal) as refused:
        cases.act(case.pk, "look", version=case.version, actor=who)

    assert refused.value.code == "changed_meanwhile"
    assert ActionRun.objects.count() == 1


def test_an_undo_compensates_once_within_its_time_and_opens_the_case_again(till, person):
    case = till()
    who = actors.person(person())
    cases.act(case.pk, "pay", params={"euros": "30"}, actor=who)
    run = ActionRun.objects.get()

    made = undoing.undo(run.pk, actor=who)

    assert (_level("1"), made.undoes_id, made.delta[0]["difference"]) == (120, run.pk, "30")
    case.refresh_from_db()
    assert case.status == "OPEN"
    with pytest.raises(Refusal) as again:
        undoing.undo(run.pk, actor=who)
    assert (again.value.code, _level("1")) == ("already_undone", 120)
    with pytest.raises(Refusal) as its_own:
        undoing.undo(made.pk, actor=who)
    assert its_own.value.code == "nothing_to_undo"


def test_an_undo_comes_too_late_or_is_not_to_be_had(till, person):
    import time_machine as clock

    case = till()
    who = actors.person(person())
    cases.act(case.pk, "pay", params={"euros": "5"}, actor=who)
    cases.act(case.pk, "look", actor=who)
    paid, looked = ActionRun.objects.order_by("pk")

    with clock.travel(timezone.now() + timedelta(minutes=31), tick=False), pytest.raises(Refusal) as late:
        undoing.undo(paid.pk, actor=who)
    with pytest.raises(Refusal) as never:
        undoing.undo(looked.pk, actor=who)

    assert (late.value.code, late.value.status, never.value.code) == ("too_late", 410, "cannot_undo")
    assert _level("1") == 115


def test_above_an_amount_a_second_person_agrees_and_it_is_done(till, person, boss):
    case, asker = till(), person()
    rules("20", boss)

    done = cases.acting_on(case.pk, "pay", params={"euros": "30"}, actor=actors.person(asker))

    assert done.run is None
    assert done.approval is not None
    assert _level("1") == 120
    assert Notice.objects.get(user=boss).key == f"approval:{done.approval.pk}"
    run = approvals.approve(done.approval.pk, actor=actors.person(boss))
    assert (run.actor_uid, run.approver_id, _level("1")) == (str(asker.pk), boss.pk, 90)
    assert ApprovalRequest.objects.get().status == ApprovalStatus.APPROVED
    with pytest.raises(Refusal) as again:
        approvals.approve(done.approval.pk, actor=actors.person(boss))
    assert (again.value.code, _level("1")) == ("decided_already", 90)


def test_at_the_amount_or_below_nobody_is_asked(till, person, boss):
    case = till()
    rules("30", boss)

    done = cases.acting_on(case.pk, "pay", params={"euros": "30"}, actor=actors.person(person()))

    assert done.run is not None


def test_nobody_approves_their_own(till, boss):
    case = till()
    rules("20", boss)
    me = actors.person(boss)
    done = cases.acting_on(case.pk, "pay", params={"euros": "30"}, actor=me)

    with pytest.raises(Refusal) as refused:
        approvals.approve(done.approval.pk, actor=me)

    assert (refused.value.code, _level("1")) == ("own_request", 120)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApprovalRequest.objects.update(status="FAILED", decided_by=boss, decided_at=timezone.now())


def test_a_request_is_void_once_it_would_do_something_else(till, person, boss):
    case = till()
    rules("20", boss)
    done = cases.acting_on(case.pk, "pay", params={"euros": "30"}, actor=actors.person(person()))
    Site.objects.filter(code="till-1").update(name="500")

    with pytest.raises(Refusal) as refused:
        approvals.approve(done.approval.pk, actor=actors.person(boss))

    assert (refused.value.code, _level("1")) == ("preview_changed", 500)
    assert ApprovalRequest.objects.get().status == ApprovalStatus.VOID
    assert not ActionRun.objects.exists()


def test_a_request_nobody_agrees_to_expires(till, person, boss):
    case = till()
    rules("20", boss)
    done = cases.acting_on(case.pk, "pay", params={"euros": "30"}, actor=actors.person(person()))
    ApprovalRequest.objects.update(expires_at=timezone.now() - timedelta(minutes=1))

    with pytest.raises(Refusal) as refused:
        approvals.approve(done.approval.pk, actor=actors.person(boss))

    assert (refused.value.status, _level("1"), approvals.expire()) == (410, 120, 0)
    assert ApprovalRequest.objects.get().status == ApprovalStatus.EXPIRED


def test_asking_twice_is_one_request(till, person, boss):
    case = till()
    rules("20", boss)
    who = actors.person(person())

    first = cases.acting_on(case.pk, "pay", params={"euros": "30"}, actor=who).approval
    second = cases.acting_on(case.pk, "pay", params={"euros": "30"}, actor=who).approval

    assert first == second
    assert about(case)[0][0].uid == "1"


def test_runs_and_requests_are_listed_in_a_fixed_number_of_queries(client, till, person, boss, query_count):
    asker = person()
    rules("40", boss)

    def more(uids: range) -> None:
        for n in uids:
            cases.acting_on(till(str(n)).pk, "pay", params={"euros": "50"}, actor=actors.person(asker))
            cases.acting_on(till(f"9{n}").pk, "pay", params={"euros": "30"}, actor=actors.person(asker))

    more(range(1, 2))
    client.force_login(boss)

    for name, path in (("approvals", "/exceptions/approvals/"), ("runs", "/exceptions/runs/")):
        with query_count(f"exceptions-{name}", lambda path=path: client.get(path)):
            more(range(2, 5) if name == "approvals" else range(5, 8))
    assert client.get("/exceptions/runs/").content.count(b'id="run-') == ActionRun.objects.count() == 7
