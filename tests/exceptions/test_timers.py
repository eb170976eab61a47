"""The sweeper tells each thing once, by when it was due, however late and however many sweep."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core import actors
from core.models import Event
from exceptions.models import Case
from exceptions.services import cases, timers
from tests.exceptions.conftest import TRUE_OF

pytestmark = pytest.mark.django_db


def told(type_: str) -> list[tuple[str, str]]:
    return [(e.subject_label, e.data["clock"]) for e in Event.objects.filter(type=type_).order_by("occurred_at", "pk")]


def test_each_breach_is_told_once_and_dated_when_it_was_due(open_case):
    case = open_case(started_at=timezone.now() - timedelta(hours=3))

    first, second = timers.sweep(), timers.sweep()

    assert first.breached == {"acknowledge": 1, "resolve": 1}
    assert second.total == 0
    assert told("case.breached") == [(case.number, "acknowledge"), (case.number, "resolve")]
    assert Event.objects.filter(type="case.breached").latest("pk").occurred_at == case.resolve_by


def test_a_warning_comes_before_and_only_before_the_breach(open_case):
    soon = open_case(started_at=timezone.now() - timedelta(minutes=70))
    open_case(started_at=timezone.now() - timedelta(hours=3))

    swept = timers.sweep()

    assert swept.warned == 1
    assert told("case.warned") == [(soon.number, "resolve")]


def test_a_day_without_beats_changes_only_how_late_it_is_told(open_case):
    case = open_case()

    timers.sweep(now=case.resolve_by + timedelta(days=1))

    breach = Event.objects.filter(type="case.breached").latest("pk")
    assert breach.occurred_at == case.resolve_by
    assert told("case.warned") == []


def test_the_clock_runs_out_at_its_very_instant(open_case):
    case = open_case()

    assert "resolve" not in timers.sweep(now=case.resolve_by - timedelta(microseconds=1)).breached
    assert timers.sweep(now=case.resolve_by).breached == {"resolve": 1}


def test_a_paused_case_runs_only_against_its_promise(open_case, person):
    now = timezone.now()
    case = open_case(promise_by=now + timedelta(hours=1))
    cases.wait(case.pk, on="customer", actor=actors.person(person()))

    swept = timers.sweep(now=now + timedelta(days=2))

    assert swept.breached == {"promise": 1}
    assert timers.sweep(now=now + timedelta(days=2)).total == 0


def test_a_wait_ends_by_itself_from_the_moment_it_was_over(open_case, person):
    case = open_case()
    due, until = case.resolve_by, timezone.now() + timedelta(minutes=90)
    cases.wait(case.pk, on="carrier", until=until, actor=actors.person(person()))
    paused = case.pauses.get().started_at
    Case.objects.update(wait_until=timezone.now() - timedelta(seconds=1))
    ended = Case.objects.get().wait_until

    assert timers.sweep().resumed == 1

    case.refresh_from_db()
    assert case.status == "OPEN"
    assert case.resolve_by == due + max(ended - paused, timedelta())
    assert timers.sweep().resumed == 0


def test_a_resolved_case_is_never_swept(open_case, person):
    case = open_case(true=False)
    cases.resolve(case.pk, actor=actors.person(person()))

    assert timers.sweep(now=timezone.now() + timedelta(days=9)).total == 0


def test_a_sweep_of_many_costs_two_statements_a_batch(open_case, django_assert_num_queries):
    for _ in range(12):
        open_case(started_at=timezone.now() - timedelta(hours=3))

    # the waits; savepoint, update, facts, savepoint; then the steps of ladders in a savepoint
    with django_assert_num_queries(8):
        timers.sweep(now=timezone.now())


def test_the_net_under_the_events_clears_what_they_missed(open_case):
    gone, still = open_case(), open_case()
    TRUE_OF.discard(gone.subject_uid)

    assert timers.recheck_standing() == (1, 0)

    assert Case.objects.still_open().get() == still
    gone.refresh_from_db()
    assert gone.outcome == "cleared"


def test_the_net_goes_on_where_it_stopped(open_case):
    ids = [open_case().pk for _ in range(3)]

    assert timers.recheck_standing(limit=2) == (0, ids[1])
    assert timers.recheck_standing(after=ids[1], limit=2) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_never_tell_twice(open_case):
    for _ in range(60):
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

    assert Event.objects.filter(type="case.breached").count() == 120
    assert len(set(told("case.breached"))) == 120
