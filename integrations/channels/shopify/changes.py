"""Telling Shopify that an order was changed here: cancelled, edited, or to be sent elsewhere.

Shopify has no idempotency keys for these, so each try reads the order first and does only what isn't so there yet: a
level, not a step, so a repeat or an answer that got lost does nothing twice. `orderCancel` runs as a job of Shopify's:
its id is kept before anything waits for it. An edit is begun, filled and committed; one that was never committed
expires there and leaves nothing behind. No money moves: what is due back is a case of ours (shopify.dev: orderCancel,
Job, orderEditBegin, orderEditSetQuantity, orderEditAddVariant, orderEditCommit, orderUpdate).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import Permanent
from integrations import http
from integrations.channels.news import ChangeMemory, ChangeNews, Wanted
from integrations.channels.shopify import client
from integrations.failures import FailureClass
from integrations.models import Connection

WAIT_SECONDS = 5.0
NOTE = 255  # characters Shopify keeps of a note of the staff's

_ORDER = """
query OrderToChange($id: ID!) {
  order(id: $id) {
    id
    cancelledAt
    shippingAddress { firstName lastName name company address1 address2 city provinceCode zip countryCodeV2 phone }
    lineItems(first: 250) { nodes { id sku currentQuantity unfulfilledQuantity } }
  }
}
"""
_CANCEL = """
mutation Cancel(
  $orderId: ID!, $reason: OrderCancelReason!, $restock: Boolean!, $refundMethod: OrderCancelRefundMethodInput
  $notifyCustomer: Boolean, $staffNote: String
) {
  orderCancel(
    orderId: $orderId, reason: $reason, restock: $restock, refundMethod: $refundMethod
    notifyCustomer: $notifyCustomer, staffNote: $staffNote
  ) {
    job { id done }
    orderCancelUserErrors { code field message }
  }
}
"""
_JOB = "query Job($id: ID!) { job(id: $id) { id done } }"
_BEGIN = """
mutation Begin($id: ID!) {
  orderEditBegin(id: $id) {
    calculatedOrder { id lineItems(first: 250) { nodes { id sku quantity editableQuantity } } }
    userErrors { field message }
  }
}
"""
_QUANTITY = """
mutation SetQuantity($id: ID!, $lineItemId: ID!, $quantity: Int!, $restock: Boolean) {
  orderEditSetQuantity(id: $id, lineItemId: $lineItemId, quantity: $quantity, restock: $restock) {
    calculatedLineItem { id quantity }
    userErrors { field message }
  }
}
"""
_ADD = """
mutation AddVariant($id: ID!, $variantId: ID!, $quantity: Int!, $allowDuplicates: Boolean) {
  orderEditAddVariant(id: $id, variantId: $variantId, quantity: $quantity, allowDuplicates: $allowDuplicates) {
    calculatedLineItem { id quantity }
    userErrors { field message }
  }
}
"""
_COMMIT = """
mutation Commit($id: ID!, $notifyCustomer: Boolean, $staffNote: String) {
  orderEditCommit(id: $id, notifyCustomer: $notifyCustomer, staffNote: $staffNote) {
    order { id }
    userErrors { field message }
  }
}
"""
_ADDRESS = """
mutation Address($input: OrderInput!) {
  orderUpdate(input: $input) {
    order { id }
    userErrors { field message }
  }
}
"""
_VARIANT = """
query Variant($query: String!) {
  productVariants(first: 2, query: $query) { nodes { id sku price } }
}
"""
# An address of ours to Shopify's fields. `countryCode` is asked for as countryCodeV2 and given as countryCode.
_FIELDS = {
    "company": "company", "line1": "address1", "line2": "address2", "city": "city", "region": "provinceCode",
    "postal_code": "zip", "country": "countryCode", "phone": "phone",
}  # fmt: skip


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    """Bring Shopify's order to what is wanted here; what was done, in words. Permanent with Shopify's own words."""
    order = _read(connection, news)
    done: list[str] = []
    if news.cancels and _whole(order):
        return _cancel(connection, order, news, memory)
    if order.get("cancelledAt"):
        if not any(line.units for line in news.wanted):
            return "It was cancelled at Shopify already."
        raise Permanent("Shopify has cancelled the order, and a cancelled order can't be changed there.")
    if edited := _edit(connection, order, news):
        done.append(edited)
    if "address" in news.kinds and news.ship_to:
        done.append(_address(connection, order, news))
    if "method" in news.kinds:
        told = f" {' '.join(done)}" if done else ""
        raise Permanent(f"Shopify can't be told of another way of delivery: change it there.{told}")
    return " ".join(done) or "Shopify says so already."


def _read(connection: Connection, news: ChangeNews) -> dict[str, Any]:
    data = client.call(connection, _ORDER, {"id": client.gid("Order", news.order_ref)}, purpose="read order to change")
    order = data.get("order")
    if not isinstance(order, dict):
        raise Permanent(f"Shopify knows no order {news.order_ref}.")
    return order


def _whole(order: Mapping[str, Any]) -> bool:
    """Nothing of it has left: an order Shopify fulfilled in part is cut, not cancelled."""
    return all(line["unfulfilledQuantity"] == line["currentQuantity"] for line in order["lineItems"]["nodes"])


# --- Cancelling


def _cancel(connection: Connection, order: Mapping[str, Any], news: ChangeNews, memory: ChangeMemory) -> str:
    if order.get("cancelledAt"):
        return "It is cancelled at Shopify." if memory.ref else "It was cancelled at Shopify already."
    if not memory.ref:
        memory.keep(_begin_cancelling(connection, order, news))
    data = client.call(connection, _JOB, {"id": memory.ref}, purpose="ask for cancellation")
    if not (data.get("job") or {}).get("done"):
        raise http.FailedForNow(FailureClass.CONNECTION, "Shopify is cancelling it.", seconds=WAIT_SECONDS)
    if _read(connection, news).get("cancelledAt"):
        return "It is cancelled at Shopify."
    raise Permanent("Shopify ended the cancellation without cancelling the order.")


def _begin_cancelling(connection: Connection, order: Mapping[str, Any], news: ChangeNews) -> str:
    given = {
        "orderId": order["id"],
        "reason": "OTHER",
        "restock": True,
        "refundMethod": {"originalPaymentMethodsRefund": False},
        "notifyCustomer": bool(connection.settings.get("notify_customer", True)),
        "staffNote": _staff_note(news),
    }
    answer = client.call(connection, _CANCEL, given, purpose="cancel order")["orderCancel"]
    _refuse(answer["orderCancelUserErrors"], "the cancellation")
    return str(answer["job"]["id"])


# --- Editing


def _edit(connection: Connection, order: Mapping[str, Any], news: ChangeNews) -> str:
    """Set the quantities that differ and add what isn't there, in one edit; nothing where nothing differs."""
    quantities, added = _differences(order, news)
    if not quantities and not added:
        return ""
    variants = {line.ref: _variant(connection, line) for line in added}
    begun = client.call(connection, _BEGIN, {"id": order["id"]}, purpose="begin order edit")["orderEditBegin"]
    _refuse(begun["userErrors"], "the edit")
    edit = begun["calculatedOrder"]
    theirs = {_number(line["id"]): line["id"] for line in edit["lineItems"]["nodes"]}
    for gid, units in quantities.items():
        given = {"id": edit["id"], "lineItemId": theirs.get(_number(gid), gid), "quantity": units, "restock": True}
        answer = client.call(connection, _QUANTITY, given, purpose="edit quantity")["orderEditSetQuantity"]
        _refuse(answer["userErrors"], "the quantity")
    for line in added:
        given = {"id": edit["id"], "variantId": variants[line.ref], "quantity": line.units, "allowDuplicates": True}
        answer = client.call(connection, _ADD, given, purpose="add article")["orderEditAddVariant"]
        _refuse(answer["userErrors"], "the article")
    given = {
        "id": edit["id"],
        "notifyCustomer": bool(connection.settings.get("notify_customer", True)),
        "staffNote": _staff_note(news),
    }
    answer = client.call(connection, _COMMIT, given, purpose="commit order edit")["orderEditCommit"]
    _refuse(answer["userErrors"], "the edit")
    return "Its lines are changed at Shopify."


