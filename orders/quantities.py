"""The arithmetic of a line's units: pure, so that every order of messages gives the same vector.

`ordered = open + allocated + backordered + fulfilled + cancelled`. What the source said (its winning version and the
refunds known so far), what we shipped and what we cancelled are inputs; open follows.
"""

from __future__ import annotations

from typing import Protocol


class Units(Protocol):
    """The columns of OrderLine this module reads and writes."""

    requires_shipping: bool
    gift_card: bool
    ordered: int
    open: int
    allocated: int
    backordered: int
    fulfilled: int
    cancelled: int
    shipped_here: int
    cancelled_here: int
    source_quantity: int
    source_cancelled: int
    source_fulfilled: int
    agreed_units: int | None
    agreed_basis: int | None


def is_physical(line: Units) -> bool:
    """Does somebody have to pick it? Gift cards and services are delivered by the source itself."""
    return line.requires_shipping and not line.gift_card


def settle(line: Units, *, order_cancelled: bool, refunded: int = 0) -> int:
    """Bring the vector in line with its inputs; returns how many allocated units are too many.

    The caller takes that many off the nodes (`allocated` already is without them). `refunded` are the units of the
    known refunds that had not left. Units the source, its refunds and we took off overlap, so the largest count wins;
    likewise what left according to the source and what we shipped. A change agreed here adds units or takes some off.
    """
    quantity, gone = _wanted(line, refunded)
    if is_physical(line) or order_cancelled:
        line.fulfilled = max(line.shipped_here, line.source_fulfilled)
    else:
        line.fulfilled = max(line.shipped_here, line.source_fulfilled, quantity - gone)
    line.ordered = max(quantity, line.fulfilled)
    room = line.ordered - line.fulfilled
    line.cancelled = room if order_cancelled else min(gone, room)
    remaining = room - line.cancelled
    surplus = max(0, line.allocated - remaining)
    line.allocated -= surplus
    line.backordered = min(line.backordered, remaining - line.allocated)  # what still has to come goes first
    line.open = remaining - line.backordered - line.allocated
    return surplus


def _wanted(line: Units, refunded: int) -> tuple[int, int]:
    """Units ordered, and of those the units that will not be delivered."""
    gone = max(line.source_cancelled, line.cancelled_here, refunded)
    if line.agreed_units is None or line.agreed_basis is None:
        return line.source_quantity, gone
    gone = min(gone, line.source_quantity)
    said = line.source_quantity - gone
    keep = agreed(said, units=line.agreed_units, basis=line.agreed_basis)
    if keep <= said:
        return line.source_quantity, line.source_quantity - keep
    return line.source_quantity + keep - said, gone


def said(line: Units, refunded: int = 0) -> int:
    """Units the source wants delivered, all in all, whatever was agreed here."""
    return max(0, line.source_quantity - max(line.source_cancelled, line.cancelled_here, refunded))


def agreed(said: int, *, units: int, basis: int) -> int:
    """What is wanted of a line of which a change here made `units` of the `basis` units the source wanted then.

    The source learns of the change sooner or later and repeats it, at once or unit by unit: neither counts twice, and a
    cut is never undone on the way. What the source changes beyond that counts on top.
    """
    if units <= basis:
        return min(said, units) if said <= basis else units + said - basis
    return max(said, units) if said >= basis else units - (basis - said)


def to_deliver(line: Units) -> int:
    """Units a node still has to send."""
    return line.open + line.allocated + line.backordered
