"""What people do to a case. Every verb locks the case, compares the version the person saw, and records a fact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from core import events, live
from core.actors import CLIENT, PERSON, Actor
from core.errors import Refusal
from core.events import EventDraft
from core.models import User
from core.subjects import Subject
from exceptions import clock, reasons, wakes
from exceptions import events as facts
from exceptions.models import OUTSIDE, Case, CasePause, Outcome, Status, WaitingOn
from exceptions.services import acting, approvals, clocks, escalation, notices, rulebooks, watching
from exceptions.services.acting import Done
from exceptions.services.closing import TOPIC, about, close, subject_of, tell_breaches

# A case that moves on is no longer put aside, and waits for no fact.
AWAKE = {"snoozed_at": None, "snoozed_until": None, "wake_on": "", "wake_after": None}
REOPEN_DAYS = 7
NOTE_LENGTH = 4_000


def locked(case_id: int, version: int | None) -> Case:
    """The case, locked, as the person saw it. Refusal 404 unknown; 409 changed_meanwhile with what it is now.

    Nothing is joined: after waiting for the lock PostgreSQL re-reads the locked row, but not the rows joined to it.
    """
    case = Case.objects.select_for_update(no_key=True).filter(pk=case_id).first()
    if case is None:
        raise Refusal("no_such_case", "There is no such case.", status=404)
    if version is not None and version != case.version:
        raise Refusal("changed_meanwhile", _what_it_is_now(case), **current(case))
    return case


def current(case: Case) -> dict[str, Any]:
    """The values a person needs to see when theirs were stale."""
    return {
        "case": case.pk,
        "version": case.version,
        "status_now": str(case.status),
        "owner": case.owner.get_full_name() if case.owner else None,
        "owner_id": case.owner_id,
        "waiting_on": case.waiting_on or None,
        "outcome": case.outcome or None,
        "due_at": case.due_at.isoformat() if case.due_at else None,
    }


def _what_it_is_now(case: Case) -> str:
    if case.status == Status.RESOLVED:
        state = f"it was resolved as {case.get_outcome_display().lower()}"
    elif case.status == Status.WAITING:
        state = f"it is paused, waiting for {case.get_waiting_on_display().lower()}"
    elif case.owner:
        state = f"{case.owner.get_full_name()} has it"
    else:
        state = "nobody has it"
    return f"{case.number} changed while you were looking: {state} now. Nothing of yours was applied."


def must_be_open(case: Case) -> None:
    if case.status == Status.RESOLVED:
        raise Refusal("already_resolved", f"{case.number} is already resolved.", **current(case))


def change(case: Case, drafts: list[EventDraft], now: datetime, **fields: Any) -> int:
    """Write the fields and the facts; returns the new version. A first response also ends that clock's escalation."""
    if case.escalation_id and "acknowledged_at" in fields:
        escalation.met([case.pk], now)
    Case.objects.filter(pk=case.pk).update(version=F("version") + 1, updated_at=now, **fields)
    events.record_many(drafts)
    live.poke(TOPIC)
    return case.version + 1


def tell_fact(draft: EventDraft) -> None:
    """Record something that changes nothing of the case itself."""
    events.record_many([draft])
    live.poke(TOPIC)


def fact(case: Case, type_: str, actor: Actor, **data: Any) -> EventDraft:
    return EventDraft(type_, subject_of(case), actor, data, about(case))


def acknowledging(case: Case, actor: Actor, now: datetime) -> tuple[dict[str, Any], list[EventDraft]]:
    """Fields and facts for the first response to a case; nothing if somebody responded before."""
    if case.acknowledged_at is not None:
        return {}, []
    breached, drafts = tell_breaches(case, now)
    in_time = now <= case.acknowledge_by
    drafts.append(fact(case, facts.ACKNOWLEDGED, actor, in_time=in_time, due_at=case.acknowledge_by.isoformat()))
    return {"acknowledged_at": now, **breached}, drafts


def assignment(case: Case, person: User, actor: Actor) -> EventDraft:
    """The fact that names the person, so that it stands in their inbox."""
    to = Subject("person", str(person.pk), person.get_full_name())
    data = {"to": to.label, "to_id": person.pk}
    return EventDraft(facts.ASSIGNED, subject_of(case), actor, data, (*about(case), (to, "assignee")))


def person_of(actor: Actor) -> int:
    if actor.kind != PERSON:
        raise Refusal("not_a_person", "Only a person can own a case.", status=400)
    return int(actor.uid)


