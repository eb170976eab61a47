"""Which lines of a payout are which entries of our books: values in, pairs out. Pure.

Everything given to `solve` is about one order (or one key) and one kind of movement, in one currency. It looks for the
finest match that is exact: one to one, then all of one side for one of the other, then bounded searches for a part of
one side that makes up the other, then all for all. Only what is left is looked at within the tolerance, and that is a
suggestion for a person, with the difference named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import combinations

ZERO = Decimal(0)
MOST_SIDES = 14  # of one side in a subset search: 2^14 sums at the most
MOST_STEPS = 60_000


@dataclass(frozen=True, slots=True)
class Side:
    """A line's open amount, or an entry's, in the currency they are compared in. `refs` are the ids it goes by."""

    id: int
    amount: Decimal
    refs: frozenset[str] = frozenset()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far apart two amounts may be and still be the same money, for a person to say so: the lower of the two."""

    absolute: Decimal = Decimal("0.05")
    percent: Decimal = Decimal(1)

    def allows(self, difference: Decimal, amount: Decimal) -> bool:
        return abs(difference) <= min(self.absolute, abs(amount) * self.percent / 100)


@dataclass(frozen=True, slots=True)
class Found:
    """Lines and entries that are the same money; `difference` is what the lines say beyond the entries."""

    lines: tuple[Side, ...]
    entries: tuple[Side, ...]
    difference: Decimal = ZERO

    @property
    def exact(self) -> bool:
        return not self.difference

    @property
    def shape(self) -> str:
        return f"{_many(self.lines)}:{'M' if len(self.entries) > 1 and len(self.lines) > 1 else _many(self.entries)}"


def _many(sides: Sequence[Side]) -> str:
    return "1" if len(sides) == 1 else "N"


def solve(lines: Iterable[Side], entries: Iterable[Side], tolerance: Tolerance | None = None) -> list[Found]:
    """Every match there is, exact ones first. No line or entry is in two."""
    left, right = list(lines), list(entries)
    found = [*_pairs(left, right), *_wholes(left, right), *_parts(left, right)]
    if tolerance is not None:
        found += _near(left, right, tolerance)
    return found


def _take(found: Found, left: list[Side], right: list[Side]) -> Found:
    for each in found.lines:
        left.remove(each)
    for each in found.entries:
        right.remove(each)
    return found


def _pairs(left: list[Side], right: list[Side]) -> list[Found]:
    """One line and one entry of the same amount: those with an id in common first, then the nearest in time."""
    choices = sorted(
        (not (a.refs & b.refs), _apart(a, b), a.id, b.id, a, b) for a in left for b in right if a.amount == b.amount
    )
    found = []
    for *_, a, b in choices:
        if a in left and b in right:
            found.append(_take(Found((a,), (b,)), left, right))
    return found


def _apart(a: Side, b: Side) -> float:
    return abs((a.at - b.at).total_seconds()) if a.at and b.at else float("inf")


def _wholes(left: list[Side], right: list[Side]) -> list[Found]:
    """All that is left for all that is left, where one of the two is single or they add up."""
    if left and right and _sum(left) == _sum(right) and (len(left) == 1 or len(right) == 1):
        return [_take(Found(tuple(left), tuple(right)), left, right)]
    return []


def _parts(left: list[Side], right: list[Side]) -> list[Found]:
    """Some lines for one entry, one line for some entries, then some for some; the search is bounded."""
    found = [
        _take(Found(some, (one,)), left, right)
        for one in sorted(right, key=_size)
        if (some := subset(left, one.amount))
    ]
    found += [
        _take(Found((one,), some), left, right)
        for one in sorted(left, key=_size)
        if (some := subset(right, one.amount))
    ]
    while both := _groups(left, right):
        found.append(_take(both, left, right))
    return found


def _groups(left: list[Side], right: list[Side]) -> Found | None:
    """The smallest group of entries that some lines make up, else all for all."""
    if len(right) <= MOST_SIDES:
        for size in range(2, min(4, len(right)) + 1):
            for group in combinations(right, size):
                if some := subset(left, _sum(group)):
                    return Found(some, group)
    if left and right and _sum(left) == _sum(right):
        return Found(tuple(left), tuple(right))
    return None


