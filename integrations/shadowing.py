"""What a message would have come to, found out by doing it and taking it back, and compared with what others made."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import DatabaseError, transaction

from core.errors import Invalid, NotYet, Refusal, TryLater
from integrations import effects
from integrations.channels.meaning import (
    Act,
    CancelOrder,
    FollowParcel,
    MoveGoods,
    PlaceOrder,
    RecordPayments,
    RecordRefund,
    TakeReturn,
    TakeSnapshot,
)
from integrations.models import InboundMessage, ShadowResult
from integrations.tracing import difference
from orders.canonical import IncomingOrder
from orders.models import Order

Outcome = ShadowResult.Outcome
# What the comparing connection names in its own way; two connections of one shop needn't agree on it.
_OWN = ("channel_ref",)


def look(acts: Sequence[Act], message: InboundMessage) -> str:
    """Keep what these acts would have done; returns it in words. Nothing else is left behind.

    Inside the transaction that ends the message.
    """
    placed = next((act.order for act in acts if isinstance(act, PlaceOrder)), None)
    failed = _rehearsed(acts, message)
    values: dict[str, object]
    if failed:
        values = {"outcome": Outcome.FAILED, "would": f"would fail: {failed}"[:500]}
    elif placed is not None:
        values = _compared(placed, message)
    else:
        values = {"outcome": Outcome.OTHER, "would": "; ".join(dict.fromkeys(map(_words, acts)))[:500]}
    values["order_ref"] = placed.channel_ref if placed else next(filter(None, map(_ref, acts)), "")
    ShadowResult.objects.update_or_create(
        message=message, defaults={"connection": message.connection, "order_number": "", "figures": [], **values}
    )
    return f"in shadow: {values['would']}"


def _rehearsed(acts: Sequence[Act], message: InboundMessage) -> str:
    """Why carrying them out would fail; what speaks of an order that is not here says nothing in shadow."""
    try:
        with transaction.atomic():
            effects.carry_out(acts, message)
            transaction.set_rollback(True)
    except Invalid as error:
        return "; ".join(f"{p.path}: {p.message}" for p in error.problems[:3])
    except Refusal as refusal:
        return refusal.message
    except NotYet:
        return ""
    except (TryLater, DatabaseError):
        raise
    return ""


def _compared(incoming: IncomingOrder, message: InboundMessage) -> dict[str, object]:
    order = _known(incoming, message)
    if order is None:
        return {"outcome": Outcome.MISSING, "would": f"would take in order {incoming.number or incoming.channel_ref}"}
    figures = [f for f in difference.of(incoming, order) if not f.same and f.path not in _OWN]
    said = (
        f"{len(figures)} figures differ from"
        if len(figures) > 1
        else "one figure differs from"
        if figures
        else "says what"
    )
    return {
        "outcome": Outcome.DIFFERS if figures else Outcome.SAME,
        "would": f"{said} {order.number}" if figures else f"{said} {order.number} says",
        "order_number": order.number,
        "figures": [{"path": f.path, "came": f.came, "stored": f.stored} for f in figures[:100]],
    }


def _known(incoming: IncomingOrder, message: InboundMessage) -> Order | None:
    """The same order as another connection brought it: by the channel's reference, else by the number people see."""
    channel = message.connection.compared_channel_id or message.connection.channel_id
    rows = Order.objects.filter(channel=channel).prefetch_related("lines", "payments")
    found = rows.filter(channel_ref=incoming.channel_ref).first()
    if found is None and incoming.number:
        found = rows.filter(channel_number=incoming.number).order_by("-pk").first()
    return found


def _ref(act: Act) -> str:
    if isinstance(act, CancelOrder | RecordPayments):
        return act.order_ref
    if isinstance(act, TakeReturn):
        return act.ret.order_ref
    return act.refund.order_ref if isinstance(act, RecordRefund) else ""


def _words(act: Act) -> str:
    if isinstance(act, CancelOrder):
        return f"would cancel order {act.order_ref}"
    if isinstance(act, RecordRefund):
        return f"would record a refund of order {act.refund.order_ref}"
    if isinstance(act, TakeReturn):
        return f"would take a return of order {act.ret.order_ref}"
    if isinstance(act, RecordPayments):
        return f"would record payments of order {act.order_ref}"
    if isinstance(act, TakeSnapshot):
        return f"would compare {len(act.snapshot.lines)} stock levels"
    if isinstance(act, MoveGoods):
        return f"would move {sum(line.quantity for line in act.lines)} units"
    if isinstance(act, FollowParcel):
        return f"would follow parcel {act.tracking_number}"
    return "would answer a request"
