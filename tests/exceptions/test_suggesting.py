"""The arithmetic of suggestions: intervals, which count decides, how likely a case is to miss its time."""

from __future__ import annotations

from math import comb

from hypothesis import given
from hypothesis import strategies as st

from exceptions.suggesting import Count, Curve, interval, likelihood, rank


def test_an_interval_is_the_published_one():
    # Newcombe 1998, table I: 81 of 263 and 15 of 148, Wilson without continuity correction.
    assert [round(x, 4) for x in interval(81, 263)] == [0.2553, 0.3662]
    assert [round(x, 4) for x in interval(15, 148)] == [0.0624, 0.1605]
    assert [round(x, 4) for x in interval(0, 20)] == [0.0, 0.1611]
    assert interval(0, 0) == (0.0, 1.0)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_shrinks_with_trials(figures):
    worked, trials = figures

    low, high = interval(worked, trials)
    lower, upper = interval(worked * 10, trials * 10)

    assert 0 <= low <= worked / trials + 1e-9
    assert worked / trials - 1e-9 <= high <= 1
    assert upper - lower < high - low


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    trials, truth = 40, 0.8

    covered = sum(
        comb(trials, k) * truth**k * (1 - truth) ** (trials - k)
        for k in range(trials + 1)
        if interval(k, trials)[0] <= truth <= interval(k, trials)[1]
    )

    assert 0.92 < covered < 0.98


def test_the_surest_comes_first_not_the_luckiest():
    lucky, proven = Count("lucky", "", 3, 3), Count("proven", "", 200, 180)

    found = rank([lucky, proven], contexts=[], offered=["lucky", "proven"])

    assert [each.action for each in found] == ["proven", "lucky"]


def test_the_narrowest_count_with_enough_trials_decides():
    counts = [
        Count("move", "", 200, 180),
        Count("move", "site:1", 20, 2),
        Count("move", "value:2", 4, 4),
        Count("wait", "", 50, 30),
    ]

    here = rank(counts, contexts=["site:1", "value:2"], offered=["move", "wait"])
    elsewhere = rank(counts, contexts=["site:2", "value:2"], offered=["move", "wait"])

    assert [(each.action, each.deciding.context) for each in here] == [("wait", ""), ("move", "site:1")]
    assert [(each.action, each.deciding.context) for each in elsewhere] == [("move", ""), ("wait", "")]


def test_what_people_find_not_right_and_what_comes_back_counts_against():
    plain, doubted = Count("a", "", 40, 36), Count("a", "", 40, 36, reopened=4, declined=10)

    assert doubted.share < plain.share
    assert doubted.low < plain.low
    assert (doubted.held, doubted.trials) == (32, 50)


def test_nothing_is_said_of_actions_without_a_history_or_not_offered():
    counts = [Count("gone", "", 90, 90), Count("never", "", 0, 0)]

    assert rank(counts, contexts=[], offered=["never", "new"]) == []


@given(st.lists(st.floats(0, 3, allow_nan=False), max_size=120), st.floats(0, 0.99))
def test_the_likelihood_to_be_late_is_counted_among_those_open_for_as_long(shares, used):
    said = likelihood(Curve.of(shares), used)

    step = int(used * 10) / 10
    alike = sum(share > step for share in shares)
    if alike < 10:
        assert said is None
    else:
        missed, of, low, high = said
        assert (missed, of) == (sum(share > 1 for share in shares), alike)
        assert low <= missed / of + 1e-9
        assert high >= missed / of - 1e-9


def test_a_case_that_is_late_already_has_no_likelihood_to_be():
    assert likelihood(Curve.of([2.0] * 50), 1.2) is None
