"""A transfer is asked for, and somebody else promises the units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from core.actors import PERSON, Actor
from core.errors import Invalid, Problem, Refusal
from inventory import events as facts
from inventory.models import MAX_UNITS, Location, LocationStatus, Transfer, TransferLine, TransferStatus
from inventory.services import naming, reservations
from inventory.services.handling import lines_of, open_transfer, record, state_of, touch
from inventory.services.locking import retrying
from inventory.services.reservations import Want

MAX_LINES = 500


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
    Refusal("unknown_place"|"unknown_item"|"place_closed"), ("is_kit") naming the parts to list instead.
    """
    wanted = _wanted(lines)

    def work() -> int:
        _places(origin_id, destination_id)
        naming.require(wanted)
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
            raise Refusal("approved_already", f"{transfer.number} is {state_of(transfer)}.", status_now=transfer.status)
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
