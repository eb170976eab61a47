"""The walk: asking for a count, starting it, and taking down what is seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone
from django.utils.timezone import is_naive

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from exceptions.services import cases
from inventory import asides
from inventory import events as facts
from inventory.models import (
    COUNT_TO_DO,
    MAX_UNITS,
    Count,
    CountEntry,
    CountLine,
    CountOrigin,
    CountStatus,
    Location,
    StockMovement,
)
from inventory.services import loose
from inventory.services.codes import items_of
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
    `origin` the cause says it. Raises Invalid (nothing or too much to count), Refusal("unknown_place"|"unknown_item").
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
    loose.require(wanted)
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


def scan(
    count_id: int,
    *,
    code: str,
    quantity: int = 1,
    at: datetime | None = None,
    version: int | None = None,
    actor: Actor,
) -> CountLine:
    """Units seen by their code: `quantity` more of that line. Starts a count nobody has started.

    `at` is when the device read it, for scans kept while offline. Refusal("not_on_this_count"), ("counted_already")
    where only some lines are counted again, ("unknown_code"), ("not_counting").
    """
    _check(quantity, 1)

    def work() -> CountLine:
        count = _counting(count_id, version, actor)
        ids = items_of(code)
        lines = list(count.lines.select_related("item").filter(item__in=ids))
        if not lines:
            raise Refusal("not_on_this_count", f"{code} is not on {count.number}. Put it back.", scanned=code)
        now_due = [line for line in lines if line.round == count.round]
        if not now_due:
            raise Refusal("counted_already", f"{lines[0].item.sku} needs no second count.", scanned=code)
        line = now_due[0]
        _take_down(count, line, quantity, at, actor, whole=False)
        return line

    return retrying(work)


def enter(
    count_id: int,
    *,
    line_id: int,
    quantity: int,
    at: datetime | None = None,
    version: int | None = None,
    actor: Actor,
) -> CountLine:
    """The whole figure of a line, typed; replaces what was scanned of it in this round. Zero is a figure, too."""
    _check(quantity, 0)

    def work() -> CountLine:
        count = _counting(count_id, version, actor)
        line = count.lines.select_related("item").filter(pk=line_id).first()
        if line is None:
            raise Refusal("unknown_line", "This line is not part of the count.", status=404)
        if line.round != count.round:
            raise Refusal("counted_already", f"{line.item.sku} needs no second count.")
        _take_down(count, line, quantity, at, actor, whole=True)
        return line

    return retrying(work)


def _check(quantity: int, least: int) -> None:
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not least <= quantity <= MAX_UNITS:
        raise Invalid([Problem("quantity", "range", f"A whole number from {least}.")], status=422)


def _counting(count_id: int, version: int | None, actor: Actor) -> Count:
    count = open_count(count_id, version)
    if count.status == CountStatus.REQUESTED:
        begin(count, actor)
    if count.status != CountStatus.COUNTING:
        raise Refusal(
            "not_counting",
            f"{count.number} is {count.get_status_display().lower()}, not being counted.",
            status_now=count.status,
            version=count.version,
        )
    return count


def _take_down(count: Count, line: CountLine, figure: int, at: datetime | None, actor: Actor, *, whole: bool) -> None:
    now = timezone.now()
    begun = count.round_at or now
    # A device's clock is trusted between the beginning of the round and now.
    seen = now if at is None or is_naive(at) else max(begun, min(at, now))
    aside = asides.of(count.location_id, [line.item_id])[line.item_id]
    fresh = whole or line.counted is None
    line.counted = figure if fresh else (line.counted or 0) + figure
    if line.counted > MAX_UNITS:
        raise Invalid([Problem("quantity", "range", f"At most {MAX_UNITS}.")], status=422)
    if line.first_at is None:
        line.first_at = _looked_since(count, actor, begun, seen) if whole else seen
        line.aside_low = line.aside_high = aside
    line.first_at = min(line.first_at, seen)
    line.last_at = max(line.last_at or seen, seen)
    line.aside_low, line.aside_high = min(line.aside_low, aside), max(line.aside_high, aside)
    line.save(update_fields=["counted", "first_at", "last_at", "aside_low", "aside_high"])
    CountEntry.objects.create(
        line=line,
        round=line.round,
        figure=figure,
        whole=whole,
        at=seen,
        actor_kind=actor.kind,
        actor_uid=actor.uid,
        actor_label=actor.label[:200],
    )
    if actor.label not in count.counted_by:
        names = f"{count.counted_by}, {actor.label}".strip(", ")[:200]
        Count.objects.filter(pk=count.pk).update(counted_by=names)


def _looked_since(count: Count, actor: Actor, begun: datetime, seen: datetime) -> datetime:
    """A typed figure was counted since this person's last entry: that is when the look began."""
    mine = CountEntry.objects.filter(line__count=count, actor_kind=actor.kind, actor_uid=actor.uid, at__lte=seen)
    return max(begun, mine.aggregate(last=Max("at"))["last"] or begun)


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
