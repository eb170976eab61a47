"""Clocks of open cases move only when somebody asks, and a preview says how."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import actors, jobs
from core.models import Event, Job
from exceptions.models import Case, Escalation, EscalationPolicy, EscalationStep, SlaPolicy
from exceptions.services import cases, policies, reckoning, timers

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 7, 6, 8, tzinfo=UTC)  # 09:00 in London
HOUR = timedelta(hours=1)


@pytest.fixture
def rule(db):
    return SlaPolicy.objects.create(
        code="usual", name="Usual", acknowledge_minutes=60, resolve_minutes=240, business_time=True
    )


def test_a_new_version_moves_nothing_until_asked_and_then_what_the_preview_said(
    open_case, rule, site, person, time_machine_at
):
    time_machine_at(MONDAY)
    case = open_case(site_id=site.pk, started_at=MONDAY)
    new = policies.revise(rule.pk, resolve_minutes=60)
    time_machine_at(MONDAY + 2 * HOUR)

    preview = reckoning.preview(reckoning.setting())
    case.refresh_from_db()

    assert (case.policy, case.resolve_by) == (rule, MONDAY + 4 * HOUR)
    assert (preview.looked_at, preview.turning_overdue, preview.no_longer_overdue) == (
        1,
        0,
        0,
    )  # unanswered: late already
    assert preview.moves[0].clocks == (("Resolve", MONDAY + 4 * HOUR, MONDAY + HOUR),)

    assert reckoning.reckon_one(case.pk, actor=actors.person(person()), because="Shorter")
    assert not reckoning.reckon_one(case.pk, actor=actors.SYSTEM)

    case.refresh_from_db()
    assert (case.policy, case.resolve_by) == (new, MONDAY + HOUR)
    fact = Event.objects.get(type="case.reckoned")
    assert fact.data["clocks"][0][0] == "Resolve"
    assert timers.sweep().breached["resolve"] == 1


def test_pauses_are_cut_out_and_a_breach_that_is_none_any_more_may_come_again(
    open_case, rule, site, person, time_machine_at
):
    amira = actors.person(person())
    time_machine_at(MONDAY)
    case = open_case(site_id=site.pk, started_at=MONDAY)
    cases.wait(case.pk, on="customer", actor=amira)
    time_machine_at(MONDAY + HOUR)
    cases.resume(case.pk, actor=amira)
    time_machine_at(MONDAY + 6 * HOUR)
    assert timers.sweep().breached == {"resolve": 1}

    policies.revise(rule.pk, resolve_minutes=7 * 60)
    reckoning.reckon_one(case.pk, actor=amira)

    case.refresh_from_db()
    assert case.resolve_by == MONDAY + 8 * HOUR
    assert case.breached_at is None
    time_machine_at(MONDAY + 9 * HOUR)
    assert timers.sweep().breached == {"resolve": 1}


def test_a_calendar_not_saved_yet_shows_what_it_would_move(open_case, rule, site, time_machine_at):
    time_machine_at(MONDAY)
    open_case(site_id=site.pk, started_at=MONDAY)
    open_case()
    calendar = site.calendar
    calendar.exceptions = {"2026-07-06": []}

    preview = reckoning.preview(reckoning.setting(calendar=calendar), cases=reckoning.scope(calendar="shop"))

    assert preview.looked_at == 1
    moves = {title: to for title, _, to in preview.moves[0].clocks}
    assert moves == {"Acknowledge": MONDAY + 25 * HOUR, "Resolve": MONDAY + 28 * HOUR}


def test_the_job_goes_over_every_open_case_and_its_ladder(open_case, rule, site, person):
    boss = person("Boss")
    ids = [open_case(site_id=site.pk).pk for _ in range(3)]
    policy = EscalationPolicy.objects.create(code="new", name="New")
    EscalationStep.objects.create(policy=policy, number=1, clock="resolve", target="person", person=boss)
    policies.revise(rule.pk, resolve_minutes=300)
    job = reckoning.start_job(actor=actors.person(boss), because="New rule", calendar="shop")

    reckoning.work_off(job.pk)

    job = Job.objects.get(pk=job.pk)
    assert (job.status, job.done, job.total) == ("DONE", 3, 3)
    assert set(Case.objects.values_list("escalation", "resolve_minutes")) == {(policy.pk, 300)}
    assert sorted(Escalation.objects.values_list("case", flat=True)) == ids


def test_a_job_stopped_before_it_began_moves_nothing(open_case, rule, person):
    case = open_case()
    policies.revise(rule.pk, resolve_minutes=300)
    job = reckoning.start_job(actor=actors.person(person()), because="")
    jobs.stop(job.pk)

    reckoning.work_off(job.pk)

    case.refresh_from_db()
    assert case.resolve_minutes == 240


def test_a_rule_switched_off_matches_nothing(open_case, rule):
    policies.revise(rule.pk, enabled=False)

    assert open_case().policy is None