@transaction.atomic
def acknowledge(case_id: int, *, version: int | None = None, actor: Actor) -> int:
    """Stop the acknowledge clock without taking the case. Safe to repeat. Returns the version."""
    case = locked(case_id, version)
    must_be_open(case)
    now = timezone.now()
    fields, drafts = acknowledging(case, actor, now)
    return change(case, drafts, now, **fields) if fields else case.version


@transaction.atomic
def claim(case_id: int, *, version: int | None = None, actor: Actor) -> int:
    """Take a case; that also acknowledges it. Claiming your own again changes nothing.

    Refusal already_claimed (409) while somebody else has it. Returns the version.
    """
    case = locked(case_id, None)
    me = person_of(actor)
    if case.owner_id == me and case.status != Status.RESOLVED:
        return case.version
    must_be_open(case)
    if case.owner:
        raise Refusal("already_claimed", f"{case.owner.get_full_name()} has {case.number}.", **current(case))
    if version is not None and version != case.version:
        raise Refusal("changed_meanwhile", _what_it_is_now(case), **current(case))
    now = timezone.now()
    fields, drafts = acknowledging(case, actor, now)
    drafts.append(fact(case, facts.CLAIMED, actor))
    return change(case, drafts, now, owner_id=me, owned_since=now, **fields)


@transaction.atomic
def release(case_id: int, *, version: int | None = None, actor: Actor) -> int:
    """Put a case back for anyone to take. Its owner may, and whoever may assign (the view checks)."""
    case = locked(case_id, version)
    must_be_open(case)
    if case.owner_id is None:
        return case.version
    drafts = [fact(case, facts.RELEASED, actor, was=case.owner.get_full_name() if case.owner else "")]
    return change(case, drafts, timezone.now(), owner_id=None, owned_since=None)


def assignable(to: int, site_ids: set[int | None]) -> User:
    """The active person who may be given cases of these sites. Refusal 400 unknown; 409 if they may not see one."""
    person = User.objects.filter(pk=to, is_active=True).first()
    if person is None:
        raise Refusal("no_such_person", "There is no such person.", status=400)
    allowed = person.site_ids()
    if not person.has_perm("exceptions.work_case") or (allowed is not None and not site_ids <= allowed):
        raise Refusal("cannot_see_it", f"{person.get_full_name()} may not work on cases of that site.")
    return person


@transaction.atomic
def assign(case_id: int, *, to: int, version: int | None = None, actor: Actor) -> int:
    """Give a case to somebody who may see it; that acknowledges it. Returns the version."""
    case = locked(case_id, version)
    must_be_open(case)
    person = assignable(to, {case.site_id})
    if case.owner_id == person.pk:
        return case.version
    now = timezone.now()
    fields, drafts = acknowledging(case, actor, now)
    drafts.append(assignment(case, person, actor))
    key = f"assigned:{case.pk}:{case.version}"
    notices.tell([person], kind="assignment", case=case, text="It is yours now.", key=key, actor=actor)
    return change(case, drafts, now, owner_id=person.pk, owned_since=now, **fields)


@transaction.atomic
def wait(
    case_id: int,
    *,
    on: str,
    until: datetime | None = None,
    wake_on: str = "",
    note: str = "",
    version: int | None = None,
    actor: Actor,
) -> int:
    """Wait while somebody else has to act. For somebody outside (customer, supplier, carrier, another system) the
    resolve clock stands still; for a store or a colleague it runs on, that is our own time. A promise always runs on.

    With `until` it resumes by itself then, with `wake_on` when that happens (see wakes.py). Returns the version.
    """
    if on not in WaitingOn.values:
        raise Refusal("unknown_waiting", "Say whom the case waits for.", status=400)
    now = timezone.now()
    if until is not None and until <= now:
        raise Refusal("until_is_past", "Wait until a time that is still to come.", status=400)
    case = locked(case_id, version)
    if case.status != Status.OPEN:
        raise Refusal("bad_move", f"{case.number} is not open, so it can't be paused.", **current(case))
    fields, drafts = acknowledging(case, actor, now)
    if not fields:
        fields, drafts = tell_breaches(case, now)
    if on in OUTSIDE:
        if case.escalation_id:
            escalation.hold(case.pk, now)
        CasePause.objects.create(case=case, waiting_on=on, started_at=now)
    data = {"on": on, "until": until.isoformat() if until else None, "note": note[:500], "stops": on in OUTSIDE}
    watching.tell(
        case, f"Waiting for {WaitingOn(on).label.lower()}.", key=f"waits:{case.pk}:{case.version}", actor=actor
    )
    data |= {"wake_on": wake_on, "words": wakes.words(case.subject_kind, wake_on)}
    drafts.append(fact(case, facts.PAUSED, actor, **data))
    waits = {"status": Status.WAITING, "waiting_on": on, "waiting_since": now, "wait_until": until}
    return change(case, drafts, now, **waits, **(AWAKE | wakes.marks(case.subject_kind, wake_on)), **fields)


