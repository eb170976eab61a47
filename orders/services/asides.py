"""What stands picked for customers and is no longer on its shelf: a count of the shelf must know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from django.db.models import Q, Sum

from orders.models import FulfilmentLine
from orders.models.fulfilment import ACTIVE, FulfilmentPart


def picked(location_id: int, item_ids: Collection[int]) -> Mapping[int, int]:
    """{item id: units} picked for orders that have not left the place yet; of a kit, its parts. Two queries."""
    lines = FulfilmentLine.objects.filter(
        location=location_id, item__in=item_ids, picked__gt=0, is_kit=False, **_here("")
    )
    parts = FulfilmentPart.objects.filter(
        Q(fulfilment_line__location=location_id), item__in=item_ids, picked__gt=0, **_here("fulfilment_line__")
    )
    found: Counter[int] = Counter()
    for rows in (lines, parts):
        found.update(dict(rows.order_by().values_list("item_id").annotate(units=Sum("picked"))))
    return found


def names(location_id: int, item_ids: Collection[int]) -> Mapping[tuple[int, str], int]:
    """{(item id, lot or serial): units} of those, where they are told apart. Two queries."""
    lines = FulfilmentLine.objects.filter(location=location_id, item__in=item_ids, is_kit=False, **_here(""))
    parts = FulfilmentPart.objects.filter(
        Q(fulfilment_line__location=location_id), item__in=item_ids, **_here("fulfilment_line__")
    )
    found: Counter[tuple[int, str]] = Counter()
    for rows in (lines, parts):
        for item, codes in rows.filter(picked__gt=0).exclude(codes=[]).values_list("item_id", "codes"):
            found.update((item, code) for code in codes)
    return found


def _here(path: str) -> dict[str, object]:
    return {f"{path}shipped": False, f"{path}fulfilment__status__in": ACTIVE}
