"""Every ERP vendor, and which connection a channel's documents go through."""

from __future__ import annotations

from collections.abc import Callable

from integrations.erp.businesscentral.sales import BusinessCentralPort
from integrations.erp.erpnext.sales import ErpNextPort
from integrations.erp.netsuite.sales import NetSuitePort
from integrations.erp.odoo.sales import OdooPort
from integrations.erp.port import ErpPort
from integrations.erp.sap.sales import SapPort
from integrations.erp.tryton.sales import Tryton
from integrations.models import Connection

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
    return VENDORS[connection.vendor](connection)


def connection_for(channel: str) -> Connection | None:
    """The ERP connection for documents of a channel: the one whose settings name it, else the one that names none.

    Disabled connections don't count; a paused one does, and its documents wait.
    """
    found = Connection.objects.filter(kind=Connection.Kind.ERP, vendor__in=list(VENDORS)).exclude(
        status=Connection.Status.DISABLED
    )
    general = None
    for connection in found.order_by("created_at", "code"):
        channels = connection.settings.get("channels") or []
        if channel in channels:
            return connection
        if not channels and general is None:
            general = connection
    return general


def any_connected() -> bool:
    """Whether any ERP is there to be asked."""
    known = Connection.objects.filter(kind=Connection.Kind.ERP, vendor__in=list(VENDORS))
    return known.exclude(status=Connection.Status.DISABLED).exists()
