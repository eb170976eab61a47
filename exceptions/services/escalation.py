"""Telling the next person when nobody got to a case in time. Each step fires once a run, dated when it was due.

A case's ladder is written when its clocks start (one row a step). Steps of the acknowledge and resolve clocks stand
still with them; the promise clock never pauses, and neither do its steps. Whatever stops a clock first fires the steps
that were due before, so a sweep that comes late changes only how late people hear of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from core import actors, events, live
from core.events import EventDraft
from core.formats import duration
from core.subjects import Subject
from exceptions import clock
from exceptions import events as facts
from exceptions.models import Case, CasePause, Clock, Escalation, EscalationStep, Status
from exceptions.services import clocks, notices, recipients

BATCH = 2_000
PAUSABLE = (Clock.ACKNOWLEDGE, Clock.RESOLVE)


def choose(reason: str, *, queue: str, site_id: int | None, severity: int) -> list[EscalationStep]:
    """The steps of the first current rule that matches, in order; none where no rule does."""
    return choose_at(reason, [site_id], queue=queue, severity=severity)[site_id]


def choose_at(
    reason: str, site_ids: Iterable[int | None], *, queue: str, severity: int
) -> dict[int | None, list[EscalationStep]]:
    """The steps by site, in order: those of the first current rule that matches there; none where no rule does."""
    found = EscalationStep.objects.filter(policy__current=True, policy__enabled=True).select_related("policy")
    steps = list(found.order_by("policy__position", "policy_id", "number"))
    chosen: dict[int | None, list[EscalationStep]] = {}
    for site_id in site_ids:
        of: dict[str, Any] = {"reason": reason, "queue": queue, "site_id": site_id, "severity": severity}
        rule = next((step.policy_id for step in steps if step.policy.matches(**of)), None)
        chosen[site_id] = [step for step in steps if step.policy_id == rule]
    return chosen


def begin(
    case: Case,
    steps: Iterable[EscalationStep],
    *,
    pauses: Sequence[clock.Span] = (),
    fired: Iterable[int] = (),
    paused: bool = False,
) -> None:
    """Write the ladder of a case's present run: a row for each step that may still fire. The caller holds the case."""
    calendar = clocks.calendar_of(case.site_id, business_time=case.business_time)
    Escalation.objects.bulk_create(_ladder(case, steps, calendar, pauses, frozenset(fired), paused))


def begin_many(ladders: Iterable[tuple[Case, Sequence[EscalationStep], clock.Calendar]]) -> None:
    """Write the ladders of cases just opened, each with the steps and the calendar it runs by."""
    rows = [row for case, steps, calendar in ladders for row in _ladder(case, steps, calendar)]
    Escalation.objects.bulk_create(rows)


def _ladder(
    case: Case,
    steps: Iterable[EscalationStep],
    calendar: clock.Calendar,
    pauses: Sequence[clock.Span] = (),
    over: frozenset[int] = frozenset(),
    paused: bool = False,
) -> list[Escalation]:
    rows = []
    for step in steps:
        due = due_at(step, case, calendar, pauses)
        if due is None or step.pk in over or (step.clock == Clock.ACKNOWLEDGE and case.acknowledged_at):
            continue
        held = paused and step.clock in PAUSABLE
        rows.append(Escalation(case_id=case.pk, run=case.reopened, step=step, clock=step.clock, due_at=due, held=held))
    return rows


def due_at(
    step: EscalationStep, case: Case, calendar: clock.Calendar, pauses: Sequence[clock.Span] = ()
) -> datetime | None:
    """When a step of this case is due; None for a promise that was never made. Never before the clocks began."""
    began = case.clocks_from or case.started_at
    try:
        if step.clock != Clock.PROMISE:
            given = case.acknowledge_minutes if step.clock == Clock.ACKNOWLEDGE else case.resolve_minutes
            return clock.add_business(began, max(0, given + step.minutes), calendar, pauses)
        if case.promise_by is None:
            return None
        if step.minutes >= 0:
            return clock.add_business(case.promise_by, step.minutes, calendar)
        return max(began, clock.subtract_business(case.promise_by, -step.minutes, calendar))
    except clock.NeverOpen:
        return _round_the_clock(step, case, began)


