"""Calling a carrier's van: what waits for it, booking it, and what came of it.

Booking takes every parcel that is packed and labelled for the carrier. Packing goes on meanwhile: what is packed later
is not in it and is shown as waiting. A parcel whose label is given back leaves it at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from core import events, live
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from exceptions.services import cases
from inventory.models import Location
from inventory.services.locking import retrying
from orders import canonical
from orders import events as facts
from orders.models import (
    CalledParcel,
    CarrierService,
    FulfilmentStatus,
    LabelStatus,
    ManifestStatus,
    ParcelLabel,
    VanCall,
    VanCallStatus,
)

S, V = FulfilmentStatus, VanCallStatus
TOPIC = "van_calls"
MISSED, LEFT, CALLED_OFF, VOIDED = "MISSED", "LEFT", "CALLED_OFF", "VOIDED"
AHEAD, SHORTEST, LONGEST = timedelta(days=14), timedelta(minutes=30), timedelta(hours=12)
MOST = 500  # parcels of one collection
FIRST = ("package__fulfilment__due_at", "pk")  # the most urgent go first


@dataclass(slots=True)
class Waiting:
    """What waits for one carrier, through one account ("" where people arrange it themselves)."""

    carrier: str
    connection: str
    labels: list[ParcelLabel] = field(default_factory=list)

    @property
    def works(self) -> int:
        return len({label.package.fulfilment_id for label in self.labels})

    @property
    def grams(self) -> int:
        return sum(label.grams for label in self.labels)

    @property
    def promised(self) -> datetime | None:
        """The first promise that depends on it."""
        return min((at for label in self.labels if (at := label.package.fulfilment.order.promise_by)), default=None)


def waiting(location_id: int) -> list[Waiting]:
    """Parcels here that are packed and labelled and wait for no van yet, by carrier. One query."""
    groups: dict[tuple[str, str], Waiting] = {}
    for label in _whole(uncalled(location_id))[: 4 * MOST]:
        name = (label.service.carrier, label.service.connection)
        groups.setdefault(name, Waiting(*name)).labels.append(label)
    return [groups[name] for name in sorted(groups)]


def _whole(labels: QuerySet[ParcelLabel]) -> QuerySet[ParcelLabel]:
    return labels.select_related("service", "package__fulfilment__order").order_by(*FIRST)


def uncalled(location_id: int, **service: str) -> QuerySet[ParcelLabel]:
    """Labels of parcels here that wait for a van and are called for by none; `service` narrows, as carrier="…"."""
    called = CalledParcel.objects.filter(package=OuterRef("package"), released_at__isnull=True)
    here = ParcelLabel.objects.filter(
        ~Exists(called),
        **{f"service__{name}": value for name, value in service.items()},
        status=LabelStatus.BOUGHT,
        package__fulfilment__location=location_id,
        package__fulfilment__status=S.PACKED,
    )
    return here.filter(
        Q(package__loaded__isnull=True) | Q(package__loaded__manifest__status=ManifestStatus.OPEN),
    )


# --- Booking -------------------------------------------------------------------------------------------------------


def preview(location_id: int, *, carrier: str, connection: str = "", since: datetime, until: datetime) -> Waiting:
    """What booking would fetch. Changes nothing. Invalid (422) for a time no van comes; Refusal as `book`."""
    place = Location.objects.get(pk=location_id)
    check(place, carrier, connection, since, until)
    taken = VanCall.objects.coming().filter(
        location=location_id, carrier=carrier, connection=connection, since__lt=until, until__gt=since
    )
    if found := taken.first():
        raise _booked_already(found.carrier, found)
    labels = list(_whole(uncalled(location_id, carrier=carrier, connection=connection))[:MOST])
    if not labels:
        raise _nothing_waits(carrier)
    return Waiting(carrier, connection, labels)


def book(
    location_id: int,
    *,
    carrier: str,
    connection: str = "",
    since: datetime,
    until: datetime,
    key: str,
    confirmation: str = "",
    actor: Actor,
) -> VanCall:
    """Call the carrier for everything that waits for it. Safe to repeat by `key`.

    Without an account it stands at once, with the carrier's number where a person has one; else it is booked when the
    fact is delivered. Refusal("nothing_waits"), ("booked_already"), ("key_reused"). Locks the parcels' labels.
    """

    def work() -> VanCall:
        known = VanCall.objects.filter(location=location_id, key=key).first()
        if known is not None:
            if (known.carrier, known.connection, known.since, known.until) != (carrier, connection, since, until):
                raise Refusal("key_reused", "This key was used for another collection.", status=422)
            return known
        check(Location.objects.get(pk=location_id), carrier, connection, since, until)
        with transaction.atomic():  # a van for nothing is none, whoever's transaction this is part of
            call = _write(location_id, carrier, connection, since, until, key, actor)
            parcels = _take(call)
        if connection:
            tell(facts.VAN_ASKED, call, actor, {"parcels": parcels})
        else:
            call.move(V.BOOKED, confirmation=canonical.clean(confirmation)[:120])
            tell(facts.VAN_BOOKED, call, actor, {"parcels": parcels, "confirmation": call.confirmation})
        return call

    return retrying(work)


def check(place: Location, carrier: str, connection: str, since: datetime, until: datetime) -> None:
    """Invalid (422) names what no carrier would come for."""
    problems = []
    services = CarrierService.objects.filter(carrier=carrier, connection=connection)
    days = {day for collects in services.values_list("collects", flat=True) for day in collects}
    if not days:
        through = f" through {connection}" if connection else ""
        problems.append(Problem("carrier", "unknown", f"No service of {carrier or 'no carrier'}{through} is known."))
    now, here = timezone.now(), since.astimezone(ZoneInfo(place.time_zone or "UTC"))
    if until <= now:
        problems.append(Problem("until", "past", "That time is over."))
    elif since > now + AHEAD:
        problems.append(Problem("since", "too_far", f"Nobody books more than {AHEAD.days} days ahead."))
    if not SHORTEST <= until - since <= LONGEST:
        problems.append(Problem("until", "window", "The time must be from half an hour to twelve hours long."))
    if days and here.weekday() not in days:
        problems.append(Problem("since", "no_collection", f"{carrier} doesn't collect on a {here:%A}."))
    if problems:
        raise Invalid(problems, status=422)


def _write(
    location_id: int, carrier: str, connection: str, since: datetime, until: datetime, key: str, actor: Actor
) -> VanCall:
    """The row; whoever books the same time at the same moment is told by the database."""
    try:
        with transaction.atomic():
            return VanCall.objects.create(
                location_id=location_id, carrier=carrier, connection=connection, since=since, until=until,
                key=key[:120], created_by=actor.label[:200],
            )  # fmt: skip
    except IntegrityError:
        overlapping = VanCall.objects.coming().filter(
            location=location_id, carrier=carrier, connection=connection, since__lt=until, until__gt=since
        )
        raise _booked_already(carrier, overlapping.first()) from None


def _take(call: VanCall) -> int:
    """Whoever gives a label back at this moment waits for us or is seen by us: both go through the label's row."""
    mine = uncalled(call.location_id, carrier=call.carrier, connection=call.connection)
    first = list(mine.order_by(*FIRST).values_list("pk", flat=True)[:MOST])
    locked = list(mine.filter(pk__in=first).select_for_update(of=("self",), no_key=True).order_by("pk"))
    # As they are once they are locked.
    fresh = uncalled(call.location_id).filter(pk__in=[label.pk for label in locked])
    made = [CalledParcel(call=call, package_id=package) for package in fresh.values_list("package_id", flat=True)]
    if not made:
        raise _nothing_waits(call.carrier)
    CalledParcel.objects.bulk_create(made)
    _recheck_earlier(call)
    return len(made)


