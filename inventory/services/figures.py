"""What a channel would be told of some items now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from inventory.models import ChannelFeed, Item, ItemAlias, Location
from inventory.services import availability


@dataclass(frozen=True, slots=True)
class Level:
    """The latest figure of one item, for the channel. `codes` are the SKUs it may go by there, the likeliest first."""

    item_id: int
    codes: tuple[str, ...]
    ref: str
    units: dict[str, int]  # location code (or "" for all together): units

    @property
    def total(self) -> int:
        return sum(self.units.values())


def latest(feed: ChannelFeed, rows: Sequence[tuple[int, str]]) -> list[Level]:
    """The latest figures of these items, in one reading, summed over the places that send or hand over."""
    items = [item for item, _ in rows]
    serving = Location.objects.open_for_orders().filter(Q(ships=True) | Q(pickup=True))
    places = dict(serving.values_list("id", "code"))
    by = timezone.now().date() + timedelta(days=feed.inbound_days) if feed.inbound_days else None
    units: dict[int, dict[str, int]] = {item: {} if feed.per_location else {"": 0} for item in items}
    for each in availability.columns(items, channel=feed.channel, location_ids=list(places), by=by):
        if feed.per_location:
            units[each.item_id] |= {places[at]: free for at, free in zip(each.at, each.available, strict=True)}
        else:
            units[each.item_id][""] += sum(each.available)
    codes = codes_of(items, feed.channel)
    return [Level(item, codes.get(item, ()), ref, units[item]) for item, ref in rows]


def codes_of(items: Sequence[int], channel: str) -> dict[int, tuple[str, ...]]:
    """What the channel may call each item: its own names for it first, then our SKU."""
    codes: dict[int, tuple[str, ...]] = {}
    for item, code in ItemAlias.objects.filter(system=channel, item_id__in=items).values_list("item_id", "code"):
        codes[item] = (*codes.get(item, ()), code)
    for item, sku in Item.objects.filter(pk__in=items).values_list("id", "sku"):
        codes[item] = tuple(dict.fromkeys((*codes.get(item, ()), sku)))
    return codes
