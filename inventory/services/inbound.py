"""Units on their way: what a transfer or a purchase brings, so that it can be promised before it arrives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.retry import retrying
from core.subjects import Subject
from inventory.events import EXPECTED, SETTLED
from inventory.models import MAX_UNITS, ExpectedReceipt, Location, ReceiptStatus
from inventory.services import ahead


@dataclass(frozen=True, slots=True)
class Line:
    """Units of an item on their way to a location."""

    item_id: int
    location_id: int
    quantity: int


def expect(cause: Subject, lines: Sequence[Line], *, due_at: datetime, actor: Actor) -> list[int]:
    """Say what `cause` will bring by `due_at`; returns the rows' ids, in item order. Safe to repeat.

    The lines are the whole truth about the cause: lines of one item and location are summed, what was expected before
    and isn't named any more is cancelled, what was received already stays received. Locks the cause's rows.
    Raises Invalid, or Refusal("already_received") where less is expected than has arrived.
    """
    _check(lines, due_at)
    wanted: dict[tuple[int, int], int] = {}
    for line in lines:
        pair = (line.item_id, line.location_id)
        wanted[pair] = wanted.get(pair, 0) + line.quantity

    def work() -> list[int]:
        open_rows = {(row.item_id, row.location_id): row for row in _locked(cause)}
        changed = False
        for pair, row in open_rows.items():
            if pair not in wanted:
                changed |= _end(row, ReceiptStatus.CANCELLED)
        for pair, quantity in sorted(wanted.items()):
            changed |= _keep(open_rows, pair, quantity, cause, due_at)
        if changed:
            _record(EXPECTED, cause, open_rows.values(), actor, due_at=due_at.isoformat())
        return [open_rows[pair].pk for pair in sorted(wanted)]

    return retrying(work)


def settle(cause: Subject, lines: Sequence[Line] | None = None, *, actor: Actor) -> int:
    """Units of the cause arrived (or never will): they are promised ahead no longer. Returns how many units ended.

    Without `lines` everything left ends. A partial arrival names its lines: more than is left simply ends the rest, so
    an over-delivery is no error here. Units promised ahead are held for whoever was promised them, so the ledger must
    have them by now. Safe to call when nothing is open. Locks the cause's rows, then stock rows.
    """
    _check(lines or (), None)

    def work() -> int:
        rows = list(_locked(cause))
        arrived = {(row.item_id, row.location_id): row.left for row in rows} if lines is None else _summed(lines)
        ended = 0
        touched = []
        for row in rows:
            units = min(row.left, arrived.get((row.item_id, row.location_id), 0))
            if units:
                ended += units
                row.received += units
                _settle(row)
                touched.append((row, units))
        if touched:
            ahead.keep(touched, actor=actor)
            _record(SETTLED, cause, [row for row, _ in touched], actor, units=ended)
        return ended

    return retrying(work)


def cancel(cause: Subject, *, actor: Actor) -> int:
    """Nothing of the cause will come: returns how many units were given up. Safe to repeat."""

    def work() -> int:
        rows = list(_locked(cause))
        given_up = sum(row.left for row in rows)
        for row in rows:
            _end(row, ReceiptStatus.CANCELLED)
        if rows:
            _record(SETTLED, cause, rows, actor, units=0, given_up=given_up)
        return given_up

    return retrying(work)


def _locked(cause: Subject) -> Iterable[ExpectedReceipt]:
    mine = ExpectedReceipt.objects.open().filter(cause_kind=cause.kind, cause_uid=cause.uid)
    return mine.select_for_update(no_key=True).order_by("item_id", "location_id")


def _keep(
    known: dict[tuple[int, int], ExpectedReceipt],
    pair: tuple[int, int],
    quantity: int,
    cause: Subject,
    due_at: datetime,
) -> bool:
    """Make or adapt one row; whether anything changed."""
    row = known.get(pair)
    if row is None:
        known[pair] = ExpectedReceipt.objects.create(
            item_id=pair[0],
            location_id=pair[1],
            quantity=quantity,
            due_at=due_at,
            cause_kind=cause.kind,
            cause_uid=cause.uid,
            cause_label=cause.label[:200],
        )
        return True
    if (row.quantity, row.due_at) == (quantity, due_at):
        return False
    if quantity < row.received:
        raise Refusal(
            "already_received",
            f"{row.received} units have arrived already, {quantity} are said to be expected.",
            item_id=row.item_id,
            location_id=row.location_id,
            received=row.received,
            wanted=quantity,
        )
    row.quantity, row.due_at = quantity, due_at
    _settle(row, "quantity", "due_at")
    return True


def _settle(row: ExpectedReceipt, *fields: str) -> None:
    if row.left == 0:
        row.status, row.ended_at = ReceiptStatus.SETTLED, timezone.now()
    row.save(update_fields=["received", "status", "ended_at", *fields])


def _end(row: ExpectedReceipt, status: str) -> bool:
    row.status, row.ended_at = status, timezone.now()
    row.save(update_fields=["status", "ended_at"])
    return True


def _summed(lines: Sequence[Line]) -> dict[tuple[int, int], int]:
    units: dict[tuple[int, int], int] = {}
    for line in lines:
        pair = (line.item_id, line.location_id)
        units[pair] = units.get(pair, 0) + line.quantity
    return units


def _record(type_: str, cause: Subject, rows: Iterable[ExpectedReceipt], actor: Actor, **facts: object) -> None:
    rows = sorted(rows, key=lambda row: (row.item_id, row.location_id))
    lines = [
        {"item": row.item_id, "location": row.location_id, "quantity": row.quantity, "received": row.received}
        for row in rows
    ]
    related = [
        *((Subject("item", str(item)), "item") for item in sorted({row.item_id for row in rows})),
        *((Subject("location", str(place)), "location") for place in sorted({row.location_id for row in rows})),
    ]
    events.record(type_, cause, actor=actor, data={"lines": lines, **facts}, related=related)


def _check(lines: Sequence[Line], due_at: datetime | None) -> None:
    problems = []
    if due_at is not None and due_at.tzinfo is None:
        problems.append(Problem("due_at", "naive", "Say in which time zone it is due."))
    for n, line in enumerate(lines):
        whole = isinstance(line.quantity, int) and not isinstance(line.quantity, bool)
        if not whole or not 0 < line.quantity <= MAX_UNITS:
            message = f"A quantity is a whole number from 1 to {MAX_UNITS}."
            problems.append(Problem(f"lines[{n}].quantity", "range", message))
    if due_at is not None and not problems:
        known = set(Location.objects.filter(pk__in={line.location_id for line in lines}).values_list("pk", flat=True))
        problems += [
            Problem(f"lines[{n}].location_id", "unknown", "There is no such location.")
            for n, line in enumerate(lines)
            if line.location_id not in known
        ]
    if problems:
        raise Invalid(problems)


def expected(item_ids: Iterable[int]) -> list[ExpectedReceipt]:
    """What is still on its way of these items, the soonest first."""
    rows = ExpectedReceipt.objects.open().filter(item_id__in=list(item_ids), quantity__gt=F("received"))
    return list(rows.select_related("item", "location").order_by("due_at", "id"))
