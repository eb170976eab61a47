"""Taking a connection live in phases: in shadow it is read and compared and nothing else, then live by place or share.

An order is live by its own reference, so it is on one side for good while the setting stands: which orders a share of
20 % takes in is a matter of the reference alone, and 50 % takes those and more. What a connection once took in it
keeps: after a roll-back it hears of the updates of those orders and is told of their shipments, as nobody else is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from integrations.channels.meaning import (
    Act,
    AskFor,
    CancelOrder,
    MoveGoods,
    PlaceOrder,
    RecordPayments,
    RecordRefund,
    SetAside,
    TakeReturn,
    TakeSnapshot,
)
from integrations.models import Connection, InboundMessage
from orders.models import Order

Mode = Connection.Mode


@dataclass(frozen=True, slots=True)
class Setting:
    """How much of a connection is live. Share and places mean something only while it is partly live."""

    mode: str
    share: int = 0
    places: tuple[str, ...] = ()

    @classmethod
    def of(cls, connection: Connection) -> Setting:
        return cls(connection.mode, connection.live_share, tuple(connection.live_places))

    @property
    def words(self) -> str:
        if self.mode != Mode.PART:
            return "live" if self.mode == Mode.LIVE else "in shadow"
        parts = [f"{self.share} % of its orders"] if self.share else []
        parts += [f"at {', '.join(self.places)}"] if self.places else []
        return f"partly live: {' and '.join(parts)}"

    def takes(self, ref: str, place: str = "") -> bool:
        """Whether an order of this reference, to be collected or sold at this place, is live."""
        if self.mode != Mode.PART:
            return self.mode == Mode.LIVE
        return (bool(place) and place in self.places) or bucket(ref) < self.share

    def as_data(self) -> dict[str, Any]:
        return {"mode": self.mode, "share": self.share, "places": list(self.places)}


def bucket(ref: str) -> int:
    """0 to 99, for ever the same for one reference and even over many."""
    return int.from_bytes(hashlib.sha256(ref.encode()).digest()[:8]) % 100


# --- What is live


def split(acts: Sequence[Act], message: InboundMessage) -> tuple[list[Act], list[Act]]:
    """The acts to carry out, and those that are only compared."""
    connection = message.connection
    if connection.mode == Mode.LIVE:
        return list(acts), []
    live: list[Act] = []
    shadowed: list[Act] = []
    for act in acts:
        (live if _is_live(act, connection) else shadowed).append(act)
    return live, shadowed


def _is_live(act: Act, connection: Connection) -> bool:
    setting = Setting.of(connection)
    if isinstance(act, AskFor | SetAside):
        return True  # that is reading on
    if isinstance(act, PlaceOrder):
        ref, place = act.order.channel_ref, act.order.pickup_location_code or ""
        return setting.takes(ref, place) or _took_in(connection, ref)
    if isinstance(act, CancelOrder | RecordPayments):
        return setting.takes(act.order_ref) or _took_in(connection, act.order_ref)
    if isinstance(act, RecordRefund):
        return setting.takes(act.refund.order_ref) or _took_in(connection, act.refund.order_ref)
    if isinstance(act, TakeReturn):
        return setting.takes(act.ret.order_ref) or _took_in(connection, act.ret.order_ref)
    if isinstance(act, MoveGoods):
        return setting.mode == Mode.PART and act.store in setting.places
    if isinstance(act, TakeSnapshot):
        return False  # what is believed of stock is one picture; a part of it would be a wrong one
    return setting.mode == Mode.PART


def _took_in(connection: Connection, ref: str) -> bool:
    number = (
        Order.objects.filter(channel=connection.channel_id, channel_ref=ref).values_list("number", flat=True).first()
    )
    if number is None:
        return False
    status = InboundMessage.Status.PROCESSED
    return InboundMessage.objects.filter(connection=connection, result_label=number, status=status).exists()


def tells(connection: Connection, order: Order) -> bool:
    """Whether news of this order go out through this connection."""
    if connection.mode == Mode.LIVE:
        return True
    place = order.pickup_location_code
    return Setting.of(connection).takes(order.channel_ref, place) or _took_in(connection, order.channel_ref)


def publishes(connection: Connection) -> bool:
    """Whether its channel is told what it may sell: all of it or nothing, since one figure can't be half of two."""
    return connection.mode == Mode.LIVE
