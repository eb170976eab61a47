"""Every account that makes labels, and every one that finds places. Adding one is a folder beside easypost/ and a line
here."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from integrations.carriers.dhl.places import LocationFinder
from integrations.carriers.easypost.labels import EasyPost
from integrations.carriers.port import CarrierPort, PlacesPort
from integrations.carriers.ups.places import Locator
from integrations.models import Connection
from integrations.sense import Sensible

VENDORS: dict[str, Callable[[Connection], CarrierPort]] = {
    "easypost": EasyPost,
}

PLACES: dict[str, Callable[[Connection], PlacesPort]] = {
    "dhl": LocationFinder,
    "ups": Locator,
}


def finders() -> list[Connection]:
    """Accounts in use that find places, by code."""
    found = Connection.objects.filter(kind=Connection.Kind.CARRIER, vendor__in=list(PLACES))
    return list(found.filter(status=Connection.Status.ACTIVE).order_by("code"))


def places(connection: Connection) -> PlacesPort:
    return cast(PlacesPort, Sensible(PLACES[connection.vendor](connection), connection.name))


def port(connection: Connection) -> CarrierPort:
    """The port of this connection; KeyError for a vendor nobody wrote is a mistake in its settings."""
    return cast(CarrierPort, Sensible(VENDORS[connection.vendor](connection), connection.name))


def connection_for(code: str) -> Connection | None:
    """The carrier account of this code, paused ones included: what is ordered there waits."""
    found = Connection.objects.filter(code=code, kind=Connection.Kind.CARRIER, vendor__in=list(VENDORS))
    return found.exclude(status=Connection.Status.DISABLED).first()
