"""Counts of what was tried and what worked, how sure they are, and which of several actions comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from exceptions.suggesting.intervals import interval
from exceptions.suggesting.weights import Said

ENOUGH = 5  # below so many, a narrower count says nothing of its own


@dataclass(frozen=True, slots=True)
class Count:
    """How often an action was tried in a context, how often it ended the case, and what speaks against it.

    `context` is empty for everywhere, else such as `site:12`. `reopened` are cases that worked and came back;
    `declined` is how often people said a suggestion of it was not right. `seconds` is the median time to the end.
    """

    action: str
    context: str
    tried: int
    worked: int
    reopened: int = 0
    declined: int = 0
    seconds: int | None = None

    @property
    def trials(self) -> int:
        """What counts as a trial: carried out, or found not right by somebody who knew the case."""
        return self.tried + self.declined

    @property
    def held(self) -> int:
        """It worked, and the case stayed closed."""
        return max(0, self.worked - self.reopened)

    @property
    def share(self) -> float:
        return self.held / self.trials if self.trials else 0.0

    @property
    def low(self) -> float:
        return interval(self.held, self.trials)[0]

    @property
    def high(self) -> float:
        return interval(self.held, self.trials)[1]


@dataclass(frozen=True, slots=True)
class Ranked:
    """An action with the count that decides its place, and every other count of it that fits the case.

    Where a model was found to be closer than the counts, what it says decides instead (`said`).
    """

    action: str
    deciding: Count
    counts: tuple[Count, ...]
    said: Said | None = None

    @property
    def by(self) -> str:
        return "model" if self.said else "counts"

    @property
    def probability(self) -> float:
        return self.said.probability if self.said else self.deciding.share

    @property
    def low(self) -> float:
        return self.said.low if self.said else self.deciding.low

    @property
    def high(self) -> float:
        return self.said.high if self.said else self.deciding.high


def rank(
    counts: Iterable[Count],
    *,
    contexts: Sequence[str],
    offered: Iterable[str],
    said: Callable[[str], Said | None] = lambda _: None,
) -> list[Ranked]:
    """The offered actions with any history, the surest first: by the lower end of their interval.

    Of an action's counts the narrowest that fits the case and has enough trials decides; `contexts` names those that
    fit, the narrowest first. Equals are in the order they are offered. `said` is what
    a model says of an action, where one is used.
    """
    by_action: dict[str, dict[str, Count]] = {}
    for count in counts:
        by_action.setdefault(count.action, {})[count.context] = count
    found = [
        _ranked(action, by_action[action], contexts, said(action))
        for action in dict.fromkeys(offered)
        if "" in by_action.get(action, {})
    ]
    return sorted((each for each in found if each.deciding.trials), key=lambda each: -each.low)


def _ranked(action: str, counts: Mapping[str, Count], contexts: Sequence[str], said: Said | None) -> Ranked:
    fitting = [counts[context] for context in contexts if context in counts and counts[context].trials >= ENOUGH]
    return Ranked(action, fitting[0] if fitting else counts[""], (counts[""], *fitting), said)
