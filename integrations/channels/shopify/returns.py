"""Shopify's returns, as its webhooks name them and its GraphQL interface describes them. Pure, apart from `fetch`.

A webhook says that a return was asked for, approved or changed, seldom of which lines; so the return itself is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from core.errors import Permanent
from integrations.channels.meaning import Act, AskFor, TakeReturn
from integrations.channels.shopify import client, graphql
from integrations.channels.vendor import Document
from integrations.models import Connection
from integrations.reading import Node
from returns.incoming import IncomingReturn, IncomingReturnLine, State, reason_of

STATES: dict[str, State] = {
    "requested": "requested", "open": "approved", "closed": "closed", "canceled": "cancelled", "cancelled": "cancelled",
    "declined": "declined", "approved": "approved", "in_progress": "approved",
}  # fmt: skip

RETURN = """
query Return($id: ID!) {
  return(id: $id) {
    id name status createdAt
    order { id }
    decline { reason note }
    returnLineItems(first: 250) { nodes { ... on ReturnLineItem {
      id quantity customerNote returnReason returnReasonNote
      fulfillmentLineItem { id lineItem { id sku title } }
    } } }
    reverseFulfillmentOrders(first: 10) { nodes { reverseDeliveries(first: 10) { nodes {
      deliverable { ... on ReverseDeliveryShippingDeliverable { tracking { carrierName number url } } }
    } } } }
  }
}
"""


def told(node: Node) -> list[Act]:
    """A webhook (or the REST form) of one return: what it says itself, or that it has to be fetched."""
    ref = graphql.gid_number(node, "admin_graphql_api_id") or node.number_id("id", needed=True)
    lines = [_told_line(each) for each in node.items("return_line_items")] if _is_list(node) else []
    order = node.object("order")
    whole = order is not None and lines and all(line.line_ref and line.quantity for line in lines)
    node.faults.raise_if_any()
    if not whole or order is None:
        return [AskFor("return", ref)]
    order_ref = graphql.gid_number(order, "admin_graphql_api_id") or order.number_id("id", needed=True)
    return [TakeReturn(IncomingReturn(
        ref=ref, order_ref=order_ref, state=_state(node), lines=tuple(lines), number=node.line("name"),
    ))]  # fmt: skip


def of_order(node: Node) -> list[Act]:
    """The returns an order lists."""
    order_ref = graphql.gid_number(node, "id", needed=True)
    return [TakeReturn(described(each, order_ref)) for each in node.items("returns")]


def alone(node: Node) -> list[Act]:
    """One return as it was fetched."""
    order = node.object("order")
    return [TakeReturn(described(node, graphql.gid_number(order, "id", needed=True) if order else ""))]


def described(node: Node, order_ref: str) -> IncomingReturn:
    if not order_ref:
        node.at("order").fault("is missing")
    decline = node.object("decline")
    tracking = next(_tracking(node), None)
    return IncomingReturn(
        ref=graphql.gid_number(node, "id", needed=True),
        order_ref=order_ref,
        state=_state(node),
        # What nobody could match with a sale comes as an empty object: it names neither itself nor an article.
        lines=tuple(_line(each) for each in node.items("returnLineItems") if each.value),
        number=node.line("name"),
        at=node.moment("createdAt"),
        tracking_number=tracking.line("number") if tracking else "",
        tracking_url=tracking.text("url", 500) if tracking else "",
        carrier=tracking.line("carrierName", 60) if tracking else "",
        reason=(decline.text("note") or decline.text("reason")) if decline else "",
    )


def fetch(connection: Connection, what: str, ref: str) -> Sequence[Document]:
    """The return a message only named."""
    if what != "return":
        raise Permanent(f"Nobody knows how to fetch a {what} from Shopify.")
    data = client.call(connection, RETURN, {"id": client.gid("Return", ref)}, purpose="read return")
    found: dict[str, Any] | None = data.get("return")
    if not found:
        raise Permanent(f"Shopify knows no return {ref}.")
    return [Document.named_by_itself(f"return:{ref}", json.dumps(found, separators=(",", ":")).encode())]


def _is_list(node: Node) -> bool:
    return isinstance(node.raw("return_line_items"), list)


def _told_line(node: Node) -> IncomingReturnLine:
    sent = node.object("fulfillment_line_item")
    bought = sent.object("line_item") if sent else None
    return IncomingReturnLine(
        ref=graphql.gid_number(node, "admin_graphql_api_id") or node.number_id("id"),
        line_ref=(graphql.gid_number(bought, "admin_graphql_api_id") or bought.number_id("id")) if bought else "",
        quantity=node.count("quantity") or 0,
        reason=reason_of(node.text("return_reason", 60)),
        reason_text=node.text("customer_note", 1000) or node.text("return_reason_note", 1000),
    )


def _line(node: Node) -> IncomingReturnLine:
    sent = node.object("fulfillmentLineItem")
    bought = sent.object("lineItem") if sent else None
    defined = node.object("returnReasonDefinition")
    quantity = node.count("quantity")
    if quantity is None:
        node.at("quantity").fault("should be a number of units")
    return IncomingReturnLine(
        ref=graphql.gid_number(node, "id", needed=True),
        line_ref=graphql.gid_number(bought, "id") if bought else "",
        sku=bought.line("sku") if bought else "",
        title=bought.text("title") if bought else "",
        quantity=quantity or 0,  # nothing is left of a line that was taken off again
        reason=reason_of(defined.text("handle", 60) if defined else node.text("returnReason", 60)),
        reason_text=node.text("customerNote", 1000) or node.text("returnReasonNote", 1000),
    )


def _state(node: Node) -> State:
    said = node.text("status", 40).lower()
    if said and said not in STATES:
        node.at("status").fault(f"is no state of a return Backroom knows: {said}")
    return STATES.get(said, "requested")


def _tracking(node: Node) -> Any:
    for reverse in node.items("reverseFulfillmentOrders"):
        for delivery in reverse.items("reverseDeliveries"):
            deliverable = delivery.object("deliverable")
            found = deliverable.object("tracking") if deliverable else None
            if found is not None and found.text("number"):
                yield found
