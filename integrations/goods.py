"""Carrying out goods that moved without an order: returns over the counter, units found or gone at a till's place."""

from __future__ import annotations

from core.subjects import Subject
from integrations.channels.meaning import GoodsLine, MoveGoods
from integrations.failures import FailureClass, Fault, Unreadable, Wanted
from integrations.models import InboundMessage
from inventory.models import AdjustmentReason, Item, Location, State
from inventory.services import movements
from inventory.services.movements import Move, Posted
from orders.canonical import path


def move(act: MoveGoods, message: InboundMessage) -> Posted:
    """Post the units, all or none, at their own time. Safe to repeat: a message moves its goods once.

    Raises Unreadable naming the place or the SKUs nobody knows, Refusal("not_enough_stock") where more is said to be
    gone than there is.
    """
    location_id = _place(act, message)
    items = _items(act, message)
    key = f"message:{message.pk}:{act.ref}"[:200]
    moves = [_move(line, items[line.sku], location_id) for line in act.lines]
    notes = "; ".join(dict.fromkeys(line.note for line in act.lines if line.note))
    cause = Subject("message", str(message.pk), act.ref[:200])
    return movements.post(
        moves, key=key, cause=cause, actor=message.connection.actor, occurred_at=act.at, note=notes[:500]
    )


def _move(line: GoodsLine, item_id: int, location_id: int) -> Move:
    if line.kind == "return":
        return Move(item_id, line.quantity, None, State.CUSTOMER, location_id, State.AWAITING_INSPECTION)
    if line.kind == "found":
        return Move(item_id, line.quantity, None, State.FOUND, location_id, State.SELLABLE, AdjustmentReason.FOUND)
    return Move(item_id, line.quantity, location_id, State.SELLABLE, None, State.SHRINKAGE, AdjustmentReason.LOST)


def _place(act: MoveGoods, message: InboundMessage) -> int:
    channel = message.connection.channel
    if act.store:
        found = Location.objects.filter(code=act.store).values_list("pk", flat=True).first()
        if found is None:
            raise _missing(Fault("store", f"no place has the code {act.store}", Wanted("LOCATION", act.store)))
        return found
    if channel is None or channel.sells_from_id is None:
        raise _missing(Fault("store", "the channel does not say which place it sells from"))
    return channel.sells_from_id


def _items(act: MoveGoods, message: InboundMessage) -> dict[str, int]:
    channel = message.connection.channel
    found = Item.objects.resolve({line.sku for line in act.lines}, system=channel.code if channel else "")
    unknown = [
        Fault(path(("lines", n, "sku")), f"no item is called {line.sku}", Wanted("ITEM", line.sku))
        for n, line in enumerate(act.lines)
        if line.sku not in found
    ]
    if unknown:
        raise _missing(*unknown[:50])
    return found


def _missing(*faults: Fault) -> Unreadable:
    return Unreadable(FailureClass.MISSING_REFERENCE, *faults)
