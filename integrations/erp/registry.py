"""Every ERP vendor, and which connection a channel's documents go through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from integrations.erp.businesscentral.sales import BusinessCentralPort
from integrations.erp.erpnext.sales import ErpNextPort
from integrations.erp.netsuite.sales import NetSuitePort
from integrations.erp.odoo.sales import OdooPort
from integrations.erp.port import ErpPort
from integrations.erp.sap.sales import SapPort
from integrations.erp.tryton.sales import Tryton
from integrations.models import Connection
from integrations.sense import Sensible

VENDORS: dict[str, Callable[[Connection], ErpPort]] = {
    "businesscentral": BusinessCentralPort,
    "erpnext": ErpNextPort,
    "netsuite": NetSuitePort,
    "odoo": OdooPort,
    "sap": SapPort,
    "tryton": Tryton,
}


def port(connection: Connection) -> ErpPort:
    """The port of this connection; KeyError for a vendor nobody wrote is a mistake in its settings."""
    return cast(ErpPort, Sensible(VENDORS[connection.vendor](connection), connection.name))


def connection_of(document: Mapping[str, Any]) -> Connection | None:
    """The ERP connection a document goes through: its channel's, or of what has none its entity's."""
    return connection_for(str(document.get("channel") or ""), str(document.get("entity") or ""))


def connection_for(channel: str, entity: str = "") -> Connection | None:
    """The ERP connection whose settings name the channel (`channels`), else the one that names the entity
    (`entities`), else the one that names neither.

    Disabled connections don't count; a paused one does, and its documents wait.
    """
    found = Connection.objects.filter(kind=Connection.Kind.ERP, vendor__in=list(VENDORS)).exclude(
        status=Connection.Status.DISABLED
    )
    books = general = None
    for connection in found.order_by("created_at", "code"):
        channels, entities = (connection.settings.get(name) or [] for name in ("channels", "entities"))
        if channel in channels:
            return connection
        if entity in entities and books is None:
            books = connection
        if not channels and not entities and general is None:
            general = connection
    return books or general


def any_connected() -> bool:
    """Whether any ERP is there to be asked."""
    known = Connection.objects.filter(kind=Connection.Kind.ERP, vendor__in=list(VENDORS))
    return known.exclude(status=Connection.Status.DISABLED).exists()
