"""What becomes of what arrived otherwise than it was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import F
from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from exceptions.services import cases
from inventory import events as facts
from inventory.models import (
    DiscrepancyKind,
    LotStock,
    Resolution,
    State,
    StockMovement,
    Transfer,
    TransferDiscrepancy,
    TransferLine,
    TransferLot,
    TransferStatus,
)
from inventory.services import movements
from inventory.services.handling import named_moves, open_transfer, record
from inventory.services.locking import retrying
from inventory.services.movements import Move


def resolve(discrepancy_id: int, resolution: str, *, actor: Actor) -> TransferDiscrepancy:
    """Say what became of a discrepancy, and move the units accordingly. Safe to repeat with the same answer.

    SHORT: ARRIVED, LOST or NEVER_LEFT. OVER and MISSHIPPED: FROM_ORIGIN takes the units off the origin's books,
    WAS_OURS leaves those alone. The last one makes the transfer RECEIVED. Refusal("resolved_already"), ("bad_choice"),
    or what the movement is refused for.
    """

    def work() -> TransferDiscrepancy:
        rows = TransferDiscrepancy.objects.select_related("item")
        transfer_id = rows.filter(pk=discrepancy_id).values_list("transfer_id", flat=True).first()
        if transfer_id is None:
            raise Refusal("not_found", "No such discrepancy.", status=404)
        transfer = open_transfer(transfer_id)
        found = rows.get(pk=discrepancy_id)
        if found.resolution == resolution:
            return found
        if found.resolution:
            raise Refusal("resolved_already", f"It was settled as: {found.get_resolution_display().lower()}.")
        _move_resolved(transfer, found, resolution, actor)
        found.resolution, found.resolved_at, found.resolved_by = resolution, timezone.now(), actor.label[:200]
        found.save(update_fields=["resolution", "resolved_at", "resolved_by", "booked"])
        data = {"sku": found.item.sku, "code": found.code, "kind": found.kind, "units": found.quantity}
        record(transfer, facts.TRANSFER_SETTLED, actor, {**data, "resolution": resolution})
        cases.recheck(found.subject, cause=Resolution(resolution).label, actor=actor)
        if not transfer.discrepancies.filter(resolution="").exists():
            transfer.move(TransferStatus.RECEIVED)
        return found

    return retrying(work)


def stand_again(discrepancy_id: int, *, moved: Sequence[int], key: str, actor: Actor) -> TransferDiscrepancy:
    """Take a resolution back: its movements (`moved`) are reversed and the discrepancy stands again.

    Refusal("not_resolved"), ("brought") for a serial that was brought from elsewhere, or what the books refuse.
    """

    def work() -> TransferDiscrepancy:
        rows = TransferDiscrepancy.objects.select_related("item")
        transfer = open_transfer(rows.values_list("transfer_id", flat=True).get(pk=discrepancy_id))
        found = rows.get(pk=discrepancy_id)
        if not found.resolution:
            raise Refusal("not_resolved", "It has to be settled already.")
        taken = StockMovement.objects.filter(pk__in=moved, to_state=State.SHRINKAGE)
        if found.code and found.resolution == Resolution.FROM_ORIGIN and not taken.exists():
            raise Refusal("brought", f"{found.code} was brought from where the books had it. Move it back by hand.")
        if moved:
            movements.compensate(moved, key=key, cause=transfer.subject, actor=actor,
                                 note=f"{transfer.number}: to be settled again")  # fmt: skip
        was, found.resolution, found.resolved_at, found.resolved_by = found.resolution, "", None, ""
        found.save(update_fields=["resolution", "resolved_at", "resolved_by"])
        data = {"sku": found.item.sku, "code": found.code, "kind": found.kind, "units": found.quantity, "was": was}
        record(transfer, facts.TRANSFER_UNSETTLED, actor, data)
        if transfer.status == TransferStatus.RECEIVED:
            transfer.move(TransferStatus.DISCREPANT)
        else:
            Transfer.objects.filter(pk=transfer.pk).update(version=F("version") + 1)
        return found

    return retrying(work)


def choices(kind: str) -> tuple[Resolution, ...]:
    """The resolutions a discrepancy of this kind can have."""
    if kind == DiscrepancyKind.SHORT:
        return (Resolution.ARRIVED, Resolution.LOST, Resolution.NEVER_LEFT)
    return (Resolution.FROM_ORIGIN, Resolution.WAS_OURS)


def _move_resolved(transfer: Transfer, found: TransferDiscrepancy, resolution: str, actor: Actor) -> None:
    if resolution not in choices(found.kind):
        raise Refusal("bad_choice", "A discrepancy of this kind can't be settled so.", status=422)
    if not found.booked:
        moves = _brought(transfer, found) if resolution == Resolution.FROM_ORIGIN else []
    else:
        moves = _moves(transfer, found, resolution)
    if moves:
        key = f"transfer:{transfer.pk}:settle:{found.pk}:{transfer.version}"  # what stands again has a later version
        movements.post(moves, key=key, cause=transfer.subject, actor=actor,
                       note=f"{transfer.number}: {Resolution(resolution).label.lower()}")  # fmt: skip


def _moves(transfer: Transfer, found: TransferDiscrepancy, resolution: str) -> list[Move]:
    here, there = transfer.destination_id, transfer.origin_id
    ends: dict[str, tuple[Any, ...]] = {
        Resolution.ARRIVED: (here, State.IN_TRANSIT_IN, here, State.SELLABLE),
        Resolution.LOST: (here, State.IN_TRANSIT_IN, None, State.SHRINKAGE),
        Resolution.NEVER_LEFT: (here, State.IN_TRANSIT_IN, there, State.SELLABLE),
        Resolution.FROM_ORIGIN: (there, State.SELLABLE, None, State.SHRINKAGE),
    }
    if resolution not in ends:
        return []
    if found.code:
        return named_moves(found.item, {found.code: found.quantity}, *ends[resolution])
    return [Move(found.item_id, found.quantity, *ends[resolution])]


def _brought(transfer: Transfer, found: TransferDiscrepancy) -> list[Move]:
    """A serial that came and that the books have elsewhere: taken from there, now that somebody says it is so."""
    lying = LotStock.objects.filter(single=True, quantity__gt=0, lot__item=found.item, lot__code=found.code)
    place, state = lying.values_list("location_id", "state").first() or (None, State.FOUND)
    if state == State.IN_TRANSIT_IN:
        raise Refusal("on_its_way", f"{found.code} is on its way by another transfer. Settle that one first.")
    to = State.DAMAGED if found.damaged else State.SELLABLE
    if (place, state) == (transfer.destination_id, to):
        moves = []
    else:
        moves = [Move(found.item_id, 1, place, state, transfer.destination_id, to, serials=(found.code,))]
    found.booked = True
    TransferLine.objects.filter(transfer=transfer, item=found.item).update(received=F("received") + 1)
    TransferLot.objects.filter(line__transfer=transfer, line__item=found.item, code=found.code).update(received=1)
    return moves
