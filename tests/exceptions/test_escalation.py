"""Each step of a case's ladder fires once a run of its clocks, by its own time, however many sweep and however late."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from core import actors
from core.models import Event
from exceptions.models import Escalation, EscalationPolicy, EscalationStep, Notice, Rota, Shift
from exceptions.services import cases, timers

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def rule():
    """A rule of steps given as (clock, minutes, target[, who])."""

    def make(*steps: tuple, code: str = "usual", **fields: object) -> EscalationPolicy:
        policy = EscalationPolicy.objects.create(code=code, name=code.title(), **fields)
        for number, (clock, minutes, target, *who) in enumerate(steps, 1):
            named = {{"role": "role", "person": "person", "webhook": "webhook"}[target]: who[0]} if who else {}
            EscalationStep.objects.create(
                policy=policy, number=number, clock=clock, minutes=minutes, target=target, **named
            )
        return policy

    return make


def fired() -> list[tuple[str, int, datetime]]:
    rows = Event.objects.filter(type="case.escalated").order_by("occurred_at", "pk")
    return [(e.subject_label, e.data["step"], e.occurred_at) for e in rows]


def test_steps_fire_once_in_order_and_are_dated_when_they_were_due(open_case, person, rule):
    amira = person("Amira Khan")
    rule(
        ("acknowledge", 0, "person", amira), ("resolve", -30, "webhook", "pager"), ("resolve", 60, "person", amira),
        ("promise", -15, "person", amira),
    )  # fmt: skip
    case = open_case(started_at=timezone.now(), promise_by=timezone.now() + timedelta(hours=8))

    first = timers.sweep(now=case.resolve_by + timedelta(days=2))
    again = timers.sweep(now=case.resolve_by + timedelta(days=3))

    assert (first.escalated, again.escalated) == (4, 0)
    assert fired() == [
        (case.number, 1, case.acknowledge_by),
        (case.number, 2, case.resolve_by - 30 * MINUTE),
        (case.number, 3, case.resolve_by + 60 * MINUTE),
        (case.number, 4, case.promise_by - 15 * MINUTE),
    ]
    assert Notice.objects.filter(user=amira, kind="escalation").count() == 3
    pager = Event.objects.get(type="case.escalated", data__step=2)
    assert (pager.data["webhook"], pager.data["told"]) == ("pager", [])


def test_the_first_rule_that_matches_is_pinned_and_one_switched_off_matches_nothing(open_case, person, rule):
    amira = person("Amira Khan")
    rule(("resolve", 0, "person", amira), code="off", position=1, enabled=False)
    rule(("resolve", 0, "person", amira), code="else", position=2, reason="other.*")
    mine = rule(("resolve", 0, "person", amira), code="mine", position=3, reason="tests.*")
    rule(("resolve", 0, "person", amira), code="last", position=4)

    assert open_case().escalation == mine


def test_a_response_drops_what_was_not_due_and_tells_late_what_was(open_case, person, rule):
    amira = person("Amira Khan")
    rule(("acknowledge", 0, "person", amira), ("acknowledge", 60, "person", amira), ("resolve", 0, "person", amira))
    case = open_case(started_at=timezone.now() - 45 * MINUTE)

    cases.claim(case.pk, actor=actors.person(person("Ben Osei")))
    timers.sweep(now=timezone.now() + timedelta(days=1))

    assert [step for _, step, _ in fired()] == [1, 3]
    assert fired()[0][2] == case.acknowledge_by


def test_what_is_over_is_not_escalated(open_case, person, rule):
    rule(("resolve", 0, "person", person("Amira Khan")))
    case = open_case(true=False)

    cases.resolve(case.pk, actor=actors.person(person()))
    timers.sweep(now=timezone.now() + timedelta(days=1))

    assert fired() == []
    assert not Escalation.objects.exists()


def test_a_pause_stops_the_ladder_but_not_the_promise(open_case, person, rule, time_machine_at):
    amira = person("Amira Khan")
    rule(("resolve", -60, "person", amira), ("promise", 0, "person", amira))
    now = datetime(2026, 7, 6, 8, tzinfo=UTC)
    time_machine_at(now)
    case = open_case(started_at=now, promise_by=now + timedelta(hours=1))
    due = Escalation.objects.get(clock="resolve").due_at

    cases.wait(case.pk, on="carrier", actor=actors.person(amira))
    timers.sweep(now=now + timedelta(days=2))

    assert [step for _, step, _ in fired()] == [2]

    time_machine_at(now + timedelta(hours=2))
    cases.resume(case.pk, actor=actors.person(amira))

    row = Escalation.objects.get(clock="resolve")
    assert (row.held, row.due_at) == (False, due + timedelta(hours=2))


def test_a_wait_for_colleagues_stops_nothing(open_case, person, rule):
    rule(("resolve", 0, "person", person("Amira Khan")))
    case = open_case()

    cases.wait(case.pk, on="colleague", actor=actors.person(person()))

    assert timers.sweep(now=case.resolve_by).escalated == 1


def test_a_case_closed_long_after_its_wait_was_over_still_tells_what_was_due(open_case, person, rule, time_machine_at):
    """As if the sweep that should have ended the wait had come in time."""
    amira, start = person("Amira Khan"), datetime(2026, 7, 6, 8, tzinfo=UTC)
    rule(("resolve", 0, "webhook", "pager"))
    time_machine_at(start)
    case = open_case(true=False, started_at=start)
    cases.wait(case.pk, on="customer", until=start + timedelta(hours=1), actor=actors.person(amira))
    time_machine_at(start + timedelta(days=1))

    cases.resolve(case.pk, actor=actors.person(amira))

    assert fired() == [(case.number, 1, start + timedelta(hours=3))]
    assert Event.objects.get(type="case.breached", data__clock="resolve").occurred_at == start + timedelta(hours=3)


def test_reopening_begins_a_new_run(open_case, person, rule):
    rule(("resolve", 0, "person", person("Amira Khan")))
    case = open_case(true=False, started_at=timezone.now() - timedelta(hours=3))
    timers.sweep()

    cases.resolve(case.pk, actor=actors.person(person()))
    cases.reopen(case.pk, actor=actors.person(person()))
    timers.sweep(now=timezone.now() + timedelta(hours=3))

    assert sorted(Escalation.objects.values_list("run", flat=True)) == [0, 1]
    assert len(fired()) == 2


def test_a_promise_that_moves_takes_its_steps_along(open_case, person, rule):
    rule(("promise", -30, "person", person("Amira Khan")))
    now = timezone.now()
    open_case("p", promise_by=now + timedelta(hours=2))

    open_case("p", promise_by=now + timedelta(hours=5))

    assert Escalation.objects.get().due_at == now + timedelta(hours=4.5)


def test_a_role_hears_as_far_as_each_may_see_and_whoever_was_on_duty_then(open_case, person, rule, site):
    role = Group.objects.create(name="Night desk")
    here, elsewhere, duty, other = (person(n) for n in ("Here", "Elsewhere", "Duty", "Other"))
    elsewhere.sites.set([type(site).objects.create(code="YRK", name="York")])
    for someone in (here, elsewhere):
        someone.groups.add(role)
    rule(("acknowledge", 0, "role", role), ("resolve", 0, "on_duty"), code="site")
    case = open_case(site_id=site.pk, started_at=datetime(2026, 7, 6, 8, tzinfo=UTC))
    rota = Rota.objects.create(queue_id=case.queue_id, time_zone="Europe/London", fallback=role)
    for someone, opens, closes in ((duty, 540, 840), (other, 840, 540)):
        Shift.objects.create(
            rota=rota, user=someone, days=list(range(7)), opens=opens, closes=closes, first_day=date(2026, 1, 1)
        )

    timers.sweep(now=case.resolve_by + timedelta(days=1))

    told = {e.data["step"]: e.data["told"] for e in Event.objects.filter(type="case.escalated")}
    assert told == {1: [here.pk], 2: [duty.pk]}


def test_nobody_on_duty_falls_back_to_the_role_or_says_so(open_case, person, rule):
    role = Group.objects.create(name="Leads")
    lead = person("Lead")
    lead.groups.add(role)
    rule(("resolve", 0, "on_duty"))
    first = open_case(started_at=timezone.now() - timedelta(hours=3))
    timers.sweep()
    Rota.objects.create(queue_id=first.queue_id, fallback=role)
    open_case(started_at=timezone.now() - timedelta(hours=3))
    timers.sweep()

    words = list(Escalation.objects.order_by("pk").values_list("told", flat=True))
    assert words == ["Nobody: this queue has no rota", "Leads (1), as no one was on duty"]
    assert Notice.objects.get().user == lead


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_never_fire_twice(open_case, person, rule):
    rule(("acknowledge", 0, "person", person("Amira Khan")), ("resolve", 0, "webhook", "pager"))
    for _ in range(25):
        open_case(started_at=timezone.now() - timedelta(hours=3))
    gate = threading.Barrier(2)

    def sweeper() -> None:
        try:
            gate.wait()
            timers.sweep(batch=7)
        finally:
            connection.close()

    threads = [threading.Thread(target=sweeper) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    timers.sweep()

    assert len(fired()) == len(set(fired())) == 50
    assert Notice.objects.count() == 25
