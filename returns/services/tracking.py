"""Following a return's parcel: what a carrier says is kept word for word, and moves its label and its lines.

A parcel on its way makes its lines IN_TRANSIT; one its carrier lost, or nobody heard of for long, makes them LOST until
it turns up after all. Delivered and not taken in is a case by a clock. A parcel that takes rejected goods home is
followed too, and moves nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from core.actors import Actor
from core.errors import NotYet
from exceptions.services import cases
from inventory.services.locking import retrying
from orders import tracking
from orders.models import LabelStatus, Tracker
from orders.models.shipment import IN_TROUBLE, UNDER_WAY
from orders.services.tracking import keep, waits_for
from orders.tracking import Scan
from returns import events as facts
from returns.models import Reception, ReturnLabel, ReturnScan, ReturnStatus
from returns.services import lifecycle
from returns.services.lifecycle import ReturnDesk

LOST, TROUBLE = "returns.parcel_lost", "returns.parcel_in_trouble"
SILENT = timedelta(days=21)  # on its way and not heard of for so long: it counts as lost
T = Tracker
MOVING = frozenset(
    {T.IN_TRANSIT, T.OUT_FOR_DELIVERY, T.READY_FOR_PICKUP, T.DELIVERED, T.DELIVERY_DELAYED, T.DELIVERY_FAILED,
     T.RETURN_TO_SENDER, T.LOST}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of it: how many scans were new, and where the parcel is now."""

    return_id: int
    number: str
    new: int
    state: str


def record(tracking_number: str, scans: Sequence[Scan], *, actor: Actor) -> Followed:
    """Keep what was said of the parcel with this number. Safe to repeat: a scan told before is not told again.

    Locks the order and the return. Raises NotYet while no label has the number.
    """

    def work() -> Followed:
        known = ReturnLabel.objects.filter(tracking_number=tracking_number).exclude(tracking_number="")
        found = known.order_by("-pk").values_list("pk", "request_id").first()
        if found is None:
            raise NotYet(waits_for(tracking_number), f"No parcel is known under {tracking_number or 'no number'}.")
        desk = lifecycle.open_return(found[1], actor=actor)
        label = ReturnLabel.objects.get(pk=found[0])
        new = keep(ReturnScan.objects.filter(label=label), scans, actor=actor, label=label)
        if new:
            _move(desk, label)
        return Followed(desk.rma.pk, desk.rma.number, new, label.tracker)

    return retrying(work)


def lose_silent(*, actor: Actor, now: datetime | None = None, most: int = 200) -> int:
    """Parcels that were on their way and of which nobody heard for long are given up; returns how many."""
    before = (now or timezone.now()) - SILENT
    rows = ReturnLabel.objects.way_back().filter(
        status=LabelStatus.BOUGHT, tracker__in=sorted(UNDER_WAY & MOVING), tracked_at__lt=before,
        request__status=ReturnStatus.OPEN, request__lines__reception=Reception.IN_TRANSIT,
    )  # fmt: skip
    given_up = 0
    for label_id, request_id in list(rows.order_by("tracked_at").values_list("pk", "request_id").distinct()[:most]):
        given_up += retrying(lambda pk=label_id, rma=request_id: _lose(pk, rma, before, actor))  # type: ignore[misc]
    return given_up


def _lose(label_id: int, return_id: int, before: datetime, actor: Actor) -> int:
    desk = lifecycle.open_return(return_id, actor=actor)
    label = ReturnLabel.objects.get(pk=label_id)
    if label.tracked_at is None or label.tracked_at >= before or label.tracker not in UNDER_WAY:
        return 0
    return int(_give_up(desk, label, f"Nobody has heard of {label.tracking_number} for {SILENT.days} days."))


def asked(label_ids: Iterable[int]) -> None:
    ReturnLabel.objects.filter(pk__in=list(label_ids)).update(asked_at=timezone.now())


# --- The pieces


def _move(desk: ReturnDesk, label: ReturnLabel) -> None:
    seen = list(ReturnScan.objects.filter(label=label).order_by("occurred_at", "pk"))
    state, at = tracking.standing((row.state, row.occurred_at) for row in seen)
    before = label.tracker
    label.tracker, label.tracked_at = state, at
    label.save(update_fields=["tracker", "tracked_at"])
    last = next((row for row in reversed(seen) if row.state == state), seen[-1])
    if state != before and at is not None:
        desk.note(
            facts.TRACKED,
            {"label": label.pk, "tracking_number": label.tracking_number, "state": state, "before": str(before),
             "words": last.words, "place": last.place, "at": at.isoformat(), "to_customer": label.to_customer},
        )  # fmt: skip
    if not label.to_customer:
        _follow_lines(desk, label, state, last.words)
    lifecycle.save(desk)
    if state in IN_TROUBLE - {T.LOST} or state == T.RETURN_TO_SENDER:
        cases.open_(TROUBLE, desk.rma.subject, summary=f"{label.tracking_number}: {last.words}"[:200], actor=desk.actor)


def _follow_lines(desk: ReturnDesk, label: ReturnLabel, state: str, words: str) -> None:
    if state == T.LOST:
        _give_up(desk, label, words or "The carrier lost it.")
    elif state in MOVING:
        for line in desk.lines:
            if line.awaited and line.reception == Reception.AWAITING:
                desk.receive_as(line, Reception.IN_TRANSIT)


def _give_up(desk: ReturnDesk, label: ReturnLabel, why: str) -> bool:
    told = lifecycle.give_up(desk, Reception.LOST)
    if not told:
        return False
    desk.rma.ended_reason = why[:255]
    desk.note(facts.LOST, {"label": label.pk, "tracking_number": label.tracking_number, "why": why[:300],
                           "lines": told})  # fmt: skip
    lifecycle.save(desk, fields=["ended_reason"])
    units = sum(each["quantity"] for each in told)
    cases.open_(LOST, desk.rma.subject, summary=why[:200], units=units, actor=desk.actor)
    return True
