"""Which carton, and what the packed parcel should weigh: pure. Sides in millimetres, weights in grams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

FILL = 0.85  # of a carton's inside that goods of odd shapes really use
TOLERANCE_GRAMS = 50
TOLERANCE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Piece:
    """So many units of one article; sides or weight are None where nobody knows them."""

    units: int
    sides: tuple[int, int, int] | None
    grams: int | None


@dataclass(frozen=True, slots=True)
class Box:
    code: str
    sides: tuple[int, int, int]
    tare_grams: int
    max_grams: int


def suggest(boxes: Iterable[Box], pieces: Sequence[Piece]) -> Box | None:
    """The smallest box every piece fits into, by side, by volume and by weight; None where sides are unknown.

    No packing is computed: a box is taken to be used to FILL of its inside.
    """
    if not pieces or any(piece.sides is None for piece in pieces):
        return None
    volume = sum(piece.units * prod(piece.sides) for piece in pieces if piece.sides)
    weight = sum(piece.units * (piece.grams or 0) for piece in pieces)
    fitting = [
        box
        for box in boxes
        if prod(box.sides) * FILL >= volume
        and box.tare_grams + weight <= box.max_grams
        and all(_fits(piece.sides, box.sides) for piece in pieces if piece.sides)
    ]
    return min(fitting, key=lambda box: (prod(box.sides), box.code), default=None)


def _fits(piece: tuple[int, int, int], box: tuple[int, int, int]) -> bool:
    return all(side <= room for side, room in zip(sorted(piece), sorted(box), strict=True))


def expected_grams(pieces: Sequence[Piece], tare: int = 0) -> int | None:
    """What the parcel should weigh; None where an article's weight is unknown."""
    if not pieces or any(piece.grams is None for piece in pieces):
        return None
    return tare + sum(piece.units * (piece.grams or 0) for piece in pieces)


def is_off(weighed: int, expected: int | None) -> bool:
    """Too far from what it should weigh: more than 50 g and more than a twentieth."""
    if expected is None:
        return False
    return abs(weighed - expected) > max(TOLERANCE_GRAMS, expected * TOLERANCE_SHARE)
