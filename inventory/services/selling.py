"""Sales that have happened already: a till hands the goods over first and tells us afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.actors import Actor
from core.errors import Invalid, Problem
from core.subjects import Subject
from exceptions.services import cases
from inventory.models import MAX_UNITS, AdjustmentReason, Location, State, StockMovement, Tracking
from inventory.services import locking, movements, unnamed_sales
from inventory.services.locking import Pair, Row
from inventory.services.movements import Move

BEYOND = "inventory.sold_beyond_the_books"


@dataclass(frozen=True, slots=True)
class Sold:
    """What was posted. `beyond` are the units per item that left although the books did not have them free; `unnamed`
    those of tracked items that left without anybody saying which."""

    movement_ids: list[int]
    beyond: dict[int, int]
    unnamed: dict[int, int] = field(default_factory=dict)
    replayed: bool = False


def sold(
    location_id: int,
    units: Mapping[int, int],
    *,
    named: Mapping[int, Mapping[str, int]] | None = None,
    key: str,
    cause: Subject,
    actor: Actor,
    occurred_at: datetime | None = None,
) -> Sold:
    """Units left a place for customers, whatever the books say. Negative units came back to the shelf (a void).

    A sale is a fact, so it is never refused for want of stock: what the books lack is found first, in the same posting,
    and one case per item and place asks why. Units promised to others count as lacking. Safe to repeat by key.
    Of tracked items `named` says {item: {lot or serial: units}}. Where it doesn't, and the shelf leaves a choice, the
    books wait: a case says so, and the item is counted.
    Locks the stock rows. Raises Invalid for quantities that make no sense.
    """
    _check(units)
    wanted = {item: quantity for item, quantity in units.items() if quantity}
    if not wanted:
        return Sold([], {})

    def work() -> Sold:
        rows = locking.lock_stock([(item, location_id) for item in wanted], create=True)
        known = list(StockMovement.objects.filter(key=key).order_by("line").values_list("id", flat=True))
        if known:
            return Sold(known, {}, replayed=True)
        tracked = {item: n for item, n in wanted.items() if rows[item, location_id].tracking != Tracking.NONE}
        plain = {item: n for item, n in wanted.items() if item not in tracked}
        beyond = _beyond(plain, rows, location_id)
        moves = _moves(plain, beyond, location_id)
        unnamed = {}
        for item, quantity in tracked.items():
            row = rows[item, location_id]
            named_moves = unnamed_sales.moves(row, quantity, (named or {}).get(item), occurred_at)
            moves += named_moves
            if not named_moves:
                unnamed[item] = quantity
        ids = []
        if moves:
            ids = movements.post(moves, key=key, cause=cause, actor=actor, occurred_at=occurred_at).movement_ids
        _complain(beyond, rows, location_id, cause, actor)
        unnamed_sales.complain([(rows[item, location_id], n) for item, n in unnamed.items()], cause=cause, actor=actor)
        return Sold(ids, beyond, unnamed)

    return locking.retrying(work)


def _check(units: Mapping[int, int]) -> None:
    wrong = [item for item, quantity in units.items() if type(quantity) is not int or abs(quantity) > MAX_UNITS]
    if wrong:
        raise Invalid([Problem("units", "range", f"Units are whole numbers up to {MAX_UNITS}.")])


def _beyond(wanted: Mapping[int, int], rows: Mapping[Pair, Row], location_id: int) -> dict[int, int]:
    """Promised units are not the till's to sell, except where a place may promise ahead of its stock anyway."""
    lacking = {}
    for item, quantity in wanted.items():
        row = rows[item, location_id]
        free = row.sellable if row.allows_backorder else row.sellable - row.reserved
        if quantity > max(free, 0):
            lacking[item] = quantity - max(free, 0)
    return lacking


def _moves(wanted: Mapping[int, int], beyond: Mapping[int, int], location_id: int) -> list[Move]:
    moves = [
        Move(item, quantity, None, State.FOUND, location_id, State.SELLABLE, AdjustmentReason.LATE_SALE)
        for item, quantity in beyond.items()
    ]
    for item, quantity in wanted.items():
        if quantity > 0:
            moves.append(Move(item, quantity, location_id, State.SELLABLE, None, State.CUSTOMER))
        else:
            moves.append(Move(item, -quantity, None, State.CUSTOMER, location_id, State.SELLABLE))
    return moves


def _complain(
    beyond: Mapping[int, int], rows: Mapping[Pair, Row], location_id: int, cause: Subject, actor: Actor
) -> None:
    """One case per stock row. An open one needs no second word: its evidence is read from the ledger."""
    if not beyond:
        return
    site_id = Location.objects.filter(pk=location_id).values_list("site_id", flat=True).first()
    words = f"first by {cause.label or cause.uid}."
    said = [
        cases.Said(
            Subject("stock", str(row.id), row.label),
            f"{units} more were sold than {row.location} had free, {words}",
        )
        for item, units in beyond.items()
        for row in [rows[item, location_id]]
    ]
    cases.open_many(BEYOND, said, site_id=site_id, repeats=False, actor=actor)
