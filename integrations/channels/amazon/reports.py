"""Amazon's reports: tab-separated files known by the names of their columns. Pure.

Only the returns people asked for are taken: settlements are reconciled by finance, and the rest is about Amazon's own
warehouses.
"""

from __future__ import annotations

from integrations.channels.amazon import returns
from integrations.channels.meaning import Meaning, ignored

_KNOWN: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"settlement-id", "deposit-date"}), "a settlement: finance reconciles it, no order or stock follows"),
    (frozenset({"return-date", "fulfillment-center-id"}), "returns to Amazon's own warehouses are Amazon's to handle"),
    (frozenset({"fnsku", "disposition", "fulfillmentcenter"}), "a ledger of Amazon's own warehouses"),
    (frozenset({"amazon-order-id", "purchase-date"}), "a list of orders as a report; the orders come one by one"),
    (frozenset({"order-id", "order-item-id"}), "a list of orders as a report; the orders come one by one"),
)


def understood(body: bytes) -> Meaning | None:
    """Why this report asks for nothing; None where it is no report anybody knows."""
    first = body[:20_000].lstrip(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    if b"\t" not in first or first.lstrip()[:1] in (b"{", b"["):
        return None
    names = {name.strip().strip('"').lower() for name in first.decode("utf-8", errors="replace").split("\t")}
    compact = {name.replace("_", "-") for name in names}
    if names >= returns.COLUMNS:
        return returns.report(body)
    return next((ignored(reason) for known, reason in _KNOWN if known <= names or known <= compact), None)
