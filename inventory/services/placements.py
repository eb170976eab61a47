"""Where on the shop floor an article lies, and in which order a picker comes past it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.errors import Refusal
from inventory.models import Bin, Placement

LAST = 10**9  # the walk order of what has no bin: looked for at the end


@dataclass(frozen=True, slots=True)
class Spot:
    """A bin as a picker needs it: its code and when the walk comes past it."""

    code: str = ""
    walk_order: int = LAST

    @property
    def key(self) -> tuple[int, str]:
        return self.walk_order, self.code


NOWHERE = Spot()


def spots(location_id: int, item_ids: Collection[int]) -> dict[int, Spot]:
    """{item id: its first bin on the walk}; an article without a bin is left out. One query."""
    rows = (
        Placement.objects.filter(bin__location=location_id, item__in=item_ids)
        .order_by("-bin__walk_order", "-bin__code")
        .values_list("item_id", "bin__code", "bin__walk_order")
    )
    return {item: Spot(code, walk_order) for item, code, walk_order in rows}


def put(item_id: int, *, location_id: int, code: str) -> Placement:
    """Say that an article lies in this bin. Safe to repeat. Refusal("unknown_bin") 404."""
    found = Bin.objects.filter(location=location_id, code=code.strip().upper()).first()
    if found is None:
        raise Refusal("unknown_bin", f"There is no bin {code.strip()[:40]} here.", status=404, bin=code[:40])
    return Placement.objects.get_or_create(item_id=item_id, bin=found)[0]
