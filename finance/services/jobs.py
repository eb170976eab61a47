"""Matching a large payout as a job: progress, a stop button, and taken up again where it stopped."""

from __future__ import annotations

from dataclasses import asdict

from core import jobs
from core.actors import Actor
from core.models import Job
from finance.models import Settlement
from finance.services import matches

KIND = "finance.match_settlement"
SLICE_SECONDS = 40.0  # and the piece it is at, well within what a task may take


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
    """Match piece by piece for as long as one task may, then have it taken up again where it stands.

    What was matched stays matched when it is stopped.
    """
    from finance.tasks import run_match

    if not jobs.begin(job_id):
        return
    job = Job.objects.get(pk=job_id)
    done = matches.Outcome(**job.result)

    def progress(lines: int) -> None:
        jobs.advance(job_id, lines)
        Job.objects.filter(pk=job_id).update(result=asdict(done))
        jobs.checkpoint(job_id)

    actor = Actor(*job.params["actor"])
    try:
        matches.match(int(job.params["settlement"]), actor=actor, progress=progress, done=done, seconds=SLICE_SECONDS)
        if done.over:
            jobs.finish(job_id, {"confirmed": done.confirmed, "suggested": done.suggested})
        else:
            jobs.go_on(job_id, run_match)
    except jobs.Stopped:
        jobs.stopped(job_id)
    except Exception as error:
        jobs.fail(job_id, f"{type(error).__name__}; what was matched until then stays.")
        raise
