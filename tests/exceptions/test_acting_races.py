"""Two people at the same moment: one undo, one approval, one run, whoever is quicker."""

from __future__ import annotations

import pytest

from core import actors
from core.errors import Refusal
from exceptions.models import ActionRun, ApprovalRequest
from exceptions.services import approvals, cases, undoing
from tests.exceptions.test_acting import PAID, _level, boss, rules, till, tills
from tests.orders.test_races import at_once, refused

__all__ = ["PAID", "boss", "till", "tills"]
pytestmark = pytest.mark.django_db(transaction=True)


def codes(results):
    assert not [each for each in results if isinstance(each, Exception) and not isinstance(each, Refusal)], results
    return sorted(each.code for each in results if isinstance(each, Refusal))


def test_undo_racing_undo_compensates_once(till, person):
    case, who = till(), actors.person(person())
    cases.act(case.pk, "pay", params={"euros": "30"}, actor=who)
    run = ActionRun.objects.get()

    results = at_once(*[lambda: undoing.undo(run.pk, actor=who)] * 4)

    assert codes(results) == ["already_undone"] * 3
    assert (_level("1"), ActionRun.objects.filter(undoes=run).count()) == (120, 1)


def test_two_approvers_at_once_do_it_once(till, person, boss):
    case, other = till(), person("Cleo Chief", may="view_case work_case approve_action")
    rules("20", boss)
    request = cases.acting_on(case.pk, "pay", params={"euros": "30"}, actor=actors.person(person())).approval

    results = at_once(
        *(lambda who=who: approvals.approve(request.pk, actor=actors.person(who)) for who in (boss, other))
    )

    assert codes(results) == ["decided_already"]
    assert (_level("1"), ActionRun.objects.count(), ApprovalRequest.objects.get().status) == (90, 1, "APPROVED")


def test_an_approval_racing_a_withdrawal_ends_in_one_of_them(till, person, boss):
    case, asker = till(), person()
    rules("20", boss)
    request = cases.acting_on(case.pk, "pay", params={"euros": "30"}, actor=actors.person(asker)).approval

    results = at_once(
        lambda: approvals.approve(request.pk, actor=actors.person(boss)),
        lambda: approvals.withdraw(request.pk, actor=actors.person(asker)),
    )

    assert codes(results) == ["decided_already"]
    status = ApprovalRequest.objects.get().status
    assert (status, _level("1")) in {("APPROVED", 90), ("WITHDRAWN", 120)}


def test_asked_for_twice_at_once_is_one_request_and_one_act_of_a_version_runs(till, person, boss):
    case = till()
    rules("40", boss)
    who = [actors.person(person(f"Person {n}")) for n in range(3)]

    asked = at_once(*(lambda a=a: cases.acting_on(case.pk, "pay", params={"euros": "50"}, actor=a) for a in who))
    case.refresh_from_db()
    ran = at_once(
        *(lambda a=a: cases.act(case.pk, "pay", params={"euros": "10"}, version=case.version, actor=a) for a in who)
    )

    assert len({done.approval.pk for done in asked}) == ApprovalRequest.objects.count() == 1
    assert sum(refused(each) for each in ran) == 2
    assert _level("1") == 110
