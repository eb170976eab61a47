"""Where a return may go: the places that take returns, with what the pure rules weigh."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, Sum
from django.utils import timezone

from inventory.models import PARTNERS, Item, Location, State, Stock, StockMovement
from orders import carriage
from orders.carriage import Place
from orders.geography import kilometres
from orders.services import choosing
from orders.services.carriage import services
from orders.services.options import UNWEIGHED
from returns import routing
from returns.eligibility import Around, Goods
from returns.routing import Node, Route
from returns.rules import Policy
from returns.services.weighing import Wanted

DAYS = 28  # how far back it is counted what a place sells
MOST_NODES = 200


def route(
    policy: Policy,
    wanted: Sequence[Wanted],
    goods: Sequence[Goods],
    around: Around,
    *,
    address: Mapping[str, Any],
    now: datetime | None = None,
) -> Route:
    """The best place for these lines. A fixed number of queries; nothing is locked or written."""
    items = {each.item.pk: each.item for each in wanted if each.item}
    weight = grams((each.item, each.quantity) for each in wanted)
    found = nodes(items, address=address, weight=weight, currency=policy.routing.currency, now=now or timezone.now())
    return routing.route(policy, goods, around, found)


def places() -> Any:
    """The places that take returns."""
    return Location.objects.filter(returns=True).exclude(
        kind__in=[kind.value for kind in PARTNERS if kind == "SUPPLIER"]
    )


def grams(contents: Any) -> int:
    """What a parcel of these goods weighs; an article nobody weighed counts as half a kilogram."""
    return sum(((item.weight_grams if item else None) or UNWEIGHED) * units for item, units in contents) or UNWEIGHED


def nodes(
    items: Mapping[int, Item], *, address: Mapping[str, Any], weight: int, currency: str, now: datetime
) -> list[Node]:
    rows = list(places().order_by("priority", "code")[:MOST_NODES])
    ids = [row.pk for row in rows]
    sells = _sells(items, ids, now)
    lies = _lies(items, ids)
    start = place_of(address)
    quoted = [s for s in services() if s.currency == currency] if start.country else []
    return [
        Node(
            row.pk,
            row.code,
            row.name,
            row.kind,
            row.country or str((row.address or {}).get("country") or ""),
            _distance(start, row),
            _way_back(quoted, start, row, weight, now),
            sells[row.pk],
            lies[row.pk],
            row.priority,
            row.status == "ACTIVE" and not (row.closed_until and row.closed_until > now),
        )
        for row in rows
    ]


def place_of(address: Mapping[str, Any]) -> Place:
    return Place(
        country=str(address.get("country") or ""),
        postcode=str(address.get("postal_code") or ""),
        lat=address.get("latitude"),
        lon=address.get("longitude"),
        time_zone="UTC",
    )


def _way_back(quoted: Sequence[Any], start: Place, place: Location, weight: int, now: datetime) -> Decimal | None:
    """What the cheapest carrier asks from the customer's door to the place."""
    offers = carriage.quote(
        quoted, origin=start, destination=choosing.origin(place), grams=weight, now=now, ready_in=timedelta(0)
    )
    best = carriage.cheapest(offers)
    return best.cost if best else None


def _distance(start: Place, place: Location) -> float | None:
    if start.lat is None or start.lon is None or place.lat is None or place.lon is None:
        return None
    return kilometres(start.lat, start.lon, place.lat, place.lon)


def _sells(items: Mapping[int, Item], ids: Collection[int], now: datetime) -> dict[int, dict[str, Decimal]]:
    found: dict[int, dict[str, Decimal]] = defaultdict(dict)
    rows = (
        StockMovement.objects.filter(
            item__in=list(items), from_location__in=ids, to_state=State.CUSTOMER,
            occurred_at__gt=now - timedelta(days=DAYS),
        )
        .values_list("from_location", "item")
        .annotate(units=Sum("quantity"))
        .order_by()
    )  # fmt: skip
    for location, item, units in rows:
        found[location][items[item].sku] = Decimal(units) * 7 / DAYS
    return found


def _lies(items: Mapping[int, Item], ids: Collection[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Stock.objects.filter(Q(item__in=list(items)), location__in=ids).values_list(
        "location", "item", F("sellable") - F("reserved") + F("in_transit_in")
    )
    for location, item, units in rows:
        found[location][items[item].sku] = max(units, 0)
    return found
