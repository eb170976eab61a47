"""Long work with progress a person can watch and a button to stop it. The row outlives the page and the process.

A worker calls `begin`, then `advance` every second or so, asks `stopping` between rows, and ends with `finish`,
`stopped` or `fail`. A job whose worker died is found by `watch`, because its heartbeat stands still.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from celery import current_app
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from core import wake
from core.actors import Actor, user_id
from core.errors import Refusal
from core.models import Job
from core.models.jobs import JobStatus as Status

FAILURES_KEPT = 200
SENT_AGAIN = 100  # a minute
UNHEARD = timedelta(minutes=2)  # a queued job that nobody took for so long is called out again
SILENCE = timedelta(minutes=5)  # a running job that says nothing for so long has lost its worker
_resumed: set[str] = set()
OVER = (Status.STOPPED, Status.DONE, Status.FAILED)


class Stopped(Exception):
    """Raised by `checkpoint` when a person pressed stop."""


def start(
    kind: str, actor: Actor, params: dict[str, Any] | None = None, *, total: int | None = None, title: str = ""
) -> Job:
    """Write a job down as QUEUED; the caller then calls `send`."""
    owner = user_id(actor)
    return Job.objects.create(
        kind=kind, title=title or kind.replace(".", " ").replace("_", " ").capitalize(), owner_id=owner,
        params=params or {}, total=total,
    )  # fmt: skip


def send(job_id: int, task: Any) -> None:
    """Hand a job to a worker on commit: `task` takes its id. Should the word get lost, `watch` sends it again."""
    Job.objects.filter(pk=job_id).update(task=task.name)
    wake.task(task, job_id)


def begin(job_id: int, *, total: int | None = None) -> bool:
    """A worker takes the job up; False if it is over, was stopped before it began, or another worker has it."""
    changes: dict[str, Any] = {
        "status": Status.RUNNING,
        "started_at": Coalesce("started_at", Now()),
        "heartbeat_at": Now(),
    }
    if total is not None:
        changes["total"] = total
    silent = Q(status=Status.RUNNING) & Q(heartbeat_at__lt=Now() - SILENCE)
    taken = Job.objects.filter(Q(pk=job_id) & (Q(status=Status.QUEUED) | silent)).update(**changes)
    if not taken:
        Job.objects.filter(pk=job_id, status=Status.STOPPING, started_at=None).update(
            status=Status.STOPPED, finished_at=Now()
        )
    return bool(taken)


def advance(job_id: int, done: int = 0, failed_rows: Sequence[dict[str, Any]] = ()) -> None:
    """Count rows done and rows failed (both add up) and show a sign of life. Each failed row is a small dict."""
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE, [done, len(failed_rows), FAILURES_KEPT, _json(failed_rows), job_id])


def stop(job_id: int) -> str:
    """Ask a job to stop; returns the status it has now. Safe to repeat, and harmless once it is over."""
    Job.objects.filter(pk=job_id, status=Status.QUEUED).update(status=Status.STOPPED, finished_at=Now())
    Job.objects.filter(pk=job_id, status=Status.RUNNING).update(status=Status.STOPPING)
    return Job.objects.values_list("status", flat=True).get(pk=job_id)


def stopping(job_id: int) -> bool:
    """Has somebody asked for it to stop? One indexed read: ask between rows."""
    status = Job.objects.filter(pk=job_id).values_list("status", flat=True).first()
    return status is None or status in {Status.STOPPING, *OVER}


def checkpoint(job_id: int) -> None:
    """Raise Stopped where somebody asked for it."""
    if stopping(job_id):
        raise Stopped


def go_on(job_id: int, task: Any) -> None:
    """A worker's time is up and the job isn't: hand it to the next one, unless somebody pressed stop meanwhile.

    Where it stands is the caller's to keep, in `result`.
    """
    if Job.objects.filter(pk=job_id, status=Status.RUNNING).update(status=Status.QUEUED, heartbeat_at=Now()):
        send(job_id, task)
    else:
        stopped(job_id)


def finish(job_id: int, result: dict[str, Any] | None = None) -> None:
    _end(job_id, Status.DONE, result)


def stopped(job_id: int, result: dict[str, Any] | None = None) -> None:
    _end(job_id, Status.STOPPED, result)


def fail(job_id: int, reason: str) -> None:
    _end(job_id, Status.FAILED, {"reason": reason})


def _end(job_id: int, status: str, result: dict[str, Any] | None) -> None:
    changes: dict[str, Any] = {"status": status, "finished_at": Now(), "heartbeat_at": Now()}
    if result is not None:
        changes["result"] = result
    Job.objects.filter(pk=job_id).exclude(status__in=OVER).update(**changes)


def watch() -> int:
    """End the jobs whose worker fell silent, and call out again what nobody took; returns how many were ended."""
    for job_id, name in Job.objects.filter(unheard()).order_by("pk").values_list("pk", "task")[:SENT_AGAIN]:
        wake.task(current_app.tasks[name], job_id)
    silent = Job.objects.filter(status__in=(Status.RUNNING, Status.STOPPING), heartbeat_at__lt=Now() - SILENCE)
    silent = silent.exclude(kind__in=_resumed, status=Status.RUNNING)
    return silent.update(
        status=models.Case(
            models.When(status=Status.STOPPING, then=models.Value(Status.STOPPED)), default=models.Value(Status.FAILED)
        ),
        finished_at=Now(),
        result={"reason": "Its worker stopped without a word. What it had done is kept; start it again for the rest."},
    )


def unheard() -> Q:
    """The jobs nobody is at: sent and not taken up, or dropped by a worker that died and such that they go on.

    To take one up twice is harmless: `begin` lets one in.
    """
    dropped = Q(status=Status.RUNNING, kind__in=_resumed, heartbeat_at__lt=Now() - SILENCE)
    return (Q(status=Status.QUEUED, created_at__lt=Now() - UNHEARD) | dropped) & ~Q(task="")


def resumes(kind: str) -> None:
    """Jobs of this kind do no row twice: one whose worker died is taken up again where it stopped."""
    _resumed.add(kind)


def run_over(job_id: int, rows: Iterable[Any], work: Any, *, every: int = 25) -> None:
    """Call `work(row)` for each row with progress, failures and the stop button looked after.

    A Refusal fails its row and the rest goes on; any other error fails the job.
    """
    if not begin(job_id):
        return
    done = 0
    failures: list[dict[str, Any]] = []
    try:
        for n, row in enumerate(rows):
            if n % every == 0:
                advance(job_id, done, failures)
                done, failures = 0, []
                checkpoint(job_id)
            try:
                work(row)
                done += 1
            except Refusal as refusal:
                failures.append({"row": str(row), "code": refusal.code, "reason": refusal.message})
    except Stopped:
        stopped(job_id)
        return
    except Exception as error:
        advance(job_id, done, failures)
        fail(job_id, f"{type(error).__name__}: {error}")
        raise
    advance(job_id, done, failures)
    finish(job_id)


def _json(rows: Sequence[dict[str, Any]]) -> str:
    from pydantic_core import to_json

    return to_json(list(rows[:FAILURES_KEPT])).decode()


_ADVANCE = """
UPDATE core_job SET done = done + %s, failed = failed + %s, heartbeat_at = statement_timestamp(),
    failures = CASE WHEN jsonb_array_length(failures) >= %s THEN failures ELSE failures || %s::jsonb END
WHERE id = %s
"""
