"""Reckoning the clocks of open cases afresh, on request: after a rule or a calendar changed.

Nothing moves by itself. `preview` says which clocks would move, from when to when, and what would turn overdue or no
longer be; `reckon_one` does it for one case under its lock, with its pauses cut out, and records the fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core import events, jobs, live
from core.actors import Actor
from core.errors import Refusal
from core.models import Calendar, Job, Site, User
from exceptions import clock, reasons
from exceptions import events as facts
from exceptions.models import Case, CasePause, SlaPolicy
from exceptions.services import clocks, escalation
from exceptions.services.closing import about, subject_of, tell_breaches

JOB = "exceptions.reckon"
PREVIEWED = 5_000  # open cases a preview reckons, the most pressing first; the rest it only counts
CLOCKS = {"acknowledge_by": "Acknowledge", "resolve_by": "Resolve"}


@dataclass(frozen=True, slots=True)
class Move:
    """One case whose rule or clocks would change: the columns to write, and its clocks from when to when."""

    case: Case
    fields: dict[str, Any]
    clocks: tuple[tuple[str, datetime, datetime], ...]
    rule: tuple[str, str] | None
    was_overdue: bool
    is_overdue: bool


@dataclass
class Preview:
    """What reckoning afresh would do. `more` says that there are cases beyond the ones looked at.

    `others` are cases it reaches that the person may not see: they are counted, and nothing is said of them.
    """

    looked_at: int = 0
    moves: list[Move] = field(default_factory=list)
    more: bool = False
    others: int = 0

    @property
    def turning_overdue(self) -> int:
        return sum(move.is_overdue and not move.was_overdue for move in self.moves)

    @property
    def no_longer_overdue(self) -> int:
        return sum(move.was_overdue and not move.is_overdue for move in self.moves)


@dataclass(frozen=True)
class Setting:
    """The rules and calendars to reckon by: those in force, or as they would be."""

    rules: Sequence[Any]
    calendars: dict[int, clock.Calendar]

    def calendar(self, site_id: int | None, *, business_time: bool) -> clock.Calendar:
        return self.calendars.get(site_id or 0, clock.ALWAYS) if business_time else clock.ALWAYS

    def rule(self, case: Case) -> Any:
        for rule in self.rules:
            if rule.matches(reason=case.reason, queue=case.queue_id, site_id=case.site_id, severity=case.severity):
                return rule
        return None


def setting(*, rule: SlaPolicy | None = None, calendar: Calendar | None = None) -> Setting:
    """What is in force; with an unsaved version of a rule or a calendar in the place of the one it would replace."""
    rules = list(SlaPolicy.objects.filter(current=True))
    if rule is not None:
        rules = [known for known in rules if known.code != rule.code] + [rule]
    rules.sort(key=lambda known: (known.position, known.pk or 0))
    calendars = {}
    for site in Site.objects.select_related("calendar"):
        kept = calendar if calendar is not None and site.calendar_id == calendar.pk else site.calendar
        calendars[site.pk] = clocks.calendar_from(
            site.time_zone,
            *((kept.name, kept.weekly, kept.country, kept.region, kept.exceptions) if kept else (None,) * 5),
        )
    return Setting(rules, calendars)


def preview(
    by: Setting, *, user: User | AnonymousUser | None = None, cases: Any = None, now: datetime | None = None
) -> Preview:
    """What would change among these open cases (default: all of them), the most pressing first.

    With a `user`, only cases they may see are looked at, and the others are counted.
    """
    now = now or timezone.now()
    every = Case.objects.still_open() if cases is None else cases
    rows = every if user is None else every.for_user(user)
    some = list(rows.select_related("policy", "site").order_by("rank", "pk")[: PREVIEWED + 1])
    found = Preview(looked_at=min(len(some), PREVIEWED), more=len(some) > PREVIEWED)
    found.others = beyond(every, user)
    pauses = _pauses(case.pk for case in some[:PREVIEWED])
    for case in some[:PREVIEWED]:
        if move := plan(case, by, pauses.get(case.pk, []), now):
            found.moves.append(move)
    return found


def beyond(rows: Any, user: User | AnonymousUser | None) -> int:
    """How many of these cases the person may not see."""
    if user is None or (isinstance(user, User) and user.site_ids() is None):
        return 0
    return int(rows.count()) - int(rows.for_user(user).count())


def _pauses(ids: Iterable[int]) -> dict[int, list[clock.Span]]:
    found: dict[int, list[clock.Span]] = {}
    ended = CasePause.objects.filter(case__in=list(ids), ended_at__isnull=False)
    for case_id, start, end in ended.values_list("case_id", "started_at", "ended_at"):
        if end is not None:
            found.setdefault(case_id, []).append((start, end))
    return found


def plan(case: Case, by: Setting, pauses: Sequence[clock.Span], now: datetime) -> Move | None:
    """What reckoning this case afresh would write; None where nothing would change. A clock that was met stays."""
    policy = by.rule(case)
    given: Any = policy or reasons.find(case.reason) or case
    warn = policy.warn_minutes if policy else clocks.WARN_MINUTES
    began = case.clocks_from or case.started_at
    calendar = by.calendar(case.site_id, business_time=given.business_time)
    acknowledge_by, resolve_by, warn_at = clocks.reckon(
        calendar, began, given.acknowledge_minutes, given.resolve_minutes, warn, pauses
    )
    fields: dict[str, Any] = {
        "policy_id": policy.pk if policy else None,
        "acknowledge_minutes": given.acknowledge_minutes,
        "resolve_minutes": given.resolve_minutes,
        "business_time": given.business_time,
        "resolve_by": resolve_by,
        "warn_at": warn_at,
    }
    if case.acknowledged_at is None:
        fields["acknowledge_by"] = acknowledge_by
    changed = {name: value for name, value in fields.items() if getattr(case, name) != value}
    if policy is not None and policy.pk is None and policy.code == getattr(case.policy, "code", None):
        changed.setdefault("policy_id", None)
    if not changed:
        return None
    moved = tuple((title, getattr(case, name), changed[name]) for name, title in CLOCKS.items() if name in changed)
    rule = None
    if "policy_id" in changed:
        rule = (str(case.policy) if case.policy else "the reason’s own", str(policy) if policy else "the reason’s own")
    return Move(case, changed, moved, rule, _overdue(case, {}, now), _overdue(case, changed, now))


def _overdue(case: Case, changed: dict[str, Any], now: datetime) -> bool:
    """Is its acknowledge or resolve clock past and unmet?"""
    acknowledge = changed.get("acknowledge_by", case.acknowledge_by)
    resolve = changed.get("resolve_by", case.resolve_by)
    return (case.acknowledged_at is None and acknowledge <= now) or resolve <= now


@transaction.atomic
def reckon_one(case_id: int, *, actor: Actor, because: str = "", by: Setting | None = None) -> bool:
    """Reckon one open case by what is in force, its ladder too; says whether anything changed. Safe to repeat.

    What the old clocks had made due is told first. A breach that was told is told again only if its clock now runs out
    anew. Locks the case.
    """
    case = Case.objects.select_for_update(no_key=True).filter(pk=case_id, is_open=True).first()
    if case is None:
        return False
    now = timezone.now()
    by = by or setting()
    move = plan(case, by, escalation.pauses_of(case), now)
    steps = escalation.choose(case.reason, queue=case.queue_id, site_id=case.site_id, severity=case.severity)
    rule = steps[0].policy_id if steps else None
    if move is None and rule == case.escalation_id:
        return False
    escalation.fire_due([case.pk], now)
    told, drafts = tell_breaches(case, now)
    fields = {**told, **(move.fields if move else {}), **_untold(move.fields if move else {}, now)}
    Case.objects.filter(pk=case.pk).update(**fields, escalation_id=rule, version=F("version") + 1, updated_at=now)
    case.refresh_from_db()
    escalation.rebuild(case, steps)
    data = {
        "because": because[:500],
        "clocks": [[title, a.isoformat(), b.isoformat()] for title, a, b in (move.clocks if move else ())],
        "rule": list(move.rule) if move and move.rule else None,
    }
    drafts.append(events.EventDraft(facts.RECKONED, subject_of(case), actor, data, about(case)))
    events.record_many(drafts)
    live.poke(facts.TOPIC)
    return True


def _untold(fields: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A clock that moved into the future has neither run out nor been warned of."""
    marks = (("acknowledge_by", "acknowledge_breached_at"), ("resolve_by", "breached_at"), ("warn_at", "warned_at"))
    return {mark: None for name, mark in marks if name in fields and fields[name] > now}


