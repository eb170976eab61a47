"""What Business Central is asked for: items, locations and customers that changed, and items' stock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from integrations.channels.vendor import Feed
from integrations.erp import sweep
from integrations.erp.businesscentral.client import BusinessCentral, quoted
from integrations.erp.reading import ACCOUNT, ITEM, LOCATION
from integrations.erp.sweep import Row
from integrations.models import Connection


def _items(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    return _rows(connection, "items", since, after, limit)


def _locations(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    return _rows(connection, "locations", since, after, limit, key="code")


def _customers(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    return _rows(connection, "customers", since, after, limit, expand="paymentTerm")


def _levels(connection: Connection, after: str, limit: int) -> Sequence[Row]:
    if not connection.settings.get("stock_location"):
        return []
    terms = ["type eq 'Inventory'", *([f"number gt {quoted(after)}"] if after else [])]
    rows = BusinessCentral(connection).page("items", " and ".join(terms), order="number", limit=limit)
    return [Row(row["number"], "", {"number": row["number"], "inventory": row["inventory"]}) for row in rows]


def _rows(
    connection: Connection,
    entities: str,
    since: datetime | None,
    after: str,
    limit: int,
    *,
    key: str = "number",
    expand: str = "",
) -> list[Row]:
    terms = [f"{key} gt {quoted(after)}"] if after else []
    if since:
        terms.append(f"lastModifiedDateTime ge {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    rows = BusinessCentral(connection).page(entities, " and ".join(terms), order=key, limit=limit, expand=expand)
    return [Row(str(row[key]), str(row.get("lastModifiedDateTime") or ""), row) for row in rows]


FEEDS: tuple[Feed, ...] = (
    sweep.changed("items", "Items", ITEM, _items),
    sweep.changed("locations", "Locations", LOCATION, _locations, minutes=60),
    sweep.changed("customers", "Customers", ACCOUNT, _customers),
    sweep.levels(_levels),
)
