"""DHL's Location Finder, unified (version 1): service points, post offices and lockers near an address.

One call for each service: filters of one call are joined by "and", and a counter takes parcels under another service
than a locker. The key goes in the header DHL-API-Key.
https://developer.dhl.com/api-reference/location-finder
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from core.errors import Permanent
from integrations import http
from integrations.carriers import opening
from integrations.carriers.port import DropOff, Opening, Rejected
from integrations.failures import FailureClass
from integrations.http import FailedForGood
from integrations.models import Connection
from integrations.reading import Faults, Node

ADDRESS = "https://api.dhl.com/location-finder/v1"
CALL = 5.0  # seconds for one call: somebody waits at a screen
SERVICES = ("parcel:drop-off", "parcel:drop-off-unregistered")
METRES = 15_000
_DAYS = {day: n for n, day in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))}
_KINDS = {
    "servicepoint": "Shop", "postoffice": "Post office", "postbank": "Post office", "locker": "Locker",
    "pobox": "Letter box", "postbox": "Letter box",
}  # fmt: skip


class LocationFinder:
    def __init__(self, connection: Connection):
        self.connection = connection
        self.base = str(connection.settings.get("places_url") or ADDRESS).rstrip("/")
        said = connection.settings.get("services")
        self.services = [str(each) for each in said] if isinstance(said, list) and said else list(SERVICES)
        key = connection.secret("key")
        if not key:
            raise Permanent(f"{connection.name} lacks its API key.")
        self.headers = {"DHL-API-Key": key, "Accept": "application/json"}

    def places(self, address: Mapping[str, Any], *, limit: int) -> Sequence[DropOff]:
        found: dict[str, DropOff] = {}
        for service in self.services:
            for place in self._ask(address, service, limit):
                found.setdefault(place.ref, place)
        return sorted(found.values(), key=lambda place: (place.metres is None, place.metres or 0, place.ref))[:limit]

    def _ask(self, address: Mapping[str, Any], service: str, limit: int) -> list[DropOff]:
        path, where = _where(address)
        query = urlencode({**where, "serviceType": service, "radius": METRES, "limit": min(limit, 50)})
        try:
            answer = http.request(
                self.connection, "GET", f"{self.base}/{path}?{query}", purpose=f"GET {path}", headers=self.headers,
                deadline=CALL,
            ).json()  # fmt: skip
        except FailedForGood as refusal:
            if refusal.status == 404:  # there is nothing near this address
                return []
            if refusal.status == 400:
                raise Rejected(FailureClass.BAD_VALUE, _words(refusal.body)) from None
            raise
        faults = Faults()
        root = Node(answer if isinstance(answer, dict) else {}, "", faults)
        return [place for node in root.items("locations") if (place := _place(node)) is not None]


def _where(address: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """By its words; by its coordinates alone where it has no others."""
    named = {
        "countryCode": address.get("country"), "postalCode": address.get("postal_code"),
        "addressLocality": address.get("city"), "streetAddress": address.get("line1"),
    }  # fmt: skip
    if not (named["postalCode"] or named["addressLocality"]) and address.get("latitude") is not None:
        return "find-by-geo", {"latitude": address["latitude"], "longitude": address.get("longitude")}
    return "find-by-address", {name: str(value) for name, value in named.items() if value}


def _place(node: Node) -> DropOff | None:
    location, place = node.object("location"), node.object("place")
    ids = list(location.items("ids")) if location else []
    ref = ids[0].line("locationId") if ids else node.line("url").rpartition("/")[2]
    where = place.object("address") if place else None
    if not ref or where is None or location is None:
        return None
    geo = place.object("geo") if place else None
    inside = place.object("containedInPlace") if place else None
    shop, keyword = inside.text("name") if inside else "", location.line("keywordId")
    name = node.text("name") or " ".join(part for part in (location.text("keyword"), keyword) if part) or shop
    metres = node.raw("distance")
    return DropOff(
        ref=ref[:120],
        carrier="DHL",
        name=(f"{name}, {shop}" if shop and shop != name else name)[:200],
        kind=_KINDS.get(location.line("type").lower(), "Shop"),
        address={
            "line1": where.text("streetAddress"), "postal_code": where.line("postalCode"),
            "city": where.text("addressLocality"), "country": where.line("countryCode"),
        },
        metres=round(metres) if isinstance(metres, int | float | Decimal) and not isinstance(metres, bool) else None,
        hours=tuple(hour for each in node.items("openingHours") if (hour := _hour(each)) is not None),
        note=_closed(node),
        latitude=_number(geo, "latitude"),
        longitude=_number(geo, "longitude"),
    )  # fmt: skip


def _hour(node: Node) -> Opening | None:
    day = _DAYS.get(node.line("dayOfWeek").rpartition("/")[2].lower())
    since, until = opening.minutes(node.line("opens")), opening.minutes(node.line("closes"))
    if day is None or since is None or until is None:
        return None
    return Opening(day, since, opening.DAY if until in {0, opening.DAY - 1} else until)


def _closed(node: Node) -> str:
    """The days it is closed next, where it says so."""
    periods = [each for each in node.items("closurePeriods") if each.line("fromDate")]
    return "; ".join(
        f"Closed {each.line('fromDate')[:10]} to {each.line('toDate')[:10] or 'further notice'}" for each in periods[:2]
    )


def _number(node: Node | None, name: str) -> float | None:
    value = node.raw(name) if node else None
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None


def _words(body: bytes) -> str:
    try:
        told = json.loads(body)
        return f"{told.get('title') or 'DHL refused'}: {told.get('detail') or ''}".strip(": ")[:300]
    except (ValueError, AttributeError):
        return "DHL does not understand this address."
