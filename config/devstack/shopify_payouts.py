"""Shopify Payments of the local shop: payouts and their balance transactions, as the Admin API pages through them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_CONNECTION = {"pageInfo": "PageInfo"}
SCHEMA: dict[str, dict[str, str]] = {
    "ShopifyPaymentsAccount": {
        "payouts": "ShopifyPaymentsPayoutConnection",
        "balanceTransactions": "ShopifyPaymentsBalanceTransactionConnection",
    },
    "ShopifyPaymentsPayoutConnection": {"nodes": "ShopifyPaymentsPayout", **_CONNECTION},
    "ShopifyPaymentsBalanceTransactionConnection": {"nodes": "ShopifyPaymentsBalanceTransaction", **_CONNECTION},
    "PageInfo": {"hasNextPage": "", "endCursor": ""},
    "ShopifyPaymentsPayout": {"id": "", "issuedAt": "", "status": "", "transactionType": "", "net": "MoneyV2"},
    "ShopifyPaymentsBalanceTransaction": {
        "id": "", "type": "", "test": "", "transactionDate": "", "amount": "MoneyV2", "fee": "MoneyV2",
        "net": "MoneyV2", "sourceId": "", "sourceType": "", "sourceOrderTransactionId": "",
        "associatedOrder": "ShopifyPaymentsAssociatedOrder",
        "associatedPayout": "ShopifyPaymentsBalanceTransactionAssociatedPayout",
    },
    "ShopifyPaymentsAssociatedOrder": {"id": "", "name": ""},
    "ShopifyPaymentsBalanceTransactionAssociatedPayout": {"id": "", "status": ""},
}  # fmt: skip


class Payouts:
    """`None` for `rows` would be a shop without Shopify Payments; it has an account until `closed`."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.moved: list[dict[str, Any]] = []
        self.closed = False

    def pay_out(self, number: int, at: str, *moved: tuple[str, str, str, int, int], status: str = "PAID") -> None:
        """A payout of (type, amount, fee, order, order transaction), each an entry of the balance of its own."""
        net = sum((Decimal(amount) - Decimal(fee) for _, amount, fee, _, _ in moved), Decimal(0))
        payout = {
            "id": f"gid://shopify/ShopifyPaymentsPayout/{number}", "issuedAt": at, "status": status,
            "transactionType": "DEPOSIT" if net >= 0 else "WITHDRAWAL", "net": _money(net),
        }  # fmt: skip
        self.rows.append(payout)
        for kind, amount, fee, order, transaction in [*moved, ("TRANSFER", str(-net), "0.00", 0, 0)]:
            self.moved.append({
                "id": f"gid://shopify/ShopifyPaymentsBalanceTransaction/{number}{len(self.moved):04d}", "type": kind,
                "test": False, "transactionDate": at, "amount": _money(amount), "fee": _money(fee),
                "net": _money(Decimal(amount) - Decimal(fee)), "sourceId": str(transaction or number),
                "sourceType": kind, "sourceOrderTransactionId": str(transaction) if transaction else None,
                "associatedOrder": {"id": f"gid://shopify/Order/{order}", "name": f"#{order}"} if order else None,
                "associatedPayout": {"id": payout["id"], "status": status},
            })  # fmt: skip

    def resolve(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        query = str(given.get("query") or "")
        if name == "payouts":
            since = re.fullmatch(r"issued_at:>='([^']+)'", query)
            rows = [row for row in self.rows if since and row["issuedAt"] >= since[1]]
            rows.sort(key=lambda row: row["issuedAt"])
        else:
            wanted = re.fullmatch(r"payments_transfer_id:([0-9]+)", query)
            rows = [r for r in self.moved if wanted and r["associatedPayout"]["id"].endswith(f"/{wanted[1]}")]
        start = int(given.get("after") or 0)
        end = start + int(given["first"])
        return {"nodes": rows[start:end], "pageInfo": {"hasNextPage": end < len(rows), "endCursor": str(end)}}


def _money(amount: Decimal | str) -> dict[str, str]:
    return {"amount": str(amount), "currencyCode": "GBP"}
