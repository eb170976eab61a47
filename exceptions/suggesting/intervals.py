"""How sure a share is."""

from __future__ import annotations

from math import sqrt

Z = 1.959964  # two-sided 95 %


def interval(worked: int, trials: int, *, z: float = Z) -> tuple[float, float]:
    """The Wilson score interval of a share: honest for few trials, never outside 0..1. (0, 1) without any."""
    if trials <= 0:
        return 0.0, 1.0
    share, square = worked / trials, z * z
    middle = share + square / (2 * trials)
    spread = z * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    whole = 1 + square / trials
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)
