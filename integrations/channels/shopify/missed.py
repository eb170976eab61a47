"""Orders that Shopify changed and no webhook brought: what changed is listed by GraphQL, what is missing is fetched.

The order itself is read in the form its webhooks have (`orders/<id>.json`), so that it means the same whichever way it
came, to the tip and the duty. An order that is known as it now stands costs nothing but its place in the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from core.errors import Permanent
from integrations import tokens
from integrations.channels.shopify import client
from integrations.channels.vendor import Document, Feed, Page
from integrations.channels.walking import Walk
from integrations.documents import write_json
from integrations.models import Connection
from integrations.reading import moment_of
from orders.canonical import microseconds
from orders.models import Order

AT_ONCE = 50
FIRST = timedelta(days=2)

_CHANGED = """
query ChangedOrders($query: String!, $after: String) {
  orders(first: 50, after: $after, query: $query, sortKey: ID) {
    nodes { id updatedAt }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def changed_orders(connection: Connection, cursor: str) -> Page:
    """A page of what changed, by id; of it those orders that aren't here as they stand."""
    walk = Walk.at(cursor, datetime.now(UTC), first=FIRST)
    asked = {"query": f"updated_at:>='{walk.since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'", "after": walk.token or None}
    found = client.call(connection, _CHANGED, asked, purpose="list changed orders").get("orders") or {}
    onward = found.get("pageInfo") or {}
    more = bool(onward.get("hasNextPage") and onward.get("endCursor"))
    refs = _missing(connection, tokens.listed(found, "nodes"))
    documents = tuple(_document(client.rest(connection, f"orders/{ref}", purpose="read order")) for ref in refs)
    return Page(documents, walk.onward(more=more, token=str(onward["endCursor"]) if more else ""), more)


def _missing(connection: Connection, listed: Sequence[dict[str, Any]]) -> list[str]:
    """Numbers of the orders nobody has told us of, or not of their last change."""
    stands = {str(each.get("id")).rpartition("/")[2]: moment_of(each.get("updatedAt")) for each in listed}
    rows = Order.objects.filter(channel=connection.channel, channel_ref__in=stands)
    known = dict(rows.values_list("channel_ref", "source_version"))
    return [ref for ref, at in stands.items() if ref not in known or at is None or known[ref] < microseconds(at)]


def _document(answer: dict[str, Any]) -> Document:
    order = answer.get("order")
    if not isinstance(order, dict):
        raise Permanent("Shopify's answer holds no order.")
    return Document(f"order:{order.get('id')}@{order.get('updated_at')}", "orders/updated", write_json(order))


ORDERS = Feed("orders", "Orders no webhook brought", timedelta(minutes=10), changed_orders)
