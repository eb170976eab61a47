"""What it costs to send a parcel and when it arrives: pure, from services and two places to dated, priced quotes.

A service's price table is a list of zones; the first that covers origin and destination decides. Days are counted as
the carrier works: it collects at the origin on its collection days before the cut-off there, travels so many delivery
days, and delivers by its hour in the destination's time zone. Public holidays of either country are no working days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from orders.geography import kilometres

WORKING_WEEK = frozenset(range(6))  # Monday to Saturday, as parcel carriers work
HANDLING = timedelta(hours=2)  # what picking and packing take
HORIZON_DAYS = 60  # a carrier that doesn't move for so long has no quote

Closed = Callable[[str, date], bool]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a parcel starts or ends. At an origin `cut_off` is its own last handover, in its own time zone."""

    country: str
    postcode: str = ""
    lat: float | None = None
    lon: float | None = None
    time_zone: str = ""
    cut_off: time | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """Destinations of one price list. Empty sets mean "any"; postcodes are beginnings, written without blanks.

    `prices` are (up to so many grams, cost) in ascending order; `within_km` limits a courier to its surroundings and
    covers nothing where a position is unknown.
    """

    name: str
    prices: tuple[tuple[int, Decimal], ...]
    days: int
    countries: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    postcodes: tuple[str, ...] = ()
    not_postcodes: tuple[str, ...] = ()
    within_km: float | None = None

    def price(self, grams: int) -> Decimal | None:
        return next((cost for most, cost in self.prices if grams <= most), None)


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """One product of a carrier, as its price table says. `refuses` are traits of goods it will not take."""

    code: str
    carrier: str
    name: str
    currency: str
    zones: tuple[Zone, ...]
    cut_off: time = time(16, 0)
    collects: frozenset[int] = WORKING_WEEK
    delivers: frozenset[int] = WORKING_WEEK
    delivers_by: time = time(18, 0)
    refuses: frozenset[str] = frozenset()
    rank: int = 100  # smaller goes first among equals


@dataclass(frozen=True, slots=True)
class Quote:
    """`service` is its code. Both moments are in UTC."""

    service: str
    carrier: str
    cost: Decimal
    currency: str
    leaves_at: datetime
    arrives_by: datetime
    name: str = ""
    zone: str = ""
    rank: int = 100


def quote(
    services: Sequence[Service],
    *,
    origin: Place,
    destination: Place,
    grams: int,
    now: datetime,
    traits: Iterable[str] = (),
    ready_in: timedelta = HANDLING,
    closed: Closed | None = None,
) -> list[Quote]:
    """Every way to send a parcel of that weight, the soonest first, then the cheapest. Empty: nobody goes there."""
    return Board(
        services, destination=destination, grams=grams, now=now, traits=traits, ready_in=ready_in, closed=closed
    ).of(origin)


def cheapest(quotes: Iterable[Quote], *, by: datetime | None = None, currency: str = "") -> Quote | None:
    """The cheapest that arrives in time (all, without `by`), the sooner of equals; of one currency where it is named.

    Costs in different currencies are never compared: without `currency`, that of the first quote counts.
    """
    found = [q for q in quotes if by is None or q.arrives_by <= by]
    wanted = currency or (found[0].currency if found else "")
    return min(
        (q for q in found if q.currency == wanted),
        key=lambda q: (q.cost, q.arrives_by, q.rank, q.service),
        default=None,
    )


