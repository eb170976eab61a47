"""What the local shop does when orders are changed from outside: cancelled by a job, edited in a session,
readdressed; and its fulfilment orders held, released and moved (shopify_plans).

Copied from Shopify: orderCancel answers a Job and cancels when that job has run; an order that is cancelled or has left
in part is refused with a user error; an edit lives in a calculated order and counts once it is committed; a quantity
can't fall below what is fulfilled.
"""

from __future__ import annotations

import time
from typing import Any

try:
    from config.devstack import shopify_plans
except ImportError:  # run as a script, from beside it
    import shopify_plans  # type: ignore[import-not-found, no-redef]

REASONS = {"CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "OTHER", "STAFF"}
EDITS = {"orderEditBegin", "orderEditSetQuantity", "orderEditAddVariant", "orderEditCommit"}
PLANS = {"fulfillmentOrderHold", "fulfillmentOrderReleaseHold", "fulfillmentOrderMove"}
MUTATIONS = {"orderCancel", "orderUpdate", *EDITS, *PLANS}

SCHEMA: dict[str, dict[str, str]] = {
    "OrderCancelPayload": {"job": "Job", "orderCancelUserErrors": "OrderCancelUserError", "userErrors": "UserError"},
    "OrderCancelUserError": {"code": "", "field": "", "message": ""},
    "Job": {"id": "", "done": ""},
    "OrderEditBeginPayload": {"calculatedOrder": "CalculatedOrder", "userErrors": "UserError"},
    "OrderEditSetQuantityPayload": {"calculatedLineItem": "CalculatedLineItem", "userErrors": "UserError"},
    "OrderEditAddVariantPayload": {"calculatedLineItem": "CalculatedLineItem", "userErrors": "UserError"},
    "OrderEditCommitPayload": {"order": "Order", "userErrors": "UserError"},
    "OrderUpdatePayload": {"order": "Order", "userErrors": "UserError"},
    "CalculatedOrder": {"id": "", "lineItems": "CalculatedLineItemConnection"},
    "CalculatedLineItemConnection": {"nodes": "CalculatedLineItem"},
    "CalculatedLineItem": {"id": "", "sku": "", "quantity": "", "editableQuantity": ""},
    "FulfillmentOrderHoldPayload": {"fulfillmentHold": "FulfillmentHold", "userErrors": "UserError"},
    "FulfillmentOrderReleaseHoldPayload": {"fulfillmentOrder": "FulfillmentOrder", "userErrors": "UserError"},
    "FulfillmentOrderMovePayload": {"movedFulfillmentOrder": "FulfillmentOrder", "userErrors": "UserError"},
    "FulfillmentHold": {"id": "", "handle": "", "reason": "", "reasonNotes": "", "heldByRequestingApp": ""},
    "LineItemConnection": {"nodes": "LineItem"},
    "MailingAddress": {
        "firstName": "", "lastName": "", "name": "", "company": "", "address1": "", "address2": "", "city": "",
        "provinceCode": "", "zip": "", "countryCodeV2": "", "phone": "",
    },
}  # fmt: skip


def line_items(order: dict[str, Any]) -> list[dict[str, Any]]:
    """Every line with the units it still has, and those of them that are not fulfilled."""
    lines: dict[str, dict[str, Any]] = {}
    for each in order["fulfillmentOrders"]["nodes"]:
        for line in each["lineItems"]["nodes"]:
            item = lines.setdefault(
                line["lineItem"]["id"], line["lineItem"] | {"currentQuantity": 0, "unfulfilledQuantity": 0}
            )
            item["currentQuantity"] += line["totalQuantity"]
            item["unfulfilledQuantity"] += line["remainingQuantity"]
    return list(lines.values())


class Changes:
    """Jobs and open edits of one shop; called under the shop's lock."""

    def __init__(self, shop: Any):
        self.shop = shop
        self.jobs: dict[str, dict[str, Any]] = {}
        self.edits: dict[str, dict[str, Any]] = {}
        self.refusals: list[str] = []  # what the next mutations are refused with
        self.job_polls = 0  # how often a job is asked for before it has run

    def resolve(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        if self.refusals:
            return self._no(name, self.refusals.pop(0))
        if name in PLANS:
            return shopify_plans.resolve(self.shop, name, given)
        order = self.shop.orders.get(given.get("orderId") or given.get("id") or (given.get("input") or {}).get("id"))
        if name == "orderCancel":
            return self._cancel(order, given)
        if name == "orderUpdate":
            return self._update(order, given["input"])
        return self._edit(name, order, given)

    def job(self, gid: str) -> dict[str, Any] | None:
        """How far it is; the cancellation happens when the job has run."""
        job = self.jobs.get(gid)
        if job is None:
            return None
        if job["polls"] <= 0 and not job["done"]:
            job["done"] = True
            self._run(job["order"])
        job["polls"] -= 1
        return job

    def _cancel(self, order: dict[str, Any] | None, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("reason") not in REASONS or not isinstance(given.get("restock"), bool):
            raise ValueError("Variable of type OrderCancelReason! was provided invalid value")
        if order is None:
            return self._no("orderCancel", "Order does not exist.", "NOT_FOUND")
        if order["cancelledAt"]:
            return self._no("orderCancel", "Cannot cancel an order that has already been canceled.")
        if order["fulfillments"]:
            return self._no("orderCancel", "Cannot cancel an order that has been fulfilled.")
        made = {"id": self.shop.new_id("Job"), "done": False, "order": order["id"], "polls": self.job_polls}
        self.jobs[made["id"]] = made
        self.shop.cancellations.append({"order": order["id"], **given})
        return {"job": {"id": made["id"], "done": False}, "orderCancelUserErrors": [], "userErrors": []}

    def _run(self, gid: str) -> None:
        order = self.shop.orders[gid]
        order["cancelledAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for each in order["fulfillmentOrders"]["nodes"]:
            each["status"] = "CANCELLED"
        self.shop.keep(order)

    def _update(self, order: dict[str, Any] | None, given: dict[str, Any]) -> dict[str, Any]:
        if order is None:
            return self._no("orderUpdate", "Order does not exist")
        address = dict(given.get("shippingAddress") or {})
        if address:
            country = address.pop("countryCode", "")
            if not country:
                return self._no("orderUpdate", "Country can't be blank")
            order["shippingAddress"] = address | {"countryCodeV2": country}
        self.shop.keep(order)
        return {"order": order, "userErrors": []}

    def _edit(self, name: str, order: dict[str, Any] | None, given: dict[str, Any]) -> dict[str, Any]:
        if name == "orderEditBegin":
            return self._begin(order)
        edit = self.edits.get(given["id"])
        if edit is None:
            return self._no(name, "The calculated order does not exist")
        if name == "orderEditCommit":
            return self._commit(given["id"], edit)
        if name == "orderEditAddVariant":
            return self._add(edit, given)
        line: dict[str, Any] | None = next((each for each in edit["lines"] if each["id"] == given["lineItemId"]), None)
        if line is None:
            return self._no(name, "The line item does not exist")
        if given["quantity"] < line["least"]:
            return self._no(name, "Quantity cannot be less than the fulfilled quantity")
        line["quantity"] = given["quantity"]
        return {"calculatedLineItem": line, "userErrors": []}

    def _add(self, edit: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        sku = self.shop.stock.sku_of(given["variantId"])
        if sku is None:
            return self._no("orderEditAddVariant", "Variant does not exist")
        line = {"id": self.shop.new_id("CalculatedLineItem"), "sku": sku, "quantity": given["quantity"], "least": 0}
        edit["lines"].append(line | {"editableQuantity": given["quantity"], "new": True})
        return {"calculatedLineItem": edit["lines"][-1], "userErrors": []}

    def _begin(self, order: dict[str, Any] | None) -> dict[str, Any]:
        if order is None:
            return self._no("orderEditBegin", "The order does not exist")
        if order["cancelledAt"]:
            return self._no("orderEditBegin", "The order cannot be edited because it is canceled")
        gid = self.shop.new_id("CalculatedOrder")
        lines = [
            {
                "id": line["id"].replace("LineItem", "CalculatedLineItem"),
                "sku": line["sku"],
                "quantity": line["currentQuantity"],
                "editableQuantity": line["unfulfilledQuantity"],
                "least": line["currentQuantity"] - line["unfulfilledQuantity"],
                "new": False,
            }
            for line in line_items(order)
        ]
        self.edits[gid] = {"order": order["id"], "lines": lines}
        return {"calculatedOrder": {"id": gid, "lineItems": {"nodes": lines}}, "userErrors": []}

    def _commit(self, gid: str, edit: dict[str, Any]) -> dict[str, Any]:
        order = self.shop.orders[edit["order"]]
        open_ones = [each for each in order["fulfillmentOrders"]["nodes"] if each["status"] in {"OPEN", "IN_PROGRESS"}]
        home = (open_ones or order["fulfillmentOrders"]["nodes"])[0]
        for line in edit["lines"]:
            if line["new"]:
                item = {"id": self.shop.new_id("LineItem"), "sku": line["sku"], "quantity": line["quantity"]}
                home["lineItems"]["nodes"].append(self.shop.fulfilment_line(item))
            else:
                self._set(order, line["id"].replace("CalculatedLineItem", "LineItem"), line["quantity"], home)
        del self.edits[gid]
        self.shop.commits += 1
        self.shop.keep(order)
        return {"order": order, "userErrors": []}

    def _set(self, order: dict[str, Any], gid: str, units: int, home: dict[str, Any]) -> None:
        """Take units off what is open, or add them where the line is."""
        rows = [
            line
            for each in order["fulfillmentOrders"]["nodes"]
            for line in each["lineItems"]["nodes"]
            if line["lineItem"]["id"] == gid
        ]
        gap = units - sum(row["totalQuantity"] for row in rows)
        for row in rows if gap < 0 else rows[:1]:
            step = gap if gap > 0 else max(gap, -row["remainingQuantity"])
            row["totalQuantity"] += step
            row["remainingQuantity"] += step
            gap -= step

    def _no(self, name: str, message: str, code: str = "INVALID") -> dict[str, Any]:
        if name == "orderCancel":
            return {
                "job": None,
                "orderCancelUserErrors": [{"code": code, "field": ["orderId"], "message": message}],
                "userErrors": [],
            }
        empty = {"orderEditBegin": "calculatedOrder", "orderEditCommit": "order", "orderUpdate": "order"}
        return {empty.get(name, "calculatedLineItem"): None, "userErrors": [{"field": ["id"], "message": message}]}
