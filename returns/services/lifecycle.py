"""A return on the desk: its order locked, then it, with its lines; and what is derived when it leaves the desk.

Every service that changes a return opens its desk, changes the objects on it and calls `save`, which derives the
status, writes what changed and records the facts. Locks are always taken in this order: the order, its return, then
(through inventory's services) stock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Refusal
from core.events import EventDraft
from core.subjects import Subject
from exceptions.services import cases
from orders.models import Order
from returns import events as facts
from returns.models import (
    ACCEPTANCE_MOVES,
    NEVER_CAME,
    RECEPTION_MOVES,
    TO_COME,
    Acceptance,
    Reception,
    ReturnLine,
    ReturnRequest,
    ReturnStatus,
)

_LINE_FIELDS = (
    "received", "kept", "gone", "accepted", "rejected", "reception", "acceptance", "serials", "reason", "reason_text",
    "item", "unit_value", "restocking_percent", "sent_back",
)  # fmt: skip


@dataclass(slots=True)
class ReturnDesk:
    """Objects under the locks of the order (where there is one) and the return."""

    rma: ReturnRequest
    lines: list[ReturnLine]
    actor: Actor
    drafts: list[EventDraft] = field(default_factory=list)
    source: Subject | None = None

    def line(self, line_id: int) -> ReturnLine:
        for line in self.lines:
            if line.pk == line_id:
                return line
        raise Refusal("unknown_line", "No such line of this return.", status=404)

    def note(
        self, event: str, data: Mapping[str, Any] | None = None, related: Iterable[tuple[Subject, str]] = ()
    ) -> None:
        """A fact about the return, recorded when the desk is saved."""
        self.drafts.append(
            EventDraft(event, self.rma.subject, self.actor, dict(data or {}), [*related_of(self), *related])
        )

    def receive_as(self, line: ReturnLine, to: str) -> None:
        """Move a line's reception. Refusal("bad_move") where the table has no such move."""
        line.reception = _moved(RECEPTION_MOVES, line.reception, to, "reception")

    def judge_as(self, line: ReturnLine, to: str) -> None:
        """Move a line's acceptance, the same way."""
        line.acceptance = _moved(ACCEPTANCE_MOVES, line.acceptance, to, "acceptance")


def _moved(moves: Mapping[str, set[str]], before: str, to: str, what: str) -> str:
    if before != to and to not in moves.get(before, set()):
        raise Refusal("bad_move", f"The {what} of a line can't go from {before} to {to}.", status_now=before, wanted=to)
    return to


def related_of(desk: ReturnDesk) -> list[tuple[Subject, str]]:
    rma = desk.rma
    found = []
    if rma.order_id:
        number = rma.order.number if rma.order else ""
        found.append((Subject("order", str(rma.order_id), number), "order"))
    if rma.location_id:
        found.append((Subject("location", str(rma.location_id), rma.location.code if rma.location else ""), "location"))
    if desk.source is not None:
        found.append((desk.source, "source"))
    return found


def open_return(
    return_id: int, *, version: int | None = None, actor: Actor, source: Subject | None = None
) -> ReturnDesk:
    """Lock a return and read it. Must run inside a transaction. Refusal("not_found"), ("stale")."""
    row = ReturnRequest.objects.filter(pk=return_id).values_list("order_id", flat=True).first()
    if row is not None:
        Order.objects.select_for_update(no_key=True).filter(pk=row).values("pk").first()
    rma = (
        ReturnRequest.objects.select_for_update(no_key=True, of=("self",))
        .select_related("order", "location", "channel")
        .filter(pk=return_id)
        .first()
    )
    if rma is None:
        raise Refusal("not_found", "No such return.", status=404)
    if version is not None and version != rma.version:
        raise Refusal("stale", f"{rma} changed meanwhile.", version=rma.version, status_now=rma.status, sent=version)
    lines = list(ReturnLine.objects.select_related("item", "order_line").filter(request=rma).order_by("position"))
    return ReturnDesk(rma, lines, actor, source=source)


def save(desk: ReturnDesk, *, fields: Iterable[str] = ()) -> ReturnRequest:
    """Write the lines and the named `fields`, derive the status, record the facts, ask the cases again."""
    assert transaction.get_connection().in_atomic_block  # noqa: S101  (under the locks open_return took)
    rma = desk.rma
    ReturnLine.objects.bulk_update(desk.lines, _LINE_FIELDS)
    rma.version += 1
    rma.updated_at = timezone.now()
    rma.save(update_fields={"version", "updated_at", *fields})
    derived = status_of(rma, desk.lines)
    if derived != rma.status:
        ended = None if derived == ReturnStatus.OPEN else timezone.now()
        rma.move(derived, ended_at=ended, version=rma.version)
        if derived == ReturnStatus.COMPLETED:
            desk.note(facts.COMPLETED)
    events.record_many(desk.drafts)
    desk.drafts.clear()
    cases.recheck(rma.subject, actor=desk.actor)
    return rma


def status_of(rma: ReturnRequest, lines: Iterable[ReturnLine]) -> str:
    """What a return is by what became of its units. Declined stays so until a person opens it again."""
    if rma.status == ReturnStatus.DECLINED:
        return ReturnStatus.DECLINED
    lines = list(lines)
    if any(not is_done(line) for line in lines):
        return ReturnStatus.OPEN
    if all(line.gone == line.quantity or (line.reception in NEVER_CAME and not line.accepted) for line in lines):
        return ReturnStatus.CANCELLED
    return ReturnStatus.COMPLETED if rma.approved_at else ReturnStatus.OPEN


def is_done(line: ReturnLine) -> bool:
    """Nothing of this line is awaited any more, and all that came or is kept was judged."""
    return not line.awaited and not line.undecided and line.acceptance != Acceptance.REVIEW


def give_up(desk: ReturnDesk, reception: str, line_ids: Iterable[int] | None = None) -> list[dict[str, Any]]:
    """Units that are still to come never will (CANCELLED, EXPIRED, LOST); what the fact says of them."""
    wanted = None if line_ids is None else set(line_ids)
    told = []
    for line in desk.lines:
        if not line.awaited or (wanted is not None and line.pk not in wanted):
            continue
        units, line.gone = line.awaited, line.gone + line.awaited
        if line.reception in TO_COME and not line.received and not line.kept:
            desk.receive_as(line, reception)
        elif line.reception in TO_COME:
            desk.receive_as(line, Reception.RECEIVED if line.received else reception)
        told.append({"line": line.pk, "sku": line.sku, "quantity": units})
    return told
