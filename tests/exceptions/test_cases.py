"""Cases: one per reason and subject, self-clearing, and never ended while true."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core import actors
from core.errors import Refusal
from core.models import Event
from core.subjects import Subject
from exceptions.models import Case, CaseNote, CasePause, Queue, SlaPolicy, Status
from exceptions.services import cases, policies
from tests.exceptions.conftest import FLAT, PROBE, RAN, TRUE_OF

pytestmark = pytest.mark.django_db


def facts_of(case: Case) -> list[str]:
    return list(
        Event.objects.filter(subject_kind="case", subject_uid=str(case.pk))
        .order_by("pk")
        .values_list("type", flat=True)
    )


def test_a_repeat_raises_the_counter_of_the_open_case(open_case):
    first = open_case("p1", summary="40 °C")

    again = open_case("p1", summary="44 °C")

    assert again.pk == first.pk
    assert again.occurrences == 2
    assert again.summary == "44 °C"
    assert again.version == 1
    assert facts_of(first) == ["case.opened"]


def test_a_repeat_never_touches_a_closed_case_but_remembers_it(open_case):
    first = open_case("p1")
    TRUE_OF.clear()
    cases.recheck(Subject("probe", "p1"), cause="The probe was read again.")

    second = open_case("p1")

    first.refresh_from_db()
    assert second.pk != first.pk
    assert second.previous_id == first.pk
    assert (first.status, first.outcome, first.occurrences) == (Status.RESOLVED, "cleared", 1)
    assert first.outcome_note == "The probe was read again."


def test_different_reasons_of_one_subject_are_different_cases(open_case):
    assert open_case("p1").pk != open_case("p1", reason=FLAT.code).pk


def test_the_database_refuses_a_second_open_case(open_case):
    case = open_case("p1")
    copy = Case.objects.get(pk=case.pk)
    copy.pk = None

    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save(force_insert=True)


def test_a_queue_exists_once_a_case_needs_it(open_case):
    open_case("p1")

    assert Queue.objects.get().name == "Orders"


def test_what_is_still_true_does_not_clear(open_case):
    case = open_case("p1")

    assert cases.recheck(Subject("probe", "p1")) == []
    assert Case.objects.get(pk=case.pk).status == Status.OPEN


def test_a_reason_without_predicate_never_clears_itself(open_case):
    case = open_case("p1", reason=FLAT.code)

    assert cases.recheck(Subject("probe", "p1")) == []
    assert Case.objects.get(pk=case.pk).status == Status.OPEN


def test_a_case_still_true_cannot_be_resolved(open_case, person):
    case = open_case("p1")

    with pytest.raises(Refusal) as refused:
        cases.resolve(case.pk, version=case.version, actor=actors.person(person()))

    assert refused.value.code == "still_true"
    assert Case.objects.get(pk=case.pk).status == Status.OPEN
    assert facts_of(case) == ["case.opened"]


def test_a_case_put_right_can_be_resolved(open_case, person):
    case = open_case("p1")
    TRUE_OF.clear()

    version = cases.resolve(case.pk, version=case.version, note="Vent opened", actor=actors.person(person()))

    case.refresh_from_db()
    assert (case.status, case.outcome, case.version) == (Status.RESOLVED, "fixed", version)
    assert case.acknowledged_at is not None
    assert facts_of(case)[-1] == "case.resolved"


def test_a_waiver_ends_a_true_case_and_is_signed(open_case, person):
    case, signer = open_case("p1"), person()

    cases.waive(case.pk, version=1, reason="The probe is being replaced", actor=actors.person(signer))

    case.refresh_from_db()
    assert case.outcome == "waived"
    event = Event.objects.get(type="case.waived")
    assert (event.actor_uid, event.data["note"]) == (str(signer.pk), "The probe is being replaced")


def test_a_waiver_needs_a_reason_and_a_person_who_may(open_case, person):
    case = open_case("p1")

    for actor, text, code in (
        (actors.person(person()), "  ", "waiver_needs_a_reason"),
        (actors.person(person("Jo", may="view_case work_case")), "It is fine really", "may_not_waive"),
        (actors.SYSTEM, "It is fine really", "not_a_person"),
    ):
        with pytest.raises(Refusal) as refused:
            cases.waive(case.pk, reason=text, actor=actor)
        assert refused.value.code == code
    assert Case.objects.get(pk=case.pk).status == Status.OPEN


def test_the_sweep_opens_what_events_missed_and_leaves_waived_subjects_alone(open_case, person):
    TRUE_OF.add("p2")
    waived = open_case("p1")
    cases.waive(waived.pk, reason="Accepted for now", actor=actors.person(person()))

    assert cases.open_standing([PROBE.code]) == 1
    assert cases.open_standing([PROBE.code]) == 0
    assert Case.objects.still_open().get().subject_uid == "p2"


def test_claiming_acknowledges(open_case, person):
    case, amira = open_case(), person()

    cases.claim(case.pk, version=case.version, actor=actors.person(amira))

    case.refresh_from_db()
    assert case.owner_id == amira.pk
    assert case.acknowledged_at is not None
    assert case.due_at == case.resolve_by
    assert facts_of(case) == ["case.opened", "case.acknowledged", "case.claimed"]


def test_the_second_claim_is_refused_with_who_has_it(open_case, person):
    case, amira, tom = open_case(), person(), person("Tom Baker")
    cases.claim(case.pk, version=1, actor=actors.person(amira))

    with pytest.raises(Refusal) as refused:
        cases.claim(case.pk, version=1, actor=actors.person(tom))

    assert refused.value.code == "already_claimed"
    assert refused.value.facts["owner"] == "Amira Khan"
    assert refused.value.facts["version"] == 2
    case.refresh_from_db()
    assert case.owner_id == amira.pk


def test_claiming_twice_changes_nothing(open_case, person):
    case, amira = open_case(), actors.person(person())

    assert cases.claim(case.pk, version=1, actor=amira) == cases.claim(case.pk, version=1, actor=amira) == 2
    assert facts_of(case).count("case.claimed") == 1


@pytest.mark.parametrize("verb", ["acknowledge", "release", "resolve"])
def test_a_stale_version_is_refused_with_the_current_values(open_case, person, verb):
    case, amira = open_case(true=False), actors.person(person())
    cases.claim(case.pk, actor=amira)

    with pytest.raises(Refusal) as refused:
        getattr(cases, verb)(case.pk, version=1, actor=amira)

    assert (refused.value.code, refused.value.status) == ("changed_meanwhile", 409)
    assert refused.value.facts["version"] == 2
    assert Case.objects.get(pk=case.pk).version == 2


def test_cases_go_only_to_people_who_may_see_them(open_case, person, site):
    case, boss = open_case(), actors.person(person())
    storehand, stranger = person("Sue", site), person("Ann", may="view_case")

    for to in (storehand, stranger):
        with pytest.raises(Refusal) as refused:
            cases.assign(case.pk, to=to.pk, actor=boss)
        assert refused.value.code == "cannot_see_it"
    mine = open_case(site_id=site.pk)
    cases.assign(mine.pk, to=storehand.pk, actor=boss)

    mine.refresh_from_db()
    assert mine.owner_id == storehand.pk


def test_a_pause_moves_the_clocks_but_not_the_promise(open_case, person):
    start = timezone.now() - timedelta(minutes=30)
    promise = start + timedelta(minutes=100)
    case, amira = open_case(started_at=start, promise_by=promise), actors.person(person())
    due = case.resolve_by
    cases.wait(case.pk, on="customer", version=1, actor=amira)
    pause = CasePause.objects.get()
    CasePause.objects.update(started_at=pause.started_at - timedelta(minutes=20))

    cases.resume(case.pk, actor=amira)

    case.refresh_from_db()
    moved = case.resolve_by - due
    assert timedelta(minutes=20) <= moved < timedelta(minutes=21)
    assert case.promise_by == promise
    assert case.due_at == promise
    assert CasePause.objects.get().ended_at is not None
    assert facts_of(case)[-2:] == ["case.paused", "case.resumed"]


def test_a_paused_case_is_ranked_after_everything_that_runs(open_case, person):
    soon, later = open_case(), open_case(started_at=timezone.now() + timedelta(days=30))
    cases.wait(soon.pk, on="supplier", actor=actors.person(person()))

    assert list(Case.objects.still_open().order_by("rank", "pk")) == [later, soon]


def test_a_pause_needs_somebody_to_wait_for_and_a_time_to_come(open_case, person):
    case, amira = open_case(), actors.person(person())

    for options in ({"on": "godot"}, {"on": "customer", "until": timezone.now() - timedelta(minutes=1)}):
        with pytest.raises(Refusal):
            cases.wait(case.pk, actor=amira, **options)
    assert Case.objects.get(pk=case.pk).version == 1


def test_a_breach_is_told_even_if_the_case_ends_before_any_sweep(open_case, person):
    case = open_case(started_at=timezone.now() - timedelta(hours=5))
    TRUE_OF.clear()

    cases.resolve(case.pk, actor=actors.person(person()))

    breaches = Event.objects.filter(type="case.breached").order_by("pk")
    assert [b.data["clock"] for b in breaches] == ["acknowledge", "resolve"]
    assert breaches[1].occurred_at == case.resolve_by
    case.refresh_from_db()
    assert case.breached_at is not None


def test_notes_need_no_version_and_say_something(open_case, person):
    case, amira = open_case(), actors.person(person())

    cases.note(case.pk, text=" Called the store. ", actor=amira)
    with pytest.raises(Refusal):
        cases.note(case.pk, text="   ", actor=amira)

    assert CaseNote.objects.get().text == "Called the store."
    case.refresh_from_db()
    assert case.version == 1


def test_a_duplicate_names_the_other_case_and_the_other_lives_on(open_case, person):
    root, copy = open_case(), open_case(reason=FLAT.code)

    cases.resolve(copy.pk, outcome="duplicate", duplicate_of=root.pk, actor=actors.person(person()))

    copy.refresh_from_db()
    assert (copy.outcome, copy.parent_id) == ("duplicate", root.pk)
    assert Case.objects.still_open().get() == root


def test_symptoms_close_with_their_root(open_case, person):
    root, symptom, still = open_case(), open_case(), open_case()
    amira = actors.person(person())
    for child in (symptom, still):
        cases.link(child.pk, root.pk, actor=amira)
    TRUE_OF.discard(root.subject_uid)
    TRUE_OF.discard(symptom.subject_uid)

    cases.resolve(root.pk, actor=amira)

    assert Case.objects.still_open().get() == still
    symptom.refresh_from_db()
    assert symptom.outcome_note == f"{root.number} was resolved."


def test_reopening_keeps_the_history_and_starts_fresh_clocks(open_case, person):
    case, amira = open_case(true=False, started_at=timezone.now() - timedelta(days=1)), actors.person(person())
    cases.note(case.pk, text="First try", actor=amira)
    cases.resolve(case.pk, actor=amira)

    cases.reopen(case.pk, note="It came back", actor=amira)

    case.refresh_from_db()
    assert (case.status, case.reopened, case.outcome) == (Status.OPEN, 1, "")
    assert case.resolve_by > timezone.now()
    assert case.notes.count() == 1


def test_reopening_ends_after_some_days_and_yields_to_a_newer_case(open_case, person):
    case, amira = open_case("p1", true=False), actors.person(person())
    cases.resolve(case.pk, actor=amira)
    newer = open_case("p1", true=False)

    with pytest.raises(Refusal) as refused:
        cases.reopen(case.pk, actor=amira)
    assert refused.value.code == "open_again"

    cases.resolve(newer.pk, actor=amira)
    Case.objects.filter(pk=case.pk).update(resolved_at=timezone.now() - timedelta(days=8))
    with pytest.raises(Refusal) as refused:
        cases.reopen(case.pk, actor=amira)
    assert refused.value.code == "too_late"


def test_an_action_that_puts_it_right_clears_the_case(open_case, person):
    case = open_case("p1")

    said = cases.act(case.pk, "cool", version=1, actor=actors.person(person()))

    case.refresh_from_db()
    assert (said, RAN) == ("Put right.", ["p1"])
    assert (case.outcome, case.outcome_note) == ("cleared", "Cool it down.")
    assert facts_of(case)[-2:] == ["case.acted", "case.cleared"]


def test_a_second_click_on_an_action_is_refused(open_case, person):
    case, amira = open_case("p1"), actors.person(person())
    cases.act(case.pk, "cool", version=1, actor=amira)

    with pytest.raises(Refusal):
        cases.act(case.pk, "cool", version=1, actor=amira)

    assert RAN == ["p1"]


def test_the_first_matching_rule_wins_and_stays_pinned(open_case, site):
    SlaPolicy.objects.create(
        code="other", name="Other", position=5, reason="orders.*", acknowledge_minutes=1, resolve_minutes=1
    )
    rule = SlaPolicy.objects.create(
        code="probes",
        name="Probes",
        position=10,
        reason="tests.*",
        acknowledge_minutes=10,
        resolve_minutes=45,
        business_time=False,
    )
    SlaPolicy.objects.create(code="all", name="All", position=20, acknowledge_minutes=5, resolve_minutes=5)
    start = timezone.now()

    case = open_case(started_at=start, site_id=site.pk)

    assert case.policy_id == rule.pk
    assert case.resolve_by == start + timedelta(minutes=45)
    assert case.warn_at == start


def test_revising_a_rule_writes_a_version_and_leaves_open_cases_alone(open_case):
    rule = SlaPolicy.objects.create(code="all", name="All", acknowledge_minutes=5, resolve_minutes=60)
    before = open_case()

    policies.revise(rule.pk, resolve_minutes=90)
    after = open_case()

    before.refresh_from_db()
    assert (before.policy.version, before.resolve_minutes) == (1, 60)
    assert (after.policy.version, after.resolve_minutes) == (2, 90)
    with pytest.raises(Refusal):
        policies.revise(rule.pk, resolve_minutes=120)


def test_claim_many_takes_the_free_ones_and_names_the_rest(open_case, person):
    free, taken, over = open_case(), open_case(), open_case(true=False)
    amira, tom = actors.person(person()), actors.person(person("Tom Baker"))
    cases.claim(taken.pk, actor=tom)
    cases.resolve(over.pk, actor=tom)

    tally = cases.claim_many([free.pk, taken.pk, over.pk], actor=amira)

    assert tally.done == [free.pk]
    assert {why for _, _, why in tally.refused} == {"is with Tom Baker", "is already resolved"}
    taken.refresh_from_db()
    assert taken.owner.name == "Tom Baker"


def test_claim_many_costs_the_same_for_two_and_twenty(open_case, person, django_assert_num_queries):
    amira = actors.person(person())
    ids = [open_case(started_at=timezone.now() - timedelta(hours=3)).pk for _ in range(20)]

    for some in (ids[:2], ids[2:]):
        with django_assert_num_queries(6):  # savepoint, person, lock, update, facts, savepoint
            cases.claim_many(some, actor=amira)

    assert Event.objects.filter(type="case.breached").count() == 20 * 2


@pytest.mark.django_db(transaction=True)
def test_eight_openers_make_one_case_with_counter_eight():
    TRUE_OF.add("p1")
    gate, failures = threading.Barrier(8), []

    def opener() -> None:
        try:
            gate.wait()
            cases.open_(PROBE.code, Subject("probe", "p1", "PR-1"), actor=actors.SYSTEM)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=opener) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    case = Case.objects.get()
    assert case.occurrences == 8
    assert facts_of(case) == ["case.opened"]


@pytest.mark.django_db(transaction=True)
def test_of_two_claims_at_once_one_wins(open_case, person):
    case = open_case()
    people = [person(f"Person {n}") for n in range(2)]
    gate, outcomes = threading.Barrier(2), []

    def claimer(user) -> None:
        try:
            gate.wait()
            cases.claim(case.pk, version=1, actor=actors.person(user))
            outcomes.append(user.pk)
        except Refusal as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=claimer, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    case.refresh_from_db()
    assert case.owner_id in outcomes
    assert "already_claimed" in outcomes
    assert facts_of(case).count("case.claimed") == 1