class Board:
    """Quotes to one destination from any number of origins: what they have in common is worked out once."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        destination: Place,
        grams: int,
        now: datetime,
        traits: Iterable[str] = (),
        ready_in: timedelta = HANDLING,
        closed: Closed | None = None,
    ):
        refused = frozenset(traits)
        taken = [service for service in services if not service.refuses & refused]
        # Where no zone asks how far it is, origins of one country, clock and cut-off have the same quotes.
        self.near = [service for service in taken if any(zone.within_km is not None for zone in service.zones)]
        self.far = [service for service in taken if service not in self.near]
        self.destination = destination
        self.postcode = destination.postcode.replace(" ", "").upper()
        self.grams = grams
        self.ready_at = now + ready_in
        self.closed = closed or public_holiday
        self._found: dict[tuple[str, str, time | None], list[Quote]] = {}
        self._zones: dict[tuple[int, str], list[tuple[Zone, Decimal]]] = {}
        self._leaves: dict[tuple[int, str, str, time | None], datetime | None] = {}
        self._arrives: dict[tuple[int, int, date, str], datetime | None] = {}

    def of(self, origin: Place) -> list[Quote]:
        """Every way from there. Don't change the list: origins share it."""
        alike = (origin.country, origin.time_zone, origin.cut_off)
        found = self._found.get(alike)
        if found is None:
            found = self._found[alike] = sorted(self._quotes(self.far, origin), key=_order)
        if near := self._quotes(self.near, origin):
            return sorted([*found, *near], key=_order)
        return found

    def _quotes(self, services: Iterable[Service], origin: Place) -> list[Quote]:
        return [quoted for service in services if (quoted := self._quote(service, origin)) is not None]

    def _quote(self, service: Service, origin: Place) -> Quote | None:
        priced = self._priced(service, origin)
        leaves = self._departure(service, origin) if priced else None
        if priced is None or leaves is None:
            return None
        zone, cost = priced
        arrives = self._arrival(service, zone, leaves.date(), origin)
        if arrives is None:
            return None
        return Quote(
            service.code, service.carrier, cost, service.currency, leaves.astimezone(UTC), arrives,
            service.name, zone.name, service.rank,
        )  # fmt: skip

    def _priced(self, service: Service, origin: Place) -> tuple[Zone, Decimal] | None:
        key = (id(service), origin.country)
        if key not in self._zones:
            self._zones[key] = list(self._covering(service, origin.country))
        return next(((zone, cost) for zone, cost in self._zones[key] if _reaches(zone, origin, self.destination)), None)

    def _covering(self, service: Service, origin: str) -> Iterable[tuple[Zone, Decimal]]:
        """The zones that may apply from that country. One that is out of reach or too heavy lets the next one try."""
        for zone in service.zones:
            if (
                (not zone.origins or origin in zone.origins)
                and (not zone.countries or self.destination.country in zone.countries)
                and (not zone.postcodes or self.postcode.startswith(zone.postcodes))
                and not (zone.not_postcodes and self.postcode.startswith(zone.not_postcodes))
                and (cost := zone.price(self.grams)) is not None
            ):
                yield zone, cost

    def _departure(self, service: Service, origin: Place) -> datetime | None:
        """The first collection there is time for, in the origin's own time."""
        key = (id(service), origin.time_zone, origin.country, origin.cut_off)
        if key not in self._leaves:
            self._leaves[key] = self._next_collection(service, origin)
        return self._leaves[key]

    def _next_collection(self, service: Service, origin: Place) -> datetime | None:
        zone = time_zone(origin.time_zone)
        cut_off = min(service.cut_off, origin.cut_off) if origin.cut_off else service.cut_off
        here = self.ready_at.astimezone(zone)
        day = here.date() + timedelta(days=1 if here.time() > cut_off else 0)
        found = self._working_day(day, service.collects, origin.country)
        return datetime.combine(found, cut_off, tzinfo=zone) if found else None

    def _arrival(self, service: Service, zone: Zone, left: date, origin: Place) -> datetime | None:
        there = self.destination.time_zone or origin.time_zone
        key = (id(service), id(zone), left, there)
        if key not in self._arrives:
            self._arrives[key] = self._delivery(service, zone.days, left, there)
        return self._arrives[key]

    def _delivery(self, service: Service, days: int, left: date, there: str) -> datetime | None:
        day = left
        for _ in range(days):
            found = self._working_day(day + timedelta(days=1), service.delivers, self.destination.country)
            if found is None:
                return None
            day = found
        return datetime.combine(day, service.delivers_by, tzinfo=time_zone(there)).astimezone(UTC)

    def _working_day(self, day: date, weekdays: frozenset[int], country: str) -> date | None:
        """That day or the first after it on which the carrier works there."""
        for _ in range(HORIZON_DAYS):
            if day.weekday() in weekdays and not self.closed(country, day):
                return day
            day += timedelta(days=1)
        return None


def _order(quoted: Quote) -> tuple[datetime, Decimal, int, str]:
    return quoted.arrives_by, quoted.cost, quoted.rank, quoted.service


def _reaches(zone: Zone, origin: Place, destination: Place) -> bool:
    if zone.within_km is None:
        return True
    if origin.lat is None or origin.lon is None or destination.lat is None or destination.lon is None:
        return False
    return kilometres(origin.lat, origin.lon, destination.lat, destination.lon) <= zone.within_km


@lru_cache(maxsize=512)
def time_zone(name: str) -> ZoneInfo:
    """UTC for a zone nobody knows: a wrong setting must not stop an order."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def public_holiday(country: str, day: date) -> bool:
    return day in _holidays(country, day.year)


@lru_cache(maxsize=1024)
def _holidays(country: str, year: int) -> frozenset[date]:
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except (NotImplementedError, KeyError):
        return frozenset()
