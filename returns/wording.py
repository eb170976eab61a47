"""What a customer's words say about why it came back: counts of words by reason. Pure.

Naive Bayes over the words and word pairs of a text, each counted once, with the counts people confirmed. It says
nothing where it isn't sure: a text of unknown words, or two reasons close together, is for a person.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

SURE = 0.6  # a reason less likely than this is not said
LEAST_TEXTS = 5  # learnt altogether before anything is said
MOST_WORDS = 60
_WORD = re.compile(r"[^\W\d_]{2,30}|\d{1,4}")
# Words every complaint has. Negations stay: "not" turns a sentence round.
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "the and for with was were are is it its this that of to in on at my me we you your our i a an be been have "
        "has had as by so but or from they them he she us do did would could just very also get got",
    )
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What was learnt of the words at hand: texts by reason, and for each word in how many texts of each reason."""

    texts: Mapping[str, int]
    words: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Guess:
    """`reason` is empty where nothing can be said. `because` are the words that spoke for it, strongest first."""

    reason: str
    share: float
    because: tuple[str, ...] = ()
    shares: tuple[tuple[str, float], ...] = ()


def words(text: str) -> list[str]:
    """The words and pairs of neighbours a text is known by, each once, in their order; accents and case don't count."""
    plain = unicodedata.normalize("NFKD", text.replace("\0", " ")).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("’", "'").replace("n't", " not")
    single = [word for word in _WORD.findall(plain) if word not in _EMPTY][:MOST_WORDS]
    pairs = [f"{one} {two}" for one, two in pairwise(single)]
    return list(dict.fromkeys([*single, *pairs]))


def guess(text: str, counts: Counts) -> Guess:
    """The likeliest reason of a text, and how likely. Words nobody has seen say nothing either way."""
    total = sum(counts.texts.values())
    known = [word for word in words(text) if counts.words.get(word)]
    if total < LEAST_TEXTS or not known:
        return Guess("", 0.0)
    score = {reason: _weight(reason, known, counts, total) for reason, texts in counts.texts.items() if texts > 0}
    top = max(score.values())
    odds = {reason: math.exp(value - top) for reason, value in score.items()}
    shares = sorted(((reason, odd / sum(odds.values())) for reason, odd in odds.items()), key=lambda x: (-x[1], x[0]))
    best, share = shares[0]
    return Guess(best if share >= SURE else "", share, _because(best, known, counts), tuple(shares[:5]))


def _weight(reason: str, known: list[str], counts: Counts, total: int) -> float:
    """The log of how likely this reason is with these words; half a text is added on both sides of every count."""
    texts = counts.texts[reason]
    value = math.log((texts + 0.5) / (total + 0.5 * len(counts.texts)))
    return value + sum(math.log((counts.words[word].get(reason, 0) + 0.5) / (texts + 1)) for word in known)


def _because(reason: str, known: list[str], counts: Counts) -> tuple[str, ...]:
    """The words far commoner in texts of this reason than in the others."""
    texts = counts.texts[reason]
    others = sum(counts.texts.values()) - texts
    said = []
    for word in known:
        here = (counts.words[word].get(reason, 0) + 0.5) / (texts + 1)
        there = (sum(counts.words[word].values()) - counts.words[word].get(reason, 0) + 0.5) / (others + 1)
        if here > 2 * there:
            said.append((here / there, word))
    return tuple(word for _, word in sorted(said, key=lambda x: (-x[0], x[1]))[:4])
