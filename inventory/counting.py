"""The arithmetic of a count, without a database: what the books could have said while people looked, and what to do.

Shops go on selling while they count. A unit that left between the first and the last look may or may not have been
seen, so the books' figure is a range over that time, and only what lies outside it is a difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Step:
    """One movement in or out of what is counted, by when it happened (not by when it was told)."""

    at: datetime
    change: int


@dataclass(frozen=True, slots=True)
class Expected:
    """The least and the most that could have stood on the shelf."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Rule:
    """When a difference is believed at once, and from what on somebody else must approve."""

    units: int
    percent: Decimal
    value: Decimal
    unvalued_units: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A line's difference with the cost of a unit, where that is known."""

    difference: int
    unit_cost: Decimal | None = None
    currency: str = ""


def expected(
    book: int, steps: Iterable[Step], *, first: datetime, last: datetime, aside: tuple[int, int] = (0, 0)
) -> Expected:
    """What could be seen between the first and the last look.

    `book` is the balance now; `steps` are the movements since, told in any order. What happened after the last look is
    taken back, whenever it was told: so a sale of before the count that a till tells an hour later still counts as
    before. `aside` is the least and the most that had been picked and stood elsewhere.
    """
    later = sorted(steps, key=lambda step: step.at, reverse=True)
    at_last = book - sum(step.change for step in later if step.at > last)
    level = low = high = at_last
    for step in later:
        if first < step.at <= last:
            level -= step.change
            low, high = min(low, level), max(high, level)
    return Expected(max(0, low - aside[1]), max(0, high - aside[0]))


def difference(counted: int, seen: Expected) -> int:
    """How far the count lies outside what was possible; 0 within it."""
    return counted - min(max(counted, seen.low), seen.high)


def believed(found: int, seen: Expected, rule: Rule) -> bool:
    """Whether a difference needs no second look: within the units or within the share of what was expected."""
    return abs(found) <= max(Decimal(rule.units), rule.percent * seen.high / 100)


def why_approve(findings: Sequence[Finding], rule: Rule) -> str:
    """The sentence that says why somebody else must approve; empty when nobody must.

    Losses and finds don't set each other off: ten thousand missing here and found there are two mistakes.
    """
    worth: dict[str, Decimal] = defaultdict(Decimal)
    unvalued = 0
    for finding in findings:
        if finding.unit_cost is None:
            unvalued += abs(finding.difference)
        else:
            worth[finding.currency] += abs(finding.difference) * finding.unit_cost
    for currency, value in sorted(worth.items()):
        if value > rule.value:
            return f"Differences of {value:,.2f} {currency} are more than {rule.value:,.2f}.".replace("  ", " ")
    if unvalued > rule.unvalued_units:
        return f"{unvalued} units of unknown cost differ, more than {rule.unvalued_units}."
    return ""


def total(findings: Iterable[Finding]) -> dict[str, Decimal]:
    """Signed value per currency of the findings whose cost is known."""
    worth: dict[str, Decimal] = defaultdict(Decimal)
    for finding in findings:
        if finding.unit_cost is not None and finding.difference:
            worth[finding.currency] += finding.difference * finding.unit_cost
    return dict(worth)
