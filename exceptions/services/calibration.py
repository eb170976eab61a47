"""Whether what was said of actions came true: by how sure it was, and lately against before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from exceptions.models import Suggestion, SuggestionStatus
from exceptions.suggesting import interval

LATEST, JUDGED = 30, 1_000


@dataclass(frozen=True, slots=True)
class Bin:
    """Suggestions about as sure as each other: how sure on average, and how many came true."""

    said: float
    worked: int
    judged: int

    @property
    def came_true(self) -> float:
        return self.worked / self.judged

    @property
    def fits(self) -> bool:
        low, high = interval(self.worked, self.judged)
        return low <= self.said <= high


@dataclass(frozen=True, slots=True)
class Drift:
    """The latest outcomes beside those before them; `drifted` when their intervals don't touch."""

    latest: tuple[int, int]
    before: tuple[int, int]

    @property
    def drifted(self) -> bool:
        now, then = interval(*self.latest), interval(*self.before)
        return self.latest[1] >= 10 and self.before[1] >= 10 and (now[1] < then[0] or then[1] < now[0])


def _judged(reason: str, action: str) -> list[tuple[float, bool]]:
    rows = Suggestion.objects.filter(reason=reason, action=action, worked__isnull=False).order_by("-pk")
    return list(rows.values_list("probability", "worked")[:JUDGED])


def of(reason: str, action: str) -> list[Bin]:
    """The judged suggestions in tenths of their probability; empty tenths are left out."""
    tenths: dict[int, list[tuple[float, bool]]] = {}
    for said, worked in _judged(reason, action):
        tenths.setdefault(min(9, int(said * 10)), []).append((said, worked))
    return [
        Bin(sum(said for said, _ in rows) / len(rows), sum(worked for _, worked in rows), len(rows))
        for _, rows in sorted(tenths.items())
    ]


def drift(reason: str, action: str) -> Drift:
    outcomes = [worked for _, worked in _judged(reason, action)]
    latest, before = outcomes[:LATEST], outcomes[LATEST:]
    return Drift((sum(latest), len(latest)), (sum(before), len(before)))


def why_not(reason: str, action: str) -> list[tuple[str, int]]:
    """What people said when it was not right, the commonest first."""
    rows = Suggestion.objects.filter(reason=reason, action=action, status=SuggestionStatus.OVERRIDDEN)
    return Counter(rows.order_by("-pk").values_list("why_not", flat=True)[:200]).most_common(5)
