"""Matching a large payout as a job: progress, a stop button, and taken up again where it stopped."""

from __future__ import annotations

from core import jobs
from core.actors import Actor
from core.models import Job
from finance.models import Settlement
from finance.services import matches

KIND = "finance.match_settlement"


def start(settlement_id: int, *, actor: Actor) -> Job:
    from finance.tasks import run_match

    found = Settlement.objects.get(pk=settlement_id)
    params = {"settlement": found.pk, "actor": [actor.kind, actor.uid, actor.label]}
    job = jobs.start(KIND, actor, params, total=found.lines_count, title=f"Match payout {found.ref}"[:200])
    jobs.send(job.pk, run_match)
    return job


def of(settlement_id: int) -> Job | None:
    """The newest job of a payout that isn't over, if any."""
    rows = Job.objects.filter(kind=KIND, params__settlement=settlement_id, finished_at=None)
    return rows.select_related("owner").order_by("-pk").first()


def run(job_id: int) -> None:
    """Match piece by piece. What was matched stays matched when it is stopped."""
    params = Job.objects.values_list("params", flat=True).get(pk=job_id)
    if not jobs.begin(job_id):
        return

    def progress(done: int) -> None:
        jobs.advance(job_id, done)
        jobs.checkpoint(job_id)

    try:
        done = matches.match(int(params["settlement"]), actor=Actor(*params["actor"]), progress=progress)
        jobs.finish(job_id, {"confirmed": done.confirmed, "suggested": done.suggested})
    except jobs.Stopped:
        jobs.stopped(job_id)
    except Exception as error:
        jobs.fail(job_id, f"{type(error).__name__}; what was matched until then stays.")
        raise
