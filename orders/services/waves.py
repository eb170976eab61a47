"""Planning a warehouse's floor: what goes out to the pickers together, when, and what waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Prefetch, Q
from django.utils import timezone

from core import events, live
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from inventory.services import placements
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import (
    COLLECTED_HERE,
    FulfilmentLine,
    FulfilmentOrder,
    FulfilmentStatus,
    Wave,
    WaveStatus,
    WaveWork,
)
from orders.services.foreseen import carriers

S = FulfilmentStatus
TO_PICK = (S.OPEN, S.ACCEPTED, S.PICKING)
UNBEGUN = (S.OPEN, S.ACCEPTED)
URGENT_WITHIN = timedelta(hours=2)
URGENT, NORMAL = 1, 5
MOST, LOOKED_AT = 60, 1_000
TOPIC = "waves"


@dataclass(slots=True)
class Group:
    """Work that could be one wave: one departure of one carrier ("" where none is foreseen), one priority, one zone
    ("" where its orders need several)."""

    departs_at: datetime
    carrier: str
    zone: str
    priority: int
    works: list[FulfilmentOrder] = field(default_factory=list)
    units: int = 0

    @property
    def numbers(self) -> list[str]:
        return [work.number for work in self.works]


def loose(location_id: int) -> list[FulfilmentOrder]:
    """What is to be sent from here, not begun, and in no wave or walk yet; the soonest due first."""
    lines = Prefetch(
        "lines", FulfilmentLine.objects.filter(quantity__gt=0).select_related("item").prefetch_related("parts__item")
    )
    rows = FulfilmentOrder.objects.filter(location=location_id, status__in=UNBEGUN).exclude(method__in=COLLECTED_HERE)
    rows = rows.exclude(wave_works__running=True).exclude(batch_works__running=True)
    rows = rows.select_related("order", "location")
    return list(rows.prefetch_related(lines).order_by("due_at", "pk")[:LOOKED_AT])


def propose(location_id: int, *, now: datetime | None = None) -> list[Group]:
    """The loose work as waves: by departure, carrier, priority and zone, at most 60 orders each. Changes nothing."""
    now = now or timezone.now()
    works = loose(location_id)
    items = {slot.item_id for work in works for line in work.lines.all() for slot in line.slots}
    zones = {item: _zone(spot.code) for item, spot in placements.spots(location_id, items).items()}
    foreseen = carriers(works)
    groups: dict[tuple[datetime, int, str, str], list[Group]] = defaultdict(list)
    for work in works:
        slots = [slot for line in work.lines.all() for slot in line.slots]
        needed = {zones.get(slot.item_id, "") for slot in slots}
        zone = needed.pop() if len(needed) == 1 else ""
        priority = URGENT if work.due_at <= now + URGENT_WITHIN else NORMAL
        carrier = foreseen[work.pk].carrier if work.pk in foreseen else ""
        same = groups[work.due_at, priority, carrier, zone]
        if not same or len(same[-1].works) >= MOST:
            same.append(Group(work.due_at, carrier, zone, priority))
        same[-1].works.append(work)
        same[-1].units += sum(slot.wanted for slot in slots)
    return [group for _, same in sorted(groups.items()) for group in same]


def _zone(bin_code: str) -> str:
    """Bins are named zone first: `B-14-2` lies in zone B."""
    return bin_code.split("-", 1)[0][:20]


def plan(location_id: int, *, numbers: Sequence[str], priority: int = NORMAL, actor: Actor) -> Wave:
    """One wave of these fulfilment orders, not released yet. Work that was begun or taken meanwhile is left out.

    Refusal("nothing_to_plan") when nothing remains; Invalid for a priority that isn't 1 to 9.
    """
    if not 1 <= priority <= 9:
        raise Invalid([Problem("priority", "range", "must be 1 (first) to 9 (last)")], status=422)

    def work() -> Wave:
        rows = FulfilmentOrder.objects.filter(location=location_id, number__in=numbers, status__in=UNBEGUN)
        rows = rows.exclude(wave_works__running=True).exclude(batch_works__running=True)
        free = {job.pk for job in rows}
        wanted = [group for group in propose(location_id) if free & {job.pk for job in group.works}]
        works = [job for group in wanted for job in group.works if job.pk in free]
        if not works:
            raise Refusal("nothing_to_plan", "That work was taken on meanwhile; nothing is left to plan.")
        zones, vans = {group.zone for group in wanted}, {group.carrier for group in wanted}
        wave = Wave.objects.create(
            location_id=location_id,
            departs_at=min(job.due_at for job in works),
            carrier=vans.pop() if len(vans) == 1 else "",
            zone=zones.pop() if len(zones) == 1 else "",
            priority=priority,
            created_by=actor.label[:200],
        )
        # Two people who plan the same work: the second one's insert waits here, and leaves it out.
        WaveWork.objects.bulk_create([WaveWork(wave=wave, fulfilment=job) for job in works], ignore_conflicts=True)
        taken = WaveWork.objects.filter(wave=wave).count()
        if not taken:
            raise Refusal("nothing_to_plan", "Somebody else planned that work a moment ago.")
        _note(wave, facts.WAVE_PLANNED, actor, works=taken)
        return wave

    return retrying(work)


def release(wave_id: int, *, version: int | None = None, actor: Actor) -> Wave:
    """The pickers may begin. Refusal("bad_move") for one that is held or over."""
    return _move(wave_id, WaveStatus.RELEASED, facts.WAVE_RELEASED, version, actor, released_at=timezone.now())


def hold(wave_id: int, *, because: str, version: int | None = None, actor: Actor) -> Wave:
    """Nobody begins its work until it is resumed and released. Refusal("bad_move") once it was released."""
    if not because.strip():
        raise Invalid([Problem("because", "missing", "Say why it is held.")], status=422)
    return _move(wave_id, WaveStatus.HELD, facts.WAVE_HELD, version, actor, held_because=because.strip()[:200])


def resume(wave_id: int, *, version: int | None = None, actor: Actor) -> Wave:
    """Held no more: planned, as before."""
    return _move(wave_id, WaveStatus.PLANNED, facts.WAVE_RESUMED, version, actor, held_because="")


def cancel(wave_id: int, *, version: int | None = None, actor: Actor) -> Wave:
    """Give the plan up: what was not picked is loose work again; what was picked goes on."""

    def work() -> Wave:
        wave = _move(wave_id, WaveStatus.CANCELLED, facts.WAVE_CANCELLED, version, actor, ended_at=timezone.now())
        wave.works.update(running=False)
        return wave

    return retrying(work)


def drop(wave_id: int, *, number: str, version: int | None = None, actor: Actor) -> Wave:
    """Take one fulfilment order out of a wave; it is loose again. Refusal("not_in_wave") 404."""

    def work() -> Wave:
        wave = _locked(wave_id, version)
        gone = WaveWork.objects.filter(wave=wave, fulfilment__number=number, running=True).update(running=False)
        if not gone:
            raise Refusal("not_in_wave", f"{number} is not in this wave.", status=404)
        Wave.objects.filter(pk=wave.pk).update(version=wave.version + 1)
        _note(wave, facts.WAVE_CHANGED, actor, dropped=number)
        _finish(wave, actor)
        wave.refresh_from_db()
        return wave

    return retrying(work)


def next_walk(wave_id: int, *, most: int) -> list[str]:
    """The wave's next orders to pick together, by their first bin: neighbours on the shelf walk together."""
    works = FulfilmentOrder.objects.filter(
        wave_works__wave=wave_id, wave_works__running=True, status__in=UNBEGUN
    ).exclude(batch_works__running=True)
    rows = list(works.prefetch_related(Prefetch("lines", FulfilmentLine.objects.filter(quantity__gt=0))))
    if not rows:
        return []
    items = {line.item_id for work in rows for line in work.lines.all()}
    spots = placements.spots(rows[0].location_id, items)
    far = placements.NOWHERE
    rows.sort(key=lambda work: (min(spots.get(line.item_id, far).key for line in work.lines.all()), work.pk))
    return [work.number for work in rows[:most]]


