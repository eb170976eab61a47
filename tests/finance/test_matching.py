"""Which lines are which entries: the finest exact match first, then what is nearly the same."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance import matching
from finance.matching import Found, Side, Tolerance


def sides(*amounts: str, start: int = 1) -> list[Side]:
    return [Side(n, Decimal(amount)) for n, amount in enumerate(amounts, start=start)]


@pytest.mark.parametrize(
    ("lines", "entries", "shapes"),
    [
        (["10"], ["10"], ["1:1"]),
        (["10", "5"], ["15"], ["N:1"]),
        (["15"], ["10", "5"], ["1:N"]),
        (["10", "5", "7"], ["15", "7"], ["1:1", "N:1"]),
        (["4", "7"], ["5", "6"], ["N:M"]),
        (["29.99", "3.99", "-2"], ["31.98"], ["N:1"]),
        (["10"], ["12"], []),
    ],
)
def test_the_finest_exact_match_is_found(lines, entries, shapes):
    left, right = sides(*lines), sides(*entries, start=100)

    found = matching.solve(left, right)

    assert [each.shape for each in found] == shapes
    assert all(each.exact for each in found)


def test_ids_in_common_go_before_equal_amounts():
    lines = [Side(1, Decimal(10), frozenset({"a"})), Side(2, Decimal(10), frozenset({"b"}))]
    entries = [Side(100, Decimal(10), frozenset({"b"})), Side(101, Decimal(10), frozenset({"a"}))]

    found = matching.solve(lines, entries)

    assert {(each.lines[0].id, each.entries[0].id) for each in found} == {(1, 101), (2, 100)}


def test_only_within_tolerance_is_what_is_left_suggested():
    near = matching.solve(sides("100.03"), sides("100", start=100), Tolerance())
    far = matching.solve(sides("100.06"), sides("100", start=100), Tolerance())
    small = matching.solve(sides("0.05"), sides("0.01", start=100), Tolerance())

    assert [(each.difference, each.exact) for each in near] == [(Decimal("0.03"), False)]
    assert far == small == []


coins = st.integers(1, 500).map(lambda n: Decimal(n) / 100)


@given(st.lists(coins, min_size=1, max_size=6), st.lists(coins, min_size=1, max_size=6))
def test_portions_take_every_line_and_every_entry_whole(ones, others):
    left = tuple(Side(n, amount) for n, amount in enumerate(ones, start=1))
    right = tuple(Side(n, amount) for n, amount in enumerate(others, start=100))
    portions = matching.portions(Found(left, right))

    for side, place, amount in ((left, 0, 2), (right, 1, 3)):
        for each in side:
            assert sum(p[amount] for p in portions if p[place] == each.id) == each.amount


@given(st.lists(coins, min_size=1, max_size=5), st.lists(coins, min_size=1, max_size=5))
def test_no_line_and_no_entry_is_in_two_matches_and_exact_ones_add_up(ones, others):
    found = matching.solve(sides(*map(str, ones)), sides(*map(str, others), start=100), Tolerance())

    for name in ("lines", "entries"):
        ids = [side.id for each in found for side in getattr(each, name)]
        assert len(ids) == len(set(ids))
    for each in found:
        off = sum(side.amount for side in each.lines) - sum(side.amount for side in each.entries)
        assert off == each.difference
