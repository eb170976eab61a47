"""Learning from past cases, where that says more than counting them: a job, its verdicts, and when one is dropped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from core import jobs
from core.actors import Actor
from core.errors import Refusal
from core.models import Job
from core.models.jobs import JobStatus
from exceptions.models import ActionCount, Learnt, ReasonHistory
from exceptions.services import calibration, past
from exceptions.suggesting import counts, learning
from exceptions.suggesting.learning import Example, Verdict
from exceptions.suggesting.weights import Said, Tenth, Weights, say

JOB = "suggestions.learn"
EVERY = timedelta(hours=23)
FRESH = timedelta(days=7)  # what was learnt longer ago is not said any more
CURVE_ENOUGH = 10  # as the curve: fewer cases alike say nothing


def start(*, actor: Actor) -> Job:
    """Ask for everything to be learnt anew; the caller sends the task on commit. One that runs already is returned.

    Refusal("nothing_to_learn_with") 422 where the optional library isn't installed.
    """
    if not learning.available():
        words = "Learning needs the optional scikit-learn: install requirements/learn.lock. Until then counts decide."
        raise Refusal("nothing_to_learn_with", words, status=422)
    running = Job.objects.filter(kind=JOB, status__in=(JobStatus.QUEUED, JobStatus.RUNNING)).order_by("pk").first()
    return running or jobs.start(JOB, actor, total=len(pairs()), title="Learning from past cases")


def due() -> bool:
    """Has nothing been learnt for a day, while there is something to learn from?"""
    lately = Job.objects.filter(kind=JOB, created_at__gt=timezone.now() - EVERY)
    return learning.available() and not lately.exists() and bool(pairs())


def work_off(job_id: int) -> None:
    """Learn each action of each reason with enough history, and its clocks. Safe to take up again and to stop."""
    jobs.run_over(job_id, pairs(), lambda pair: learn(*pair), every=1)


def pairs() -> list[tuple[str, str]]:
    """What has enough history: (reason, action), and (reason, "") for whether its cases miss their time."""
    tried = ActionCount.objects.filter(context="").alias(n=F("tried") + F("declined"))
    acts = tried.filter(n__gte=learning.LEARNS_FROM).order_by("reason", "action").values_list("reason", "action")
    ended = ReasonHistory.objects.filter(closed__gte=learning.LEARNS_FROM).order_by("pk").values_list("pk", flat=True)
    return [*acts, *((reason, "") for reason in ended)]


def learn(reason: str, action: str) -> Learnt:
    """Learn one anew and keep the verdict, whichever way it went."""
    examples: list[Example] = past.tries(reason, action) if action else past.ends(reason)
    verdict = learning.judge(examples, enough=counts.ENOUGH if action else CURVE_ENOUGH)
    row, _ = Learnt.objects.update_or_create(reason=reason, action=action, defaults=_fields(verdict))
    return row


def _fields(verdict: Verdict) -> dict[str, Any]:
    return {
        "in_use": verdict.better,
        "because": verdict.why,
        "learnt_on": verdict.learnt_on,
        "held_out": verdict.held_out,
        "since": verdict.since,
        "by_counts": verdict.by_counts,
        "by_model": verdict.by_model,
        "gain_low": verdict.gain_low,
        "weights": {"base": verdict.weights.base, "by_name": dict(verdict.weights.by_name)},
        "tenths": [[each.said, each.good, each.of] for each in verdict.tenths],
        "learnt_at": Now(),
    }


def watch() -> int:
    """Go back to counting where the latest outcomes don't fit what the model said of them; returns how many."""
    stopped = 0
    for row in Learnt.objects.filter(in_use=True).exclude(action="").order_by("pk"):
        seen = calibration.drift(row.reason, row.action, by="model", since=row.learnt_at)
        if seen.misfits:
            why = f"drift: it said {seen.said:.0%} of the latest {seen.latest[1]}, {seen.latest[0]} came true"
            stopped += Learnt.objects.filter(pk=row.pk, in_use=True).update(in_use=False, because=why[:300])
    return stopped


def in_use(reason: str) -> dict[str, Learnt]:
    """What is said by the model for a reason, by action ("" for its clocks)."""
    rows = Learnt.objects.filter(reason=reason, in_use=True, learnt_at__gt=timezone.now() - FRESH)
    return {row.action: row for row in rows}


def said(row: Learnt, features: dict[str, float]) -> Said | None:
    weights = Weights(row.weights["base"], row.weights["by_name"])
    return say(weights, tuple(Tenth(*each) for each in row.tenths), features)
