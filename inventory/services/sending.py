"""The sending half of a transfer: asked for, approved, picked and on its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core import events
from core.actors import PERSON, Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory import events as facts
from inventory.models import (
    MAX_UNITS,
    Location,
    LocationStatus,
    Reservation,
    State,
    Transfer,
    TransferLine,
    TransferStatus,
)
from inventory.services import counts, inbound, loose, movements, reservations
from inventory.services.codes import items_of
from inventory.services.locking import lock_stock, retrying
from inventory.services.movements import Move
from inventory.services.reservations import Want

MAX_LINES = 500
ON_THE_ROAD = timedelta(days=2)  # how long a transfer takes where nobody says


def request(
    origin_id: int,
    destination_id: int,
    lines: Sequence[tuple[int, int]],
    *,
    actor: Actor,
    reason: str = "",
    due_at: datetime | None = None,
    draft: bool = False,
    suggested: bool = False,
) -> int:
    """Ask for (item, units) to be brought from one place to another; returns the transfer's id.

    Nothing is promised yet: that happens on approval. Lines of one item are summed. Raises Invalid, or
    Refusal("unknown_place"|"unknown_item"|"place_closed").
    """
    wanted = _wanted(lines)

    def work() -> int:
        _places(origin_id, destination_id)
        loose.require(wanted)
        transfer = Transfer.objects.create(
            origin_id=origin_id,
            destination_id=destination_id,
            status=TransferStatus.DRAFT if draft else TransferStatus.REQUESTED,
            reason=reason[:200],
            suggested=suggested,
            requested_by_kind=actor.kind,
            requested_by_uid=actor.uid,
            requested_by=actor.label[:200],
            due_at=due_at,
        )
        TransferLine.objects.bulk_create(
            [TransferLine(transfer=transfer, item_id=item, wanted=units) for item, units in sorted(wanted.items())]
        )
        if not draft:
            _record_request(transfer, actor)
        return transfer.pk

    return retrying(work)


def _wanted(lines: Sequence[tuple[int, int]]) -> dict[int, int]:
    problems: list[Problem] = []
    wanted: dict[int, int] = {}
    if not 1 <= len(lines) <= MAX_LINES:
        problems.append(Problem("lines", "range", f"A transfer has from 1 to {MAX_LINES} lines."))
    for n, (item, units) in enumerate(lines):
        if isinstance(units, bool) or not isinstance(units, int) or not 1 <= units <= MAX_UNITS:
            problems.append(Problem(f"lines[{n}].quantity", "range", f"A whole number from 1 to {MAX_UNITS}."))
        else:
            wanted[item] = wanted.get(item, 0) + units
    if problems:
        raise Invalid(problems, status=422)
    return wanted


def _places(origin_id: int, destination_id: int) -> None:
    if origin_id == destination_id:
        problem = Problem("destination", "same", "A transfer goes to another place than it comes from.")
        raise Invalid([problem], status=422)
    places = {place.pk: place for place in Location.objects.filter(pk__in=(origin_id, destination_id))}
    if len(places) != 2:
        raise Refusal("unknown_place", "No such location.", status=404)
    for place in places.values():
        if place.status == LocationStatus.CLOSED:
            raise Refusal("place_closed", f"{place.name} is closed.", location=place.code)


def submit(transfer_id: int, *, version: int | None = None, actor: Actor) -> Transfer:
    """A draft becomes a request; whoever submits it is who asked."""

    def work() -> Transfer:
        transfer = open_transfer(transfer_id, version)
        transfer.move(
            TransferStatus.REQUESTED,
            requested_by_kind=actor.kind, requested_by_uid=actor.uid, requested_by=actor.label[:200],
        )  # fmt: skip
        _record_request(transfer, actor)
        return transfer

    return retrying(work)


def _record_request(transfer: Transfer, actor: Actor) -> None:
    lines = list(transfer.lines.values_list("item__sku", "wanted"))
    record(transfer, facts.TRANSFER_REQUESTED, actor, {"lines": [{"sku": s, "units": u} for s, u in lines]})


def approve(
    transfer_id: int, *, quantities: Mapping[int, int] | None = None, version: int | None = None, actor: Actor
) -> Transfer:
    """Promise the units at the origin, all or none; `quantities` {line: units} may grant less than was asked.

    Refusal("own_request") for whoever asked, ("approved_already"), ("not_enough_stock") naming what is short.
    """

    def work() -> Transfer:
        transfer = open_transfer(transfer_id, version)
        if transfer.status != TransferStatus.REQUESTED or transfer.approved_at:
            raise Refusal("approved_already", f"{transfer.number} is {_state(transfer)}.", status_now=transfer.status)
        if actor.kind == PERSON and (transfer.requested_by_kind, transfer.requested_by_uid) == (PERSON, actor.uid):
            raise Refusal("own_request", "Somebody who didn't ask for it must approve it.", status=403)
        lines = lines_of(transfer)
        _grant(lines, quantities)
        wants = [Want(str(x.pk), x.item_id, transfer.origin_id, x.approved) for x in lines if x.approved]
        held = reservations.hold(transfer.demand_uid, wants, actor=actor, cause=transfer.subject)
        if not held.ok:
            raise _short(transfer, lines, held.short)
        TransferLine.objects.bulk_update(lines, ["approved"])
        touch(transfer, approved_at=timezone.now(), approved_by=actor.label[:200])
        record(transfer, facts.TRANSFER_APPROVED, actor, {"units": sum(line.approved for line in lines)})
        return transfer

    return retrying(work)


def _grant(lines: Sequence[TransferLine], quantities: Mapping[int, int] | None) -> None:
    for line in lines:
        units = line.wanted if quantities is None else quantities.get(line.pk, line.wanted)
        if isinstance(units, bool) or not isinstance(units, int) or not 0 <= units <= line.wanted:
            problem = Problem(f"quantity_{line.pk}", "range", f"From 0 to the {line.wanted} asked for.")
            raise Invalid([problem], status=422)
        line.approved = units
    if not any(line.approved for line in lines):
        raise Invalid([Problem("lines", "empty", "Nothing would be sent. Cancel it instead.")], status=422)


def _short(transfer: Transfer, lines: Sequence[TransferLine], short: Sequence[Any]) -> Refusal:
    names = {line.item_id: line.item.sku for line in lines}
    words = ", ".join(f"{names.get(s.item_id, s.item_id)} ({s.available} free, {s.wanted} wanted)" for s in short[:5])
    return Refusal(
        "not_enough_stock",
        f"{transfer.origin.name} can't spare it: {words}.",
        short=[{"item_id": s.item_id, "wanted": s.wanted, "free": s.available} for s in short],
    )


def pick(transfer_id: int, *, code: str, quantity: int = 1, version: int | None = None, actor: Actor) -> TransferLine:
    """Units taken off the origin's shelf, by their code; the last one makes the transfer PICKED.

    Refusal("not_on_this_transfer"), ("picked_already"), ("not_picking"), ("unknown_code").
    """
    whole("quantity", quantity, 1)

    def work() -> TransferLine:
        transfer = _picking(transfer_id, version)
        lines = lines_of(transfer)
        ids = items_of(code)
        hits = [line for line in lines if line.item_id in ids and line.approved]
        if not hits:
            raise Refusal("not_on_this_transfer", f"{code} is not on {transfer.number}. Put it back.", scanned=code)
        line = hits[0]
        if line.picked + quantity > line.approved:
            room = line.approved - line.picked
            raise Refusal("picked_already", f"Only {room} more of {line.item.sku} are wanted.", scanned=code)
        line.picked += quantity
        line.save(update_fields=["picked"])
        if all(each.picked == each.approved for each in lines):
            _picked(transfer, lines, actor)
        else:
            touch(transfer)
        return line

    return retrying(work)


def finish_pick(transfer_id: int, *, count_missing: bool = True, version: int | None = None, actor: Actor) -> Transfer:
    """There is no more to be found: what wasn't picked is given back, and its shelf is counted."""

    def work() -> Transfer:
        transfer = _picking(transfer_id, version)
        lines = lines_of(transfer)
        if not any(line.picked for line in lines):
            raise Refusal("nothing_picked", "Nothing was picked. Cancel the transfer instead.", status=422)
        missing = [line for line in lines if line.picked < line.approved]
        _give_back(transfer, {str(line.pk): line.approved - line.picked for line in missing}, "Not found", actor)
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
        raise Refusal("not_picking", f"{transfer.number} is {_state(transfer)}.", status_now=transfer.status,
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
        here, there = transfer.origin_id, transfer.destination_id
        # Both ends at once and in id order, so that two transfers in opposite directions never wait crosswise.
        lock_stock([(line.item_id, place) for line in lines for place in (here, there)], create=True)
        _give_back(transfer, None, "Shipped", actor)
        movements.post(
            [Move(x.item_id, x.picked, here, State.SELLABLE, there, State.IN_TRANSIT_IN) for x in lines],
            key=f"transfer:{transfer.pk}:ship",
            cause=transfer.subject,
            actor=actor,
            note=f"{transfer.number} to {transfer.destination.code}",
        )
        for line in lines:
            line.shipped = line.picked
        TransferLine.objects.bulk_update(lines, ["shipped"])
        coming = [inbound.Line(line.item_id, there, line.shipped) for line in lines]
        inbound.expect(transfer.subject, coming, due_at=due, actor=actor)
        data = {"units": sum(line.shipped for line in lines), "carrier": carrier, "tracking": tracking_number}
        record(transfer, facts.TRANSFER_SHIPPED, actor, data)
        return transfer

    return retrying(work)


def cancel(transfer_id: int, *, reason: str, version: int | None = None, actor: Actor) -> Transfer:
    """Nothing will be sent: promises end, picked units go back to their shelf."""

    def work() -> Transfer:
        transfer = open_transfer(transfer_id, version)
        transfer.move(TransferStatus.CANCELLED, ended_reason=reason[:255])
        _give_back(transfer, None, "Transfer cancelled", actor)
        inbound.cancel(transfer.subject, actor=actor)
        record(transfer, facts.TRANSFER_CANCELLED, actor, {"reason": reason[:255]})
        return transfer

    return retrying(work)


def _give_back(transfer: Transfer, units: Mapping[str, int] | None, why: str, actor: Actor) -> None:
    """End the transfer's promises: all, or so many units of the lines named by ref."""
    held = Reservation.objects.held().filter(demand__demand_uid=transfer.demand_uid).order_by("id")
    parts = [(r.pk, r.quantity if units is None else units[r.ref]) for r in held if units is None or r.ref in units]
    if parts:
        key = f"transfer:{transfer.pk}:{transfer.version}:back"
        reservations.release(parts, key=key, reason=why, actor=actor)


# --- What both halves share


def open_transfer(transfer_id: int, version: int | None = None) -> Transfer:
    """Lock the transfer. Must run inside a transaction. Refusal("not_found") 404, ("stale") 409."""
    rows = Transfer.objects.select_for_update(no_key=True, of=("self",)).select_related("origin", "destination")
    transfer = rows.filter(pk=transfer_id).first()
    if transfer is None:
        raise Refusal("not_found", "No such transfer.", status=404)
    if version is not None and version != transfer.version:
        raise Refusal(
            "stale",
            f"Somebody changed {transfer.number} meanwhile; it is {_state(transfer)} now.",
            status_now=transfer.status,
            version=transfer.version,
            sent=version,
        )
    return transfer


def _state(transfer: Transfer) -> str:
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


def whole(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_UNITS:
        raise Invalid([Problem(name, "range", f"A whole number from {least}.")], status=422)


def record(transfer: Transfer, fact: str, actor: Actor, data: dict[str, Any]) -> None:
    related = (
        (Subject("location", str(transfer.origin_id), transfer.origin.code), "origin"),
        (Subject("location", str(transfer.destination_id), transfer.destination.code), "destination"),
    )
    events.record(fact, transfer.subject, actor=actor, data=data, related=related)
