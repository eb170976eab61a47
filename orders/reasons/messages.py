"""A customer who was to be told something and could not be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.actors import Actor
from core.subjects import Subject
from exceptions.reasons import Action, Context, Evidence, Opening, Reason, Row
from orders.models import CustomerMessage, MessageStatus, Order
from orders.reasons import weights

SWEPT = 1_000


def _failed() -> Any:
    return CustomerMessage.objects.filter(status=MessageStatus.FAILED)


def _standing() -> Iterable[str]:
    ids = _failed().order_by("order_id").values_list("order_id", flat=True).distinct()
    return [str(pk) for pk in ids[:SWEPT]]


def _evidence(uid: str) -> Evidence:
    return Evidence(
        heading="Messages that could not be sent",
        columns=("About", "By", "Subject", "Why"),
        rows=[
            Row((row.event, row.get_medium_display(), row.subject or "none", row.why), hot=True)
            for row in _failed().filter(order_id=uid).order_by("-pk")[:20]
        ],
        empty="Every message has gone out, or was not to be sent.",
    )


def _context(uid: str) -> Context | None:
    order = Order.objects.select_related("channel").filter(pk=uid).first()
    if order is None:
        return None
    return Context(
        title=f"Order {order.number}",
        subject=Subject("order", uid, order.number),
        facts=(("Channel", order.channel.name), ("Buyer", order.buyer_name or "Anonymous")),
    )


def _describe(uid: str) -> Opening | None:
    order = Order.objects.filter(pk=uid).first()
    return Opening(label=order.number, value=order.total, currency=order.currency) if order else None


def _send_again(uid: str, *, actor: Actor) -> str:
    from orders.services import messages

    waiting = list(_failed().filter(order_id=uid, body__gt="").values_list("pk", flat=True))
    for message_id in waiting:
        messages.send_again(message_id, actor=actor)
    return f"{len(waiting)} on their way again." if waiting else "Nothing can be sent again as it is."


REASONS = (
    Reason(
        code="orders.customer_not_told",
        impact=weights.of_order,
        title="A customer could not be told",
        queue="orders",
        subject_kind="order",
        icon="mail",
        acknowledge_minutes=2 * 60,
        resolve_minutes=8 * 60,
        description="A message to the customer was refused on its way, or its template could not be used.",
        clears="when the message has gone out",
        predicate=lambda uid: _failed().filter(order_id=uid).exists(),
        standing=_standing,
        evidence=_evidence,
        context=_context,
        describe=_describe,
        actions=(
            Action(
                code="send_again", title="Send it again", detail="To the address the order has now.",
                permission="orders.change_order", run=_send_again, rehearsed=True, primary=True,
                lasting="A message that has gone out can't be called back.",
                offered=lambda uid: _failed().filter(order_id=uid, body__gt="").exists(),
            ),
        ),
    ),
)  # fmt: skip