@transaction.atomic
def resume(
    case_id: int, *, version: int | None = None, because: str = "", actor: Actor, at: datetime | None = None
) -> int:
    """Let the clocks run again, later by the business time they stood still. Returns the version.

    `at` is the time it should have resumed (a sweep may come late); default now.
    """
    case = locked(case_id, version)
    if case.status != Status.WAITING:
        raise Refusal("bad_move", f"{case.number} is not paused.", **current(case))
    now = timezone.now()
    moment = min(at or now, case.wait_until or now, now)  # when it should have resumed, whoever says so now
    fields: dict[str, Any] = {
        "status": Status.OPEN,
        "waiting_on": "",
        "waiting_since": None,
        "wait_until": None,
        **AWAKE,
    }
    pause = CasePause.objects.select_for_update().filter(case=case, ended_at__isnull=True).first()
    if pause is not None:
        moment = max(moment, pause.started_at)
        fields |= extended(case, pause.started_at, moment)
        pause.ended_at = moment
        pause.save(update_fields=["ended_at"])
        if case.escalation_id:
            escalation.go_on(case, pause.started_at, moment)
    resolve_by = fields.get("resolve_by", case.resolve_by)
    drafts = [fact(case, facts.RESUMED, actor, resolve_by=resolve_by.isoformat(), because=because)]
    return change(case, drafts, now, **fields)


def extended(case: Case, start: datetime, end: datetime) -> dict[str, Any]:
    """The case's clocks moved on by one pause."""
    calendar = clocks.calendar_of(case.site_id, business_time=case.business_time)

    def later(due: datetime) -> datetime:
        try:
            return clock.extend(due, start, end, calendar)
        except clock.NeverOpen:
            return due + (end - start) if due > start else due

    fields = {"resolve_by": later(case.resolve_by)}
    if case.acknowledged_at is None:
        fields["acknowledge_by"] = later(case.acknowledge_by)
    if case.warn_at is not None:
        fields["warn_at"] = later(case.warn_at)
    return fields


@transaction.atomic
def resolve(
    case_id: int,
    *,
    outcome: str = Outcome.FIXED,
    note: str = "",
    duplicate_of: int | None = None,
    version: int | None = None,
    actor: Actor,
) -> int:
    """End a case as fixed or as a duplicate of another open one.

    Refusal still_true (409) while the reason's predicate holds: only a waiver ends that. Its symptoms that are no
    longer true end with it. Returns the version.
    """
    case = locked(case_id, version)
    must_be_open(case)
    fields: dict[str, Any] = {}
    if outcome == Outcome.DUPLICATE:
        fields["parent_id"] = _other(case, duplicate_of)
    elif outcome != Outcome.FIXED:
        raise Refusal("unknown_outcome", "A person resolves a case as fixed or as a duplicate.", status=400)
    elif reasons.holds(case.reason, case.subject_uid):
        raise Refusal(
            "still_true",
            f"{case.number} can't be resolved: what opened it is still true. Put it right, or have it waived.",
            **current(case),
        )
    _acknowledge_on_close(case, actor, fields)
    close(case, Outcome(outcome), note=note.strip()[:NOTE_LENGTH], actor=actor, fact=facts.RESOLVED, **fields)
    return case.version + 1


def _other(case: Case, duplicate_of: int | None) -> int:
    other = Case.objects.filter(pk=duplicate_of, is_open=True).exclude(pk=case.pk).first() if duplicate_of else None
    if other is None or other.parent_id == case.pk:
        raise Refusal("no_such_case", "Name another open case that this one repeats.", status=400)
    return other.pk


def _acknowledge_on_close(case: Case, actor: Actor, fields: dict[str, Any]) -> None:
    """Ending a case is a response to it, if nobody responded before."""
    if case.acknowledged_at is None:
        fields["acknowledged_at"] = timezone.now()