def subset(sides: Sequence[Side], amount: Decimal) -> tuple[Side, ...]:
    """The fewest sides that add up to exactly this amount; empty where there are none or too many to look through."""
    if len(sides) > MOST_SIDES:
        sides = sorted(sides, key=_size)[:MOST_SIDES]
    steps = 0
    for size in range(1, len(sides) + 1):
        for some in combinations(sides, size):
            steps += 1
            if steps > MOST_STEPS:
                return ()
            if _sum(some) == amount:
                return some
    return ()


def _near(left: list[Side], right: list[Side], tolerance: Tolerance) -> list[Found]:
    """What is nearly the same: one to one by the smallest difference, then all for one, or all for all."""
    choices = sorted(
        (not (a.refs & b.refs), abs(a.amount - b.amount), a.id, b.id, a, b)
        for a in left
        for b in right
        if (a.amount > 0) == (b.amount > 0) and tolerance.allows(a.amount - b.amount, b.amount)
    )
    found = []
    for *_, a, b in choices:
        if a in left and b in right:
            found.append(_take(Found((a,), (b,), a.amount - b.amount), left, right))
    if left and right and (off := _sum(left) - _sum(right)) and tolerance.allows(off, _sum(right)):
        found.append(_take(Found(tuple(left), tuple(right), off), left, right))
    return found


def _sum(sides: Iterable[Side]) -> Decimal:
    return sum((each.amount for each in sides), ZERO)


def _size(side: Side) -> tuple[Decimal, int]:
    return -abs(side.amount), side.id


def portions(found: Found) -> list[tuple[int, int, Decimal, Decimal]]:
    """How much of which line is how much of which entry: (line, entry, of the line, of the entry).

    Amounts of both sides run against each other, so a group of n lines and m entries makes at most n + m - 1 portions.
    A difference stays on the last one.
    """
    if len(found.lines) == 1 and len(found.entries) == 1:
        line, entry = found.lines[0], found.entries[0]
        return [(line.id, entry.id, line.amount, entry.amount)]
    if any((each.amount > 0) != (found.lines[0].amount > 0) for each in (*found.lines, *found.entries)):
        return _of_mixed_signs(found)
    lines = Rests(found.lines)
    entries = Rests(found.entries)
    made: list[Portion] = []
    while lines and entries:
        part = lines.common(entries)
        made.append((lines.first, entries.first, part, part))
        lines.take(part)
        entries.take(part)
    return _with_rest(made, lines, entries)


Portion = tuple[int, int, Decimal, Decimal]


class Rests:
    """What is left of several sides, the largest first, while they are run against others."""

    def __init__(self, sides: Iterable[Side]):
        self.left = [(each.id, each.amount) for each in sorted(sides, key=_size)]

    def __bool__(self) -> bool:
        return bool(self.left)

    @property
    def first(self) -> int:
        return self.left[0][0]

    def common(self, other: Rests) -> Decimal:
        mine, theirs = self.left[0][1], other.left[0][1]
        return mine if abs(mine) <= abs(theirs) else theirs

    def take(self, part: Decimal) -> None:
        key, amount = self.left.pop(0)
        if amount != part:
            self.left.insert(0, (key, amount - part))


def _with_rest(made: list[Portion], lines: Rests, entries: Rests) -> list[Portion]:
    """What one side has beyond the other goes to a portion that exists, so that every amount is whole."""
    out = list(made)
    for line, rest in lines.left:
        n = next((n for n, each in enumerate(out) if each[0] == line), None)
        if n is None:
            out.append((line, out[-1][1], rest, ZERO))
        else:
            out[n] = (line, out[n][1], out[n][2] + rest, out[n][3])
    for entry, rest in entries.left:
        n = next((n for n, each in enumerate(out) if each[1] == entry), None)
        if n is None:
            out.append((out[-1][0], entry, ZERO, rest))
        else:
            out[n] = (out[n][0], entry, out[n][2], out[n][3] + rest)
    return out


def _of_mixed_signs(found: Found) -> list[tuple[int, int, Decimal, Decimal]]:
    """Lines of both signs (a sale and its discount) for entries: each line whole against the first entry, each entry
    whole against the first line."""
    first_line, first_entry = found.lines[0], found.entries[0]
    made = [(each.id, first_entry.id, each.amount, ZERO) for each in found.lines]
    made[0] = (first_line.id, first_entry.id, first_line.amount, first_entry.amount)
    return made + [(first_line.id, each.id, ZERO, each.amount) for each in found.entries[1:]]
