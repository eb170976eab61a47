"""Shopify Payments' payouts with their balance transactions (shopify.dev: ShopifyPaymentsAccount, its payouts and
balanceTransactions). Needs the scope read_shopify_payments_payouts; a shop without Shopify Payments has none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core.errors import Permanent
from integrations.channels.shopify import client
from integrations.channels.vendor import Feed, Page
from integrations.models import Connection
from integrations.payments import feeding
from integrations.payments.feeding import Listed, Place
from integrations.reading import moment_of

FINAL = {"PAID", "FAILED", "CANCELED"}
AT_ONCE = 250
LINES = 400  # pages of one payout

_PAYOUTS = """
query Payouts($first: Int!, $after: String, $query: String) {
  shopifyPaymentsAccount {
    payouts(first: $first, after: $after, query: $query, sortKey: ISSUED_AT) {
      nodes { id issuedAt status transactionType net { amount currencyCode } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
_MOVED = """
query BalanceTransactions($first: Int!, $after: String, $query: String) {
  shopifyPaymentsAccount {
    balanceTransactions(first: $first, after: $after, query: $query) {
      nodes {
        id
        type
        test
        transactionDate
        amount { amount currencyCode }
        fee { amount currencyCode }
        net { amount currencyCode }
        sourceId
        sourceType
        sourceOrderTransactionId
        associatedOrder { id name }
        associatedPayout { id status }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


def fetch(connection: Connection, cursor: str) -> Page:
    """One page of payouts, the oldest first, from where they were read to."""
    place = Place.of(cursor)
    since = datetime.fromtimestamp(place.since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {"first": feeding.PAYOUTS, "after": place.after or None, "query": f"issued_at:>='{since}'"}
    nodes, after = _page(connection, _PAYOUTS, "payouts", asked, "list payouts")
    listed = [_listed(each) for each in nodes]
    return feeding.page(connection, place, listed, after, lambda each: _whole(connection, each))


def _page(
    connection: Connection, query: str, what: str, asked: dict[str, Any], purpose: str
) -> tuple[list[dict[str, Any]], str]:
    account = client.call(connection, query, asked, purpose=purpose).get("shopifyPaymentsAccount")
    if account is None:
        return [], ""
    found = account[what]
    info = found["pageInfo"]
    return found["nodes"], str(info["endCursor"]) if info["hasNextPage"] else ""


def _listed(node: dict[str, Any]) -> Listed:
    at = moment_of(node.get("issuedAt"))
    if at is None:
        raise Permanent(f"Shopify's payout {node.get('id')} names no moment it was issued.")
    state = str(node.get("status") or "")
    ref = str(node["id"]).rpartition("/")[2]
    return Listed(ref, int(at.timestamp()), state in FINAL, state == "PAID", node)


def _whole(connection: Connection, payout: Listed) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    after = ""
    for _ in range(LINES):
        asked = {"first": AT_ONCE, "after": after or None, "query": f"payments_transfer_id:{payout.ref}"}
        nodes, after = _page(connection, _MOVED, "balanceTransactions", asked, "list balance transactions")
        rows += nodes
        if not after:
            break
    return {"payouts": [payout.row], "transactions": rows}


PAYOUTS = Feed("payouts", "Payouts of Shopify Payments", feeding.EVERY, fetch)
