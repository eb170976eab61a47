"""Which carton, and what a parcel should weigh."""

from __future__ import annotations

from orders.cartons import Box, Piece, expected_grams, is_off, suggest

SMALL, LARGE = Box("s", (200, 150, 100), 80, 5_000), Box("l", (400, 300, 200), 300, 20_000)
MUG = Piece(1, (100, 90, 80), 300)


def test_the_smallest_box_that_takes_every_side_the_volume_and_the_weight():
    assert suggest([LARGE, SMALL], [MUG]) == SMALL
    assert suggest([LARGE, SMALL], [Piece(1, (20, 20, 350), 100)]) == LARGE
    assert suggest([LARGE, SMALL], [Piece(6, (100, 90, 80), 300)]) == LARGE
    assert suggest([LARGE, SMALL], [Piece(1, (50, 50, 50), 6_000)]) == LARGE
    assert suggest([LARGE, SMALL], [Piece(1, (500, 10, 10), 100)]) is None
    assert suggest([SMALL], [Piece(1, None, 100)]) is None


def test_a_weight_is_off_beyond_fifty_grams_and_a_twentieth():
    assert expected_grams([MUG, Piece(2, None, 100)], 80) == 580
    assert expected_grams([Piece(1, None, None)]) is None
    assert not is_off(350, 300)
    assert is_off(351, 300)
    assert not is_off(10_500, 10_000)
    assert is_off(10_501, 10_000)
    assert not is_off(9, None)
