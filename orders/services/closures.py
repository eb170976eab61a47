"""A site that closes for the day: what nobody has begun there is sourced elsewhere, the rest is promised later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils import timezone

from core import events
from core.actors import SYSTEM, Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory.models import Location, LocationStatus
from inventory.services.locking import retrying
from orders import due
from orders import events as facts
from orders.models import ACTIVE, COLLECTED_HERE, FulfilmentOrder
from orders.services import resourcing, transit

AT_MOST = timedelta(days=31)
AT_ONCE = 50  # fulfilment orders moved while somebody waits, and shown beforehand; the rest follow in the background
WHY = "The site is closed for the day"
MOVES, STAYS, BEGUN, COLLECTED = "moves", "stays", "begun", "collected"


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one fulfilment order: moves (to), stays and is late, is begun already, or is collected later."""

    work: FulfilmentOrder
    units: int
    outcome: str
    to: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What closing would do to the work that is due before the site opens again. `more` aren't looked at here."""

    location: Location
    until: datetime
    fates: tuple[Fate, ...]
    more: int

    def count(self, outcome: str) -> int:
        return sum(fate.outcome == outcome for fate in self.fates)


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing did: fulfilment orders moved and kept; `more` follow in the background."""

    moved: int
    stayed: int
    more: int


def preview(location_id: int, *, until: datetime, actor: Actor) -> Preview:
    """Work through what closing would do, and undo it: nothing is changed."""
    place = _place(location_id)
    _check(until, "A preview")
    rows = FulfilmentOrder.objects.filter(location=place, status__in=ACTIVE).select_related("order")
    works = list(rows.annotate(units=Sum("lines__quantity", default=0)).order_by("due_at", "pk")[: AT_ONCE + 1])
    more = rows.count() - AT_ONCE if len(works) > AT_ONCE else 0
    fates = []
    for work in works[:AT_ONCE]:
        moved = None
        if work.status not in resourcing.UNSTARTED:
            outcome = BEGUN
        elif work.method in COLLECTED_HERE:
            outcome = COLLECTED
        else:
            moved = resourcing.would_move(work.pk, actor=actor)
            outcome = MOVES if moved else STAYS
        fates.append(Fate(work, work.units, outcome, moved.to if moved else ()))
    return Preview(place, until, tuple(fates), more)


def close_for_day(location_id: int, until: datetime, reason: str, actor: Actor) -> Closed:
    """No new work before `until`; what nobody has begun goes to other nodes where one has it. Safe to repeat.

    What stays is due after the site opens again, and its customers are promised that. Work somebody has begun stays as
    it is. Invalid for a moment that isn't ahead (31 days at most) or no reason; Refusal("place_closed") for a site that
    is shut for good.
    """
    _check(until, reason)
    place = _place(location_id)

    def work() -> None:
        Location.objects.select_for_update(no_key=True).get(pk=place.pk)
        Location.objects.filter(pk=place.pk).update(closed_until=until, closed_reason=reason.strip()[:200])
        data = {"until": until.isoformat(), "reason": reason.strip()[:200]}
        events.record(facts.SITE_CLOSED, subject(place), actor=actor, data=data)

    retrying(work)
    return clear(place.pk, actor=actor, limit=AT_ONCE)


def reopen(location_id: int, *, actor: Actor) -> None:
    """It takes work again, sooner than was said. Safe to repeat."""

    def work() -> None:
        place = Location.objects.select_for_update(no_key=True).get(pk=_place(location_id).pk)
        if place.closed_until is None or place.closed_until <= timezone.now():
            return
        Location.objects.filter(pk=place.pk).update(closed_until=None, closed_reason="")
        events.record(facts.SITE_REOPENED, subject(place), actor=actor)

    retrying(work)


def clear(location_id: int, *, actor: Actor = SYSTEM, limit: int | None = None) -> Closed:
    """Move or postpone what a closed site would have to do before it opens again. Safe to repeat and to interrupt."""
    place = _place(location_id)
    until = place.closed_until
    if until is None or until <= timezone.now():
        return Closed(0, 0, 0)
    works = [work for work in resourcing.unstarted_at(place.pk) if work.due_at < until]
    moved = stayed = 0
    for work in works[:limit]:
        if resourcing.move(work.pk, why=WHY, actor=actor):
            moved += 1
        else:
            stayed += 1
            _postpone(work, place, until, actor)
    return Closed(moved, stayed, max(0, len(works) - (limit or len(works))))


def _postpone(work: FulfilmentOrder, place: Location, until: datetime, actor: Actor) -> None:
    later = due.due_at(until, method=work.method, time_zone=place.time_zone)
    here = work.method in COLLECTED_HERE
    promise = later if here else transit.of_work(work, packed_at=later)
    resourcing.postpone(work.pk, until=later, promise_by=promise, why=WHY, actor=actor)


def subject(place: Location) -> Subject:
    return Subject("location", str(place.pk), place.code)


def _place(location_id: int) -> Location:
    place = Location.objects.filter(pk=location_id).first()
    if place is None:
        raise Refusal("not_found", "No such site.", status=404)
    if place.status == LocationStatus.CLOSED:
        raise Refusal("place_closed", f"{place.name} is closed for good.", location=place.code)
    return place


def _check(until: datetime, reason: str) -> None:
    problems = []
    if until.tzinfo is None:
        problems.append(Problem("until", "naive", "Say in which time zone it opens again."))
    elif not timezone.now() < until <= timezone.now() + AT_MOST:
        problems.append(Problem("until", "range", f"Must be ahead, {AT_MOST.days} days at most."))
    if not reason.strip():
        problems.append(Problem("reason", "required", "Say why: others will want to know."))
    if problems:
        raise Invalid(problems, status=422)
