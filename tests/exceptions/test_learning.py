"""Counts or a model: whichever was surely closer on later history nobody had seen; from rows of the time alone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import exp
from random import Random

import pytest
from django.urls import reverse
from django.utils import timezone

from core import actors
from core.errors import Refusal
from core.models import Event, Job, Site
from exceptions.models import ActionRun, Autonomy, Case, Learnt, Suggestion
from exceptions.services import autonomy, history, learning, past, suggestions
from exceptions.suggesting import learning as pure
from exceptions.suggesting.learning import Example
from exceptions.suggesting.weights import Tenth, Weights, say
from exceptions.suggesting.words import modelled
from tests.exceptions.conftest import PROBE
from tests.exceptions.test_suggestions import orders_queue  # noqa: F401  (a fixture)

needs_library = pytest.mark.skipif(not pure.available(), reason="the optional requirements/learn.lock isn't installed")
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
Chance = Callable[[dict[str, int]], float]

# A retailer where only the site matters, and one where site, channel and severity add up.
BY_SITE: Chance = lambda of: (0.9, 0.6, 0.2)[of["site"]]  # noqa: E731
TOGETHER: Chance = lambda of: 1 / (1 + exp(-(2.2 * of["site"] + 2.2 * of["channel"] - 2.0 * of["severity"] - 1)))  # noqa: E731


def retailer(chance: Chance, n: int = 900, seed: int = 7) -> list[Example]:
    dice, found = Random(seed), []
    for unit in range(n):
        of = {"site": dice.randrange(3), "channel": dice.randrange(2), "severity": dice.randrange(3)}
        at = START + timedelta(hours=unit)
        contexts = tuple(f"{name}:{what}" for name, what in of.items())
        good = dice.random() < chance(of)
        found.append(Example(unit, at, at + timedelta(hours=3), good, dict.fromkeys(contexts, 1.0), contexts))
    return found


@needs_library
def test_counts_decide_where_one_context_says_it_all():
    verdict = pure.judge(retailer(BY_SITE), enough=5)

    assert not verdict.better
    assert verdict.why in {"the counts are closer", "the counts are as close"}
    assert verdict.weights == Weights()
    assert abs(verdict.by_counts - verdict.by_model) < 0.01


@needs_library
def test_the_model_decides_where_several_things_add_up_and_says_the_same_each_time():
    examples = retailer(TOGETHER)

    verdict = pure.judge(examples, enough=5)
    again = pure.judge(list(reversed(examples)), enough=5)

    assert verdict == again
    assert verdict.better
    assert verdict.by_model < verdict.by_counts - 0.02
    assert verdict.gain_low > 0
    assert (verdict.held_out, sum(each.of for each in verdict.tenths)) == (225, 225)
    assert verdict.weights.by_name["site:2"] > verdict.weights.by_name["site:1"] > verdict.weights.by_name["site:0"]


@needs_library
def test_what_was_only_known_later_is_not_learnt_from():
    # given: every end of the earlier part is known only after the cut
    late = [
        Example(e.unit, e.at, START + timedelta(days=400), e.good, e.features, e.contexts) for e in retailer(TOGETHER)
    ]
    # and a success that was taken back after the cut had looked like one until then
    cut = START + timedelta(days=10)
    back = Example(1, START, START, True, {}, back_at=cut + timedelta(days=1))

    verdict = pure.judge(late, enough=5)

    assert (verdict.better, verdict.learnt_on) == (False, 0)
    assert (back.good_by(cut), back.ended_well) == (True, False)


@needs_library
@pytest.mark.parametrize(
    ("examples", "why"),
    [
        (retailer(TOGETHER, 100), "100 past cases are too few to learn from"),
        (retailer(lambda _: 1.0), "all past cases ended alike"),
    ],
)
def test_with_nothing_to_learn_from_the_counts_go_on(examples, why):
    assert pure.judge(examples, enough=5).why == why


def test_what_the_model_says_can_be_worked_out_by_hand_and_comes_with_what_became_of_others():
    weights = Weights(-1.0, {"site:1": 3.0, "severity:4": -0.5})
    tenths = (*[Tenth(0, 0, 0)] * 8, Tenth(17.0, 15, 20), Tenth(0, 0, 3))

    said = say(weights, tenths, {"site:1": 1.0, "severity:4": 1.0, "unheard of": 1.0})

    assert said.probability == pytest.approx(1 / (1 + exp(-1.5)))
    assert [sentence.text for sentence in modelled(said, {"site:1": "At Leeds"}, "/x", "ended for good")] == [
        "The model says 82%: of 20 held-out cases it put between 80 and 90%, 15 ended for good, 75% (likely 53% to 89%).",
        "It says more because of: at Leeds.",
        "It says less because of: severity 4.",
    ]
    assert say(weights, tenths, {"site:1": 1.0}) is not None
    assert say(weights, tenths, {}) is None  # nobody was held out who was like this


# --- Through the rows


@pytest.fixture
def sites(db):
    return [Site.objects.create(code=f"S{n}", name=f"Shop {n}") for n in range(3)]


def lived(sites: list[Site], chance: Chance, n: int = 500, seed: int = 3) -> None:
    """So many cases with the fact of their opening, one try each, ended as the dice fell."""
    dice, now = Random(seed), timezone.now()
    cases, features = [], []
    for at in range(n):
        of = {"site": dice.randrange(3), "channel": dice.randrange(2), "severity": dice.randrange(3)}
        began = now - timedelta(days=100) + timedelta(hours=4 * at)
        good = dice.random() < chance(of)
        features.append(of)
        cases.append(
            Case(
                reason=PROBE.code, queue_id="orders", subject_kind="probe", subject_uid=f"past-{at}",
                title=PROBE.title, site=sites[of["site"]], severity=of["severity"] + 1, status="RESOLVED",
                outcome="cleared" if good else "waived", outcome_note="" if good else "as it is", started_at=began,
                opened_at=began, acknowledge_by=began + timedelta(minutes=30), resolve_by=began + timedelta(hours=2),
                resolved_at=began + timedelta(hours=1), acknowledge_minutes=30, resolve_minutes=120,
                data={"channel": f"c{of['channel']}"},
            )
        )  # fmt: skip
    made = Case.objects.bulk_create(cases)
    Event.objects.bulk_create(opened(case, of) for case, of in zip(made, features, strict=True))
    ActionRun.objects.bulk_create(
        ActionRun(
            case=case, reason=PROBE.code, action="cool", title="Cool it down", ok=True, actor_kind="PERSON",
            actor_uid="1", actor_label="Amira", created_at=case.started_at + timedelta(minutes=10),
        )
        for case in made
    )  # fmt: skip


def opened(case: Case, of: dict[str, int]) -> Event:
    data = {"site_id": case.site_id, "severity": case.severity, "channel": f"c{of['channel']}", "value": "80.00"}
    return Event(
        uid=uuid.uuid4(), type="case.opened", occurred_at=case.started_at, subject_kind="case",
        subject_uid=str(case.pk), actor_kind="SYSTEM", actor_uid="", actor_label="Backroom", correlation_id="x",
        data=data,
    )  # fmt: skip


@needs_library
def test_nothing_written_to_a_case_afterwards_reaches_what_is_learnt_from_it(sites):
    lived(sites, BY_SITE, 300)
    before = past.tries(PROBE.code, "cool"), past.ends(PROBE.code)

    # a leak, planted: after the end, everything on the row that may still change tells how it ended
    for outcome, value in (("cleared", 9_000), ("waived", 1)):
        Case.objects.filter(outcome=outcome).update(
            data={"channel": outcome}, value=value, currency="GBP", units=value, tier=1 if value > 1 else 2,
            severity=4 if value > 1 else 1, occurrences=value, summary=outcome,
        )  # fmt: skip

    assert (past.tries(PROBE.code, "cool"), past.ends(PROBE.code)) == before
    assert not pure.judge(past.tries(PROBE.code, "cool"), enough=5).better


@needs_library
def test_a_job_learns_what_is_closer_and_the_case_is_told_by_what(client, person, sites, open_case):
    lived(sites, TOGETHER)
    history.recount()
    user = person(may="view_case work_case switch_autonomy")
    client.force_login(user)

    client.post(reverse("exceptions:suggestions_learn"))
    job = Job.objects.get(kind=learning.JOB)
    learning.work_off(job.pk)
    case = open_case("p1", site_id=sites[2].pk, severity=1, data={"channel": "c1"})
    advice = suggestions.advise(case)
    panel = client.get(reverse("exceptions:suggestion", args=[case.pk])).content.decode()
    page = client.get(reverse("exceptions:suggestions_of", args=[PROBE.code])).content.decode()

    job.refresh_from_db()
    learnt = Learnt.objects.get(action="cool")
    assert (job.status, job.done, job.failed) == ("DONE", 2, 0)
    assert learnt.in_use
    assert advice.suggestion.by == "model"
    assert advice.proposed[0].speaks_for[0].text.startswith(f"The model says {advice.suggestion.probability:.0%}: of ")
    assert advice.suggestion.probability > 0.8
    assert "By the model" in panel
    assert f"{learnt.by_counts:.3f}" in page
    assert f"{learnt.by_model:.3f}" in page
    assert not learning.due()


@needs_library
def test_counts_go_on_where_the_model_is_no_closer(client, person, sites, open_case):
    lived(sites, BY_SITE)
    history.recount()
    learning.learn(PROBE.code, "cool")
    client.force_login(person())
    case = open_case("p1", site_id=sites[0].pk)

    advice = suggestions.advise(case)
    panel = client.get(reverse("exceptions:suggestion", args=[case.pk])).content.decode()

    assert not Learnt.objects.get().in_use
    assert advice.suggestion.by == "counts"
    assert "By counts" in panel


def test_without_the_library_nothing_is_learnt_and_that_is_said(client, person, monkeypatch, db):
    monkeypatch.setattr(pure, "find_spec", lambda name: None)
    client.force_login(person(may="view_case switch_autonomy"))

    with pytest.raises(Refusal, match=r"requirements/learn\.lock"):
        learning.start(actor=actors.SYSTEM)
    page = client.get(reverse("exceptions:suggestions_of", args=[PROBE.code])).content.decode()

    assert not learning.due()
    assert "learning from past cases is not installed here" in page
    assert not Job.objects.exists()


def test_a_model_whose_latest_say_did_not_come_true_is_dropped_and_closes_what_ran_by_it(open_case, person):
    case = open_case("p1")
    Learnt.objects.create(
        reason=PROBE.code, action="cool", in_use=True, because="the model is closer", learnt_on=400, held_out=100,
        by_counts=0.2, by_model=0.1, gain_low=0.05, learnt_at=timezone.now() - timedelta(hours=1),
    )  # fmt: skip
    Autonomy.objects.create(reason=PROBE.code, action="cool", state="OPEN", threshold=0.6)
    judged(case, 30, worked=lambda n: n % 3 == 0)
    recounted(held=99, tried=100)

    stopped, again = learning.watch(), learning.watch()
    closed = autonomy.evaluate()

    assert (stopped, again, closed) == (1, 0, 1)
    assert Learnt.objects.get().because == "drift: it said 95% of the latest 30, 10 came true"
    assert learning.in_use(PROBE.code) == {}
    assert Autonomy.objects.get().because.startswith("drift: ")


def judged(case: Case, n: int, *, worked: Callable[[int], bool]) -> None:
    now = timezone.now()
    Suggestion.objects.bulk_create(
        Suggestion(
            case=case, reason=PROBE.code, action="cool", trials=60, held=57, probability=0.95, low=0.86, by="model",
            status="ACCEPTED", decided_at=now, worked=worked(at),
        )
        for at in range(n)
    )  # fmt: skip


def recounted(*, held: int, tried: int) -> None:
    from exceptions.models import ActionCount

    ActionCount.objects.create(reason=PROBE.code, action="cool", context="", tried=tried, worked=held)


def test_autonomy_closes_when_the_latest_fall_behind_those_before_though_still_above_its_threshold(open_case):
    case = open_case("p1")
    Autonomy.objects.create(reason=PROBE.code, action="cool", state="OPEN", threshold=0.6)
    judged(case, 300, worked=lambda n: True)
    judged(case, 30, worked=lambda n: n % 4 != 0)
    recounted(held=322, tried=330)

    assert autonomy.evaluate() == 1
    assert Autonomy.objects.get().because == "drift: 22 of 30 lately, 300 of 300 before"