def scope(*, calendar: str = "", site: str = "") -> Any:
    """The open cases that a change could move: those at the sites of a calendar, or all."""
    rows = Case.objects.still_open()
    if calendar:
        rows = rows.filter(site__calendar__code=calendar)
    return rows.filter(site__code=site) if site else rows


def start_job(*, actor: Actor, because: str, calendar: str = "", expected: int | None = None) -> Job:
    """Ask for all open cases (of a calendar's sites) to be reckoned afresh; the caller sends the task on commit."""
    total = scope(calendar=calendar).count()
    if expected is not None and expected != total:
        raise Refusal("count_changed", f"There are {total:,} open cases now, not {expected:,}. Look again first.")
    params = {"calendar": calendar, "because": because}
    return jobs.start(JOB, actor, params, total=total, title="Reckoning open cases afresh")


def work_off(job_id: int) -> None:
    """Carry out such a job, case by case, each its own transaction. Safe to take up again and to stop."""
    from core import actors

    job = Job.objects.select_related("owner").get(pk=job_id)
    actor = actors.person(job.owner) if job.owner else actors.SYSTEM
    ids = scope(calendar=job.params.get("calendar", "")).order_by("pk").values_list("pk", flat=True)
    by, because = setting(), job.params.get("because", "")
    jobs.run_over(job_id, list(ids), lambda case_id: reckon_one(case_id, actor=actor, because=because, by=by))
