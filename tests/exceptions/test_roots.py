"""One root cause and its symptoms; and reasons whose own checks fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core import actors, events
from core.errors import Refusal
from core.models import Event
from core.subjects import Subject
from exceptions import priority, reasons, wakes
from exceptions.models import Case, StandingCheck
from exceptions.reasons import Impact, Root
from exceptions.services import aside, cases, roots
from tests.exceptions.conftest import FLAT, PROBE, TRUE_OF

pytestmark = pytest.mark.django_db


@pytest.fixture
def oversold():
    """A reason whose cases come from the probe called "feed"."""
    reason = replace(
        PROBE, code="tests.oversold", title="Oversold", standing=None, root=lambda uid: Root(PROBE.code, "feed")
    )
    reasons.register(reason)
    yield reason
    reasons._reasons.pop(reason.code)


def test_symptoms_stand_under_an_open_root_and_end_with_it(open_case, oversold, person):
    before = open_case("early", reason=oversold.code)
    feed = open_case("feed")
    made = [open_case(f"s{n}", reason=oversold.code) for n in range(roots.BATCH + 5)]
    stubborn, free = made[3], made[4]
    cases.unlink(free.pk, actor=actors.person(person()))
    TRUE_OF.intersection_update({stubborn.subject_uid, before.subject_uid, free.subject_uid})

    cases.recheck(Subject("probe", "feed"), cause="The feed is back.")
    roots.settle_all()

    assert before.parent_id is None
    assert {case.parent_id for case in made} == {feed.pk}
    assert set(Case.objects.still_open()) == {before, stubborn, free}
    stubborn.refresh_from_db()
    assert stubborn.parent_id is None
    assert Case.objects.get(pk=made[0].pk).outcome_note == f"{feed.number} cleared itself."
    assert open_case("later", reason=oversold.code).parent_id is None


def test_a_root_that_cant_be_named_keeps_no_case_from_opening(open_case, oversold):
    def broken(uid: str) -> Root:
        raise ZeroDivisionError

    reasons._reasons[oversold.code] = replace(oversold, root=broken)

    assert open_case("s1", reason=oversold.code).parent_id is None


def test_a_symptom_has_no_symptoms(open_case, person):
    root, child, other = open_case(), open_case(), open_case()
    amira = actors.person(person())
    cases.link(child.pk, root.pk, actor=amira)

    for case, parent in ((other, child), (root, other)):
        with pytest.raises(Refusal):
            cases.link(case.pk, parent.pk, actor=amira)

    assert Case.objects.filter(parent__isnull=False).get() == child


def test_one_reason_that_fails_stops_no_other_and_is_a_case_until_it_answers(db):
    def broken() -> list[str]:
        Event.objects.raw("SELECT nonsense FROM nowhere")[0]
        return []

    TRUE_OF.add("p1")
    reasons.register(broken_one := replace(FLAT, code="tests.a_broken", queue="orders", standing=broken))
    try:
        assert cases.open_standing({broken_one.code, PROBE.code}) == 1
        assert cases.open_standing({broken_one.code, PROBE.code}) == 0
        failed = Case.objects.get(reason="exceptions.standing_failed")
        reasons._reasons[broken_one.code] = replace(broken_one, standing=list)
        cases.open_standing({broken_one.code})
    finally:
        reasons._reasons.pop(broken_one.code)

    assert Case.objects.still_open().get().subject_uid == "p1"
    assert (failed.subject_uid, "nonsense" in failed.summary) == (broken_one.code, True)
    assert StandingCheck.objects.get().failures == 2


def test_priority_is_time_left_brought_forward_by_what_the_case_touches(open_case):
    now = timezone.now()
    plain = open_case(started_at=now, value=Decimal(0))
    weighty = open_case(
        started_at=now + timedelta(hours=2), value=Decimal(412), units=12, tier=3, promise_by=now + timedelta(days=2)
    )
    yen = open_case(started_at=now, value=Decimal(9_999), currency="JPY")

    def head_start(case: Case) -> int:
        minutes = priority.minutes(
            severity=case.severity, units=case.units, value=case.value, currency=case.currency,
            promised=case.promise_by is not None, tier=case.tier,
        )  # fmt: skip
        assert case.rank - case.priority == minutes * 60_000_000
        return minutes

    assert [head_start(case) for case in (plain, weighty, yen)] == [0, 60 + 60 + 120 + 30, 15]
    assert list(Case.objects.order_by("priority")) == [weighty, yen, plain]
    assert list(Case.objects.order_by("rank")) == [plain, yen, weighty]


def test_the_reason_says_what_a_case_touches_where_the_opener_does_not(open_case):
    weighed = replace(PROBE, impact=lambda uid: Impact(units=7, value=Decimal(90), currency="EUR", tier=2))
    reasons._reasons[PROBE.code] = weighed
    try:
        case, said = open_case(value=None, currency=""), open_case(units=1, value=Decimal(5))
    finally:
        reasons._reasons[PROBE.code] = PROBE

    assert (case.units, case.value, case.currency, case.tier) == (7, Decimal(90), "EUR", 2)
    assert (said.units, said.value, said.currency) == (1, Decimal(5), "GBP")


def test_a_case_put_aside_keeps_its_clocks_and_comes_back_by_time_fact_or_clock(open_case, person):
    amira, now = actors.person(person()), timezone.now()
    wakes.register("probe", wakes.Wake("reading", "the next reading of this probe", ("probe.read",)))
    by_time, by_fact, by_clock, touched = (open_case(started_at=now) for _ in range(4))
    cases.snooze(by_time.pk, until=now + timedelta(minutes=5), actor=amira)
    cases.snooze(by_fact.pk, wake_on="reading", actor=amira)
    cases.snooze(by_clock.pk, until=now + timedelta(days=9), actor=amira)
    cases.wait(touched.pk, on="carrier", wake_on="anything", actor=amira)
    due = {case.pk: case.due_at for case in Case.objects.all()}
    assert not Case.objects.filter(rank__lt=10**17).exists()

    def record(type_: str, case: Case, *related: tuple[Subject, str]) -> None:
        subject = Subject("other", "1") if related else Subject("probe", case.subject_uid)
        events.record(type_, subject, actor=actors.SYSTEM, related=related)

    record("probe.moved", by_fact)
    assert aside.bring_back(now=now) == 0
    record("probe.read", by_fact)
    record("probe.moved", touched, (Subject("probe", touched.subject_uid), "near"))

    assert aside.bring_back(now=now + timedelta(minutes=6)) == 3
    assert set(Case.objects.filter(snoozed_at__isnull=False)) == {by_clock}
    assert aside.bring_back(now=by_clock.acknowledge_by) == 1
    assert {case.pk: case.due_at for case in Case.objects.exclude(pk=touched.pk)} == {
        pk: at for pk, at in due.items() if pk != touched.pk
    }
    assert set(Case.objects.values_list("status", flat=True)) == {"OPEN"}


def test_waiting_for_our_own_people_stops_no_clock(open_case, person):
    amira = actors.person(person())
    ours, theirs = open_case(), open_case()
    cases.wait(ours.pk, on="colleague", actor=amira)
    cases.wait(theirs.pk, on="system", actor=amira)

    assert list(Case.objects.filter(rank__lt=10**17)) == [ours]
    assert list(Case.objects.filter(pauses__isnull=False)) == [theirs]
    cases.resume(ours.pk, actor=amira)
    assert Case.objects.get(pk=ours.pk).resolve_by == ours.resolve_by


def test_what_is_past_its_time_or_has_no_end_is_not_put_aside(open_case, person):
    amira = actors.person(person())
    late, fine = open_case(started_at=timezone.now() - timedelta(hours=3)), open_case()
    tomorrow = timezone.now() + timedelta(days=1)

    for case, options in ((late, {"until": tomorrow}), (fine, {}), (fine, {"wake_on": "nonsense"})):
        with pytest.raises(Refusal):
            cases.snooze(case.pk, actor=amira, **options)

    assert not Case.objects.filter(snoozed_at__isnull=False).exists()