def settle(fulfilment_id: int, *, actor: Actor) -> None:
    """A fulfilment order was picked or ended: its wave may be done by that. Safe to repeat."""

    def work() -> None:
        wave_id = WaveWork.objects.filter(fulfilment=fulfilment_id, running=True).values_list("wave", flat=True).first()
        if wave_id is not None:
            _finish(_locked(wave_id, None), actor)

    retrying(work)


def _finish(wave: Wave, actor: Actor) -> None:
    if wave.status != WaveStatus.RELEASED:
        return
    left = Q(running=True, fulfilment__status__in=TO_PICK)
    if not wave.works.filter(left).exists():
        wave.move(WaveStatus.DONE, ended_at=timezone.now())
        wave.works.update(running=False)
        _note(wave, facts.WAVE_DONE, actor)


def _move(wave_id: int, to: str, event: str, version: int | None, actor: Actor, **fields: object) -> Wave:
    def work() -> Wave:
        wave = _locked(wave_id, version)
        wave.move(to, **fields)
        _note(wave, event, actor, because=wave.held_because)
        return wave

    return retrying(work)


def _locked(wave_id: int, version: int | None) -> Wave:
    wave = Wave.objects.select_for_update(no_key=True).filter(pk=wave_id).first()
    if wave is None:
        raise Refusal("not_found", "No such wave.", status=404)
    if version is not None and version != wave.version:
        words = f"Somebody changed {wave.number} meanwhile; it is {wave.get_status_display().lower()} now."
        raise Refusal("stale", words, status_now=wave.status, version=wave.version, sent=version)
    return wave


def _note(wave: Wave, event: str, actor: Actor, **data: object) -> None:
    events.record(event, wave.subject, actor=actor, data={name: value for name, value in data.items() if value})
    live.poke(TOPIC)
