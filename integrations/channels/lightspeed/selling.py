"""Stock out: how many of an article an outlet or shop has, said outright, so saying it twice changes nothing.

Articles are those whose codes were learnt (`product:<id>`, `item:<id>`); another is one the shop doesn't sell. X-Series
takes an outlet's figure with the product (x-series-api.lightspeedhq.com: Inventory Updates), R-Series that of an
ItemShop, whose own id is read first and which is never set below zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integrations import http, tokens
from integrations.channels.lightspeed import client
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

AT_ONCE = 20  # each article is a call or two of its own


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    older = connection.settings.get("series") == "R"
    kind, tell = ("item:", _tell_older) if older else ("product:", _tell)
    return [_outcome(connection, level, kind, tell) for level in levels]


def _outcome(connection: Connection, level: Level, kind: str, tell: Any) -> Outcome:
    ref = level.ref or next((code.removeprefix(kind) for code in level.codes if code.startswith(kind)), "")
    if not ref:
        return Outcome(level.item_id, unlisted=True)
    theirs = {"": str(connection.settings.get("stock_location") or "")}
    theirs |= {ours: str(place) for ours, place in (connection.settings.get("stock_locations") or {}).items()}
    units = {theirs[place]: max(count, 0) for place, count in level.units.items() if theirs.get(place)}
    if not units:
        return Outcome(level.item_id, ref, problem="It lies at no place that is an outlet there.")
    try:
        return Outcome(level.item_id, ref, problem=tell(connection, ref, units))
    except http.FailedForGood as refused:
        if refused.status == 404:
            return Outcome(level.item_id, unlisted=True)
        if refused.status not in {400, 422}:
            raise
        return Outcome(level.item_id, ref, problem=str(refused)[:300])


def _tell(connection: Connection, ref: str, units: dict[str, int]) -> str:
    rows = [{"outlet_id": outlet, "current_amount": count} for outlet, count in units.items()]
    given = {"details": {"inventory": rows}}
    client.call(connection, f"/api/2.1/products/{ref}", purpose="set stock", method="PUT", json=given)
    return ""


def _tell_older(connection: Connection, ref: str, units: dict[str, int]) -> str:
    path = f"/API/V3/Account/{connection.settings.get('account')}/Item/{ref}.json"
    found = client.call(connection, f"{path}?load_relations=%5B%22ItemShops%22%5D", purpose="read item").get("Item")
    held = found.get("ItemShops") if isinstance(found, dict) else None
    shops = held.get("ItemShop") if isinstance(held, dict) else None
    listed = [shops] if isinstance(shops, dict) else tokens.listed({"ItemShop": shops or []}, "ItemShop")
    known = {str(each.get("shopID")): str(each.get("itemShopID")) for each in listed}
    if missing := [shop for shop in units if shop not in known]:
        return f"The item is kept at no shop {missing[0]} there."
    rows = [{"itemShopID": known[shop], "qoh": str(count)} for shop, count in units.items()]
    client.call(connection, path, purpose="set stock", method="PUT", json={"ItemShops": {"ItemShop": rows}})
    return ""
