"""Orders in the form of WooCommerce's legacy API (versions 1 to 3), as those of its REST API. Pure.

Shops that kept the legacy API, now a plugin of its own, wrap a document in its name and call its parts otherwise; the
figures mean the same. It says that an order was paid but not when, and gives no number of the payment.
Source: WooCommerce legacy REST API v3, "Orders".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NEVER = "1970-01-01T00:00:00Z"
# Its name for a key: ours. What isn't here is called the same in both.
_ORDER = {
    "order_number": "number", "created_at": "date_created_gmt", "updated_at": "date_modified_gmt",
    "completed_at": "date_completed_gmt", "total_shipping": "shipping_total", "total_discount": "discount_total",
    "billing_address": "billing", "shipping_address": "shipping", "note": "customer_note",
}  # fmt: skip
_REFUND = {"created_at": "date_created_gmt"}
_LISTS = ("line_items", "shipping_lines", "fee_lines", "tax_lines", "coupon_lines")


def unwrapped(document: Any) -> Any:
    """An order or refund of the legacy API, or a list of them, in today's form; anything else as it is."""
    if not isinstance(document, dict) or len(document) != 1:
        return document
    name, held = next(iter(document.items()))
    read = {"order": _order, "orders": _order, "order_refund": _refund, "order_refunds": _refund}.get(name)
    if read is None:
        return document
    if isinstance(held, list):
        return [read(each) if isinstance(each, dict) else each for each in held]
    return read(held) if isinstance(held, dict) else document


def _order(old: Mapping[str, Any]) -> dict[str, Any]:
    if "created_at" not in old:
        return dict(old)
    order = {_ORDER.get(key, key): value for key, value in old.items()}
    if order.get("date_completed_gmt") == _NEVER or order.get("status") != "completed":
        order["date_completed_gmt"] = None
    paid = old.get("payment_details")
    if isinstance(paid, dict):
        order["payment_method"] = paid.get("method_id")
        # Only that it is paid is read of this: a payment needs its number as well.
        order["date_paid_gmt"] = old["created_at"] if paid.get("paid") is True else None
    return order | {key: _rows(order[key]) for key in _LISTS if key in order}


def _refund(old: Mapping[str, Any]) -> dict[str, Any]:
    refund = {_REFUND.get(key, key): value for key, value in old.items()}
    return refund | {key: _rows(refund[key]) for key in _LISTS if key in refund}


def _rows(rows: Any) -> Any:
    return [_row(each) if isinstance(each, dict) else each for each in rows] if isinstance(rows, list) else rows


def _row(old: Mapping[str, Any]) -> dict[str, Any]:
    row = dict(old)
    if "meta" in row and "meta_data" not in row:
        row["meta_data"] = row.pop("meta")
    if "title" in row and "name" not in row:
        row["name"] = row.pop("title")
    if "refunded_item_id" in row:
        known = row.get("meta_data")
        known = known if isinstance(known, list) else []
        row["meta_data"] = [*known, {"key": "_refunded_item_id", "value": row.pop("refunded_item_id")}]
    return row
