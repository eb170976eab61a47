"""GET /api/v1/promise: when goods could be there, or be collected, and at what cost."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.utils import timezone

from core.api import ApiView, reply
from core.errors import Invalid, Problem
from inventory.models import Item
from orders import canonical
from orders.api.v1 import described_offers, offers
from orders.carriage import Place
from orders.models import Channel
from orders.services import options

MAX_LINES, MAX_PLACES = 100, 20
PARAMETERS = frozenset({"line", "channel", "country", "postal_code", "latitude", "longitude", "location", "method"})
METHODS = ("SHIP", "PICKUP")
_LINE = re.compile(r"(?P<sku>.*\S)\s*:\s*(?P<units>[0-9]{1,7})", re.DOTALL)
_DEGREES = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,12})?")


class Promise(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "stock:read"}

    @described_offers.PROMISE
    def get(self, request: Any) -> HttpResponse:
        """Options as they are now; nothing is held for whoever asks."""
        asked = _Asked(request.GET, request.auth)
        items = Item.objects.for_caller(request.auth).resolve(
            asked.units, system=asked.channel.code if asked.channel else ""
        )
        wants: dict[int, int] = {}
        for sku, units in asked.units.items():
            if sku in items:
                wants[items[sku]] = wants.get(items[sku], 0) + units
        unknown = [sku for sku in asked.units if sku not in items]
        now = timezone.now()
        offer = options.offer(
            wants,
            channel=asked.channel,
            destination=asked.place if asked.place.country and asked.method != "PICKUP" else None,
            near=asked.place,
            collect_at=asked.locations,
            collecting=asked.method != "SHIP",
            now=now,
        )
        # Nothing is promised of an order that nobody can fulfil as a whole.
        whole = options.Offer() if unknown else offer
        return reply(
            {
                "as_of": now,
                "channel": asked.channel.code if asked.channel else None,
                **offers.shape(whole),
                "unknown": unknown,
            }
        )


class _Asked:
    """The query, checked; Invalid names every parameter that makes no sense."""

    def __init__(self, given: Any, caller: Any):
        self.problems: list[Problem] = [
            Problem(name[:60], "unknown", "A promise isn't asked for by this.") for name in set(given) - PARAMETERS
        ]
        self.units = self._lines(given.getlist("line"))
        self.locations = self._codes(given.getlist("location"))
        self.channel = self._channel(given.get("channel", ""), caller)
        self.method = given.get("method", "")
        if self.method and self.method not in METHODS:
            self.problems.append(Problem("method", "choice", "Either SHIP or PICKUP."))
        self.place = Place(
            country=self._text(given, "country", r"([A-Z]{2})?", "A country of two capital letters."),
            postcode=self._text(given, "postal_code", r"[^\x00-\x1f]{0,20}", "At most 20 characters."),
            lat=self._degrees(given, "latitude", 90),
            lon=self._degrees(given, "longitude", 180),
        )
        if self.problems:
            raise Invalid(self.problems, code="bad_question")

    def _lines(self, given: list[str]) -> dict[str, int]:
        units: dict[str, int] = {}
        if not 0 < len(given) <= MAX_LINES:
            self.problems.append(Problem("line", "range", f"Name 1 to {MAX_LINES} lines: SKU:units."))
            return units
        for index, text in enumerate(given):
            match = _LINE.fullmatch(text) if len(text) <= 140 and "\0" not in text else None
            count = int(match["units"]) if match else 0
            if match is None or not 1 <= count <= canonical.MAX_QUANTITY:
                self.problems.append(Problem(f"line[{index}]", "line", "SKU:units, such as MUG-BLUE:2."))
                continue
            sku = canonical.sku_text(match["sku"])
            units[sku] = units.get(sku, 0) + count
        return units

    def _codes(self, given: list[str]) -> list[str]:
        if len(given) > MAX_PLACES or any(not code.strip() or len(code) > 40 or "\0" in code for code in given):
            self.problems.append(Problem("location", "text", f"At most {MAX_PLACES} codes of 1 to 40 characters."))
            return []
        return given

    def _channel(self, given: str, caller: Any) -> Channel | None:
        """A key of some channels asks for one of them; with a single channel it needn't say which."""
        if len(given) > 40 or "\0" in given:
            self.problems.append(Problem("channel", "text", "A channel has a code of at most 40 characters."))
            return None
        if not given and caller.channels is not None:
            if len(caller.channels) != 1:
                self.problems.append(Problem("channel", "required", "This key is bound to channels: say which."))
                return None
            given = next(iter(caller.channels))
        if not given:
            return None
        found = Channel.objects.for_caller(caller).filter(code=given).first()
        if found is None:
            raise Http404
        return found

    def _text(self, given: Any, name: str, pattern: str, words: str) -> str:
        value = str(given.get(name, ""))
        if re.fullmatch(pattern, value):
            return value
        self.problems.append(Problem(name, "text", words))
        return ""

    def _degrees(self, given: Any, name: str, most: int) -> float | None:
        value = given.get(name, "")
        if not value:
            return None
        if _DEGREES.fullmatch(value) and abs(float(value)) <= most:
            return float(value)
        self.problems.append(Problem(name, "range", f"Degrees from -{most} to {most}."))
        return None
