"""How urgent a case is: its time left, brought forward by what it touches. Pure, and one source for PostgreSQL too.

A case stands in the queue as if its nearest clock ran out so many minutes earlier. Head starts add up instead of
multiplying, because every case's time left falls at the same rate: the order of two cases never changes while nobody
touches them, so it can be stored, indexed and paged. The steps are plain thresholds, so that a person can check them.
Changing one is a migration: the column is worked out again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Steps = Sequence[tuple[int, int]]  # from this many on, this many minutes; ascending

SEVERITY: Steps = ((3, 60), (4, 240))
UNITS: Steps = ((2, 15), (5, 30), (10, 60), (25, 90), (100, 150), (500, 240))
MONEY: Steps = ((50, 15), (100, 30), (250, 60), (500, 90), (1_000, 120), (2_500, 180), (5_000, 240), (10_000, 360))
TIER: Steps = ((2, 45), (3, 120))
PROMISE = 30
SMALL_COINED = ("CLP", "HUF", "ISK", "JPY", "KRW", "VND")  # a unit of these is worth about a hundredth of the others'

TIER_WORDS = {0: "", 1: "standard", 2: "valued", 3: "first-class"}


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that brings a case forward: what it is, its figure, and by how many minutes."""

    name: str
    figure: str
    minutes: int


def step(steps: Steps, value: int | Decimal) -> int:
    """The minutes of the highest step reached."""
    return max((minutes for least, minutes in steps if value >= least), default=0)


def weighed(value: Decimal, currency: str) -> Decimal:
    """Money on one scale. The steps double, so exchange rates would rarely change one."""
    return value / 100 if currency in SMALL_COINED else value


def minutes(*, severity: int, units: int, value: Decimal, currency: str, promised: bool, tier: int) -> int:
    """By how much a case is brought forward in all."""
    return (
        step(SEVERITY, severity)
        + step(UNITS, units)
        + (step(MONEY, weighed(value, currency)) if currency else 0)
        + step(TIER, tier)
        + (PROMISE if promised else 0)
    )


def parts(case: Mapping[str, Any], money: Callable[[Decimal, str], str]) -> list[Part]:
    """Why a case stands where it does: everything that brings it forward, in figures. They add up to `minutes`."""
    found = [
        Part("Severity", {3: "high", 4: "critical"}.get(case["severity"], ""), step(SEVERITY, case["severity"])),
        Part("Pieces", str(case["units"]), step(UNITS, case["units"])),
        Part("Customer", TIER_WORDS[case["tier"]], step(TIER, case["tier"])),
        Part("Promise", "a customer was told a time", PROMISE if case["promise_by"] else 0),
    ]
    if case["currency"]:
        value, currency = case["value"], case["currency"]
        found.insert(1, Part("Money", money(value, currency), step(MONEY, weighed(value, currency))))
    return [part for part in found if part.minutes]