def _differences(order: Mapping[str, Any], news: ChangeNews) -> tuple[dict[str, int], list[Wanted]]:
    """{their line: units it should have} where it has others, and the lines Shopify hasn't.

    A line added here that Shopify has by now (an answer that was lost) is one of its SKU none of our lines stands for.
    """
    nodes = {_number(line["id"]): line for line in order["lineItems"]["nodes"]}
    quantities: dict[str, int] = {}
    added = []
    unclaimed = {ref: line for ref, line in nodes.items() if ref not in {wanted.ref for wanted in news.wanted}}
    for wanted in news.wanted:
        line = nodes.get(wanted.ref)
        if line is None:
            ref = next((ref for ref, each in unclaimed.items() if each["sku"] == wanted.sku), None)
            line = unclaimed.pop(ref) if ref is not None else None
        if line is None and wanted.units:
            added.append(wanted)
        elif line is not None and line["currentQuantity"] != wanted.units:
            quantities[line["id"]] = wanted.units
    return quantities, added


def _variant(connection: Connection, line: Wanted) -> str:
    """What Shopify sells under this SKU, at the price that was agreed: an edit there takes the shop's own."""
    asked = {"query": f"sku:{json.dumps(line.sku, ensure_ascii=False)}"}
    nodes = (client.call(connection, _VARIANT, asked, purpose="find article").get("productVariants") or {}).get("nodes")
    found = [node for node in nodes or [] if node["sku"] == line.sku]
    if len(found) != 1:
        words = "no article" if not found else "more than one article"
        raise Permanent(f"Shopify has {words} with the SKU {line.sku}.")
    if Decimal(found[0]["price"]) != line.unit_price:
        raise Permanent(
            f"Shopify sells {line.sku} for {found[0]['price']}, here it was agreed for {line.unit_price.normalize():f}."
        )
    return str(found[0]["id"])


