"""Returned units in the stock ledger: what each step moves, kits by their parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.actors import Actor
from core.errors import Refusal
from core.subjects import Subject
from inventory.models import INSIDE, Item, LotStep, State
from inventory.services import kits, movements, naming
from inventory.services.movements import Move, Posted
from orders.models import FulfilmentLine
from returns.models import ReturnLine


def move(
    item: Item, quantity: int, *, location_id: int, from_state: str, to_state: str, key: str, cause: Subject,
    actor: Actor, name: str = "", reason: str = "", note: str = "",
) -> Posted | None:  # fmt: skip
    """Move units of a return between two states at a place, once per key. None where both are the same: they stay put.

    Raises whatever `inventory.services.movements.post` raises: units that are missing, promised or named wrongly.
    """
    if from_state == to_state:
        return None
    ends = (_place(from_state, location_id), from_state, _place(to_state, location_id), to_state)
    moves = [Move(part, units, *ends, reason=reason, **named) for part, units, named in _units(item, quantity, name)]
    return movements.post(moves, key=key, cause=cause, actor=actor, note=note)


def _place(state: str, location_id: int) -> int | None:
    return location_id if state in {str(inside) for inside in INSIDE} else None


def _units(item: Item, quantity: int, name: str) -> list[tuple[int, int, dict[str, Any]]]:
    if item.is_kit:
        parts = kits.components([item.pk]).get(item.pk, [])
        if not parts:
            raise Refusal("kit_without_parts", f"{item.sku} is a kit without parts.", status=422)
        return [(part, each * quantity, {}) for part, each in parts]
    if not naming.tracked(item):
        return [(item.pk, quantity, {})]
    if not name:
        words = f"Scan the {naming.word(item)} of {item.sku}."
        raise Refusal("name_needed", words, status=422, sku=item.sku)
    return [(item.pk, quantity, {"serials": (name,)} if item.tracking == "SERIAL" else {"lot": name})]


def sold_names(lines: Iterable[ReturnLine]) -> dict[int, set[str]]:
    """{return line: serials or lots that left with its order line}, from the ledger; two queries for all lines."""
    asked = {line.order_line_id: line.pk for line in lines if line.order_line_id}
    rows = FulfilmentLine.objects.filter(order_line__in=asked).values_list("reservation_id", "order_line_id")
    of = dict(rows)
    found: dict[int, set[str]] = {}
    steps = LotStep.objects.filter(movement__reservation__in=list(of), movement__to_state=State.CUSTOMER)
    for reservation, code in steps.values_list("movement__reservation_id", "lot__code"):
        found.setdefault(asked[of[reservation]], set()).add(code)
    return found


def fits(line: ReturnLine, name: str, sold: dict[int, set[str]]) -> bool | None:
    """Whether a unit of this name was sold on the line's order; None where nobody wrote down what was."""
    known = sold.get(line.pk, set()) | set(line.serials)
    return (name in known) if known and name else None
