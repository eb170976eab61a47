"""What this app does about facts of others."""

from __future__ import annotations

from core.events import Fact
from orders.models import FulfilmentOrder
from returns.services import advance, refund_approval, refunds, taking

CAUSE = "refund:"


def follow_payment(fact: Fact) -> None:
    """payment.*: where a refund caused it, the refund follows. Safe to repeat."""
    cause = str(fact.data.get("cause") or "")
    if cause.startswith(CAUSE) and cause.removeprefix(CAUSE).isdigit():
        refunds.settle(int(cause.removeprefix(CAUSE)), actor=fact.actor)


def follow_approval(fact: Fact) -> None:
    """case.approval: what the inbox declined is declined here too. Safe to repeat."""
    if fact.data.get("action") == refund_approval.ACTION and fact.data.get("what") == "declined":
        refund_approval.follow(
            int(fact.data["request"]), "declined", str(fact.data.get("note") or ""), actor=fact.actor
        )


def follow_shipment(fact: Fact) -> None:
    """fulfilment.shipped: returns that waited for their goods to leave. Safe to repeat."""
    order = FulfilmentOrder.objects.filter(pk=int(fact.subject.uid)).values_list("order_id", flat=True).first()
    if order is not None:
        taking.sent(order, actor=fact.actor)


def follow_order(fact: Fact) -> None:
    """order.changed: the same, where the channel says that goods left elsewhere. Safe to repeat."""
    taking.sent(int(fact.subject.uid), actor=fact.actor)


def follow_exchange_payment(fact: Fact) -> None:
    """payment.done, payment.failed, payment.cancelled: where an exchange caused it, it follows. Safe to repeat."""
    name, _, rest = str(fact.data.get("cause") or "").partition(":")
    number = rest.partition(":")[0]
    if name == "exchange" and number.isdigit():
        advance.follow(int(number), int(fact.data["instruction"]), actor=fact.actor)
