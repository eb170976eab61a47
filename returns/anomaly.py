"""Is what came back lately more than its own history leads to expect? Pure, and as careful with ten units as with a
million.

Returns follow sales by days, so plain "returns / sales of the month" rises whenever sales fall. Here every unit sold
counts as the part of its returns that falls into the window, by how long ago it was sold (`ageing`): the sum is the
window's exposure. Past exposure and past returns give the rate; its uncertainty is a gamma distribution, so the count
to expect is negative binomial: a short history widens it instead of raising false alarms. A history that swings from
week to week widens it further (`swing`). What is flagged among thousands of keys is held to a false discovery rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LEAST_RETURNS = 3  # below this nobody would look
LEAST_HISTORY = 20.0  # units of exposure: less is no history to be held against
LEAST_RATIO = 1.5  # a rise too small to matter is not worth a person, however certain
FALSE_SHARE = 0.05  # of what is flagged
PRIOR = 0.5  # Jeffreys: half a return known beforehand
SWING_MOST = 25.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one SKU, channel, store or customer: returns and exposure in the window and before it.

    `weeks` are (returns, exposure) of the past by week; empty where it isn't kept.
    """

    returned: int
    exposure: float
    past_returned: int
    past_exposure: float
    weeks: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """How it compares. `chance` is how often as many would come back although nothing changed."""

    returned: int
    expected: float
    rate: float
    past_rate: float
    swing: float
    chance: float

    @property
    def ratio(self) -> float:
        return self.returned / self.expected if self.expected else math.inf


def ageing(days: Mapping[int, int], most: int = 90) -> list[float]:
    """The share of all returns that has come back by each day after the sale, from how many came back on which day.

    With nothing to learn from, a straight line. Half a return is added to each day, so no day is impossible.
    """
    counts = [days.get(day, 0) + 0.5 for day in range(most + 1)]
    total, so_far, curve = sum(counts), 0.0, []
    for count in counts:
        so_far += count
        curve.append(so_far / total)
    return curve


def swing(weeks: Sequence[tuple[int, float]]) -> float:
    """How much more weekly counts differ than chance explains: variance over mean, at least 1. Weeks without exposure
    say nothing; fewer than four weeks say nothing either."""
    seen = [(count, exposure) for count, exposure in weeks if exposure > 0]
    if len(seen) < 4 or not (returns := sum(count for count, _ in seen)):
        return 1.0
    rate = returns / sum(exposure for _, exposure in seen)
    spread = sum((count - rate * exposure) ** 2 / (rate * exposure) for count, exposure in seen) / (len(seen) - 1)
    return min(max(spread, 1.0), SWING_MOST)


def compare(figures: Figures) -> Finding | None:
    """The window against its own past; None where the past is too short to hold anything against."""
    if figures.past_exposure < LEAST_HISTORY or figures.exposure <= 0:
        return None
    wide = swing(figures.weeks)
    shape = figures.past_returned + PRIOR
    past_rate = shape / figures.past_exposure
    expected = past_rate * figures.exposure
    chance = tail(figures.returned / wide, expected / wide, shape / wide)
    return Finding(
        figures.returned, expected, figures.returned / figures.exposure, past_rate, wide, min(max(chance, 0.0), 1.0)
    )


def tail(count: float, mean: float, shape: float) -> float:
    """P(X >= count) of a negative binomial with this mean and shape. `count` may lie between whole numbers."""
    if count <= 0:
        return 1.0
    # X >= k is the regularised incomplete beta function I_p(k, shape), which takes fractions, too.
    return _beta_share(mean / (mean + shape), count, shape)


def flagged(findings: Mapping[str, Finding], *, false_share: float = FALSE_SHARE, among: int = 0) -> list[str]:
    """The keys worth a person, most certain first: Benjamini and Hochberg over all of them, then the least counts.

    `among` is how many keys were compared where `findings` holds only those that might be flagged.
    """
    compared = max(among, len(findings))
    ranked = sorted(findings, key=lambda key: (findings[key].chance, key))
    kept = 0
    for n, key in enumerate(ranked, 1):
        if findings[key].chance <= false_share * n / compared:
            kept = n
    return [key for key in ranked[:kept] if _worth_a_person(findings[key])]


def _worth_a_person(found: Finding) -> bool:
    return found.returned >= LEAST_RETURNS and found.ratio >= LEAST_RATIO


def _beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by Lentz's continued fraction."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 20_000):
        for step in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                     -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):  # fmt: skip
            d = 1.0 + step * d
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = 1.0 + step / c
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1.0) < 1e-12:
            break
    return value


def above(count: int, units: int, share: float) -> float:
    """How often at least `count` of `units` would come back if each did with this chance: for one person's habits."""
    if count <= 0:
        return 1.0
    return _beta_share(min(max(share, 0.0), 1.0), count, units - count + 1) if count <= units else 0.0
