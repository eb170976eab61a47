"""What a message turned out to mean, in Backroom's words. Translators build these; the inbox acts on them."""

from __future__ import annotations

from dataclasses import dataclass

from orders.canonical import IncomingOrder, IncomingPayment, IncomingRefund


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """The order as its channel sees it now: new or changed, open or cancelled."""

    order: IncomingOrder


@dataclass(frozen=True, slots=True)
class RecordRefund:
    """Money or units given back on an order that must be known."""

    refund: IncomingRefund


@dataclass(frozen=True, slots=True)
class RecordPayments:
    """Money events of an order that must be known."""

    order_ref: str
    payments: tuple[IncomingPayment, ...]


Act = PlaceOrder | RecordRefund | RecordPayments


@dataclass(frozen=True, slots=True)
class Meaning:
    """What to do, or why nothing has to be done. Exactly one of the two is filled."""

    acts: tuple[Act, ...] = ()
    ignored: str = ""


def ignored(reason: str) -> Meaning:
    return Meaning(ignored=reason)