@transaction.atomic
def waive(case_id: int, *, reason: str, version: int | None = None, actor: Actor) -> int:
    """Sign that a case may stay as it is, even while it is true. Returns the version.

    Needs a reason in words, and a person who holds exceptions.waive_case; of a program the API has asked for the scope.
    """
    text = reason.strip()[:NOTE_LENGTH]
    if len(text) < 5:
        raise Refusal("waiver_needs_a_reason", "Say why this may stay as it is.", status=422)
    if actor.kind != CLIENT:
        signer = User.objects.filter(pk=person_of(actor), is_active=True).first()
        if signer is None or not signer.has_perm("exceptions.waive_case"):
            raise Refusal("may_not_waive", "You may not sign waivers.", status=403)
    case = locked(case_id, version)
    must_be_open(case)
    fields: dict[str, Any] = {}
    _acknowledge_on_close(case, actor, fields)
    close(case, Outcome.WAIVED, note=text, actor=actor, fact=facts.WAIVED, **fields)
    return case.version + 1


@transaction.atomic
def reopen(case_id: int, *, note: str = "", version: int | None = None, actor: Actor) -> int:
    """Take back the end of a case within REOPEN_DAYS: same case, same history, fresh clocks. Returns the version."""
    case = locked(case_id, version)
    if case.status != Status.RESOLVED:
        raise Refusal("bad_move", f"{case.number} is open.", **current(case))
    now = timezone.now()
    if case.resolved_at and now - case.resolved_at > timedelta(days=REOPEN_DAYS):
        raise Refusal("too_late", f"A case can be reopened for {REOPEN_DAYS} days. Open a new one.", status=410)
    calendar = clocks.calendar_of(case.site_id, business_time=case.business_time)
    warn_minutes = case.policy.warn_minutes if case.policy else clocks.WARN_MINUTES
    times = clocks.reckon(calendar, now, case.acknowledge_minutes, case.resolve_minutes, warn_minutes)
    watching.tell(case, f"Reopened. {note[:280]}".strip(), key=f"again:{case.pk}:{case.version}", actor=actor)
    try:
        with transaction.atomic():
            reopened = change(
                case,
                [fact(case, facts.REOPENED, actor, was=case.outcome, note=note[:500])],
                now,
                status=Status.OPEN,
                outcome="",
                outcome_note="",
                resolved_at=None,
                reopened=F("reopened") + 1,
                acknowledged_at=None if case.owner_id is None else now,
                clocks_from=now,
                acknowledge_by=times[0],
                resolve_by=times[1],
                warn_at=times[2],
                warned_at=None,
                acknowledge_breached_at=None,
                breached_at=None,
            )
            if case.escalation_id:
                escalation.begin_again(case.pk)
            return reopened
    except IntegrityError as error:
        raise Refusal("open_again", "The same thing has happened again and has a case of its own.") from error


def act(
    case_id: int,
    action_code: str,
    *,
    params: Mapping[str, Any] | None = None,
    version: int | None = None,
    actor: Actor,
) -> str:
    """Run one of the actions the reason offers, then see whether it is still true. Returns the sentence to show."""
    return acting_on(case_id, action_code, params=params, version=version, actor=actor).said


def acting_on(
    case_id: int,
    action_code: str,
    *,
    params: Mapping[str, Any] | None = None,
    version: int | None = None,
    job_id: int | None = None,
    actor: Actor,
) -> Done:
    """As `act`, with the run, or with the request where a second person has to agree first.

    The version is taken first, so a second click is refused (409). The action runs outside the case's lock, because
    it takes the locks of its own domain; what it did, or why it refused, is stored either way.
    """
    with transaction.atomic():
        case = locked(case_id, version)
        must_be_open(case)
        reason, action = acting.find(case, action_code)
        given = action.said(params or {}, case.subject_uid)
        now = timezone.now()
        fields, drafts = acknowledging(case, actor, now)
        change(case, drafts, now, **fields)
    if rulebooks.approvals().rules and (action.rehearsed or action.amount):
        plan = acting.plan(case, reason, action, given, actor=actor)
        rule = approvals.needed(plan)
        if rule is not None:
            request = approvals.ask(plan, rule, actor=actor)
            return Done(f"{action.title} waits for approval: {rule.words}.", approval=request)
    run = acting.perform(case, action, reason=reason, params=given, actor=actor, job_id=job_id)
    acting.settle(run, actor=actor)
    return Done(run.said, run=run)
