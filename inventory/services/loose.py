"""Items whose units are all alike: what a count by number and a transfer by number can speak of."""

from __future__ import annotations

from collections.abc import Collection

from core.errors import Refusal
from inventory.models import Item, Tracking


def require(item_ids: Collection[int]) -> None:
    """Refusal("unknown_item"), ("is_kit") or ("is_tracked") for items whose units can't be told by their number alone.

    A kit lies nowhere: its parts do. Units with a serial or lot change hands by name, through the ledger's own verbs.
    """
    rows = Item.objects.filter(pk__in=item_ids).values_list("pk", "sku", "is_kit", "tracking")
    known = list(rows)
    if len(known) != len(set(item_ids)):
        raise Refusal("unknown_item", "No such item.", status=404)
    for _, sku, is_kit, tracking in known:
        if is_kit:
            raise Refusal("is_kit", f"{sku} is a kit. Name its parts instead.", status=422, sku=sku)
        if tracking != Tracking.NONE:
            raise Refusal("is_tracked", f"{sku} is tracked by {tracking.lower()}: its units go by name.",
                          status=422, sku=sku)  # fmt: skip


def only(item_ids: Collection[int]) -> list[int]:
    """Those of them that can be counted and sent by number."""
    rows = Item.objects.filter(pk__in=item_ids, is_kit=False, tracking=Tracking.NONE)
    return list(rows.order_by("pk").values_list("pk", flat=True))
