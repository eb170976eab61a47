"""Figures as sentences. Each says one count and where its rows are; nothing is said that is not counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from core import formats
from exceptions.suggesting.counts import Count, Ranked
from exceptions.suggesting.weights import Said

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Sentence:
    """`url` leads to the rows the sentence was counted or read from."""

    text: str
    url: str = ""


Rows = Callable[[Count], str]


def speaks_for(ranked: Ranked, places: Mapping[str, str], rows: Rows) -> Iterator[Sentence]:
    """What worked: everywhere first, then in each context the case is in. `places` words the contexts."""
    for count in ranked.counts:
        where = f"{places[count.context]}: it" if count.context else "It"
        text = f"{where} ended {count.held} of {formats.plural(count.trials, 'case')} for good, {share(count)}."
        yield Sentence(text, rows(count))
    everywhere = ranked.counts[0]
    if everywhere.seconds is not None and everywhere.worked:
        yield Sentence(f"Half of them were over within {formats.duration(everywhere.seconds)}.", rows(everywhere))


def speaks_against(ranked: Ranked, rows: Rows) -> Iterator[Sentence]:
    """What did not: cases it left open, that came back, and people who said no."""
    count = ranked.counts[0]
    if left := count.tried - count.worked:
        yield Sentence(f"{formats.plural(left, 'case')} needed another step or a waiver after it.", rows(count))
    if count.reopened:
        yield Sentence(f"{formats.plural(count.reopened, 'case')} came back within 7 days.", rows(count))
    if count.declined:
        yield Sentence(f"People said {formats.plural(count.declined, 'time')} that it was not right.", rows(count))


def modelled(said: Said, places: Mapping[str, str], url: str, ended: str) -> Iterator[Sentence]:
    """What the model says, what became of others it said so of, and what moves it most here."""
    lowest = said.tenth * 10
    yield Sentence(
        f"The model says {said.probability:.0%}: of {said.of} held-out cases it put between {lowest} and "
        f"{lowest + 10}%, "
        f"{said.good} {ended}, {percentages(said.good / said.of, said.low, said.high)}.",
        url,
    )
    for kind, wanted in (("more", 1), ("less", -1)):
        named = [feature(name, places) for name, weight in said.leading if weight * wanted > 0]
        if named:
            yield Sentence(f"It says {kind} because of: {'; '.join(named)}.", url)


def feature(name: str, places: Mapping[str, str]) -> str:
    """A thing a case is known by, in words."""
    if name in places:
        return places[name][0].lower() + places[name][1:]
    kind, _, what = name.partition(":")
    if kind == "hour":
        return f"opened between {int(what):02}:00 and {int(what) + 4:02}:00 UTC"
    if kind == "day":
        return f"opened on a {DAYS[int(what)]}"
    if kind == "before":
        return ("nothing tried before", "one try before", "two or more tries before")[int(what)]
    if kind == "used":
        return f"{float(what):.0%} of its time used"
    return {"value": "what it is worth", "tier": f"customer tier {what}"}.get(kind, f"{kind} {what}".strip())


def share(count: Count) -> str:
    return percentages(count.share, count.low, count.high)


def percentages(share: float, low: float, high: float) -> str:
    """A share and its interval in words."""
    return f"{share:.0%} (likely {low:.0%} to {high:.0%})"


def breach(missed: int, alike: int, low: float, high: float, used: float) -> str:
    """How likely the case is to miss its time, by what happened to others that got so far."""
    return (
        f"Of {alike} past cases still open after {used:.0%} of their time, {missed} missed it, "
        f"{percentages(missed / alike, low, high)}."
    )
