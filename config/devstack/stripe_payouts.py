"""Payouts of the local Stripe account: what charges and refunds came to, less a fee, and the payout itself."""

from __future__ import annotations

import itertools
import time
from typing import Any

FEE_PER_MILLE, FEE_FIXED = 29, 30


class Payouts:
    def __init__(self, account: Any):
        self.account = account
        self.rows: dict[str, dict[str, Any]] = {}
        self.moved: dict[str, dict[str, Any]] = {}
        self._ids = itertools.count(1)

    def pay_out(self, currency: str = "gbp", *, status: str = "paid", created: int | None = None) -> str:
        """Pay out every charge and refund that is in no payout yet."""
        gone = {row["source"] for row in self.moved.values()}
        sources = [*self.account.charges.values(), *self.account.refunds.values()]
        ref = f"po_{next(self._ids):024d}"
        rows = [self._entry(each, ref) for each in sources if each["id"] not in gone and each["currency"] == currency]
        amount = sum(row["net"] for row in rows)
        at = created or int(time.time())
        self.rows[ref] = {
            "id": ref, "object": "payout", "amount": amount, "currency": currency, "status": status, "created": at,
            "arrival_date": at, "automatic": True, "reconciliation_status": "completed",
        }  # fmt: skip
        self._keep({"type": "payout", "amount": -amount, "fee": 0, "net": -amount, "source": ref}, currency, ref)
        return ref

    def _entry(self, source: dict[str, Any], payout: str) -> dict[str, Any]:
        sign = -1 if source["object"] == "refund" else 1
        amount = sign * (source["amount_captured"] if sign > 0 else source["amount"])
        fee = amount * FEE_PER_MILLE // 1000 + FEE_FIXED if sign > 0 else 0
        entry = {"type": source["object"], "amount": amount, "fee": fee, "net": amount - fee, "source": source["id"]}
        return self._keep(entry, source["currency"], payout)

    def _keep(self, entry: dict[str, Any], currency: str, payout: str) -> dict[str, Any]:
        ref, fee = f"txn_{next(self._ids):024d}", entry["fee"]
        details = [{"type": "stripe_fee", "amount": fee, "currency": currency}] if fee else []
        self.moved[ref] = {
            "id": ref, "object": "balance_transaction", "currency": currency, "created": int(time.time()),
            "available_on": int(time.time()), "reporting_category": entry["type"], "payout": payout,
            "status": "available", "fee_details": details,
            **entry,
        }  # fmt: skip
        return self.moved[ref]

    def expanded(self, found: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        """The list with each entry's source whole, where that is asked for; `payout` itself is no field of one."""
        known = {**self.account.charges, **self.account.refunds, **self.rows}
        whole = query.get("expand[]") == "data.source"
        rows = [{k: v for k, v in row.items() if k != "payout"} for row in found["data"]]
        return found | {"data": [row | {"source": known[row["source"]]} if whole else row for row in rows]}
