"""What a case about an order or its work may wait for."""

from __future__ import annotations

from exceptions import wakes
from exceptions.wakes import Wake

_PARCEL = Wake("tracked", "the carrier says something new", ("parcel.tracked",))
_MONEY = Wake("money", "money moves for this order", ("order.paid", "order.refunded"))


def register() -> None:
    wakes.register(
        "order",
        Wake("changed", "the channel changes or cancels the order", ("order.changed", "order.cancelled")),
        Wake("stock", "its units find a place", ("order.allocated", "order.backorder_filled")),
        Wake("delivery", "its delivery gets a new date", ("order.backorder_slipped", "order.promise_changed")),
        _MONEY,
        Wake("told", "the customer is told something", ("customer.message_sent",)),
    )
    wakes.register(
        "fulfilment",
        Wake("picked", "the work goes on at its place", ("fulfilment.picked", "fulfilment.packed")),
        Wake("left", "it leaves", ("fulfilment.shipped", "fulfilment.delivered")),
        _PARCEL,
        Wake("label", "it has a label", ("parcel.label_ready",)),
        Wake("answer", "the partner answers", ("partner.answered",)),
    )
