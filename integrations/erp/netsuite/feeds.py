"""What NetSuite is asked for, in SuiteQL: items, locations and customers that changed, and levels by location."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from integrations.channels.vendor import Feed
from integrations.erp import sweep
from integrations.erp.netsuite.client import NetSuite
from integrations.erp.reading import ACCOUNT, ITEM, LOCATION
from integrations.erp.sweep import Row
from integrations.models import Connection

ITEMS = (
    "SELECT item.id, item.itemid, item.displayname, item.upccode, item.isinactive, item.itemtype, item.weight,"
    " BUILTIN.DF(item.weightunit) AS weightunit, BUILTIN.DF(item.stockunit) AS stockunit, item.averagecost,"
    " item.isserialitem, item.islotitem, TO_CHAR(item.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lastmodifieddate"
    " FROM item WHERE item.id > {after}{since} ORDER BY item.id"
)
LOCATIONS = (
    "SELECT location.id, location.name, location.isinactive, location.makeinventoryavailable FROM location"
    " WHERE location.id > {after} ORDER BY location.id"
)
CUSTOMERS = (
    "SELECT customer.id, customer.entityid, customer.companyname, customer.isperson, customer.isinactive,"
    " customer.creditlimit, customer.creditholdoverride, customer.defaulttaxreg AS taxid,"
    " BUILTIN.DF(customer.terms) AS terms, term.daysuntilnetdue AS termdays, currency.symbol AS currency,"
    " TO_CHAR(customer.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lastmodifieddate"
    " FROM customer LEFT JOIN term ON term.id = customer.terms"
    " LEFT JOIN currency ON currency.id = customer.currency WHERE customer.id > {after}{since} ORDER BY customer.id"
)
LEVELS = (
    "SELECT item.id, item.itemid, level.location AS locationid, BUILTIN.DF(level.location) AS location,"
    " level.quantityonhand, level.quantityavailable FROM aggregateItemLocation level"
    " JOIN item ON item.id = level.item WHERE item.id > {item} OR (item.id = {item} AND level.location > {location})"
    " ORDER BY item.id, level.location"
)
ANY_ZONE = timedelta(hours=14)  # how far the account's clock may be behind UTC


def _items(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    text = ITEMS.format(after=_id(after), since=_since(connection, since, "item"))
    return _rows(connection, text, limit)


def _locations(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    """All of them: NetSuite doesn't say when a location changed. What did is told by what it says."""
    return _rows(connection, LOCATIONS.format(after=_id(after)), limit)


def _customers(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    text = CUSTOMERS.format(after=_id(after), since=_since(connection, since, "customer"))
    return _rows(connection, text, limit)


def _levels(connection: Connection, after: str, limit: int) -> Sequence[Row]:
    item, _, location = after.partition("/")
    text = LEVELS.format(item=_id(item), location=_id(location))
    rows = NetSuite(connection).query(text, limit=limit)
    return [Row(f"{row['id']}/{row['locationid']}", "", row) for row in rows]


def _rows(connection: Connection, text: str, limit: int) -> list[Row]:
    rows = NetSuite(connection).query(text, limit=limit)
    return [Row(str(row["id"]), str(row.get("lastmodifieddate") or ""), row) for row in rows]


def _since(connection: Connection, moment: datetime | None, table: str) -> str:
    if moment is None:
        return ""
    zone = connection.settings.get("time_zone")
    local = moment.astimezone(ZoneInfo(str(zone))) if zone else moment.astimezone(UTC) - ANY_ZONE
    return f" AND {table}.lastmodifieddate >= TO_DATE('{local:%Y-%m-%d %H:%M:%S}', 'YYYY-MM-DD HH24:MI:SS')"


def _id(key: str) -> int:
    return int(key or 0)


FEEDS: tuple[Feed, ...] = (
    sweep.changed("items", "Items", ITEM, _items),
    sweep.changed("locations", "Locations", LOCATION, _locations, minutes=360),
    sweep.changed("customers", "Customers", ACCOUNT, _customers),
    sweep.levels(_levels),
)
