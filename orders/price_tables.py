"""A carrier's price table as it is stored and edited: JSON to zones, every mistake with its path. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from core.errors import Invalid, Problem
from orders.canonical import Country, Money, Short, closed, problems_of
from orders.carriage import Zone

MAX_GRAMS = 2_000_000
MAX_DAYS = 45


def _postcode(text: str) -> str:
    return text.replace(" ", "").upper()


Postcode = Annotated[str, Field(strict=True, min_length=1, max_length=12), AfterValidator(_postcode)]
Grams = Annotated[int, Field(strict=True, ge=1, le=MAX_GRAMS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneShape:
    """One zone as it is written: `prices` are pairs of "up to so many grams" and an amount as text."""

    __pydantic_config__ = closed

    name: Annotated[Short, Field(min_length=1)]
    days: Annotated[int, Field(strict=True, ge=0, le=MAX_DAYS)]
    prices: Annotated[list[tuple[Grams, Money]], Field(min_length=1, max_length=100)]
    countries: Annotated[tuple[Country, ...], Field(max_length=300)] = ()
    origins: Annotated[tuple[Country, ...], Field(max_length=300)] = ()
    postcodes: Annotated[tuple[Postcode, ...], Field(max_length=2000)] = ()
    not_postcodes: Annotated[tuple[Postcode, ...], Field(max_length=2000)] = ()
    within_km: Annotated[float, Field(gt=0, le=20_100, allow_inf_nan=False)] | None = None


_shape: TypeAdapter[list[ZoneShape]] = TypeAdapter(Annotated[list[ZoneShape], Field(min_length=1, max_length=200)])


def read(table: Any) -> tuple[Zone, ...]:
    """The zones of a stored table. Raises Invalid with every broken rule: weights must rise, prices must not fall."""
    try:
        shapes = _shape.validate_python(table)
    except ValidationError as error:
        raise Invalid([Problem(f"zones{p.path}", p.rule, p.message) for p in problems_of(error)]) from None
    if problems := [p for n, shape in enumerate(shapes) for p in _falling(n, shape.prices)]:
        raise Invalid(problems)
    return tuple(_zone(shape) for shape in shapes)


def _falling(n: int, prices: Sequence[tuple[int, Decimal]]) -> list[Problem]:
    return [
        Problem(f"zones[{n}].prices[{at}]", "ascending", "must be for more grams than the one before, and cost no less")
        for at, ((grams, cost), (more, next_cost)) in enumerate(pairwise(prices), start=1)
        if more <= grams or next_cost < cost
    ]


def _zone(shape: ZoneShape) -> Zone:
    return Zone(
        name=shape.name,
        prices=tuple(shape.prices),
        days=shape.days,
        countries=frozenset(shape.countries),
        origins=frozenset(shape.origins),
        postcodes=shape.postcodes,
        not_postcodes=shape.not_postcodes,
        within_km=shape.within_km,
    )
