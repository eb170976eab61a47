"""What a store can offer instead of an article that isn't there: alike, and free on its own shelves."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F

from inventory.models import Item, Stock

LOOKED_AT = 400  # articles of a family; more than that is no family
MOST = 12


@dataclass(frozen=True, slots=True)
class Candidate:
    """`alike` are the attributes it shares with what was wanted, the family aside."""

    item: Item
    free: int
    alike: tuple[str, ...]


def candidates(item: Item, *, location_id: int, units: int = 1) -> list[Candidate]:
    """Articles of the same family of which so many units are free here, the most alike first. One query.

    Nothing for an article without a family. Kits, and units told apart by lot or serial, aren't offered.
    """
    traits = item.attributes or {}
    family = traits.get("family")
    if not family:
        return []
    rows = (
        Stock.objects.filter(location=location_id, item__attributes__family=family, item__tracking="NONE")
        .exclude(item=item)
        .filter(sellable__gte=F("reserved") + units)
        .select_related("item")
        .order_by("item__sku")[:LOOKED_AT]
    )
    found = [Candidate(row.item, row.free, _alike(traits, row.item.attributes or {})) for row in rows]
    return sorted(found, key=lambda each: (-len(each.alike), -each.free, each.item.sku))[:MOST]


def _alike(one: dict[str, object], other: dict[str, object]) -> tuple[str, ...]:
    return tuple(name for name in sorted(one) if name != "family" and one[name] and one[name] == other.get(name))
