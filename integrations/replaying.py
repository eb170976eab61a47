"""What failed tried again, rehearsed or given up, many at a time: a job with a rate, progress and a stop button.

The beat lets the next few go every few seconds; nothing sleeps. Whoever works on a job holds its lease, so a tick that
comes while another is at work does nothing, and a worker that dies delays the rest by a lease.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.db.models import Q
from django.utils import timezone

from core import jobs, live, outbox
from core.actors import Actor
from core.errors import Refusal
from core.models import Job
from core.models.jobs import JobStatus
from integrations import endings, inbox
from integrations.models import InboundMessage

JOB = "integrations.replay"
RETRY, REHEARSE, DISCARD = "retry", "rehearse", "discard"
TICK_SECONDS = 5
BUDGET_SECONDS = 40.0  # of one turn; under the time a task may take
LEASE = timedelta(seconds=60)
PER_MINUTE_AT_MOST = 6_000
_SAID = {RETRY: "Try {} again: {}", REHEARSE: "Rehearse {}: {}", DISCARD: "Give up {}: {}"}


def start(
    kind: str, verb: str, ids: Sequence[int], *, words: str, actor: Actor, per_minute: int | None = None,
    reason: str = "",
) -> Job:  # fmt: skip
    """Begin. `kind` is "messages" or "deliveries"; without a rate it goes as fast as it can.

    Refusal: "reason_needed" to give anything up, "rate_out_of_range", "no_rehearsal" where trying is telling somebody.
    """
    from integrations.tasks import reprocess_alike

    if verb not in _SAID or (kind, verb) not in _WORK:
        raise Refusal("no_rehearsal", "A delivery can't be rehearsed: the other side would hear of it.", status=422)
    if verb == DISCARD and not reason.strip():
        raise Refusal("reason_needed", "Say why these are not needed.", status=422)
    if per_minute is not None and not 1 <= per_minute <= PER_MINUTE_AT_MOST:
        raise Refusal("rate_out_of_range", f"Between 1 and {PER_MINUTE_AT_MOST:,} a minute.", status=422)
    noun = f"{len(ids):,} {kind if len(ids) != 1 else kind[:-1].replace('deliverie', 'delivery')}"
    params = {
        "kind": kind, "verb": verb, "ids": list(ids), "actor": [actor.kind, actor.uid, actor.label],
        "per_minute": per_minute, "reason": reason.strip()[:500],
    }  # fmt: skip
    job = jobs.start(JOB, actor, params, total=len(ids), title=_SAID[verb].format(noun, words)[:200])
    jobs.send(job.pk, reprocess_alike)
    return job


def tick() -> int:
    """Let the next few of every running job go; returns how many jobs were looked at."""
    open_jobs = list(
        Job.objects.filter(kind=JOB).exclude(status__in=jobs.OVER).order_by("pk").values_list("pk", flat=True)
    )
    for job_id in open_jobs:
        step(job_id)
    return len(open_jobs)


def step(job_id: int, *, budget: float = BUDGET_SECONDS) -> None:
    """One turn of a job: what its rate allows by now, or what fits into the budget. Safe to repeat and to race."""
    jobs.begin(job_id)
    job = _held(job_id)
    if job is None:
        return
    if job.status == JobStatus.STOPPING:
        jobs.stopped(job_id)
        return
    try:
        place, over = _work_off(job, time.monotonic() + budget)
    except Exception as error:
        jobs.fail(job_id, f"{type(error).__name__}: {error}")
        raise
    if over:
        jobs.finish(job_id, {"next": place})
    else:
        Job.objects.filter(pk=job_id).update(result={"next": place})
    live.poke("messages")


def _held(job_id: int) -> Job | None:
    """The job with its lease taken, None where it is over or another worker has it."""
    now = timezone.now()
    free = Q(result__until__isnull=True) | Q(result__until__lt=_stamp(now))
    running = Job.objects.filter(free, pk=job_id, status__in=(JobStatus.RUNNING, JobStatus.STOPPING))
    row = running.first()
    if row is None:
        return None
    mine = {"next": row.result.get("next", 0), "until": _stamp(now + LEASE), "holder": uuid4().hex}
    if not running.filter(result=row.result).update(result=mine, heartbeat_at=now):
        return None
    row.result = mine
    return row


def _work_off(job: Job, ends: float) -> tuple[int, bool]:
    """Where it stands after this turn, and whether that is the end."""
    params, place = job.params, int(job.result["next"])
    ids: list[int] = params["ids"]
    until = min(len(ids), place + _allowance(job, place))
    work = _WORK[params["kind"], params["verb"]]
    actor = Actor(*params["actor"])
    done, failures = 0, []
    for row in ids[place:until]:
        try:
            work(row, actor, params["reason"])
            done += 1
        except Refusal as refusal:
            failures.append({"row": str(row), "code": refusal.code, "reason": refusal.message})
        place += 1
        if time.monotonic() > ends or (place % 25 == 0 and jobs.stopping(job.pk)):
            break
    jobs.advance(job.pk, done, failures)
    return place, place >= len(ids)


def _allowance(job: Job, place: int) -> int:
    """How many may go now. What a pause of the beat left unused is not made up for at once."""
    rate = job.params["per_minute"]
    if rate is None:
        return len(job.params["ids"])
    started = job.started_at or job.created_at
    due = int((timezone.now() - started).total_seconds() * rate / 60) + 1 - place
    return max(0, min(due, max(1, -(-rate * 2 * TICK_SECONDS // 60))))


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


# --- What is done with one


def _retry_message(pk: int, actor: Actor, reason: str) -> None:
    try:
        outcome = inbox.reprocess(pk, actor=actor)
    except Refusal as refusal:
        if refusal.code == "nothing_to_reprocess":
            return  # it went through meanwhile
        raise
    if outcome.status == InboundMessage.Status.FAILED:
        raise Refusal("failed_again", outcome.reason)


def _rehearse_message(pk: int, actor: Actor, reason: str) -> None:
    outcome = inbox.rehearse(pk)
    if outcome.status == InboundMessage.Status.FAILED:
        raise Refusal("would_fail", outcome.reason)
    if outcome.waits_for:
        raise Refusal("would_wait", outcome.reason)


def _discard_message(pk: int, actor: Actor, reason: str) -> None:
    endings.discard(pk, reason, actor=actor)


def _retry_delivery(pk: int, actor: Actor, reason: str) -> None:
    outbox.replay([pk], actor=actor)


def _discard_delivery(pk: int, actor: Actor, reason: str) -> None:
    outbox.discard(pk, f"Given up by {actor.label}: {reason}", actor=actor)


_WORK: dict[tuple[str, str], Callable[[int, Actor, str], None]] = {
    ("messages", RETRY): _retry_message,
    ("messages", REHEARSE): _rehearse_message,
    ("messages", DISCARD): _discard_message,
    ("deliveries", RETRY): _retry_delivery,
    ("deliveries", DISCARD): _discard_delivery,
}
