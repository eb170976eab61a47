"""Whatever clears by itself names the fact that cleared it, and links to its row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import actors, events
from core.models import Event
from core.subjects import Subject
from exceptions import reasons
from exceptions.models import Case
from exceptions.services import opening, timers
from tests.exceptions.conftest import PROBE, TRUE_OF

pytestmark = pytest.mark.django_db
NOBODY = "00000000-0000-0000-0000-000000000000"
GONE = {"connection": NOBODY, "settlement_file": NOBODY}
AMIRA = actors.Actor("PERSON", "1", "Amira Khan")
OURS = [reason for reason in reasons.every() if not reason.code.startswith("tests.")]


def cleared_of(case_id: int) -> tuple[Case, Event]:
    case = Case.objects.get(pk=case_id)
    return case, Event.objects.get(type="case.cleared", subject_uid=str(case.pk))


@pytest.mark.parametrize("reason", [r for r in OURS if r.predicate], ids=lambda reason: reason.code)
def test_every_reason_names_the_fact_that_cleared_it(reason):
    subject = Subject(reason.subject_kind, GONE.get(reason.subject_kind, "999999999"), "S-1")
    told = opening.open_(reason.code, subject, actor=actors.SYSTEM)
    happened = events.record("order.noted", Subject("order", "7", "SO-7"), actor=AMIRA, related=((subject, "about"),))
    assert opening.recheck_case(told)

    case, fact = cleared_of(told)
    assert "SO-7" in case.outcome_note
    assert "by Amira Khan" in case.outcome_note
    assert fact.data["by"] == {
        "words": case.outcome_note, "kind": "order", "uid": "7", "label": "SO-7", "event": happened,
    }  # fmt: skip
    assert fact.objects_touched.filter(qualifier="cleared_by", kind="order", uid="7").exists()

    silent = opening.open_(reason.code, subject, actor=actors.SYSTEM)
    opening.recheck_case(silent)

    case, fact = cleared_of(silent)
    assert case.outcome_note.startswith(f"Clears when {reason.clears_when}. Now: ")
    assert (fact.data["by"]["uid"], fact.data["by"]["event"]) == (subject.uid, None)


@pytest.mark.parametrize("reason", OURS, ids=lambda reason: reason.code)
def test_every_reason_says_what_it_touches_or_why_it_touches_nothing(reason):
    assert (reason.impact is None) == bool(reason.weightless)
    if reason.impact is not None:
        assert reason.impact("999999999") in {None, reasons.Impact()}


def test_an_event_that_was_heard_is_the_one_named_and_a_reason_may_say_it_itself(open_case):
    heard, own = open_case("p1"), open_case("p2")
    subject = Subject("probe", "p1", "PR-p1")
    first = events.record("probe.read", subject, actor=AMIRA)
    events.record("probe.moved", subject, actor=AMIRA)
    TRUE_OF.clear()
    reasons._reasons[PROBE.code] = replace(PROBE, cleared=lambda uid: ("It rained.", None) if uid == "p2" else None)
    try:
        opening.recheck(subject, event=first)
        timers.recheck_standing()
    finally:
        reasons._reasons[PROBE.code] = PROBE

    assert cleared_of(heard.pk)[1].data["by"]["event"] == first
    assert "Probe read" in cleared_of(heard.pk)[0].outcome_note
    assert cleared_of(own.pk)[0].outcome_note == "It rained."


def test_a_cause_that_was_said_stands_and_a_check_that_fails_keeps_no_case_open(open_case):
    case = open_case("p1")
    TRUE_OF.clear()

    def broken(uid: str) -> tuple[str, None]:
        raise ZeroDivisionError

    reasons._reasons[PROBE.code] = replace(PROBE, cleared=broken)
    try:
        opening.recheck(Subject("probe", "p1"), cause="The probe was read again.")
    finally:
        reasons._reasons[PROBE.code] = PROBE

    assert cleared_of(case.pk)[0].outcome_note == "The probe was read again."
