"""Every kind of partner system. Adding one is a folder beside standard/ and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from integrations.models import Connection
from integrations.sense import Sensible
from integrations.suppliers.edi import Edi
from integrations.suppliers.port import PartnerPort
from integrations.suppliers.standard.client import Standard

VENDORS: dict[str, Callable[[Connection], PartnerPort]] = {
    "edi": Edi,
    "partner": Standard,
}


def port(connection: Connection) -> PartnerPort:
    """The port of this connection; KeyError for a vendor nobody wrote is a mistake in its settings."""
    return cast(PartnerPort, Sensible(VENDORS[connection.vendor](connection), connection.name))


def connection_of(code: str) -> Connection | None:
    """The connection of a partner's link, if there is one that isn't disabled."""
    if not code:
        return None
    rows = Connection.objects.filter(code=code, vendor__in=list(VENDORS))
    return rows.exclude(status=Connection.Status.DISABLED).first()
