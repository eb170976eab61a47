"""Distances on Earth. Pure."""

from __future__ import annotations

from functools import lru_cache
from math import asin, cos, dist, radians, sin

EARTH_KM = 6371.0

Point = tuple[float, float, float]


@lru_cache(maxsize=16_384)
def point(lat: float, lon: float) -> Point:
    """The place on a sphere of radius one. Kept, because the same few hundred nodes are asked for every order."""
    a, b = radians(lat), radians(lon)
    return cos(a) * cos(b), cos(a) * sin(b), sin(a)


def kilometres(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance: the arc over the chord, which is exact near and far."""
    return 2 * EARTH_KM * asin(min(1.0, dist(point(lat1, lon1), point(lat2, lon2)) / 2))
