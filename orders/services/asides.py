"""What stands picked for customers and is no longer on its shelf: a count of the shelf must know."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db.models import Sum

from orders.models import FulfilmentLine
from orders.models.fulfilment import ACTIVE


def picked(location_id: int, item_ids: Collection[int]) -> Mapping[int, int]:
    """{item id: units} picked for orders that have not left the place yet."""
    lines = FulfilmentLine.objects.filter(
        location=location_id, item__in=item_ids, picked__gt=0, shipped=False, fulfilment__status__in=ACTIVE
    )
    return dict(lines.order_by().values_list("item_id").annotate(units=Sum("picked")))
