"""How an endpoint ends: announced, with a date, in every answer; then gone, with a word about what came instead.

    @deprecated(since=date(2027, 1, 1), sunset=date(2027, 7, 1), successor="/api/v2/orders", notes="/api/docs/")
    class Orders(ApiView): ...

`Deprecation` is RFC 9745's header, `Sunset` RFC 8594's. A released version only ever gains, so this is how it loses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as midnight
from typing import Any, TypeVar

from django.utils.http import http_date

from core.errors import Refusal

View = TypeVar("View", bound=type)


@dataclass(frozen=True, slots=True)
class Ending:
    """Since when it shouldn't be used, from when it can't be, and what to use in its place."""

    since: date
    sunset: date
    successor: str
    notes: str = ""

    @property
    def headers(self) -> dict[str, str]:
        links = [f'<{self.successor}>; rel="successor-version"']
        if self.notes:
            links.append(f'<{self.notes}>; rel="deprecation"; type="text/html"')
        return {
            "Deprecation": f"@{int(_begins(self.since).timestamp())}",
            "Sunset": http_date(_begins(self.sunset).timestamp()),
            "Link": ", ".join(links),
        }

    def check(self, now: datetime) -> None:
        """Refusal("gone", 410) from the day of its sunset."""
        if now >= _begins(self.sunset):
            raise Refusal(
                "gone", f"This endpoint ended on {self.sunset:%d %B %Y}. Use {self.successor}.", status=410,
                successor=self.successor,
            )  # fmt: skip


def deprecated(*, since: date, sunset: date, successor: str, notes: str = "") -> Callable[[View], View]:
    """Announce a view's end. Half a year's notice at least: ValueError for less."""
    if (sunset - since).days < 180:
        raise ValueError("Whoever calls it needs half a year to change.")

    def decorate(view: View) -> View:
        view.ending = Ending(since, sunset, successor, notes)  # type: ignore[attr-defined]
        return view

    return decorate


def _begins(day: date) -> datetime:
    return datetime.combine(day, midnight(), UTC)


def described(view: Any, operation: dict[str, Any]) -> dict[str, Any]:
    """The same for readers of the schema."""
    if ending := getattr(view, "ending", None):
        operation |= {"deprecated": True, "x-sunset": ending.sunset.isoformat(), "x-successor": ending.successor}
    return operation
