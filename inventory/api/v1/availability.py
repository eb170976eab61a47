"""/api/v1/availability: what may be promised, many SKUs at many locations in one call."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.utils import timezone

from core.api import ApiView, reply
from core.errors import Invalid, Problem
from inventory import skus
from inventory.api.v1 import described
from inventory.models import Item, Location
from inventory.services import availability
from inventory.services.availability import METHODS, Available, Promised

MAX_SKUS, MAX_LOCATIONS = 200, 500
PARAMETERS = frozenset({"sku", "location", "channel", "by", "method", "explain"})
YES, NO = {"1", "true"}, {"", "0", "false"}


class Availability(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "stock:read"}

    @described.AVAILABILITY
    def get(self, request: Any) -> HttpResponse:
        """The figure of every SKU asked for, by location and in all."""
        asked = _Asked(request.GET, request.auth)
        items = Item.objects.for_caller(request.auth).resolve(asked.skus, system=asked.channel or "")
        places = _places(asked.locations, request.auth)
        found = availability.columns(
            set(items.values()),
            channel=asked.channel,
            location_ids=None if places is None else set(places.values()),
            by=asked.by,
            method=asked.method,
        )
        codes = _in_order(_codes(found) if places is None else {pk: code for code, pk in places.items()})
        by_item: dict[int, list[Promised]] = {}
        for each in found:
            by_item.setdefault(each.item_id, []).append(each)
        return reply(
            {
                "as_of": timezone.now(),
                "channel": asked.channel,
                "method": asked.method,
                "by": asked.by,
                "items": [
                    _item(sku, by_item.get(items[sku], []), codes, explain=asked.explain)
                    for sku in asked.skus
                    if sku in items
                ],
                "unknown": [sku for sku in asked.skus if sku not in items],
            }
        )


class _Asked:
    """The query, checked; Invalid names every parameter that makes no sense."""

    def __init__(self, given: Any, caller: Any):
        self.problems: list[Problem] = [
            Problem(name[:60], "unknown", "Availability isn't asked for by this.") for name in set(given) - PARAMETERS
        ]
        self.skus = self._several(given, "sku", MAX_SKUS, skus.MAX_LENGTH)
        self.locations = self._several(given, "location", MAX_LOCATIONS, 40)
        if not self.skus and not self.problems:
            self.problems.append(Problem("sku", "required", "Name at least one SKU."))
        self.channel = self._channel(given.get("channel", ""), caller)
        self.by = self._day(given.get("by", ""))
        self.method = self._one_of(given.get("method", ""), "method", METHODS)
        explain = given.get("explain", "").lower()
        if explain not in YES | NO:
            self.problems.append(Problem("explain", "choice", "Either 1 or 0."))
        self.explain = explain in YES
        if self.problems:
            raise Invalid(self.problems, code="bad_question")

    def _several(self, given: Any, name: str, most: int, length: int) -> list[str]:
        values = list(dict.fromkeys(given.getlist(name)))
        if len(values) > most:
            self.problems.append(Problem(name, "too_many", f"At most {most} in one call."))
        elif any(not value.strip() or len(value) > length or "\0" in value for value in values):
            self.problems.append(Problem(name, "text", f"Each has 1 to {length} characters."))
        return values

    def _channel(self, given: str, caller: Any) -> str | None:
        """A key of some channels asks for one of them; with a single channel it needn't say which."""
        if given and (len(given) > 40 or "\0" in given):
            self.problems.append(Problem("channel", "text", "A channel has a code of at most 40 characters."))
            return None
        if caller.channels is None:
            return given or None
        if not given and len(caller.channels) == 1:
            return next(iter(caller.channels))
        if not given:
            self.problems.append(Problem("channel", "required", "This key is bound to channels: say which."))
        elif given not in caller.channels:
            raise Http404
        return given or None

    def _day(self, given: str) -> date | None:
        if not given:
            return None
        try:
            day = date.fromisoformat(given)
        except ValueError:
            day = None
        if day is None or len(given) != 10 or not 2000 <= day.year <= 2200:
            self.problems.append(Problem("by", "date", "A day as YYYY-MM-DD."))
        return day

    def _one_of(self, given: str, name: str, known: tuple[str, ...]) -> str | None:
        if given and given not in known:
            self.problems.append(Problem(name, "choice", f"One of {', '.join(known)}."))
        return given or None


def _places(codes: list[str], caller: Any) -> dict[str, int] | None:
    """{code: location id}; None for the whole network. An unknown location is a mistake, not an empty shelf."""
    if not codes:
        return None
    found = dict(Location.objects.for_caller(caller).filter(code__in=codes).values_list("code", "id"))
    if missing := [code for code in codes if code not in found]:
        raise Invalid(
            [Problem("location", "unknown", f"There is no location {code}.") for code in missing[:20]],
            code="bad_question",
        )
    return found


def _codes(found: list[Promised]) -> dict[int, str]:
    ids = set().union(*(each.at for each in found))
    return dict(Location.objects.filter(pk__in=ids).values_list("id", "code")) if ids else {}


def _in_order(codes: dict[int, str]) -> dict[int, str]:
    """By code, sorted once for all items."""
    return dict(sorted(codes.items(), key=lambda each: each[1]))


def _item(sku: str, found: list[Promised], codes: dict[int, str], *, explain: bool) -> dict[str, Any]:
    """Locations in the order of `codes`."""
    places: list[dict[str, Any]]
    if explain:
        rows = {row.location_id: row for each in found for row in each.rows()}
        places = [_explained(code, rows[at]) for at, code in codes.items() if at in rows]
    else:
        free = {at: units for each in found for at, units in zip(each.at, each.available, strict=True)}
        places = [{"location": code, "available": free[at]} for at, code in codes.items() if at in free]
    return {"sku": sku, "available": sum(sum(each.available) for each in found), "locations": places}


def _explained(code: str, row: Available) -> dict[str, Any]:
    return {
        "location": code,
        "available": row.available,
        "sellable": row.sellable,
        "reserved": row.reserved,
        "safety": row.safety,
        "safety_rule": row.safety_rule,
        "buffer": row.buffer,
        "buffer_rule": row.buffer_rule,
        "inbound": row.inbound,
        "capacity": row.room,
        "barred": row.barred or None,
    }