def _recheck_earlier(call: VanCall) -> None:
    """A van that left some of these before has its case cleared."""
    earlier = VanCall.objects.filter(
        parcels__package__called_for__call=call, parcels__released_because__in=(MISSED, LEFT)
    )
    for other in earlier.exclude(pk=call.pk).distinct():
        cases.recheck(other.subject)


def _booked_already(carrier: str, found: VanCall | None) -> Refusal:
    number = found.number if found else ""
    return Refusal("booked_already", f"{carrier} is called for that time already{f' ({number})' if number else ''}.")


def _nothing_waits(carrier: str) -> Refusal:
    return Refusal("nothing_waits", f"No parcel waits for {carrier or 'this carrier'}.")


# --- Calling it off, and what came of it ---------------------------------------------------------------------------


def cancel(call_id: int, *, reason: str = "", version: int | None = None, actor: Actor) -> VanCall:
    """Call it off; one booked through an account is cancelled there first. Safe to repeat."""

    def work() -> VanCall:
        call = lock(call_id)
        if call.status in {V.CANCEL_WANTED, V.CANCELLED}:
            return call
        _current(call, version)
        if call.connection:
            call.move(V.CANCEL_WANTED, words=canonical.clean(reason)[:500])
            tell(facts.VAN_CANCEL_WANTED, call, actor, {"reason": call.words})
        else:
            end(call, V.CANCELLED, CALLED_OFF, actor, words=reason)
        return call

    return retrying(work)