# --- Sending it elsewhere


def _address(connection: Connection, order: Mapping[str, Any], news: ChangeNews) -> str:
    given = {theirs: str(news.ship_to.get(ours) or "") for ours, theirs in _FIELDS.items()}
    given["firstName"], _, given["lastName"] = str(news.ship_to.get("name") or "").rpartition(" ")
    now = order.get("shippingAddress") or {}
    there = {"countryCode": now.get("countryCodeV2")} | {name: now.get(name) for name in given if name != "countryCode"}
    if given == {name: there.get(name) or "" for name in given}:
        return "Shopify has the address already."
    values = {"id": order["id"], "shippingAddress": given}
    answer = client.call(connection, _ADDRESS, {"input": values}, purpose="change address")["orderUpdate"]
    _refuse(answer["userErrors"], "the address")
    return "It goes to the new address at Shopify too."


def _refuse(errors: list[dict[str, Any]], what: str) -> None:
    """The business's no, in Shopify's words. An error of Shopify's own may pass."""
    if not errors:
        return
    words = "; ".join(str(error.get("message")) for error in errors[:3])
    if any(error.get("code") == "INTERNAL_ERROR" for error in errors):
        raise http.FailedForNow(FailureClass.CONNECTION, f"Shopify stumbled: {words}")
    raise http.FailedForGood(FailureClass.CONFLICT, f"Shopify refuses {what}: {words}")


def _staff_note(news: ChangeNews) -> str:
    return f"Backroom {news.reference}{': ' if news.note else ''}{news.note}"[:NOTE]


def _number(gid: str) -> str:
    return gid.rpartition("/")[2]
