"""What may be promised for goods somebody asks about, read from stock, places and carriers. Holds nothing."""

from __future__ import annotations

from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from exceptions import clock
from exceptions.services import clocks
from inventory.models import ExpectedReceipt, Item, Location, LocationStatus
from inventory.services import availability
from orders import promising, sourcing
from orders.carriage import Place
from orders.models import Channel
from orders.promising import Collection, Delivery, Parcel, Shelf
from orders.services import carriage, choosing, lookups, making, policies, profiles

UNWEIGHED = 500  # grams of an article nobody weighed
PLACES_SHOWN = 20
Free = Mapping[int, Mapping[int, int]]  # location: item: units the channel may promise


@dataclass(frozen=True, slots=True)
class Lack:
    """An item there is not enough of, what there is of it, and when enough is expected."""

    item_id: int
    wanted: int
    available: int
    expected_at: datetime | None


@dataclass(frozen=True, slots=True)
class Offer:
    available: Mapping[int, int] = field(default_factory=dict)  # item: units in the whole network
    deliveries: Sequence[Delivery] = ()
    collections: Sequence[Collection] = ()
    lacking: Sequence[Lack] = ()


def offer(
    wants: Mapping[int, int],
    *,
    channel: Channel | None = None,
    destination: Place | None = None,
    near: Place | None = None,
    collect_at: Several[str] | None = None,
    collecting: bool = True,
    now: datetime | None = None,
) -> Offer:
    """Deliveries to `destination` from where the policy in force would send it now, and places to collect it at.

    `collect_at` names the places asked about, else the nearest that have everything. What is kept back from the channel
    is not offered. A fixed number of queries; nothing is locked or written.
    """
    if not wants:
        return Offer()
    now = now or timezone.now()
    free = _free(wants, channel)
    items = Item.objects.in_bulk(list(wants))
    asked = set(collect_at or ())
    places = list(
        Location.objects.filter(Q(pk__in=list(free)) | Q(code__in=asked))
        .select_related("site__calendar")
        .order_by("pk")
    )
    units = {item: sum(at.get(item, 0) for at in free.values()) for item in wants}
    parcels = _parcels(wants, items, free, places, channel, destination, now) if destination else []
    shelves = _shelves(wants, items, free, places, asked) if collecting else []
    return Offer(
        available=units,
        deliveries=promising.deliveries(parcels, carriage.services(), destination=destination, now=now)
        if destination
        else (),
        collections=promising.collections(shelves, near=near or destination, now=now)[:PLACES_SHOWN],
        lacking=_lacking(wants, units, now),
    )


def _free(wants: Mapping[int, int], channel: Channel | None) -> Free:
    free: dict[int, dict[int, int]] = {}
    for row in availability.of(set(wants), channel=channel.code if channel else None):
        if row.available > 0:
            free.setdefault(row.location_id, {})[row.item_id] = row.available
    return free


def _parcels(
    wants: Mapping[int, int],
    items: Mapping[int, Item],
    free: Free,
    places: Sequence[Location],
    channel: Channel | None,
    destination: Place,
    now: datetime,
) -> list[Parcel]:
    """What each place would send, as sourcing would decide now. None where no rule finds everything."""
    wanted = tuple(sourcing.Want(item, item, units) for item, units in wants.items())
    ladder = policies.live(policies.in_force(channel.pk)) if channel else sourcing.STANDARD
    nodes = _nodes(wanted, free)
    if "profiles" in ladder.needs:
        nodes = profiles.attach(nodes)
    request = sourcing.Request(
        wants=wanted,
        country=destination.country,
        postal_code=destination.postcode,
        latitude=destination.lat,
        longitude=destination.lon,
        channel=channel.code if channel else "",
        goods=lookups.goods_of(set(wants)),
        paces=lookups.paces(set(wants)) if "paces" in ladder.needs else {},
        now=now.timestamp(),
    )
    grams: dict[int, int] = {}
    traits: dict[int, set[str]] = {}
    for pick in sourcing.plan(request, nodes, ladder).picks:
        item = items[pick.item_id]
        grams[pick.location_id] = grams.get(pick.location_id, 0) + pick.quantity * (item.weight_grams or UNWEIGHED)
        traits.setdefault(pick.location_id, set()).update(choosing.traits([item]))
    return [
        Parcel(place.code, choosing.origin(place), grams[place.pk], frozenset(traits[place.pk]))
        for place in places
        if place.pk in grams
    ]


def _nodes(wanted: Sequence[sourcing.Want], free: Free) -> list[sourcing.Node]:
    """The nodes as sourcing reads them, each with what the channel may promise there."""
    nodes = lookups.nodes_with({want.item_id for want in wanted})
    if recipes := making.recipes(wanted, nodes):
        nodes = lookups.nodes_with(making.items(wanted, recipes))
    return [node._replace(free=free[node.location_id]) for node in nodes if node.location_id in free]


def _shelves(
    wants: Mapping[int, int], items: Mapping[int, Item], free: Free, places: Sequence[Location], asked: Several[str]
) -> list[Shelf]:
    shelves = []
    for place in places:
        if not place.pickup or place.status != LocationStatus.ACTIVE or (asked and place.code not in asked):
            continue
        have = free.get(place.pk, {})
        lacking = tuple(
            (items[item].sku, units - have.get(item, 0))
            for item, units in sorted(wants.items())
            if have.get(item, 0) < units
        )
        if asked or not lacking:
            shelves.append(Shelf(place.code, place.name, lacking, _opening(place), place.lat, place.lon))
    return shelves


def _opening(place: Location) -> clock.Calendar:
    site = place.site
    if site is None or site.calendar is None:
        return clock.ALWAYS
    kept = site.calendar
    return clocks.calendar_from(site.time_zone, kept.name, kept.weekly, kept.country, kept.region, kept.exceptions)


def _lacking(wants: Mapping[int, int], units: Mapping[int, int], now: datetime) -> list[Lack]:
    short = {item: wanted for item, wanted in wants.items() if units[item] < wanted}
    if not short:
        return []
    coming: dict[int, list[tuple[datetime, int]]] = {}
    expected = ExpectedReceipt.objects.open().filter(item__in=short, due_at__gte=now).order_by("due_at", "pk")
    for item, due_at, quantity, received in expected.values_list("item_id", "due_at", "quantity", "received"):
        coming.setdefault(item, []).append((due_at, quantity - received))
    return [
        Lack(item, wanted, units[item], _when_enough(wanted - units[item], coming.get(item, ())))
        for item, wanted in sorted(short.items())
    ]


def _when_enough(missing: int, coming: Sequence[tuple[datetime, int]]) -> datetime | None:
    for due_at, units in coming:
        missing -= units
        if missing <= 0:
            return due_at
    return None
