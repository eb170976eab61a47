"""Whether a model of past cases says more than counting them does: judged on history neither has seen.

Both learn from what was known at a moment in the past and are then asked about everything that came after. The model is
used only where its Brier score is surely the lower one. Needs scikit-learn (requirements/learn); without a clock and
without chance: the same history gives the same answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from math import sqrt
from typing import Any

from exceptions.suggesting.intervals import Z
from exceptions.suggesting.weights import Tenth, Weights, tenth_of

LEARNS_FROM, HELD_BACK = 150, 50  # examples: fewer say nothing
SHARE_HELD_BACK = 0.25  # the latest of history
SEEN = 10  # a feature fewer examples have says nothing
LEAST_GAIN = 0.02  # of the counts' own error


@dataclass(frozen=True, slots=True)
class Example:
    """A past moment at which something could have been said, what stood in rows then, and how it ended.

    `unit` is the case: examples of one case are not independent of each other. `known_at` is when the end was known;
    what had ended well and was taken back says when (`back_at`). `contexts` are those counts are kept in, the narrowest
    first.
    """

    unit: int
    at: datetime
    known_at: datetime
    good: bool
    features: Mapping[str, float]
    contexts: tuple[str, ...] = ()
    back_at: datetime | None = None

    def good_by(self, moment: datetime) -> bool:
        """As it looked then."""
        return self.good and (self.back_at is None or self.back_at > moment)

    @property
    def ended_well(self) -> bool:
        return self.good and self.back_at is None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both errors on the part of history held back, and whether the model's is surely the lower one."""

    better: bool
    why: str
    learnt_on: int = 0
    held_out: int = 0
    since: datetime | None = None
    by_counts: float = 0.0
    by_model: float = 0.0
    gain_low: float = 0.0
    weights: Weights = field(default_factory=Weights)
    tenths: tuple[Tenth, ...] = ()


def available() -> bool:
    return find_spec("sklearn") is not None


def judge(examples: Sequence[Example], *, enough: int) -> Verdict:
    """Learn from the earlier part, compare on the later. `enough` is how many trials let a narrower count decide."""
    ordered = sorted(examples, key=lambda each: (each.at, each.unit, sorted(each.features.items())))
    if len(ordered) < LEARNS_FROM:
        return Verdict(False, f"{len(ordered)} past cases are too few to learn from")
    cut = ordered[int(len(ordered) * (1 - SHARE_HELD_BACK))].at
    known = [each for each in ordered if each.known_at <= cut and each.at < cut]
    held = [each for each in ordered if each.at >= cut]
    then = [each.good_by(cut) for each in known]
    if len(known) < LEARNS_FROM * (1 - SHARE_HELD_BACK) or len(held) < HELD_BACK:
        return Verdict(False, "too few past cases had ended by then", len(known), len(held), cut)
    if len(set(then)) < 2:
        return Verdict(False, "all past cases ended alike", len(known), len(held), cut)
    weights = fit(known, then)
    return _compare(ordered, known, then, held, cut, weights, enough)


def _compare(
    ordered: Sequence[Example], known: Sequence[Example], then: Sequence[bool], held: Sequence[Example],
    cut: datetime, weights: Weights, enough: int,
) -> Verdict:  # fmt: skip
    counted = shares(known, then, enough=enough)
    pairs = [(each, counted(each.contexts), weights.probability(each.features)) for each in held]
    by_counts = sum((counts - each.ended_well) ** 2 for each, counts, _ in pairs) / len(pairs)
    by_model = sum((model - each.ended_well) ** 2 for each, _, model in pairs) / len(pairs)
    low = _surely([(e.unit, (c - e.ended_well) ** 2 - (m - e.ended_well) ** 2) for e, c, m in pairs])
    better = low > 0 and by_counts - by_model >= LEAST_GAIN * by_counts
    why = "the counts are as close" if by_model <= by_counts else "the counts are closer"
    why = "the model is closer" if better else why
    final = fit(ordered, [each.ended_well for each in ordered]) if better else Weights()
    tenths = _tenths([(said, each.ended_well) for each, _, said in pairs]) if better else ()
    return Verdict(better, why, len(known), len(held), cut, by_counts, by_model, low, final, tenths)


def fit(examples: Sequence[Example], good: Sequence[bool]) -> Weights:
    """A regularised logistic regression, as plain weights: what they say can be read, and needs no library to say."""
    often = Counter(name for each in examples for name in each.features)
    names = sorted(name for name, times in often.items() if times >= SEEN)
    if not names or len(set(good)) < 2:
        return Weights()
    numpy: Any = import_module("numpy")
    place = {name: n for n, name in enumerate(names)}
    table = numpy.zeros((len(examples), len(names)))
    for row, each in enumerate(examples):
        for name, value in each.features.items():
            if name in place:
                table[row, place[name]] = value
    model: Any = import_module("sklearn.linear_model").LogisticRegression(C=1.0, max_iter=1000)
    model.fit(table, numpy.array(good, dtype=int))
    found = {name: round(float(weight), 6) for name, weight in zip(names, model.coef_[0], strict=True)}
    return Weights(round(float(model.intercept_[0]), 6), found)


def shares(examples: Sequence[Example], good: Sequence[bool], *, enough: int) -> Any:
    """What counting says: of the contexts an example is in, the share of the narrowest with enough trials."""
    tried: Counter[str] = Counter()
    worked: Counter[str] = Counter()
    for each, well in zip(examples, good, strict=True):
        for context in ("", *each.contexts):
            tried[context] += 1
            worked[context] += well

    def share(contexts: Sequence[str]) -> float:
        deciding = next((context for context in contexts if tried[context] >= enough), "")
        return worked[deciding] / tried[deciding]

    return share


def _surely(differences: Sequence[tuple[int, float]]) -> float:
    """The lower end of the mean's 95 % interval, counting each case once however often it was asked about."""
    sums: dict[int, float] = {}
    for unit, difference in differences:
        sums[unit] = sums.get(unit, 0.0) + difference
    mean = sum(sums.values()) / len(differences)
    sizes = Counter(unit for unit, _ in differences)
    spread = sqrt(sum((sums[unit] - mean * sizes[unit]) ** 2 for unit in sums)) / len(differences)
    return mean - Z * spread


def _tenths(said: Sequence[tuple[float, bool]]) -> tuple[Tenth, ...]:
    rows: list[list[tuple[float, bool]]] = [[] for _ in range(10)]
    for probability, well in said:
        rows[tenth_of(probability)].append((probability, well))
    return tuple(Tenth(round(sum(p for p, _ in row), 6), sum(well for _, well in row), len(row)) for row in rows)
