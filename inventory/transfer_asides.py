"""What stands picked for a transfer and is no longer on its shelf."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db.models import Sum

from inventory.models import TRANSFER_AT_ORIGIN, TransferLine, TransferLot


def picked(location_id: int, item_ids: Collection[int]) -> Mapping[int, int]:
    """{item id: units} picked for transfers that have not left the place yet."""
    lines = TransferLine.objects.filter(
        transfer__origin=location_id, transfer__status__in=TRANSFER_AT_ORIGIN, item__in=item_ids, picked__gt=0
    )
    return dict(lines.order_by().values_list("item_id").annotate(units=Sum("picked")))


def names(location_id: int, item_ids: Collection[int]) -> Mapping[tuple[int, str], int]:
    """{(item id, lot or serial): units} of those, where they are told apart."""
    lots = TransferLot.objects.filter(
        line__transfer__origin=location_id, line__transfer__status__in=TRANSFER_AT_ORIGIN, line__item__in=item_ids,
        picked__gt=0,
    ).order_by()  # fmt: skip
    rows = lots.values_list("line__item_id", "code").annotate(units=Sum("picked"))
    return {(item, code): units for item, code, units in rows}
