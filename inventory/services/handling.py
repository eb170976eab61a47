"""What every step of a transfer shares: its lock, its lines, its facts, and the end of its promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory.models import (
    MAX_UNITS,
    Item,
    Reservation,
    Tracking,
    Transfer,
    TransferLine,
    TransferLot,
    TransferStatus,
)
from inventory.services import reservations
from inventory.services.movements import Move


def open_transfer(transfer_id: int, version: int | None = None) -> Transfer:
    """Lock the transfer. Must run inside a transaction. Refusal("not_found") 404, ("stale") 409."""
    rows = Transfer.objects.select_for_update(no_key=True, of=("self",)).select_related("origin", "destination")
    transfer = rows.filter(pk=transfer_id).first()
    if transfer is None:
        raise Refusal("not_found", "No such transfer.", status=404)
    if version is not None and version != transfer.version:
        raise Refusal(
            "stale",
            f"Somebody changed {transfer.number} meanwhile; it is {state_of(transfer)} now.",
            status_now=transfer.status,
            version=transfer.version,
            sent=version,
        )
    return transfer


def state_of(transfer: Transfer) -> str:
    if transfer.status == TransferStatus.REQUESTED:
        return "approved" if transfer.approved_at else "waiting for approval"
    return transfer.get_status_display().lower()


def touch(transfer: Transfer, **fields: Any) -> None:
    """Change fields without a move; the version still counts it."""
    changed = {"version": transfer.version + 1, "updated_at": timezone.now(), **fields}
    Transfer.objects.filter(pk=transfer.pk).update(**changed)
    for name, value in changed.items():
        setattr(transfer, name, value)


def lines_of(transfer: Transfer) -> list[TransferLine]:
    return list(transfer.lines.select_related("item").order_by("item__sku"))


def lots_of(lines: Sequence[TransferLine]) -> dict[int, list[TransferLot]]:
    """{line: its lots by code}; no query where none of the lines is of a tracked item."""
    found: dict[int, list[TransferLot]] = {line.pk: [] for line in lines}
    if any(line.item.tracking != Tracking.NONE for line in lines):
        for lot in TransferLot.objects.filter(line__in=lines).order_by("code"):
            found[lot.line_id].append(lot)
    return found


def named_moves(item: Item, units: Mapping[str, int], *ends: Any) -> list[Move]:
    """The moves of these lots or serials from one end to another: (location, state, location, state)."""
    codes = {code: quantity for code, quantity in sorted(units.items()) if quantity}
    if not codes:
        return []
    here, at, there, to = ends
    if item.tracking == Tracking.SERIAL:
        return [Move(item.pk, len(codes), here, at, there, to, serials=tuple(codes))]
    return [Move(item.pk, quantity, here, at, there, to, lot=code) for code, quantity in codes.items()]


def whole(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_UNITS:
        raise Invalid([Problem(name, "range", f"A whole number from {least}.")], status=422)


def record(transfer: Transfer, fact: str, actor: Actor, data: dict[str, Any]) -> None:
    related = (
        (Subject("location", str(transfer.origin_id), transfer.origin.code), "origin"),
        (Subject("location", str(transfer.destination_id), transfer.destination.code), "destination"),
    )
    events.record(fact, transfer.subject, actor=actor, data=data, related=related)


def give_back(transfer: Transfer, units: Mapping[str, int] | None, why: str, actor: Actor) -> None:
    """End the transfer's promises: all, or so many units of the lines named by ref."""
    held = Reservation.objects.held().filter(demand__demand_uid=transfer.demand_uid).order_by("id")
    parts = [(r.pk, r.quantity if units is None else units[r.ref]) for r in held if units is None or r.ref in units]
    if parts:
        key = f"transfer:{transfer.pk}:{transfer.version}:back"
        reservations.release(parts, key=key, reason=why, actor=actor)
