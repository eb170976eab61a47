"""Whether what was said of actions came true: by how sure it was, and lately against before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exceptions.models import Suggestion, SuggestionStatus
from exceptions.suggesting import interval

LATEST, JUDGED = 30, 1_000
FEWEST = 10  # outcomes that say anything about drift


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
    """The latest outcomes beside those before them, and how sure was said of the latest on average."""

    latest: tuple[int, int]
    before: tuple[int, int]
    said: float = 0.0

    @property
    def drifted(self) -> bool:
        """Lately and before can't be the same: their intervals don't touch."""
        return self.worse or (self._enough and interval(*self.before)[1] < interval(*self.latest)[0])

    @property
    def worse(self) -> bool:
        return self._enough and interval(*self.latest)[1] < interval(*self.before)[0]

    @property
    def misfits(self) -> bool:
        """What came true lately can't be reconciled with what was said of it."""
        low, high = interval(*self.latest)
        return self.latest[1] >= FEWEST and not low <= self.said <= high

    def below(self, threshold: float) -> bool:
        return interval(*self.latest)[1] < threshold

    @property
    def _enough(self) -> bool:
        return self.latest[1] >= FEWEST and self.before[1] >= FEWEST


def _judged(reason: str, action: str, **only: Any) -> list[tuple[float, bool]]:
    rows = Suggestion.objects.filter(reason=reason, action=action, worked__isnull=False, **only).order_by("-pk")
    return [(said, bool(worked)) for said, worked in rows.values_list("probability", "worked")[:JUDGED]]


def of(reason: str, action: str) -> list[Bin]:
    """The judged suggestions in tenths of their probability; empty tenths are left out."""
    tenths: dict[int, list[tuple[float, bool]]] = {}
    for said, worked in _judged(reason, action):
        tenths.setdefault(min(9, int(said * 10)), []).append((said, worked))
    return [
        Bin(sum(said for said, _ in rows) / len(rows), sum(worked for _, worked in rows), len(rows))
        for _, rows in sorted(tenths.items())
    ]


def drift(reason: str, action: str, *, by: str = "", since: datetime | None = None) -> Drift:
    """The latest thirty outcomes against those before; of all, or of what the model (or the counts) said since."""
    only: dict[str, Any] = ({"by": by} if by else {}) | ({"created_at__gt": since} if since else {})
    judged = _judged(reason, action, **only)
    latest, before = judged[:LATEST], judged[LATEST:]
    said = sum(probability for probability, _ in latest) / max(1, len(latest))
    return Drift(_tally(latest), _tally(before), said)


def _tally(judged: list[tuple[float, bool]]) -> tuple[int, int]:
    return sum(worked for _, worked in judged), len(judged)


def why_not(reason: str, action: str) -> list[tuple[str, int]]:
    """What people said when it was not right, the commonest first."""
    rows = Suggestion.objects.filter(reason=reason, action=action, status=SuggestionStatus.OVERRIDDEN)
    return Counter(rows.order_by("-pk").values_list("why_not", flat=True)[:200]).most_common(5)
