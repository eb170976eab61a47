"""What a short pick does to the books of its place: as much as is known, and no guess beyond that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Refusal
from core.subjects import Subject
from inventory.models import AdjustmentReason, State, Tracking
from inventory.services import movements, naming
from inventory.services.locking import Row, lock_stock
from inventory.services.movements import Move
from orders import canonical
from orders.models import FulfilmentLine, StockEffect
from orders.services.short_reasons import Why
from orders.services.work import Work

_EFFECTS: dict[str, State | None] = {
    StockEffect.ALL_FREE: State.SHRINKAGE,
    StockEffect.MISSING: State.SHRINKAGE,
    StockEffect.DAMAGED: State.DAMAGED,
    StockEffect.SET_ASIDE: State.QUARANTINED,
    StockEffect.NONE: None,
}


@dataclass(frozen=True, slots=True)
class Effect:
    """Units moved. `unnamed` where some should have been, and nobody knows which: they are to be counted."""

    moved: int = 0
    unnamed: bool = False


def correct(w: Work, line: FulfilmentLine, item_id: int, quantity: int, why: Why, codes: Sequence[str]) -> Effect:
    """Move what the shelf really lacks. Never touches what other orders were promised. Locks the stock row.

    Units told apart move under their names: those in `codes`, or where the shelf leaves no choice (one lot, or all that
    lies there is missing). Otherwise the books wait for the count. Refusal("not_here") for a name that isn't there.
    """
    to = _EFFECTS[why.effect]
    if to is None:
        return Effect()
    row = lock_stock([(item_id, line.location_id)])[item_id, line.location_id]
    units = quantity
    if why.effect == StockEffect.ALL_FREE:
        units = max(quantity, row.sellable - row.reserved)
    place = line.location_id if to in {State.DAMAGED, State.QUARANTINED} else None
    ends = (line.location_id, State.SELLABLE, place, to, AdjustmentReason.SHORT_PICK)
    if row.tracking == Tracking.NONE:
        moves = [Move(item_id, units, *ends)]
    else:
        named = _given(row, codes, quantity) if codes else _obvious(row, units)
        moves = _named_moves(row, named, ends)
    if not moves:
        return Effect(unnamed=True)
    movements.post(
        moves,
        key=w.desk.key(f"short-{line.pk}"),
        cause=Subject("fulfilment", str(w.job.pk), w.job.number),
        actor=w.desk.actor,
        note=f"Short pick: {why.title}",
    )
    return Effect(sum(move.quantity for move in moves))


def _named_moves(row: Row, named: dict[str, int], ends: tuple[object, ...]) -> list[Move]:
    here, at, there, to, why = ends
    about = (here, at, there, to, why)
    if row.tracking == Tracking.SERIAL and named:
        return [Move(row.item_id, len(named), *about, serials=tuple(sorted(named)))]  # type: ignore[arg-type]
    return [Move(row.item_id, units, *about, lot=code) for code, units in sorted(named.items())]  # type: ignore[arg-type]


def _given(row: Row, codes: Sequence[str], quantity: int) -> dict[str, int]:
    """The units somebody named: of a lot as many as are short, of serials each."""
    shelf = naming.on_shelf(row.item_id, row.location_id)
    names = list(dict.fromkeys(canonical.sku_text(canonical.clean(code)) for code in codes if code.strip()))
    single = row.tracking == Tracking.SERIAL
    wanted = dict.fromkeys(names, 1 if single else quantity)
    if lost := [name for name, units in wanted.items() if shelf.get(name, 0) < units]:
        raise Refusal("not_here", f"The books don't have {lost[0]} on this shelf.", status=422, scanned=lost[0])
    if sum(wanted.values()) != quantity:
        raise Refusal("not_missing", f"{sum(wanted.values())} are named, {quantity} are short.", status=422)
    return wanted


def _obvious(row: Row, units: int) -> dict[str, int]:
    """Which units it must be where there is no choice; else none."""
    shelf = naming.on_shelf(row.item_id, row.location_id)
    if sum(shelf.values()) == units:
        return shelf
    if row.tracking == Tracking.LOT and len(shelf) == 1 and units <= sum(shelf.values()):
        return dict.fromkeys(shelf, units)
    return {}
