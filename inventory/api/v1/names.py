"""From the codes callers use to our ids, with every code nobody knows named by its path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404

from core.errors import Invalid, Problem
from inventory.models import Item, Location

Coded = Sequence[tuple[str, str]]  # (path in the body, code)


def may_speak_for(caller: Any, channel: str | None) -> None:
    """A key bound to channels speaks for no other; another's channel isn't there for it."""
    if channel is not None and caller.channels is not None and channel not in caller.channels:
        raise Http404


def resolve(skus: Coded, places: Coded, *, channel: str | None = None) -> tuple[dict[str, int], dict[str, int]]:
    """{sku: item id}, {code: location id}. At most three queries. Invalid (422) names what is unknown."""
    items = Item.objects.resolve([sku for _, sku in skus], system=channel or "")
    codes = {code for _, code in places}
    locations = dict(Location.objects.filter(code__in=codes).values_list("code", "pk"))
    problems = [Problem(path, "unknown", "Nobody knows this SKU.") for path, sku in skus if sku not in items]
    problems += [Problem(path, "unknown", "There is no such place.") for path, code in places if code not in locations]
    if problems:
        raise Invalid(problems[:50], status=422, code="unknown_reference")
    return items, locations


def numbered(number: str, prefix: str) -> int | None:
    """The id behind a number such as CT-12; None for anything else, which nothing has."""
    kind, _, digits = number.partition("-")
    return int(digits) if kind == prefix and digits.isascii() and digits.isdigit() and len(digits) <= 18 else None
