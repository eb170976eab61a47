"""Actions carried out without a person: only where history is sure enough, and never longer than it stays so.

A person switches it on for one action of one reason; it then watches until the lower end of the measured interval
reaches the threshold, works, and closes itself once the recent outcomes no longer fit. Every change is a fact.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from core import events
from core.actors import SYSTEM_KIND, Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from exceptions import events as facts
from exceptions import reasons
from exceptions.models import ActionCount, ActionRun, Autonomy, AutonomyState, Case, Status
from exceptions.services import acting, approvals, calibration, handling, suggestions
from exceptions.suggesting import Count, interval

ACTOR = Actor(SYSTEM_KIND, "autonomy", "Autonomy")
S = AutonomyState


@transaction.atomic
def switch(
    reason: str, action: str, *, on: bool, threshold: float, minimum: int, hourly: int, version: int, actor: Actor
) -> Autonomy:
    """Let an action be carried out without a person once it is sure enough, or stop that.

    Refusal("changed_meanwhile") 409 when somebody else turned the switch; Invalid names a figure out of range.
    """
    known = reasons.get(reason).action(action)
    if known.run is None:
        raise Refusal("not_runnable", f"“{known.title}” is done on its own page.", status=400)
    problems = []
    if not 0.5 <= threshold <= 1:
        problems.append(Problem("threshold", "range", "must be between 0.5 and 1"))
    if minimum < 10:
        problems.append(Problem("minimum", "range", "must be at least 10"))
    if hourly < 1:
        problems.append(Problem("hourly", "range", "must be at least 1"))
    if problems:
        raise Invalid(problems, status=422)
    row, _ = Autonomy.objects.select_for_update().get_or_create(reason=reason, action=action)
    if row.version != version and row.changed_by:
        raise Refusal("changed_meanwhile", f"{row.changed_by} changed it meanwhile.", version=row.version)
    row.threshold, row.minimum, row.hourly = threshold, minimum, hourly
    _set(row, S.WATCHING if on else S.OFF, "switched on" if on else "switched off", actor)
    return row


@transaction.atomic
def stop_all(*, actor: Actor) -> int:
    """The off switch: nothing is carried out without a person any more. Safe to repeat."""
    rows = list(Autonomy.objects.select_for_update().exclude(state=S.OFF).order_by("pk"))
    for row in rows:
        _set(row, S.OFF, "all were switched off", actor)
    return len(rows)


@transaction.atomic
def evaluate() -> int:
    """Open what has become sure enough and close what no longer is; returns how many changed. For a timer."""
    changed = 0
    for row in (
        Autonomy.objects.select_for_update(skip_locked=True).filter(state__in=(S.WATCHING, S.OPEN)).order_by("pk")
    ):
        everywhere = _everywhere(row)
        if row.state == S.WATCHING and everywhere.trials >= row.minimum and everywhere.low >= row.threshold:
            _set(row, S.OPEN, _figures(everywhere.held, everywhere.trials, row), ACTOR)
            changed += 1
        elif row.state == S.OPEN and (why := _drift(row, everywhere)):
            _set(row, S.CLOSED, why, ACTOR)
            changed += 1
    return changed


def work(*, limit: int = 50) -> int:
    """Carry out what is left to itself, on cases nobody has taken up; returns how many. For a timer."""
    done = 0
    for row in Autonomy.objects.filter(state=S.OPEN).order_by("pk"):
        left = min(limit, row.hourly - _lately(row))
        cases = Case.objects.filter(
            reason=row.reason, status=Status.OPEN, owner=None, acknowledged_at=None, is_open=True
        ).select_related("site")
        for case in cases.order_by("rank", "pk")[: max(0, left)]:
            done += _carry_out(row, case)
    return done


def _carry_out(row: Autonomy, case: Case) -> bool:
    advice = suggestions.advise(case)
    first = advice.suggestion
    if first is None or first.action != row.action or first.low < row.threshold:
        return False
    # The switch may have been turned a moment ago.
    if not Autonomy.objects.filter(pk=row.pk, state=S.OPEN).exists():
        return False
    try:
        if approvals.needed(acting.preview(case, row.action, actor=ACTOR)) is not None:
            return False  # two people decide that, so nobody's machine does
        handling.act(case.pk, row.action, version=case.version, actor=ACTOR)
    except Refusal:
        return False  # stored with the case; a person's turn now
    return True


def _lately(row: Autonomy) -> int:
    since = timezone.now() - timedelta(hours=1)
    mine = ActionRun.objects.filter(reason=row.reason, action=row.action, actor_uid=ACTOR.uid)
    return mine.filter(created_at__gt=since).count()


def _everywhere(row: Autonomy) -> Count:
    found = ActionCount.objects.filter(reason=row.reason, action=row.action, context="").first()
    return suggestions.count_of(found) if found else Count(row.action, "", 0, 0)


def _drift(row: Autonomy, everywhere: Count) -> str:
    """Why it has to stop, or nothing: the year no longer reaches the threshold, or the latest outcomes can't."""
    if everywhere.low < row.threshold:
        return f"below its threshold: {_figures(everywhere.held, everywhere.trials, row)}"
    seen = calibration.drift(row.reason, row.action)
    if seen.below(row.threshold):
        return f"drift: {_figures(*seen.latest, row)} lately"
    if seen.worse:
        return f"drift: {seen.latest[0]} of {seen.latest[1]} lately, {seen.before[0]} of {seen.before[1]} before"
    return ""


def _figures(held: int, trials: int, row: Autonomy) -> str:
    return f"{held} of {trials}, at least {interval(held, trials)[0]:.0%} against {row.threshold:.0%}"


def _set(row: Autonomy, state: str, because: str, actor: Actor) -> None:
    row.state, row.because = state, because[:300]
    row.version += 1
    row.changed_by, row.changed_at = actor.label[:200], timezone.now()
    row.save()
    subject = Subject("autonomy", str(row.pk), f"{row.reason} {row.action}")
    data = {"reason": row.reason, "action": row.action, "state": state, "because": row.because}
    events.record(facts.AUTONOMY, subject, actor=actor, data=data | {"threshold": row.threshold})
