"""What rules would have done with the cases and runs of the last days, beside what the live rules did."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from core import jobs
from core.actors import Actor
from core.models import Job
from exceptions import playbook
from exceptions.models import ActionRun, Case, RulebookKind, RulebookVersion
from exceptions.services import rulebooks

KIND, DAYS, MOST = "exceptions.whatif", 7, 100_000


def start(version_id: int, *, actor: Actor) -> Job:
    """Evaluate this version over the last week. The caller sends the task on commit."""
    version = RulebookVersion.objects.select_related("rulebook").get(pk=version_id)
    job = jobs.start(KIND, actor, {"version": version_id}, title=f"{version} over the last {DAYS} days")
    RulebookVersion.objects.filter(pk=version_id).update(rehearsal=job)
    return job


def work(job_id: int) -> None:
    job = Job.objects.get(pk=job_id)
    version = RulebookVersion.objects.select_related("rulebook").filter(pk=job.params["version"]).first()
    if version is None or not jobs.begin(job_id):
        return
    since = timezone.now() - timedelta(days=DAYS)
    if version.rulebook.kind == RulebookKind.PLAYBOOK:
        result = _playbook(job_id, version, since)
    else:
        result = _approvals(job_id, version, since)
    if result is None:
        jobs.stopped(job_id)
    else:
        jobs.finish(job_id, result)


def _playbook(job_id: int, version: RulebookVersion, since: Any) -> dict[str, Any] | None:
    """To how many of the reason's cases each step would have been offered, and how many were skipped and why.

    A case is seen as it stood when it ended (or stands now), by what is stored with it.
    """
    steps = playbook.read_steps(version.document)
    offered, first, why, cases = Counter[int](), Counter[int](), Counter[str](), 0
    rows = Case.objects.filter(reason=version.rulebook.code, opened_at__gte=since).select_related("site")
    for case in rows.order_by("pk")[:MOST].iterator(chunk_size=500):
        if cases % 200 == 0 and jobs.stopping(job_id):
            return None
        cases += 1
        judged = playbook.judge(steps, rulebooks.fields_of(case, now=case.resolved_at, more=False))
        for n, each in enumerate(judged):
            offered[n] += not each.skipped
            why[f"{n}: {each.skipped}"] += bool(each.skipped)
        begins = playbook.next_step(judged, lambda action: False)
        if begins is not None:
            first[begins] += 1
        if cases % 200 == 0:
            jobs.advance(job_id, 200)
    jobs.advance(job_id, cases % 200)
    table = [
        {"action": step.action, "offered": offered[n], "first": first[n], "skipped": cases - offered[n]}
        for n, step in enumerate(steps.steps)
    ]
    return {"days": DAYS, "cases": cases, "steps": table, "why": [each for each in why.most_common(10) if each[1]]}


def _approvals(job_id: int, version: RulebookVersion, since: Any) -> dict[str, Any] | None:
    """How many of the runs would have needed a second person under these rules and under the live ones, with sums."""
    new, old = playbook.read_approvals(version.document), rulebooks.approvals()
    runs, asks, asked = 0, Counter[str](), 0
    sums: dict[str, Decimal] = {}
    rows = ActionRun.objects.filter(created_at__gte=since, ok=True, undoes=None, amount__isnull=False)
    for run in rows.select_related("case").order_by("pk")[:MOST].iterator(chunk_size=500):
        if runs % 200 == 0 and jobs.stopping(job_id):
            return None
        runs += 1
        about: Any = {
            "reason": run.reason, "queue": run.case.queue_id, "action": run.action, "amount": run.amount,
            "currency": run.currency,
        }  # fmt: skip
        rule = playbook.rule_for(new, **about)
        asked += playbook.rule_for(old, **about) is not None
        if rule is not None and run.amount is not None:
            asks[rule.words] += 1
            sums[run.currency] = sums.get(run.currency, Decimal()) + run.amount
        if runs % 200 == 0:
            jobs.advance(job_id, 200)
    jobs.advance(job_id, runs % 200)
    return {
        "days": DAYS, "runs": runs, "asks": asks.most_common(), "would": sum(asks.values()), "did": asked,
        "amounts": [[currency, str(amount)] for currency, amount in sorted(sums.items())],
    }  # fmt: skip
