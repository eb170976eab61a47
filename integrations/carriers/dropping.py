"""Where a return's parcel can be handed in: asked of every account that finds places of its carrier, now.

Nothing here keeps anybody from a label: an account that is down, or refuses, is said in words beside what others found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core import signing

from core.errors import Invalid, Permanent, Problem, TryLater
from integrations.carriers import opening, registry
from integrations.carriers.port import DropOff, Rejected
from integrations.failures import Unreadable
from integrations.models import Connection
from orders.models import LabelStatus
from returns.models import ReturnLabel, ReturnRequest
from returns.services import drop_offs, labels

MOST = 10
SALT = "integrations.drop_off"
GOOD_FOR = 24 * 3600  # seconds a place that was shown may be chosen


@dataclass(frozen=True, slots=True)
class Offered:
    """One place as it is shown and kept; `choice` carries it to whoever chooses it, so that nobody has to ask again."""

    place: dict[str, Any]
    choice: str


@dataclass(frozen=True, slots=True)
class Near:
    """What was found, the nearest first, and why there may be less than there could be."""

    places: list[Offered]
    troubles: list[str]


def near(rma: ReturnRequest, *, limit: int = MOST) -> Near:
    """Places for the carrier of its label, or for every carrier that would take it where it has none yet."""
    carriers = _carriers(rma)
    if not rma.sent_from.get("country"):
        return Near([], ["Nobody knows where the customer is: the return has no address."])
    finders = [each for each in registry.finders() if _serves(each, carriers)]
    if not finders:
        named = " or ".join(sorted(carriers)[:3])
        return Near([], [f"No carrier account finds places{f' of {named}' if named else ''}."])
    found: list[tuple[DropOff, list[str]]] = []
    troubles = []
    for connection in finders:
        try:
            places = registry.places(connection).places(rma.sent_from, limit=limit)
        except (TryLater, Permanent, Rejected, Unreadable) as error:
            troubles.append(f"{connection.name} can’t be asked now: {error}"[:300])
            continue
        if not places:
            troubles.append(f"{connection.name} knows no place near there.")
        found += [(place, _names(connection)) for place in places]
    found.sort(key=lambda each: (each[0].metres is None, each[0].metres or 0, each[0].carrier, each[0].ref))
    return Near([_offered(place, names) for place, names in found[:limit]], troubles)


def chosen(choice: str, rma: ReturnRequest) -> dict[str, Any]:
    """The place behind what a person or program chose. Invalid (422) for what was never offered, or long ago."""
    try:
        place = signing.loads(choice, salt=SALT, max_age=GOOD_FOR)
    except signing.BadSignature:
        raise Invalid([Problem("choice", "unknown", "Choose one of the places that were found.")], status=422) from None
    return dict(place)


def shown(place: DropOff) -> dict[str, Any]:
    """A place as it is kept on a return: in words, so that it can be printed as it stands."""
    parts: Mapping[str, str] = place.address
    town = " ".join(part for part in (parts.get("postal_code", ""), parts.get("city", "")) if part)
    return {
        "ref": place.ref, "carrier": place.carrier, "name": place.name, "kind": place.kind,
        "address": ", ".join(part for part in (parts.get("line1", ""), town, parts.get("country", "")) if part),
        "metres": place.metres, "hours": opening.words(place.hours), "note": place.note[:200],
        "latitude": place.latitude, "longitude": place.longitude,
    }  # fmt: skip


def _offered(place: DropOff, names: list[str]) -> Offered:
    told = {**shown(place), "serves": list(dict.fromkeys([place.carrier, *names]))}
    return Offered(told, signing.dumps(told, salt=SALT, compress=True))


def _carriers(rma: ReturnRequest) -> set[str]:
    label = (
        ReturnLabel.objects.way_back()
        .filter(request=rma, status__in=(LabelStatus.WANTED, LabelStatus.BOUGHT))
        .select_related("service")
        .defer("content")
        .first()
    )
    if label is not None:
        named = {label.carrier, label.service.vendor_carrier if label.service else ""}
    else:
        named = {option.carrier for option in labels.options(rma)}
    return named - {""}


def _serves(connection: Connection, carriers: set[str]) -> bool:
    return any(drop_offs.named(name, _names(connection)) for name in carriers)


def _names(connection: Connection) -> list[str]:
    """The vendor's name, and those the account's settings list."""
    said = connection.settings.get("carriers")
    return [connection.vendor, *(str(each) for each in (said if isinstance(said, list) else []) if each)]
