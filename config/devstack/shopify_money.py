"""The money of the local shop's orders: refunds, captures and voids, as Shopify's Admin API answers them.

A refund never exceeds what its parent took, an idempotency key has one effect, and what is refused is a user error.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

MUTATIONS = {"refundCreate", "orderCapture", "transactionVoid"}
SCHEMA: dict[str, dict[str, str]] = {
    "RefundCreatePayload": {"refund": "Refund", "userErrors": "UserError"},
    "OrderCapturePayload": {"transaction": "OrderTransaction", "userErrors": "UserError"},
    "TransactionVoidPayload": {"transaction": "OrderTransaction", "userErrors": "UserError"},
    "Refund": {"id": "", "note": "", "transactions": "OrderTransactionConnection"},
    "OrderTransactionConnection": {"nodes": "OrderTransaction"},
    "OrderTransaction": {
        "id": "", "kind": "", "status": "", "gateway": "", "processedAt": "", "parentTransaction": "OrderTransaction",
        "amountSet": "MoneyBag",
    },
    "MoneyBag": {"shopMoney": "MoneyV2"},
    "MoneyV2": {"amount": "", "currencyCode": ""},
}  # fmt: skip


def taken_in(body: dict[str, Any]) -> dict[str, Any]:
    """The money of an order as it comes: its transactions, and no refunds."""
    rows = [
        _row(f"gid://shopify/OrderTransaction/{each['id']}", str(each["kind"]).upper(), str(each["amount"]))
        for each in body.get("transactions") or ()
    ]
    return {"transactions": rows, "refunds": []}


def resolve(shop: Any, name: str, given: dict[str, Any], key: str) -> dict[str, Any]:
    if name == "refundCreate":
        return _refund(shop, given["input"], key)
    parent = given["input"]["parentTransactionId"] if name == "orderCapture" else given["parentTransactionId"]
    order, found = _find(shop, parent)
    if found is None or found["kind"] != "AUTHORIZATION":
        return {"transaction": None, "userErrors": [{"field": None, "message": "Transaction does not exist"}]}
    kind, amount = ("CAPTURE", str(given["input"]["amount"])) if name == "orderCapture" else ("VOID", _amount(found))
    taken = sum((Decimal(_amount(row)) for row in _children(order, parent)), Decimal(0))
    if Decimal(amount) > Decimal(_amount(found)) - (taken if kind == "CAPTURE" else 0):
        return {"transaction": None, "userErrors": [{"field": None, "message": "Amount exceeds what is authorized"}]}
    made = _row(shop.new_id("OrderTransaction"), kind, amount, found)
    order["transactions"].append(made)
    shop.keep(order)
    return {"transaction": made, "userErrors": []}


def _refund(shop: Any, given: dict[str, Any], key: str) -> dict[str, Any]:
    if not key:
        return {"refund": None, "userErrors": [{"field": None, "message": "An idempotency key is required"}]}
    order = shop.orders.get(given["orderId"])
    if order is None:
        return {"refund": None, "userErrors": [{"field": ["orderId"], "message": "Order does not exist"}]}
    for refund in order["refunds"]:
        if refund["key"] == key:
            return {"refund": refund, "userErrors": []}
    rows = []
    for each in given.get("transactions") or ():
        _, parent = _find(shop, each["parentId"])
        back = sum((Decimal(_amount(row)) for row in _children(order, each["parentId"])), Decimal(0))
        if parent is None or Decimal(each["amount"]) > Decimal(_amount(parent)) - back:
            words = "Refund amount is greater than net payment received"
            return {"refund": None, "userErrors": [{"field": ["transactions"], "message": words}]}
        rows.append(_row(shop.new_id("OrderTransaction"), "REFUND", str(each["amount"]), parent))
    order["transactions"] += rows
    refund = {"id": shop.new_id("Refund"), "note": given.get("note"), "transactions": {"nodes": rows}, "key": key}
    order["refunds"].append(refund)
    shop.keep(order)
    return {"refund": refund, "userErrors": []}


def _find(shop: Any, gid: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    for order in shop.orders.values():
        for row in order["transactions"]:
            if row["id"] == gid:
                return order, row
    return {"transactions": []}, None


def _children(order: dict[str, Any], parent: str) -> list[dict[str, Any]]:
    return [row for row in order["transactions"] if (row.get("parentTransaction") or {}).get("id") == parent]


def _row(gid: str, kind: str, amount: str, parent: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "id": gid, "kind": kind, "status": "SUCCESS", "gateway": "shopify_payments",
        "processedAt": "2026-03-02T09:30:00+00:00", "parentTransaction": parent,
        "amountSet": {"shopMoney": {"amount": amount, "currencyCode": "GBP"}},
    }  # fmt: skip


def _amount(row: dict[str, Any]) -> str:
    return str(row["amountSet"]["shopMoney"]["amount"])
