"""The demo's ERP: a real Tryton when there is one, else a connection that is paused and says why."""

from __future__ import annotations

from typing import Any

from core import actors
from integrations import connections
from integrations.models import Connection
from inventory.models import Item

ABSENT = "No Tryton is running. Start the demo with --with-tryton and the waiting documents are posted."


def connect(books: dict[str, Any] | None) -> Connection:
    """Bring the connection in step with what runs. `books`: url, database, company, key; None while there is none."""
    connection, _ = Connection.objects.get_or_create(
        code="erp", defaults={"name": "Tryton", "kind": Connection.Kind.ERP, "vendor": "tryton", "settings": {}}
    )
    if books is None:
        connections.pause(connection.pk, reason=ABSENT, actor=actors.SYSTEM)
    else:
        connection.settings = {
            "url": books["url"],
            "database": books["database"],
            "company": books["company"],
            "private_address_allowed": True,
            "party": "CHANNEL",
            "warehouse": "MAIN",
            "taxes": sorted(books["taxes"]),
        }
        connection.save(update_fields=["settings", "updated_at"])
        connection.keep_secret("key", books["key"], retire_others=True)
        connections.resume(connection.pk, actor=actors.SYSTEM)
    connection.refresh_from_db()
    return connection


def products() -> list[dict[str, str]]:
    """What Tryton must know to book our sales."""
    known = Item.objects.filter(active=True).order_by("sku").values_list("sku", "name")
    return [{"sku": sku, "name": name, "price": "10"} for sku, name in known]
