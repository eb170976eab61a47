"""Moving the money of Shopify's own orders: refundCreate, orderCapture, transactionVoid (shopify.dev, Admin API).

Each try reads the order first. A refund carries our reference in its note and an idempotency key; a capture and a void
carry neither, so they are known by what hangs on their authorisation and isn't among our payments yet. Goods are not
restocked there: where they lie is ours to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from integrations.channels.shopify import client
from integrations.models import Connection
from integrations.payments.port import Outcome, Rejected, Wanted
from orders.models import Payment

_TRANSACTION = "id kind status gateway processedAt parentTransaction { id } amountSet { shopMoney { amount } }"
_READ = f"""
query OrderMoney($id: ID!) {{
  order(id: $id) {{
    id
    transactions(first: 100) {{ {_TRANSACTION} }}
    refunds(first: 100) {{ id note transactions(first: 20) {{ nodes {{ {_TRANSACTION} }} }} }}
  }}
}}
"""
_REFUND = f"""
mutation Refund($input: RefundInput!, $key: String!) {{
  refundCreate(input: $input) @idempotent(key: $key) {{
    refund {{ id note transactions(first: 20) {{ nodes {{ {_TRANSACTION} }} }} }}
    userErrors {{ field message }}
  }}
}}
"""
_CAPTURE = f"""
mutation Capture($input: OrderCaptureInput!) {{
  orderCapture(input: $input) {{ transaction {{ {_TRANSACTION} }} userErrors {{ field message }} }}
}}
"""
_VOID = f"""
mutation Void($id: ID!) {{
  transactionVoid(parentTransactionId: $id) {{ transaction {{ {_TRANSACTION} }} userErrors {{ field message }} }}
}}
"""


class ShopifyMoney:
    def __init__(self, connection: Connection):
        self.connection = connection

    def carry(self, wanted: Wanted) -> Outcome:
        found = self.find(wanted, "")
        if found is not None:
            return found
        if wanted.kind == "REFUND":
            return self._refund(wanted)
        if wanted.kind == "CAPTURE":
            given = {
                "id": client.gid("Order", wanted.order), "parentTransactionId": _transaction(wanted.tender),
                "amount": str(wanted.amount), "currency": wanted.currency,
            }  # fmt: skip
            return _moved(self._call(_CAPTURE, {"input": given}, "orderCapture", "capture payment")["transaction"])
        if wanted.kind == "VOID":
            answer = self._call(_VOID, {"id": _transaction(wanted.tender)}, "transactionVoid", "void payment")
            return _moved(answer["transaction"])
        raise Rejected("not_there", "Shopify takes its payments itself.")

    def find(self, wanted: Wanted, ref: str) -> Outcome | None:
        data = client.call(
            self.connection, _READ, {"id": client.gid("Order", wanted.order)}, purpose="read order's money"
        )
        order = data.get("order")
        if not isinstance(order, dict):
            raise Rejected("unknown_order", f"Shopify knows no order {wanted.order}.")
        if wanted.kind == "REFUND":
            mine = [each for each in order["refunds"] if wanted.uid in str(each.get("note") or "")]
            return _refunded(mine[0]) if mine else None
        kind = {"CAPTURE": "CAPTURE", "VOID": "VOID"}.get(wanted.kind, "")
        hung = [
            each
            for each in order["transactions"]
            if each["kind"] == kind
            and each["status"] == "SUCCESS"
            and (each.get("parentTransaction") or {}).get("id") == _transaction(wanted.tender)
            and (kind == "VOID" or Decimal(_amount(each)) == wanted.amount)
        ]
        return next((_moved(each) for each in _unknown(wanted, hung)), None)

    def ping(self) -> str:
        return "Shopify answers."

    def _refund(self, wanted: Wanted) -> Outcome:
        document = wanted.source.get("document") or {}
        given: dict[str, Any] = {
            "orderId": client.gid("Order", wanted.order),
            "note": f"{str(document.get('note') or 'Refund')[:200]} ({wanted.uid})",
            "notify": bool(self.connection.settings.get("notify_customer", True)),
            "refundLineItems": [
                {
                    "lineItemId": client.gid("LineItem", line["line_ref"]), "quantity": line["quantity"],
                    "restockType": "NO_RESTOCK",
                }
                for line in document.get("lines") or ()
                if str(line["line_ref"]).isdigit()
            ],
        }  # fmt: skip
        if wanted.tender:
            given["transactions"] = [
                {
                    "orderId": given["orderId"], "parentId": _transaction(wanted.tender), "kind": "REFUND",
                    "gateway": str(wanted.source.get("gateway") or ""), "amount": str(wanted.amount),
                }
            ]  # fmt: skip
        if Decimal(str(document.get("shipping") or 0)) > 0:
            given["shipping"] = {"amount": str(document["shipping"])}
        answer = self._call(_REFUND, {"input": given, "key": wanted.key}, "refundCreate", "refund order")
        return _refunded(answer["refund"])

    def _call(self, query: str, given: dict[str, Any], name: str, purpose: str) -> Mapping[str, Any]:
        answer = client.call(self.connection, query, given, purpose=purpose)[name]
        errors = answer.get("userErrors") or []
        if errors:
            raise Rejected("refused", "Shopify: " + "; ".join(str(each.get("message")) for each in errors[:3]))
        return answer


def _refunded(refund: Mapping[str, Any]) -> Outcome:
    rows = [row for row in refund["transactions"]["nodes"] if row["kind"] == "REFUND"]
    if not rows:
        return Outcome(f"refund-{_number(refund['id'])}", True, refund_ref=_number(refund["id"]))
    if any(row["status"] in {"FAILURE", "ERROR"} for row in rows):
        raise Rejected("declined", "Shopify: the refund was declined.", ref=_number(rows[0]["id"]))
    made = _moved(rows[0])
    return Outcome(
        made.ref, rows[0]["status"] == "SUCCESS", made.at, made.amount, made.gateway, made.parent,
        refund_ref=_number(refund["id"]),
    )  # fmt: skip


def _moved(row: Mapping[str, Any]) -> Outcome:
    if row["status"] not in {"SUCCESS", "PENDING", "AWAITING_RESPONSE"}:
        raise Rejected(str(row["status"]).lower(), f"Shopify: the payment is {row['status'].lower()}.")
    at = row.get("processedAt")
    try:
        moment = datetime.fromisoformat(str(at)) if at else None
    except ValueError:
        raise TryLater("Shopify's time of it can't be read.") from None
    parent = (row.get("parentTransaction") or {}).get("id") or ""
    return Outcome(
        _number(row["id"]), row["status"] == "SUCCESS", moment, Decimal(_amount(row)), str(row.get("gateway") or ""),
        _number(parent) if parent else "",
    )  # fmt: skip


def _unknown(wanted: Wanted, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that aren't among our payments: what we know of already was another's doing."""
    found = list(rows)
    known = set(
        Payment.objects.filter(
            order__channel_ref=wanted.order, provider_ref__in=[_number(row["id"]) for row in found]
        ).values_list("provider_ref", flat=True)
    )
    return [row for row in found if _number(row["id"]) not in known]


def _amount(row: Mapping[str, Any]) -> str:
    return str(((row.get("amountSet") or {}).get("shopMoney") or {}).get("amount") or "0")


def _transaction(ref: str) -> str:
    return client.gid("OrderTransaction", ref)


def _number(gid: str) -> str:
    return gid.rsplit("/", 1)[-1]