def _round_the_clock(step: EscalationStep, case: Case, began: datetime) -> datetime:
    """A calendar that never opens counts round the clock, here as for the clocks themselves."""
    ends = {Clock.ACKNOWLEDGE: case.acknowledge_by, Clock.RESOLVE: case.resolve_by, Clock.PROMISE: case.promise_by}
    end = ends[Clock(step.clock)] or began
    return max(began, end + timedelta(minutes=step.minutes))


# Both rows are locked: the step's, so that it fires once, and the case's, so that its facts are in commit order. What
# another sweeper or a person's change holds is left for the next pass.
_SWEEP = """
WITH due AS (
    SELECT e.id FROM exceptions_escalation e JOIN exceptions_case c ON c.id = e.case_id
    WHERE e.fired_at IS NULL AND NOT e.held AND e.due_at <= %(now)s
    ORDER BY e.due_at LIMIT %(batch)s FOR NO KEY UPDATE OF e, c SKIP LOCKED
), fired AS (
    UPDATE exceptions_escalation e SET fired_at = %(now)s FROM due WHERE due.id = e.id
    RETURNING e.id, e.case_id, e.run, e.step_id, e.due_at
)
"""
_FIRE = """
WITH fired AS (
    UPDATE exceptions_escalation e SET fired_at = %(now)s
    WHERE e.case_id = ANY(%(cases)s) AND e.fired_at IS NULL AND NOT e.held AND e.due_at <= %(now)s
    RETURNING e.id, e.case_id, e.run, e.step_id, e.due_at
)
"""
_WHAT = """
SELECT fired.id, fired.case_id, fired.run, fired.step_id, fired.due_at,
    c.title, c.site_id, c.queue_id, c.subject_kind, c.subject_uid, c.subject_label
FROM fired JOIN exceptions_case c ON c.id = fired.case_id ORDER BY fired.due_at, fired.case_id, fired.id
"""


def sweep(*, now: datetime, batch: int = BATCH) -> int:
    """Fire every step that is due, each exactly once; returns how many. Any number may run at once."""
    fired = 0
    while True:
        with transaction.atomic():
            count = _run(_SWEEP, {"now": now, "batch": batch}, now)
        fired += count
        if count < batch:
            return fired


def fire_due(case_ids: Sequence[int], now: datetime) -> int:
    """Fire what is due on cases the caller has locked, before it stops their clocks; returns how many."""
    return _run(_FIRE, {"now": now, "cases": list(case_ids)}, now) if case_ids else 0


def _run(sql: str, parameters: dict[str, Any], now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql + _WHAT, parameters)
        rows = cursor.fetchall()
    if not rows:
        return 0
    ids = {row[3] for row in rows}
    steps = EscalationStep.objects.select_related("policy", "role", "person").in_bulk(ids)
    known = recipients.Recipients()
    drafts: list[EventDraft] = []
    words: list[notices.Word] = []
    told: dict[str, list[int]] = {}
    for row in rows:
        step = steps[row[3]]
        draft, word = _said(row, step, known.of(step, row[7], row[6], row[4]), now)
        drafts.append(draft)
        words += word
        told.setdefault(draft.data["told_words"], []).append(row[0])
    events.record_many(drafts)
    notices.tell_many(words, now=now)
    for text, those in told.items():
        Escalation.objects.filter(pk__in=those).update(told=text)
    live.poke(facts.TOPIC)
    return len(rows)


def _said(
    row: tuple[Any, ...], step: EscalationStep, heard: recipients.Heard, now: datetime
) -> tuple[EventDraft, list[notices.Word]]:
    """The fact that a step fired, dated when it was due, and the notice of it."""
    _, case_id, run, _, due, title, site_id, _, kind, uid, label = row
    number = f"EX-{case_id}"
    data = {
        "step": step.number,
        "run": run + 1,
        "rule": step.policy.code,
        "rule_version": step.policy.version,
        "clock": step.clock,
        "minutes": step.minutes,
        "due_at": due.astimezone(UTC).isoformat(),
        "target": step.target,
        "target_label": heard.label,
        "webhook": step.webhook or None,
        "told": list(heard.users),
        "told_words": heard.words,
        "urgent": step.urgent,
        "seconds_late": int((now - due).total_seconds()),
    }
    draft = EventDraft(
        facts.ESCALATED, Subject("case", str(case_id), number), actors.SYSTEM, data,
        ((Subject(kind, uid, label), "about"),), due,
    )  # fmt: skip
    if not heard.users:
        return draft, []
    word = notices.Word(
        users=heard.users, kind="escalation", key=f"escalation:{case_id}:{run}:{step.pk}",
        subject=f"{number}: {title}", text=f"{when(step)}: nobody has met its {step.clock} clock. {heard.why}".strip(),
        url=notices.link(case_id), case_id=case_id, site_id=site_id, actor=actors.SYSTEM.label, urgent=step.urgent,
        letter=step.letter,
    )  # fmt: skip
    return draft, [word]


