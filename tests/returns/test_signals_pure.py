"""The statistic behind return-rate anomalies, and what words say of a reason."""

from __future__ import annotations

import random

import pytest

from returns import anomaly, wording
from returns.anomaly import Figures
from returns.wording import Counts


@pytest.mark.parametrize(
    ("count", "mean", "shape", "chance"),
    [
        (1, 1.0, 1.0, 0.5),  # geometric with p = 1/2: everything but none at all
        (3, 2.0, 1.0, (2 / 3) ** 3),
        (2, 3.0, 2.0, 1 - 0.4**2 - 2 * 0.6 * 0.4**2),
        (0, 5.0, 2.0, 1.0),
    ],
)
def test_the_tail_is_that_of_the_negative_binomial(count, mean, shape, chance):
    assert anomaly.tail(count, mean, shape) == pytest.approx(chance, rel=1e-9)


def test_of_a_coin_a_binomial_tail():
    assert anomaly.above(2, 2, 0.5) == pytest.approx(0.25)
    assert anomaly.above(1, 3, 0.5) == pytest.approx(0.875)
    assert anomaly.above(3, 2, 0.5) == 0
    assert anomaly.above(0, 2, 0.5) == 1


def test_a_rise_far_beyond_its_own_history_is_certain_and_says_its_figures():
    found = anomaly.compare(Figures(returned=30, exposure=100, past_returned=50, past_exposure=1000))

    assert found is not None
    assert found.rate == pytest.approx(0.3)
    assert found.expected == pytest.approx(5.05)
    assert found.chance < 1e-8
    assert anomaly.flagged({"SKU-1": found}) == ["SKU-1"]


def test_the_same_rate_on_a_handful_is_no_finding():
    few = anomaly.compare(Figures(returned=2, exposure=6, past_returned=5, past_exposure=100))
    new = anomaly.compare(Figures(returned=4, exposure=10, past_returned=0, past_exposure=3))

    assert few is not None
    assert anomaly.flagged({"few": few}) == []
    assert new is None


def test_a_rate_that_is_high_as_ever_is_no_finding():
    found = anomaly.compare(Figures(returned=45, exposure=100, past_returned=400, past_exposure=1000))

    assert found is not None
    assert anomaly.flagged({"dresses": found}) == []


def test_weeks_that_swing_make_the_same_rise_less_certain():
    even = tuple((5, 100.0) for _ in range(20))
    wild = tuple((0 if n % 4 else 20, 100.0) for n in range(20))
    calm = anomaly.compare(Figures(14, 100, 100, 2000, even))
    used_to_it = anomaly.compare(Figures(14, 100, 100, 2000, wild))

    assert calm is not None
    assert used_to_it is not None
    assert calm.chance < 0.01 < used_to_it.chance


def test_among_thousands_unchanged_hardly_one_is_flagged_and_the_one_that_rose_is():
    rng = random.Random(4)

    def drawn(units: int, rate: float) -> int:
        return sum(rng.random() < rate for _ in range(units))

    findings = {}
    for n in range(1500):
        units, rate = rng.choice((12, 40, 150)), rng.choice((0.02, 0.1, 0.3))
        found = anomaly.compare(Figures(drawn(units, rate), units, drawn(units * 8, rate), units * 8))
        assert found is not None
        findings[f"same-{n}"] = found
    rose = anomaly.compare(Figures(drawn(150, 0.4), 150, drawn(1200, 0.1), 1200))
    assert rose is not None

    flagged = anomaly.flagged(findings | {"rose": rose})

    assert "rose" in flagged
    assert len(flagged) <= 3


def test_returns_age_as_they_were_seen_to():
    curve = anomaly.ageing({3: 60, 10: 40}, most=30)

    assert curve[30] == pytest.approx(1)
    assert curve[2] < 0.03
    assert 0.5 < curve[3] < 0.6
    assert anomaly.ageing({}, most=9) == pytest.approx([n / 10 for n in range(1, 11)])


def _learnt(examples: list[tuple[str, str]]) -> Counts:
    texts: dict[str, int] = {}
    words: dict[str, dict[str, int]] = {}
    for text, reason in examples:
        texts[reason] = texts.get(reason, 0) + 1
        for word in wording.words(text):
            words.setdefault(word, {})[reason] = words.setdefault(word, {}).get(reason, 0) + 1
    return Counts(texts, words)


EXAMPLES = [
    ("Too small, I need a bigger size", "SIZE"), ("size runs small", "SIZE"), ("way too big on me", "SIZE"),
    ("It does not fit", "SIZE"), ("The zip broke after a day", "FAULTY"), ("arrived broken", "FAULTY"),
    ("Doesn’t work at all", "FAULTY"), ("stopped working", "FAULTY"), ("you sent the wrong colour", "WRONG_ITEM"),
    ("wrong item in the box", "WRONG_ITEM"), ("I ordered another article", "WRONG_ITEM"),
]  # fmt: skip


def test_words_name_the_reason_and_what_spoke_for_it():
    guess = wording.guess("Sadly it was TOO SMALL for my son", _learnt(EXAMPLES))

    assert guess.reason == "SIZE"
    assert "small" in guess.because
    assert guess.share > 0.6
    assert sum(share for _, share in guess.shares) == pytest.approx(1)


@pytest.mark.parametrize("text", ["", "zzz qqq", "Bonjour", "\0", "12345678"])
def test_of_words_nobody_has_seen_nothing_is_said(text):
    assert wording.guess(text, _learnt(EXAMPLES)).reason == ""


def test_before_enough_was_learnt_nothing_is_said():
    assert wording.guess("too small", _learnt(EXAMPLES[:3])).reason == ""


def test_a_negation_keeps_its_neighbour():
    assert "not fit" in wording.words("It doesn’t fit")
    assert wording.words("Trop petit, très déçu")[:3] == ["trop", "petit", "tres"]
