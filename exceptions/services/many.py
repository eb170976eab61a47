"""The same verb on many cases at once: one lock pass in key order, one UPDATE, one batch of facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Case as When
from django.db.models import DateTimeField, F, Value
from django.db.models import When as If
from django.urls import reverse
from django.utils import timezone

from core import actors, events, jobs, live
from core.actors import Actor
from core.errors import Refusal
from core.events import EventDraft
from core.models import Job, User
from exceptions import events as facts
from exceptions.models import Case, Status
from exceptions.services import escalation, notices
from exceptions.services.closing import TOPIC
from exceptions.services.handling import acknowledging, assignable, assignment, fact, person_of


@dataclass
class Tally:
    """What became of each: the ids done, and for the rest the case's number and why not."""

    done: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    refused: list[tuple[int, str, str]] = field(default_factory=list)


def claim_many(ids: Sequence[int], *, actor: Actor) -> Tally:
    """Take every one of these that is free. Ones somebody else has, or that are over, are named in the tally."""
    me = User.objects.get(pk=person_of(actor))
    return _give(ids, me, actor=actor, only_free=True)


def assign_many(ids: Sequence[int], *, to: int, actor: Actor) -> Tally:
    """Give all of these to one person who may see them; whoever had them before no longer does."""
    sites = set(Case.objects.filter(pk__in=ids).values_list("site_id", flat=True))
    return _give(ids, assignable(to, sites), actor=actor, only_free=False)


@transaction.atomic
def _give(ids: Sequence[int], person: User, *, actor: Actor, only_free: bool) -> Tally:
    now = timezone.now()
    tally = Tally()
    drafts: list[EventDraft] = []
    breached: dict[str, list[int]] = {}
    first_response: list[int] = []
    locked = list(Case.objects.select_for_update(no_key=True).filter(pk__in=set(ids)).order_by("pk"))
    owners = User.objects.in_bulk({case.owner_id for case in locked if case.owner_id})
    for case in locked:
        if case.status == Status.RESOLVED:
            tally.refused.append((case.pk, case.number, "is already resolved"))
            continue
        if case.owner_id == person.pk:
            tally.unchanged.append(case.pk)
            continue
        if only_free and case.owner_id is not None:
            tally.refused.append((case.pk, case.number, f"is with {owners[case.owner_id].get_full_name()}"))
            continue
        fields, said = acknowledging(case, actor, now)
        drafts += said
        if "acknowledged_at" in fields:
            first_response.append(case.pk)
        for column in fields.keys() - {"acknowledged_at"}:
            breached.setdefault(column, []).append(case.pk)
        if only_free:
            drafts.append(fact(case, facts.CLAIMED, actor))
        else:
            drafts.append(assignment(case, person, actor))
        tally.done.append(case.pk)
    changes = {column: _now_for(column, rows, now) for column, rows in breached.items()}
    if first_response:
        changes["acknowledged_at"] = _now_for("acknowledged_at", first_response, now)
        escalation.met([case.pk for case in locked if case.escalation_id and case.pk in first_response], now)
    if tally.done:
        Case.objects.filter(pk__in=tally.done).update(
            owner=person, owned_since=now, version=F("version") + 1, updated_at=now, **changes
        )
        events.record_many(drafts)
        live.poke(TOPIC)
        if not only_free:
            _tell(person, tally.done, now, actor)
    return tally


def _tell(person: User, done: list[int], now: datetime, actor: Actor) -> None:
    """One notice for all of them, however many: nobody reads fifty."""
    key = f"assigned:{done[0]}:{now.isoformat()}"
    if len(done) == 1:
        text = "It is yours now."
        notices.tell([person], kind="assignment", case=done[0], text=text, key=key, actor=actor)
        return
    subject, url = f"{len(done)} cases are yours now", f"{reverse('exceptions:queue')}?owner=me"
    notices.tell([person], kind="assignment", case=None, subject=subject, text="", url=url, key=key, actor=actor)


def _now_for(column: str, rows: list[int], now: object) -> When:
    return When(If(pk__in=rows, then=Value(now)), default=F(column), output_field=DateTimeField())


def work_off(job_id: int, *, size: int = 50) -> None:
    """Carry out a bulk job in batches, each its own transaction, its failures row by row. Safe to take up again."""
    job = Job.objects.select_related("owner").get(pk=job_id)
    if job.owner is None or not jobs.begin(job_id):
        return
    actor, ids, to = actors.person(job.owner), job.params["ids"], job.params.get("to")
    for start in range(0, len(ids), size):
        if jobs.stopping(job_id):
            jobs.stopped(job_id)
            return
        some = ids[start : start + size]
        try:
            tally = claim_many(some, actor=actor) if to is None else assign_many(some, to=to, actor=actor)
        except Refusal as refusal:
            jobs.advance(job_id, 0, [{"row": f"EX-{pk}", "reason": refusal.message} for pk in some])
            continue
        failed = [{"row": number, "reason": why} for _, number, why in tally.refused]
        jobs.advance(job_id, len(some) - len(failed), failed)
    jobs.finish(job_id)
