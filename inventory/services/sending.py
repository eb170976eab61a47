"""The sending half of a transfer: picked, and on its way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from inventory import asides
from inventory import events as facts
from inventory.models import State, Transfer, TransferLine, TransferLot, TransferStatus
from inventory.services import counts, inbound, movements, naming
from inventory.services.handling import (
    give_back,
    lines_of,
    lots_of,
    named_moves,
    open_transfer,
    record,
    state_of,
    touch,
    whole,
)
from inventory.services.locking import lock_stock, retrying
from inventory.services.movements import Move

ON_THE_ROAD = timedelta(days=2)  # how long a transfer takes where nobody says


def pick(transfer_id: int, *, code: str, quantity: int = 1, version: int | None = None, actor: Actor) -> TransferLine:
    """Units taken off the origin's shelf, by their code; the last one makes the transfer PICKED.

    Of tracked items the lot or serial is scanned. Refusal("not_on_this_transfer"), ("picked_already"), ("not_picking"),
    ("name_needed"), ("not_here") for a lot or serial the books don't have on this shelf, ("unknown_code").
    """
    whole("quantity", quantity, 1)

    def work() -> TransferLine:
        transfer = _picking(transfer_id, version)
        lines = lines_of(transfer)
        ids, name = naming.meant(code, [line.item for line in lines])
        hits = [line for line in lines if line.item_id in ids and line.approved]
        if not hits:
            raise Refusal("not_on_this_transfer", f"{code} is not on {transfer.number}. Put it back.", scanned=code)
        line = hits[0]
        if line.picked + quantity > line.approved:
            room = line.approved - line.picked
            raise Refusal("picked_already", f"Only {room} more of {line.item.sku} are wanted.", scanned=code)
        if name:
            _pick_named(transfer, line, name, quantity)
        line.picked += quantity
        line.save(update_fields=["picked"])
        if all(each.picked == each.approved for each in lines):
            _picked(transfer, lines, actor)
        else:
            touch(transfer)
        return line

    return retrying(work)


def _pick_named(transfer: Transfer, line: TransferLine, name: str, quantity: int) -> None:
    lot = TransferLot.objects.filter(line=line, code=name).first() or TransferLot(line=line, code=name)
    naming.one_unit(line.item, name, quantity, seen=lot.picked)
    key, here = (line.item_id, name), transfer.origin_id
    there = naming.lying([line.item_id], here).get(key, 0) - asides.named(here, [line.item_id])[key]
    if there < quantity:
        words = f"The books have {max(0, there) or 'nothing'} of {name} on this shelf."
        raise Refusal("not_here", words, status=422, scanned=name)
    lot.picked += quantity
    lot.save()


def finish_pick(transfer_id: int, *, count_missing: bool = True, version: int | None = None, actor: Actor) -> Transfer:
    """There is no more to be found: what wasn't picked is given back, and its shelf is counted."""

    def work() -> Transfer:
        transfer = _picking(transfer_id, version)
        lines = lines_of(transfer)
        if not any(line.picked for line in lines):
            raise Refusal("nothing_picked", "Nothing was picked. Cancel the transfer instead.", status=422)
        missing = [line for line in lines if line.picked < line.approved]
        give_back(transfer, {str(line.pk): line.approved - line.picked for line in missing}, "Not found", actor)
        _picked(transfer, lines, actor, missing)
        if missing and count_missing:
            counts.request(
                transfer.origin_id, [line.item_id for line in missing], cause=transfer.subject, actor=actor,
                origin="SHORT_PICK",
            )  # fmt: skip
        return transfer

    return retrying(work)


def _picking(transfer_id: int, version: int | None) -> Transfer:
    transfer = open_transfer(transfer_id, version)
    if transfer.status != TransferStatus.REQUESTED or not transfer.approved_at:
        raise Refusal("not_picking", f"{transfer.number} is {state_of(transfer)}.", status_now=transfer.status,
                      version=transfer.version)  # fmt: skip
    return transfer


def _picked(
    transfer: Transfer, lines: Sequence[TransferLine], actor: Actor, missing: Sequence[TransferLine] = ()
) -> None:
    transfer.move(TransferStatus.PICKED)
    data = {
        "units": sum(line.picked for line in lines),
        "missing": [{"sku": line.item.sku, "units": line.approved - line.picked} for line in missing],
    }
    record(transfer, facts.TRANSFER_PICKED, actor, data)


def ship(
    transfer_id: int,
    *,
    carrier: str = "",
    tracking_number: str = "",
    due_at: datetime | None = None,
    version: int | None = None,
    actor: Actor,
) -> Transfer:
    """The box leaves: promises end, and the units stand at the destination as in transit, due by `due_at`."""

    def work() -> Transfer:
        transfer = open_transfer(transfer_id, version)
        now = timezone.now()
        due = due_at or (transfer.due_at if transfer.due_at and transfer.due_at > now else now + ON_THE_ROAD)
        transfer.move(
            TransferStatus.IN_TRANSIT, shipped_at=now, due_at=due, carrier=carrier[:80],
            tracking_number=tracking_number[:120],
        )  # fmt: skip
        lines = [line for line in lines_of(transfer) if line.picked]
        lots = lots_of(lines)
        here, there = transfer.origin_id, transfer.destination_id
        # Both ends at once and in id order, so that two transfers in opposite directions never wait crosswise.
        lock_stock([(line.item_id, place) for line in lines for place in (here, there)], create=True)
        give_back(transfer, None, "Shipped", actor)
        movements.post(
            [move for line in lines for move in _leaving(line, lots[line.pk], here, there)],
            key=f"transfer:{transfer.pk}:ship",
            cause=transfer.subject,
            actor=actor,
            note=f"{transfer.number} to {transfer.destination.code}",
        )
        for line in lines:
            line.shipped = line.picked
        TransferLine.objects.bulk_update(lines, ["shipped"])
        TransferLot.objects.filter(line__in=lines).update(shipped=F("picked"))
        coming = [inbound.Line(line.item_id, there, line.shipped) for line in lines]
        inbound.expect(transfer.subject, coming, due_at=due, actor=actor)
        data = {"units": sum(line.shipped for line in lines), "carrier": carrier, "tracking": tracking_number}
        record(transfer, facts.TRANSFER_SHIPPED, actor, data)
        return transfer

    return retrying(work)


def _leaving(line: TransferLine, lots: Sequence[TransferLot], here: int, there: int) -> list[Move]:
    ends = (here, State.SELLABLE, there, State.IN_TRANSIT_IN)
    if naming.tracked(line.item):
        return named_moves(line.item, {lot.code: lot.picked for lot in lots}, *ends)
    return [Move(line.item_id, line.picked, *ends)]


def cancel(transfer_id: int, *, reason: str, version: int | None = None, actor: Actor) -> Transfer:
    """Nothing will be sent: promises end, picked units go back to their shelf."""

    def work() -> Transfer:
        transfer = open_transfer(transfer_id, version)
        transfer.move(TransferStatus.CANCELLED, ended_reason=reason[:255])
        give_back(transfer, None, "Transfer cancelled", actor)
        inbound.cancel(transfer.subject, actor=actor)
        record(transfer, facts.TRANSFER_CANCELLED, actor, {"reason": reason[:255]})
        return transfer

    return retrying(work)
