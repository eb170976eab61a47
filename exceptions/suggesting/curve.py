"""How long cases of a reason stay open, as shares of their time to resolve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exceptions.suggesting.intervals import interval

STEPS = tuple(n / 10 for n in range(21))  # 0.0 … 2.0 of the time a case had


@dataclass(frozen=True, slots=True)
class Curve:
    """Of the cases that ended: how many were still open at each of STEPS, and how many missed their time."""

    closed: int
    missed: int
    open_at: tuple[int, ...]

    @classmethod
    def of(cls, shares: Sequence[float]) -> Curve:
        """From how much of its time each ended case used (1.0 is exactly in time)."""
        return cls(len(shares), sum(s > 1 for s in shares), tuple(sum(s > step for s in shares) for step in STEPS))


def likelihood(curve: Curve, used: float) -> tuple[int, int, float, float] | None:
    """(missed, alike, low, high): of the past cases still open at this share of their time, those that missed it.

    None where the time is over already, or fewer than ten past cases were open for so long.
    """
    if used >= 1:
        return None
    alike = curve.open_at[max(n for n, step in enumerate(STEPS) if step <= max(0.0, used))]
    if alike < 10:
        return None
    return (curve.missed, alike, *interval(curve.missed, alike))
