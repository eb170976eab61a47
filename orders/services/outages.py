"""A carrier that doesn't run: nothing is planned to leave with it, and work that has no other way goes elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection, transaction
from django.utils import timezone

from core import events
from core.actors import SYSTEM, Actor
from core.errors import Refusal
from core.subjects import Subject
from inventory.models import Location
from inventory.services.locking import retrying
from orders import events as facts
from orders.models import CarrierOutage
from orders.services import resourcing

WHY = "Its carrier doesn't run"


def begin(carrier: str, *, reason: str, actor: Actor, by_breaker: bool = False) -> CarrierOutage:
    """Plan nothing more with this carrier until `end`. Safe to repeat. What no carrier calls for now is moved."""
    carrier = carrier.strip()
    if not carrier or not reason.strip():
        raise Refusal("reason_needed", "Say which carrier, and why: others will want to know.", status=422)

    @transaction.atomic
    def work() -> CarrierOutage:
        _lock(carrier)
        known = CarrierOutage.objects.filter(carrier=carrier, ended_at=None).first()
        if known is not None:
            return known
        made = CarrierOutage.objects.create(
            carrier=carrier, reason=reason.strip()[:255], started_by=actor.label[:200], by_breaker=by_breaker
        )
        events.record(
            facts.CARRIER_OUT, Subject("carrier", carrier, carrier), actor=actor, data={"reason": made.reason}
        )
        return made

    return retrying(work)


def end(carrier: str, *, actor: Actor) -> bool:
    """It runs again; whether it was out. Safe to repeat."""

    @transaction.atomic
    def work() -> bool:
        _lock(carrier)
        changed = CarrierOutage.objects.filter(carrier=carrier, ended_at=None).update(
            ended_at=timezone.now(), ended_by=actor.label[:200]
        )
        if changed:
            events.record(facts.CARRIER_BACK, Subject("carrier", carrier, carrier), actor=actor)
        return bool(changed)

    return retrying(work)


def follow(unreachable: Mapping[str, str], *, actor: Actor) -> None:
    """Carriers none of whose accounts answers are out, with the reason; those of before that aren't among them run
    again. What a person reported is a person's to end. Safe to repeat."""
    for carrier, reason in unreachable.items():
        begin(carrier, reason=reason, actor=actor, by_breaker=True)
    back = CarrierOutage.objects.filter(ended_at=None, by_breaker=True).exclude(carrier__in=list(unreachable))
    for carrier in back.values_list("carrier", flat=True):
        end(carrier, actor=actor)


def out() -> set[str]:
    """The carriers that don't run now."""
    return set(CarrierOutage.objects.filter(ended_at=None).values_list("carrier", flat=True))


def resource(*, actor: Actor = SYSTEM) -> tuple[int, int]:
    """Move what nobody has begun at nodes no running carrier calls at; returns (moved, stayed). Safe to repeat."""
    gone = out()
    if not gone:
        return 0, 0
    moved = stayed = 0
    for place in Location.objects.exclude(carriers=[]).filter(carriers__contained_by=sorted(gone)).order_by("pk"):
        for work in resourcing.unstarted_at(place.pk):
            if resourcing.move(work.pk, why=WHY, actor=actor):
                moved += 1
            else:
                stayed += 1
    return moved, stayed


def _lock(carrier: str) -> None:
    """One at a time for a carrier: there may be no row yet that could be locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"carrier:{carrier}"])
