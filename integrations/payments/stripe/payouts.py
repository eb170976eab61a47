"""Stripe's payouts with their balance transactions (docs.stripe.com/api: list payouts, list balance transactions)."""

from __future__ import annotations

from typing import Any

from core.errors import Permanent
from integrations.channels.vendor import Feed, Page
from integrations.models import Connection
from integrations.payments import feeding
from integrations.payments.feeding import Listed, Place
from integrations.payments.port import Rejected
from integrations.payments.stripe.client import Stripe

FINAL = {"paid", "failed", "canceled"}
LINES = 1000  # pages of a hundred, of one payout


def can_be_called(connection: Connection) -> bool:
    return bool(connection.secret("key"))


def fetch(connection: Connection, cursor: str) -> Page:
    """One page of payouts, the latest first, since what was read before."""
    stripe, place = Stripe(connection), Place.of(cursor)
    try:
        found = stripe.page_of(
            "payouts",
            {"limit": feeding.PAYOUTS, "created[gte]": place.since or None, "starting_after": place.after or None},
        )
        listed = [_listed(each) for each in found["data"]]
        after = listed[-1].ref if found.get("has_more") and listed else ""
        return feeding.page(connection, place, listed, after, lambda each: _whole(stripe, each))
    except Rejected as refusal:
        raise Permanent(refusal.reason) from None


def _listed(each: dict[str, Any]) -> Listed:
    state = str(each.get("status") or "")
    return Listed(str(each["id"]), int(each["created"]), state in FINAL, state == "paid", each)


def _whole(stripe: Stripe, payout: Listed) -> dict[str, Any]:
    """The payout and everything in it. Of one that was made by hand Stripe names nothing: it stands alone."""
    rows: list[dict[str, Any]] = []
    after = None
    for _page in range(LINES if payout.row.get("automatic", True) else 0):
        query = {"payout": payout.ref, "limit": 100, "expand[]": "data.source", "starting_after": after}
        found = stripe.page_of("balance_transactions", query)
        rows += found["data"]
        if not found.get("has_more") or not found["data"]:
            break
        after = rows[-1]["id"]
    return {"object": "list", "data": [payout.row, *rows]}


PAYOUTS = Feed("payouts", "Payouts", feeding.EVERY, fetch)
