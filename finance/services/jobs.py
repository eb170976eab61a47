"""Matching a large payout as a job: progress, a stop button, and taken up again where it stopped."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from time import monotonic

from core import jobs
from core.actors import Actor
from core.models import Job
from finance.models import Settlement
from finance.services import fees, matches

KIND = "finance.match_settlement"
FEES = "finance.keep_fees"
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


# --- The fees of a large payout ------------------------------------------------------------------------------------


def start_fees(found: Settlement, *, at: datetime, actor: Actor) -> None:
    """Bring the ledger to a payout's fees, unless that is waiting to be done already."""
    from finance.tasks import run_fees

    if Job.objects.filter(kind=FEES, params__settlement=found.pk, finished_at=None, started_at=None).exists():
        return
    params = {"settlement": found.pk, "at": at.isoformat()}
    job = jobs.start(FEES, actor, params, total=found.lines_count, title=f"Fees of payout {found.ref}"[:200])
    jobs.send(job.pk, run_fees)


def run_fees(job_id: int) -> None:
    """Piece by piece, as matching is; what was written stays when it is stopped, and isn't written twice."""
    from finance.tasks import run_fees

    if not jobs.begin(job_id):
        return
    job = Job.objects.get(pk=job_id)
    pk, at = int(job.params["settlement"]), datetime.fromisoformat(job.params["at"])
    after, added, ends = int(job.result.get("after", 0)), int(job.result.get("added", 0)), monotonic() + SLICE_SECONDS
    try:
        while after < (job.total or 0) and monotonic() < ends:
            high = min(after + fees.STEP, job.total or 0)
            added += fees.keep(pk, low=after + 1, high=high, at=at)
            jobs.advance(job_id, high - after)
            after = high
            Job.objects.filter(pk=job_id).update(result={"after": after, "added": added})
            jobs.checkpoint(job_id)
        if after >= (job.total or 0):
            jobs.finish(job_id, {"added": added + fees.take_back(pk, at=at)})
        else:
            jobs.go_on(job_id, run_fees)
    except jobs.Stopped:
        jobs.stopped(job_id)
    except Exception as error:
        jobs.fail(job_id, f"{type(error).__name__}; what was written until then stays.")
        raise
