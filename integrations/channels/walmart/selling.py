"""Stock out to Walmart: a few figures one by one, many as one inventory feed with a report of what it refused."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from integrations import http, tokens
from integrations.channels import stock_feeds
from integrations.channels.walmart.client import call
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

AT_ONCE = 1000
ONE_BY_ONE = 40  # more figures go as one feed
_EACH = "EACH"


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """Absolute figures, so a repeat changes nothing: a few one by one, many as a feed."""
    told: list[Outcome] = []
    if stock_feeds.under_way(connection) or len(levels) > ONE_BY_ONE:
        told = stock_feeds.set_levels(connection, levels, _WAY)
    heard = {each.item_id for each in told}
    return told + [_one(connection, level) for level in levels if level.item_id not in heard]


def _one(connection: Connection, level: Level) -> Outcome:
    for sku in [level.ref] if level.ref else level.codes:
        given = {"sku": sku, "quantity": {"unit": _EACH, "amount": max(level.total, 0)}}
        try:
            call(connection, "PUT", f"/v3/inventory?{urlencode({'sku': sku})}", purpose="set stock", json=given)
        except http.FailedForGood as refused:
            if refused.status == 404:
                continue
            if refused.status == 400:
                return Outcome(level.item_id, sku, problem=str(refused)[:300])
            raise
        return Outcome(level.item_id, sku)
    return Outcome(level.item_id, unlisted=True)


def _send(connection: Connection, figures: stock_feeds.Figures) -> str:
    rows = [{"sku": sku, "quantity": {"unit": _EACH, "amount": units}} for sku, units in figures]
    given = {"InventoryHeader": {"version": "1.4"}, "Inventory": rows}
    return str(call(connection, "POST", "/v3/feeds?feedType=inventory", purpose="send stock", json=given)["feedId"])


def _refused(connection: Connection, name: str, figures: stock_feeds.Figures) -> dict[str, str] | None:
    query = urlencode({"includeDetails": "true", "limit": AT_ONCE, "offset": 0})
    feed = call(connection, "GET", f"/v3/feeds/{quote(name, safe='')}?{query}", purpose="ask how the stock stands")
    if str(feed.get("feedStatus")) not in {"PROCESSED", "ERROR"}:
        return None
    problems = {}
    for each in tokens.listed(feed.get("itemDetails"), "itemIngestionStatus"):
        if each.get("ingestionStatus") != "SUCCESS":
            errors = tokens.listed(each.get("ingestionErrors"), "ingestionError")
            words = "; ".join(str(error.get("description") or error.get("code")) for error in errors)
            problems[str(each.get("sku"))] = words or str(each.get("ingestionStatus"))
    if feed.get("feedStatus") == "ERROR" and not problems:
        problems = {sku: "Walmart refused the whole feed." for sku, _ in figures}
    return problems


_WAY = stock_feeds.Way(_send, _refused, pause=60.0)