def when(step: EscalationStep) -> str:
    """`2 h 00 m before resolve is due`, in business time."""
    if not step.minutes:
        return f"When {step.get_clock_display().lower()} is due"
    side = "after" if step.minutes > 0 else "before"
    return f"{duration(timedelta(minutes=abs(step.minutes)))} {side} {step.get_clock_display().lower()} is due"


def met(case_ids: Sequence[int], now: datetime) -> None:
    """Somebody responded to these cases: fire what was due before, and drop the other steps of that clock."""
    fire_due(case_ids, now)
    Escalation.objects.filter(case_id__in=case_ids, fired_at__isnull=True, clock=Clock.ACKNOWLEDGE).delete()


def end(case_ids: Sequence[int], now: datetime) -> None:
    """These cases are over: fire what was due before, and drop the rest."""
    fire_due(case_ids, now)
    Escalation.objects.filter(case_id__in=case_ids, fired_at__isnull=True).delete()


def hold(case_id: int, now: datetime) -> None:
    """The case pauses: fire what was due before, then the steps of the clocks that pause stand still."""
    fire_due([case_id], now)
    Escalation.objects.filter(case_id=case_id, fired_at__isnull=True, clock__in=PAUSABLE).update(held=True)


def go_on(case: Case, start: datetime, end: datetime) -> None:
    """The pause is over: what stood still goes on, later by the business time of the pause."""
    calendar = clocks.calendar_of(case.site_id, business_time=case.business_time)
    rows = list(Escalation.objects.filter(case_id=case.pk, fired_at__isnull=True, held=True))
    for row in rows:
        row.held = False
        try:
            row.due_at = clock.extend(row.due_at, start, end, calendar)
        except clock.NeverOpen:
            row.due_at += end - start
    Escalation.objects.bulk_update(rows, ["held", "due_at"])


def begin_again(case_id: int) -> None:
    """The case was reopened: its clocks run afresh, and so does its ladder, by the rule it was opened under."""
    case = Case.objects.get(pk=case_id)
    begin(case, steps_of(case))


def steps_of(case: Case) -> list[EscalationStep]:
    return list(EscalationStep.objects.filter(policy_id=case.escalation_id).order_by("number"))


def rebuild(case: Case, steps: Iterable[EscalationStep]) -> None:
    """Write the ladder afresh after the case's clocks or rule changed; what fired this run stays fired."""
    run = Escalation.objects.filter(case_id=case.pk, run=case.reopened)
    run.filter(fired_at__isnull=True).delete()
    paused = CasePause.objects.filter(case=case, ended_at__isnull=True).exists()
    begin(case, steps, pauses=pauses_of(case), fired=run.values_list("step_id", flat=True), paused=paused)


@transaction.atomic
def move_promise(case_id: int) -> None:
    """The promise moved: so do the steps that hang on it and haven't fired. Locks the case."""
    case = Case.objects.select_for_update(no_key=True).get(pk=case_id)
    if case.escalation_id is None or case.status == Status.RESOLVED:
        return
    fire_due([case_id], timezone.now())
    rebuild(case, steps_of(case))


def pauses_of(case: Case) -> list[clock.Span]:
    """The pauses of this run of the case's clocks that are over."""
    began = case.clocks_from or case.started_at
    ended = CasePause.objects.filter(case=case, ended_at__isnull=False, ended_at__gt=began)
    return [(start, end) for start, end in ended.values_list("started_at", "ended_at") if end is not None]
