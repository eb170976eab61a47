"""One fulfilment order on its order's desk: found, locked, checked, moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.actors import Actor
from core.errors import Refusal
from orders.models import FulfilmentLine, FulfilmentOrder
from orders.services.desk import Desk, open_desk


@dataclass(slots=True)
class Work:
    """The desk of the order, its fulfilment order, and the lines of it that still count."""

    desk: Desk
    job: FulfilmentOrder
    lines: list[FulfilmentLine]

    def move(self, to: str, event: str, data: dict[str, Any] | None = None, **fields: Any) -> None:
        """Along the table of FulfilmentOrder, with the fact of it. Refusal("bad_move") names what it is now."""
        self.job.move(to, worked_by=self.desk.actor.label[:200], **fields)
        self.desk.note_work(event, self.job, {"units": self.units, **(data or {})})

    def touch(self) -> None:
        """Count a change that isn't a move, so that whoever looked before sees they are late."""
        self.job.version += 1
        self.job.worked_by = self.desk.actor.label[:200]
        self.job.save(update_fields=["version", "worked_by"])

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def picked(self) -> int:
        return sum(line.picked for line in self.lines)

    def line(self, line_id: int) -> FulfilmentLine:
        for line in self.lines:
            if line.pk == line_id:
                return line
        raise Refusal("unknown_line", "This line is not part of the work any more.", status=404)


def open_work(fulfilment_id: int, *, version: int | None, actor: Actor) -> Work:
    """Lock the order of a fulfilment order and read both. Must run inside a transaction.

    Refusal("not_found") 404; Refusal("stale") 409 with status and version as they are now, when `version` is another.
    """
    order_id = FulfilmentOrder.objects.filter(pk=fulfilment_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise Refusal("not_found", "No such fulfilment order.", status=404)
    desk = open_desk(order_id, actor=actor)
    job = FulfilmentOrder.objects.select_related("location").get(pk=fulfilment_id)
    if version is not None and version != job.version:
        raise Refusal(
            "stale",
            f"Somebody changed {job.number} meanwhile; it is {job.get_status_display().lower()} now.",
            status_now=job.status,
            version=job.version,
            sent=version,
        )
    lines = [promise for promise in desk.promises if promise.fulfilment_id == fulfilment_id]
    for line in lines:
        line.fulfilment = job
    return Work(desk, job, lines)
