"""The receiving half of a transfer: what came out of the box, and what becomes of what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from exceptions.services import cases
from inventory import events as facts
from inventory.models import (
    DiscrepancyKind,
    Item,
    Resolution,
    State,
    Transfer,
    TransferDiscrepancy,
    TransferLine,
    TransferStatus,
)
from inventory.services import inbound, loose, movements
from inventory.services.codes import items_of
from inventory.services.locking import retrying
from inventory.services.movements import Move
from inventory.services.sending import lines_of, open_transfer, record, touch, whole

REASONS = {
    DiscrepancyKind.SHORT: "inventory.transfer_short",
    DiscrepancyKind.OVER: "inventory.transfer_over",
    DiscrepancyKind.MISSHIPPED: "inventory.transfer_misshipped",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """Units of an item out of the box, damaged ones included."""

    item_id: int
    found: int
    damaged: int = 0


def unpack(
    transfer_id: int,
    *,
    code: str,
    quantity: int = 1,
    damaged: bool = False,
    unexpected: bool = False,
    version: int | None = None,
    actor: Actor,
) -> TransferLine:
    """Units seen at the destination, by their code. Nothing is booked before `receive`.

    An item that wasn't sent is Refusal("not_on_this_transfer") unless `unexpected` says that it did come in this box.
    """
    whole("quantity", quantity, 1)

    def work() -> TransferLine:
        transfer = _arriving(transfer_id, version)
        ids = items_of(code)
        line = next((line for line in lines_of(transfer) if line.item_id in ids), None)
        if line is None and not unexpected:
            raise Refusal("not_on_this_transfer", f"{code} was not sent with {transfer.number}.", scanned=code)
        if line is None:
            loose.require(ids)
            item = Item.objects.filter(pk__in=ids).order_by("pk")[0]
            line = TransferLine(transfer=transfer, item=item, wanted=0)
        line.found += quantity
        line.damaged += quantity if damaged else 0
        line.save()
        touch(transfer)
        return line

    return retrying(work)


def enter(
    transfer_id: int, *, line_id: int, found: int, damaged: int = 0, version: int | None = None, actor: Actor
) -> TransferLine:
    """The whole figure of a line, typed; replaces what was scanned."""
    whole("found", found, 0)
    whole("damaged", damaged, 0)
    if damaged > found:
        raise Invalid([Problem("damaged", "range", "No more can be damaged than was found.")], status=422)

    def work() -> TransferLine:
        transfer = _arriving(transfer_id, version)
        line = transfer.lines.select_related("item").filter(pk=line_id).first()
        if line is None:
            raise Refusal("unknown_line", "This line is not part of the transfer.", status=404)
        line.found, line.damaged = found, damaged
        line.save(update_fields=["found", "damaged"])
        touch(transfer)
        return line

    return retrying(work)


def receive(
    transfer_id: int, *, accept_differences: bool = False, version: int | None = None, actor: Actor
) -> Transfer:
    """Book what was found; every line that differs from what was sent becomes a discrepancy and a case.

    Missing units stay in transit until somebody says what became of them; surplus and foreign ones are booked as
    found. Refusal("differs") names the lines unless the differences are accepted.
    """

    def work() -> Transfer:
        transfer = _arriving(transfer_id, version)
        lines = lines_of(transfer)
        different = [line for line in lines if line.found != line.shipped]
        if different and not accept_differences:
            words = ", ".join(f"{line.item.sku} {line.found} of {line.shipped}" for line in different[:5])
            raise Refusal("differs", f"Not as it was sent: {words}.", status=422,
                          lines=[line.item.sku for line in different])  # fmt: skip
        _book(transfer, lines, actor)
        found = [made for line in different if (made := _discrepancy(transfer, line))]
        TransferDiscrepancy.objects.bulk_create(found)
        status = TransferStatus.DISCREPANT if found else TransferStatus.RECEIVED
        transfer.move(status, received_at=timezone.now())
        differences = [{"sku": each.item.sku, "kind": each.kind, "units": each.quantity} for each in found]
        data = {"units": sum(line.found for line in lines), "differences": differences}
        record(transfer, facts.TRANSFER_RECEIVED, actor, data)
        for each in found:
            _open_case(transfer, each, actor)
        cases.recheck(transfer.subject, cause="It was received.", actor=actor)
        return transfer

    return retrying(work)


def take_in(
    transfer_id: int,
    seen: Sequence[Seen],
    *,
    accept_differences: bool = False,
    version: int | None = None,
    actor: Actor,
) -> Transfer:
    """What came out of the box, told in one go and booked: all or nothing. Replaces what was scanned of these items."""
    if twice := [n for n, each in enumerate(seen) if each.item_id in {x.item_id for x in seen[:n]}]:
        raise Invalid([Problem(f"lines[{n}].sku", "duplicate", "It is there twice.") for n in twice], status=422)

    def work() -> Transfer:
        transfer = _arriving(transfer_id, version)
        lines = {line.item_id: line for line in lines_of(transfer)}
        loose.require([each.item_id for each in seen if each.item_id not in lines])
        for n, each in enumerate(seen):
            if each.damaged > each.found:
                problem = Problem(f"lines[{n}].damaged", "range", "No more can be damaged than was found.")
                raise Invalid([problem], status=422)
            line = lines.get(each.item_id) or TransferLine(transfer=transfer, item_id=each.item_id, wanted=0)
            line.found, line.damaged = each.found, each.damaged
            line.save()
        return receive(transfer_id, accept_differences=accept_differences, actor=actor)

    return retrying(work)


def _arriving(transfer_id: int, version: int | None) -> Transfer:
    transfer = open_transfer(transfer_id, version)
    if transfer.status != TransferStatus.IN_TRANSIT:
        state = transfer.get_status_display().lower()
        raise Refusal("not_in_transit", f"{transfer.number} is {state}, not in transit.",
                      status_now=transfer.status, version=transfer.version)  # fmt: skip
    return transfer


def _book(transfer: Transfer, lines: Sequence[TransferLine], actor: Actor) -> None:
    here, moves, arrived = transfer.destination_id, [], []
    for line in lines:
        sent = min(line.found, line.shipped)
        broken_sent = min(line.damaged, sent)
        broken_extra, extra = line.damaged - broken_sent, line.found - sent
        for units, origin, state in (
            (sent - broken_sent, here, State.SELLABLE),
            (broken_sent, here, State.DAMAGED),
            (extra - broken_extra, None, State.SELLABLE),
            (broken_extra, None, State.DAMAGED),
        ):
            if units:
                moves.append(
                    Move(line.item_id, units, origin, State.IN_TRANSIT_IN if origin else State.FOUND, here, state)
                )
        if sent:
            arrived.append(inbound.Line(line.item_id, here, sent))
        line.received = line.found
    if moves:
        movements.post(moves, key=f"transfer:{transfer.pk}:receive", cause=transfer.subject, actor=actor,
                       note=f"{transfer.number} from {transfer.origin.code}")  # fmt: skip
    TransferLine.objects.bulk_update(lines, ["received"])
    if arrived:
        inbound.settle(transfer.subject, arrived, actor=actor)
    inbound.cancel(transfer.subject, actor=actor)  # what is missing can't be promised ahead any longer


def _discrepancy(transfer: Transfer, line: TransferLine) -> TransferDiscrepancy | None:
    gap = line.found - line.shipped
    if not gap:
        return None
    more = DiscrepancyKind.OVER if line.wanted else DiscrepancyKind.MISSHIPPED
    kind = DiscrepancyKind.SHORT if gap < 0 else more
    return TransferDiscrepancy(transfer=transfer, item=line.item, kind=kind, quantity=abs(gap))


def _open_case(transfer: Transfer, found: TransferDiscrepancy, actor: Actor) -> None:
    cost = found.item.unit_cost
    place = transfer.origin if found.kind != DiscrepancyKind.SHORT else transfer.destination
    cases.open_(
        REASONS[DiscrepancyKind(found.kind)],
        found.subject,
        summary=f"{found.item.sku}: {found.quantity} {found.get_kind_display().lower()}, "
        f"{transfer.origin.name} to {transfer.destination.name}",
        site_id=place.site_id,
        value=cost * found.quantity if cost is not None else None,
        currency=found.item.cost_currency,
        actor=actor,
    )


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
        found.save(update_fields=["resolution", "resolved_at", "resolved_by"])
        data = {"sku": found.item.sku, "kind": found.kind, "units": found.quantity, "resolution": resolution}
        record(transfer, facts.TRANSFER_SETTLED, actor, data)
        cases.recheck(found.subject, cause=Resolution(resolution).label, actor=actor)
        if not transfer.discrepancies.filter(resolution="").exists():
            transfer.move(TransferStatus.RECEIVED)
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
    units, here, there = found.quantity, transfer.destination_id, transfer.origin_id
    moves = {
        Resolution.ARRIVED: Move(found.item_id, units, here, State.IN_TRANSIT_IN, here, State.SELLABLE),
        Resolution.LOST: Move(found.item_id, units, here, State.IN_TRANSIT_IN, None, State.SHRINKAGE),
        Resolution.NEVER_LEFT: Move(found.item_id, units, here, State.IN_TRANSIT_IN, there, State.SELLABLE),
        Resolution.FROM_ORIGIN: Move(found.item_id, units, there, State.SELLABLE, None, State.SHRINKAGE),
    }
    if move := moves.get(Resolution(resolution)):
        movements.post([move], key=f"transfer:{transfer.pk}:settle:{found.pk}", cause=transfer.subject, actor=actor,
                       note=f"{transfer.number}: {Resolution(resolution).label.lower()}")  # fmt: skip
