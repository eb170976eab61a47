"""The arithmetic of counts, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from inventory.counting import Expected, Finding, Rule, Step, believed, difference, expected, total, why_approve

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
RULE = Rule(units=2, percent=Decimal(5), value=Decimal(100), unvalued_units=10)


def at(minute: int) -> datetime:
    return NINE + timedelta(minutes=minute)


def test_a_sale_after_the_last_look_is_taken_back():
    seen = expected(7, [Step(at(20), -3)], first=at(5), last=at(10))

    assert seen == Expected(10, 10)


def test_a_sale_before_the_count_told_afterwards_counts_as_before():
    seen = expected(9, [Step(at(1), -1)], first=at(5), last=at(10))

    assert seen == Expected(9, 9)


def test_a_sale_during_the_look_may_have_been_seen_or_not():
    seen = expected(9, [Step(at(7), -1)], first=at(5), last=at(10))

    assert seen == Expected(9, 10)
    assert [difference(n, seen) for n in (8, 9, 10, 11)] == [-1, 0, 0, 1]


def test_a_sale_and_a_delivery_during_the_look_widen_the_range_in_order():
    seen = expected(14, [Step(at(8), 6), Step(at(6), -2)], first=at(5), last=at(10))

    assert seen == Expected(8, 14)


def test_units_set_aside_are_not_on_the_shelf():
    assert expected(10, [], first=at(5), last=at(10), aside=(2, 3)) == Expected(7, 8)


@given(
    book=st.integers(0, 50),
    moves=st.lists(st.tuples(st.integers(0, 30), st.integers(-5, 5)), max_size=8),
    looks=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)
def test_every_balance_there_ever_was_between_the_looks_is_no_difference(book, moves, looks):
    first, last = sorted(looks)
    steps = [Step(at(minute), change) for minute, change in moves]
    start = book - sum(change for _, change in moves)

    seen = expected(book, steps, first=at(first), last=at(last))

    for minute in range(first, last + 1):
        level = start + sum(change for when, change in moves if when <= minute)
        assert level < 0 or difference(level, seen) == 0


def test_small_differences_are_believed_by_units_or_by_share():
    assert believed(-2, Expected(10, 10), RULE)
    assert not believed(-3, Expected(10, 10), RULE)
    assert believed(-5, Expected(100, 100), RULE)
    assert not believed(6, Expected(100, 100), RULE)


def test_losses_and_finds_do_not_set_each_other_off():
    findings = [Finding(-6, Decimal(10), "GBP"), Finding(6, Decimal(10), "GBP")]

    assert "120.00 GBP" in why_approve(findings, RULE)
    assert why_approve(findings[:1], RULE) == ""
    assert total(findings) == {"GBP": Decimal(0)}


def test_units_without_a_known_cost_have_a_limit_of_their_own():
    assert why_approve([Finding(-10)], RULE) == ""
    assert why_approve([Finding(-11)], RULE).startswith("11 units of unknown cost")
