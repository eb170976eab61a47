"""What a form about stock offers and takes: the places a person may see, items by their codes."""

from __future__ import annotations

from django.http import HttpRequest

from core.errors import Invalid, Problem
from inventory.models import Item, Location

MOST_PLACES = 500  # in the filter of a list; beyond, the address still takes any code
MOST_ITEMS = 500


def places(request: HttpRequest) -> list[tuple[str, str]]:
    """Places by name, as (code, name)."""
    found = Location.objects.for_user(request.user).order_by("name", "code")
    return list(found.values_list("code", "name")[:MOST_PLACES])


def items_named(text: str) -> list[int]:
    """Items by SKU or GTIN, one a line or separated by commas; Invalid names those nobody knows."""
    codes = [code.strip() for code in text.replace("\0", "").replace(",", "\n").splitlines() if code.strip()]
    if len(codes) > MOST_ITEMS:
        raise Invalid([Problem("items", "too_many", f"At most {MOST_ITEMS} items.")], status=422)
    known = Item.objects.resolve([*codes, *(code.upper() for code in codes)])
    digits = [code for code in codes if code.isascii() and code.isdigit()]
    known |= dict(Item.objects.filter(gtin__in=digits).values_list("gtin", "id")) if digits else {}
    unknown = [code for code in codes if code not in known and code.upper() not in known]
    if unknown or not codes:
        said = f"Nobody knows {', '.join(unknown[:5])}." if unknown else "Name at least one item."
        raise Invalid([Problem("items", "unknown", said)], status=422)
    return [known.get(code) or known[code.upper()] for code in codes]
