"""What was learnt, as numbers that can be read: a weight for each thing a case is known by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp

from exceptions.suggesting.intervals import interval

ENOUGH = 10  # held-out cases a tenth needs before it says how sure the model is there


@dataclass(frozen=True, slots=True)
class Tenth:
    """Of the held-out cases put into one tenth: the sum of what was said, how many ended well, how many there were."""

    said: float
    good: int
    of: int


@dataclass(frozen=True, slots=True)
class Said:
    """A probability from the model, and what became of the held-out cases it put into the same tenth."""

    probability: float
    tenth: int
    good: int
    of: int
    leading: tuple[tuple[str, float], ...] = ()

    @property
    def low(self) -> float:
        return interval(self.good, self.of)[0]

    @property
    def high(self) -> float:
        return interval(self.good, self.of)[1]


@dataclass(frozen=True, slots=True)
class Weights:
    base: float = 0.0
    by_name: Mapping[str, float] = field(default_factory=dict)

    def probability(self, features: Mapping[str, float]) -> float:
        score = self.base + sum(self.by_name.get(name, 0.0) * value for name, value in sorted(features.items()))
        return 1 / (1 + exp(-max(-30.0, min(30.0, score))))

    def leading(self, features: Mapping[str, float], most: int = 3) -> tuple[tuple[str, float], ...]:
        """The things about a case that move it most, with their share in the score."""
        moves = [(name, self.by_name[name] * value) for name, value in features.items() if self.by_name.get(name)]
        return tuple(sorted(moves, key=lambda each: (-abs(each[1]), each[0]))[:most])


def tenth_of(probability: float) -> int:
    return max(0, min(9, int(probability * 10)))


def say(weights: Weights, tenths: tuple[Tenth, ...], features: Mapping[str, float]) -> Said | None:
    """What the model says of a case; None where too few held-out cases were like it to know how sure that is."""
    probability = weights.probability(features)
    at = tenth_of(probability)
    if at >= len(tenths) or tenths[at].of < ENOUGH:
        return None
    return Said(probability, at, tenths[at].good, tenths[at].of, weights.leading(features))