def came(call_id: int, *, left: Collection[int] = (), version: int | None = None, actor: Actor) -> VanCall:
    """It came and took the parcels, but for those `left` (ids of packages). What it took whole is shipped by whoever
    hears of it. Safe to repeat. Invalid (422) for a parcel that isn't one of it."""

    def work() -> VanCall:
        call = lock(call_id)
        if call.status == V.COLLECTED:
            return call
        _current(call, version)
        mine = set(call.parcels.filter(released_at__isnull=True).values_list("package_id", flat=True))
        if strange := sorted(set(left) - mine):
            words = f"Parcel {strange[0]} is none of {call.number}."
            raise Invalid([Problem("left", "unknown", words)], status=422)
        call.move(V.COLLECTED, ended_at=timezone.now(), ended_by=actor.label[:200])
        call.parcels.filter(package__in=left).update(released_at=timezone.now(), released_because=LEFT)
        tell(facts.VAN_CAME, call, actor, {"parcels": len(mine) - len(set(left)), "left": sorted(left)})
        return call

    return retrying(work)


def missed(call_id: int, *, reason: str = "", version: int | None = None, actor: Actor) -> VanCall:
    """It did not come: a case, and whoever waits for a parcel is promised it anew. Safe to repeat."""

    def work() -> VanCall:
        call = lock(call_id)
        if call.status == V.MISSED:
            return call
        _current(call, version)
        if timezone.now() < call.since:
            raise Refusal("too_early", f"It is to come from {call.since:%d %b %H:%M} UTC: call it off instead.")
        end(call, V.MISSED, MISSED, actor, words=reason)
        return call

    return retrying(work)


def release(package_id: int) -> None:
    """Its label was given back: no van is to take it. The caller holds the order's lock."""
    CalledParcel.objects.filter(
        package=package_id, released_at__isnull=True, call__status__in=(V.ASKED, V.BOOKED, V.CANCEL_WANTED)
    ).update(released_at=timezone.now(), released_because=VOIDED)


def end(call: VanCall, status: str, because: str, actor: Actor, *, words: str = "") -> None:
    """Nothing waits for it any more."""
    ended = {"ended_at": timezone.now(), "ended_by": actor.label[:200], "words": canonical.clean(words)[:500]}
    call.move(status, **ended)
    call.parcels.filter(released_at__isnull=True).update(released_at=timezone.now(), released_because=because)
    fact = {V.CANCELLED: facts.VAN_CANCELLED, V.MISSED: facts.VAN_MISSED, V.FAILED: facts.VAN_FAILED}
    tell(fact[VanCallStatus(status)], call, actor, {"carrier": call.carrier, "reason": call.words})


def lock(call_id: int) -> VanCall:
    """The call as it is, kept so until the transaction ends. Refusal("not_found")."""
    call = VanCall.objects.select_for_update(no_key=True).filter(pk=call_id).first()
    if call is None:
        raise Refusal("not_found", "No such collection.", status=404)
    return call


def _current(call: VanCall, version: int | None) -> None:
    if version is not None and version != call.version:
        words = f"Somebody changed {call.number} meanwhile; it is {call.get_status_display().lower()} now."
        raise Refusal("stale", words, version=call.version, status_now=call.status, sent=version)


def tell(type_: str, call: VanCall, actor: Actor, data: dict[str, Any]) -> None:
    place = Subject("location", str(call.location_id))
    events.record(type_, call.subject, actor=actor, data={"call": call.pk, **data}, related=((place, "location"),))
    live.poke(TOPIC)
    cases.recheck(call.subject, actor=actor)
