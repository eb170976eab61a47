"""Carrying out what a message means, by calling the services that own it. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import Refusal
from integrations import goods
from integrations.arrivals import order_key
from integrations.channels.meaning import Act, MoveGoods, PlaceOrder, RecordPayments, RecordRefund
from integrations.models import InboundMessage
from orders.services import intake, payments


@dataclass(slots=True)
class Done:
    """What came of it. `made_known` are the keys other messages may be waiting for."""

    changed: bool = False
    idle_status: str = InboundMessage.Status.DUPLICATE
    words: str = ""
    order_id: int | None = None
    number: str = ""
    made_known: list[str] = field(default_factory=list)


def carry_out(acts: Sequence[Act], message: InboundMessage) -> Done:
    """All of them or none: runs inside the caller's transaction. Raises NotYet when an order isn't known yet."""
    done = Done()
    for act in acts:
        _one(act, message, done)
    return done


def _one(act: Act, message: InboundMessage, done: Done) -> None:
    if isinstance(act, MoveGoods):
        goods.move(act, message)
        done.changed, done.words = True, ""
        return
    connection = message.connection
    channel, actor = connection.channel, connection.actor
    if channel is None:
        raise Refusal("no_channel", f"{connection.name} is not the connection of a channel.")
    if isinstance(act, PlaceOrder):
        placed = intake.place(act.order, channel=channel, actor=actor, source=message.subject)
        done.made_known.append(order_key(channel.code, act.order.channel_ref))
    elif isinstance(act, RecordRefund):
        placed = intake.refund(act.refund, channel=channel, actor=actor, source=message.subject)
    elif isinstance(act, RecordPayments):
        placed = payments.record(act.order_ref, act.payments, channel=channel, actor=actor, source=message.subject)
    done.order_id, done.number = placed.order_id, placed.number
    if placed.outcome in {"created", "changed"}:
        done.changed = True
        done.words = ""
    elif not done.changed:
        stale = placed.outcome == "stale"
        done.idle_status = InboundMessage.Status.IGNORED if stale else InboundMessage.Status.DUPLICATE
        done.words = (
            f"not newer than what is known of order {placed.number}"
            if stale
            else f"order {placed.number} already says all of this"
        )
