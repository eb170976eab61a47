"""Suggestions from what happened here: counted, shown with their rows, decided once, and never acted on unproven."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core import actors, outbox
from core.errors import Invalid, Refusal
from core.models import Event, Site
from exceptions.models import ActionCount, ActionRun, Autonomy, Case, ReasonHistory, Suggestion
from exceptions.services import autonomy, calibration, cases, history, suggestions, summaries
from tests.exceptions.conftest import PROBE, RAN, TRUE_OF

pytestmark = pytest.mark.django_db


def past(
    n: int, *, outcome: str = "cleared", action: str = "cool", hours: float = 1.0, site: Site | None = None, back=0
):
    """So many ended cases on which an action was the last thing done; `back` of them came again."""
    start = timezone.now() - timedelta(days=30)
    made = Case.objects.bulk_create(
        [
            Case(
                reason=PROBE.code, queue_id="orders", subject_kind="probe", subject_uid=f"{action}-{outcome}-{at}",
                title=PROBE.title, site=site, status="RESOLVED", outcome=outcome,
                outcome_note="as it is" if outcome == "waived" else "", started_at=start, opened_at=start,
                acknowledge_by=start + timedelta(minutes=30), resolve_by=start + timedelta(hours=2),
                resolved_at=start + timedelta(hours=hours), acknowledge_minutes=30, resolve_minutes=120,
            )
            for at in range(n)
        ]
    )  # fmt: skip
    for case in made[:back]:
        case.pk, case.opened_at = None, case.resolved_at + timedelta(days=2)
        case.outcome, case.resolved_at = "waived", case.opened_at
        case.outcome_note = "as it is"
    Case.objects.bulk_create(made[:back])
    rows = Case.objects.filter(reason=PROBE.code, subject_uid__startswith=f"{action}-{outcome}-", outcome=outcome)
    ran(rows, action)


def ran(rows, action: str, *, ok: bool = True) -> None:
    about = {"title": "Cool it down", "ok": ok, "actor_kind": "PERSON", "actor_uid": "1", "actor_label": "Amira"}
    ActionRun.objects.bulk_create(
        [
            ActionRun(
                case=case,
                reason=case.reason,
                action=action,
                created_at=case.started_at + timedelta(minutes=10),
                **about,
            )
            for case in rows
        ]
    )


@pytest.fixture
def amira(person):
    return person()


@pytest.fixture(autouse=True)
def orders_queue(db, open_case):
    open_case("first of all")  # makes the queue
    TRUE_OF.discard("first of all")
    cases.recheck_case(Case.objects.get().pk)
    Case.objects.all().delete()


def test_an_action_is_counted_by_what_became_of_its_cases():
    past(12, back=2)
    past(3, outcome="waived")
    past(2, outcome="fixed", hours=2, action="knock")

    history.recount()
    history.recount()

    count = ActionCount.objects.get(context="", action="cool")
    assert (count.tried, count.worked, count.reopened, count.seconds) == (15, 12, 2, 3000)
    assert ReasonHistory.objects.get().closed == 14


def test_only_the_last_step_ended_the_case_and_an_open_one_says_nothing_yet(open_case):
    past(4)
    past(1, outcome="fixed", action="knock")
    ran(Case.objects.filter(outcome="fixed"), "cool")
    ran([open_case("p1")], "cool")

    history.recount()

    assert {(row.action, row.tried, row.worked) for row in ActionCount.objects.filter(context="")} == {
        ("cool", 5, 5),
        ("knock", 1, 0),
    }


def test_a_case_is_shown_what_worked_with_figures_and_their_rows(open_case):
    past(30)
    past(10, outcome="waived")
    history.recount()
    case = open_case("p1")

    advice = suggestions.advise(case)
    again = suggestions.advise(case)

    (only,) = advice.proposed
    assert only.action.code == "cool"
    assert only.speaks_for[0].text == "It ended 30 of 40 cases for good, 75% (likely 60% to 86%)."
    assert only.speaks_for[0].url.endswith("/runs?action=cool")
    assert only.speaks_against[0].text == "10 cases needed another step or a waiver after it."
    assert "Of 30 past cases still open after 0% of their time, 0 missed it" in advice.breach.text
    assert again.suggestion == advice.suggestion == Suggestion.objects.get()
    assert (advice.suggestion.held, advice.suggestion.trials) == (30, 40)


def test_doing_it_accepts_the_suggestion_and_the_end_judges_it(open_case, amira):
    past(30)
    history.recount()
    case = open_case("p1")
    suggestions.advise(case)

    cases.act(case.pk, "cool", actor=actors.person(amira))
    outbox_drained()

    made = Suggestion.objects.get()
    assert (made.status, made.worked, made.decided_by) == ("ACCEPTED", True, amira)
    assert calibration.of(PROBE.code, "cool")[0].judged == 1


def outbox_drained() -> None:
    for queue in outbox.QUEUES:
        while outbox.dispatch(queue).taken:
            pass


def test_not_right_needs_a_reason_and_is_learnt_from(open_case, amira):
    past(30)
    history.recount()
    case = open_case("p1")
    suggestions.advise(case)

    with pytest.raises(Invalid):
        suggestions.not_right(case.pk, why=" no ", actor=actors.person(amira))
    suggestions.not_right(case.pk, why="The vent is broken", actor=actors.person(amira))
    with pytest.raises(Refusal):
        suggestions.not_right(case.pk, why="The vent is broken", actor=actors.person(amira))
    history.recount()

    assert Suggestion.objects.get().why_not == "The vent is broken"
    assert ActionCount.objects.get(context="").declined == 1
    assert suggestions.advise(case).suggestion is None
    assert suggestions.advise(open_case("p2")).suggestion.trials == 31
    assert calibration.why_not(PROBE.code, "cool") == [("The vent is broken", 1)]


def test_a_case_that_ends_without_a_decision_lets_its_suggestion_expire(open_case):
    past(30)
    history.recount()
    case = open_case("p1")
    suggestions.advise(case)
    TRUE_OF.clear()

    cases.recheck_case(case.pk)
    outbox_drained()

    assert Suggestion.objects.get().status == "EXPIRED"


def test_the_summary_says_only_what_stands_in_rows(open_case, amira):
    case = open_case("p1")
    open_case("p1")
    cases.note(case.pk, text="Called the site", actor=actors.person(amira))
    case.refresh_from_db()

    said = [sentence.text for sentence in summaries.of(case)]

    assert said[0].startswith("Probe is too warm: ")
    assert any("seen 2 times" in text for text in said)
    assert "1 note from people who worked on it." in said


def switched_on(person, **fields) -> Autonomy:
    options = {"on": True, "threshold": 0.9, "minimum": 40, "hourly": 2, "version": 1} | fields
    return autonomy.switch(PROBE.code, "cool", **options, actor=actors.person(person))


def test_nothing_is_left_to_itself_before_it_is_proven(open_case, amira):
    past(30)
    history.recount()
    switched_on(amira)
    open_case("p1")

    assert autonomy.evaluate() == 0
    assert autonomy.work() == 0
    assert Autonomy.objects.get().state == "WATCHING"
    assert RAN == []


def test_what_is_proven_works_alone_up_to_its_limit_and_says_so(open_case, amira):
    past(60)
    history.recount()
    switched_on(amira)
    made = [open_case(f"p{n}") for n in range(4)]
    cases.claim(made[0].pk, actor=actors.person(amira))

    opened = autonomy.evaluate()
    first, second = autonomy.work(), autonomy.work()

    assert (opened, first, second) == (1, 2, 0)
    made[0].refresh_from_db()
    assert made[0].status == "OPEN"
    acted = Event.objects.filter(type="case.acted")
    assert {event.actor_label for event in acted} == {"Autonomy"}
    assert [event.data["state"] for event in Event.objects.filter(type="autonomy.changed").order_by("pk")] == [
        "WATCHING", "OPEN",
    ]  # fmt: skip


def test_it_closes_itself_when_the_latest_outcomes_no_longer_fit_and_stays_closed(open_case, amira):
    past(200)
    history.recount()
    switched_on(amira)
    autonomy.evaluate()
    case = open_case("p1")
    now = timezone.now()
    Suggestion.objects.bulk_create(
        [
            Suggestion(
                case=case, reason=PROBE.code, action="cool", trials=200, held=200, probability=1.0, low=0.98,
                status="ACCEPTED", decided_at=now, worked=n % 4 != 0,
            )
            for n in range(30)
        ]
    )  # fmt: skip

    assert autonomy.evaluate() == 1
    assert autonomy.evaluate() == 0

    row = Autonomy.objects.get()
    assert row.state == "CLOSED"
    assert row.because.startswith("drift: 22 of 30")
    assert autonomy.work() == 0
    assert calibration.of(PROBE.code, "cool")[0].fits is False


def test_the_off_switch_stops_everything_and_a_stale_switch_is_refused(amira):
    past(60)
    history.recount()
    row = switched_on(amira)
    autonomy.evaluate()

    with pytest.raises(Refusal) as no:
        switched_on(amira, version=row.version - 1)
    assert autonomy.stop_all(actor=actors.person(amira)) == 1

    assert no.value.code == "changed_meanwhile"
    assert Autonomy.objects.get().state == "OFF"
    with pytest.raises(Invalid):
        switched_on(amira, threshold=0.2, version=Autonomy.objects.get().version)
