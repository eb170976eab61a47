"""Asking for a count, starting it, and giving it up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from exceptions.services import cases
from inventory import events as facts
from inventory.models import (
    COUNT_TO_DO,
    Count,
    CountLine,
    CountOrigin,
    CountStatus,
    Location,
    StockMovement,
)
from inventory.services import naming
from inventory.services.locking import retrying

MAX_LINES = 500
DUE = {
    CountOrigin.SHORT_PICK: timedelta(hours=4),
    CountOrigin.SNAPSHOT: timedelta(hours=24),
    CountOrigin.HAND: timedelta(hours=24),
    CountOrigin.PLAN: timedelta(hours=12),
}
_ORIGINS = {"fulfilment": CountOrigin.SHORT_PICK, "count_plan": CountOrigin.PLAN}


def request(
    location_id: int,
    item_ids: Collection[int],
    *,
    cause: Subject | None,
    actor: Actor,
    blind: bool = True,
    origin: str | None = None,
    due_at: datetime | None = None,
    note: str = "",
) -> int:
    """Ask for these items to be counted at a place; returns the count's id. Safe to repeat and to race.

    Items that an open count there lists already stay with it: where all do, that count's id is the answer. Without an
    `origin` the cause says it. Raises Invalid (nothing or too much to count), Refusal("unknown_place"|"unknown_item"),
    ("is_kit") naming the parts to count instead.
    """
    wanted = sorted(set(item_ids))
    if not 1 <= len(wanted) <= MAX_LINES:
        raise Invalid([Problem("items", "range", f"A count has from 1 to {MAX_LINES} items.")], status=422)
    why = CountOrigin(origin) if origin else _origin(cause)
    return retrying(lambda: _request(location_id, wanted, cause, actor, blind, why, due_at, note))


def _origin(cause: Subject | None) -> CountOrigin:
    if cause is None:
        return CountOrigin.HAND
    return CountOrigin.SNAPSHOT if cause.kind.startswith("snapshot") else _ORIGINS.get(cause.kind, CountOrigin.HAND)


def _request(
    location_id: int,
    wanted: Sequence[int],
    cause: Subject | None,
    actor: Actor,
    blind: bool,
    origin: CountOrigin,
    due_at: datetime | None,
    note: str,
) -> int:
    place = Location.objects.filter(pk=location_id).first()
    if place is None:
        raise Refusal("unknown_place", "No such location.", status=404)
    naming.require(wanted)
    taken = _listed(location_id, wanted)
    if len(taken) == len(wanted):
        return min(taken.values())
    now = timezone.now()
    count = Count.objects.create(
        location=place,
        origin=origin,
        cause_kind=cause.kind if cause else "",
        cause_uid=cause.uid[:64] if cause else "",
        cause_label=cause.label[:200] if cause else "",
        blind=blind,
        due_at=due_at or now + DUE[origin],
        requested_by=actor.label[:200],
        note=note[:500],
        created_at=now,
    )
    # A racing request may list an item first: its line stands, and ours goes without it.
    CountLine.objects.bulk_create(
        [CountLine(count=count, item_id=item, location=place) for item in wanted if item not in taken],
        ignore_conflicts=True,
    )
    listed = list(CountLine.objects.filter(count=count).values_list("item__sku", flat=True))
    if not listed:
        count.delete()
        return min(_listed(location_id, wanted).values())
    data = {"items": len(listed), "skus": listed[:20], "origin": origin.value}
    record(count, facts.COUNT_REQUESTED, actor, data, cause)
    return count.pk


def _listed(location_id: int, items: Sequence[int]) -> dict[int, int]:
    """{item: open count} of those an open count at the place lists already."""
    rows = CountLine.objects.filter(location=location_id, item__in=items, open=True)
    return dict(rows.values_list("item_id", "count_id"))


def start(count_id: int, *, version: int | None = None, actor: Actor) -> Count:
    """Somebody walks to the shelf. From here on movements are watched."""

    def work() -> Count:
        count = open_count(count_id, version)
        begin(count, actor)
        return count

    return retrying(work)


def begin(count: Count, actor: Actor) -> None:
    floor = StockMovement.objects.aggregate(newest=Max("id"))["newest"] or 0
    now = timezone.now()
    count.move(CountStatus.COUNTING, started_at=now, round_at=now, floor=floor, counted_by=actor.label[:200])
    record(count, facts.COUNT_STARTED, actor)


def cancel(count_id: int, *, reason: str, version: int | None = None, actor: Actor) -> Count:
    """It is not needed any more. What was found so far stays readable and changes nothing."""

    def work() -> Count:
        count = open_count(count_id, version)
        count.lines.update(open=False)
        count.move(CountStatus.CANCELLED, note=(reason or count.note)[:500])
        record(count, facts.COUNT_CANCELLED, actor, {"reason": reason[:500]})
        cases.recheck(count.subject, cause="The count was cancelled.", actor=actor)
        return count

    return retrying(work)


# --- What the steps share


def open_count(count_id: int, version: int | None = None) -> Count:
    """Lock the count. Must run inside a transaction. Refusal("not_found") 404, ("stale") 409."""
    rows = Count.objects.select_for_update(no_key=True, of=("self",)).select_related("location")
    count = rows.filter(pk=count_id).first()
    if count is None:
        raise Refusal("not_found", "No such count.", status=404)
    if version is not None and version != count.version:
        raise Refusal(
            "stale",
            f"Somebody changed {count.number} meanwhile; it is {count.get_status_display().lower()} now.",
            status_now=count.status,
            version=count.version,
            sent=version,
        )
    return count


def record(
    count: Count,
    fact: str,
    actor: Actor,
    data: dict[str, object] | None = None,
    cause: Subject | None = None,
) -> None:
    """Write a fact about the count, related to its place and, where given, its cause."""
    related = [(Subject("location", str(count.location_id), count.location.code), "location")]
    if cause is not None:
        related.append((cause, "cause"))
    events.record(fact, count.subject, actor=actor, data=data or {}, related=related)


def waits(count: Count) -> bool:
    return count.status in COUNT_TO_DO
