"""Facts brought to a receiver again: one, or all since a time, at a rate, as a job a person can watch and stop.

A fact keeps its `webhook-id`, so a receiver that had it drops it. The beat lets the next few go every few seconds;
nothing sleeps, and a process that dies delays the rest by one tick.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet
from django.utils import timezone

from core import events, jobs, live, wake
from core.actors import Actor
from core.errors import Refusal
from core.models import Delivery, Event, Job
from core.models.events import DeliveryStatus
from core.models.jobs import JobStatus
from integrations import events as facts
from integrations.models import Connection, WebhookSubscription
from integrations.webhooks.subscriptions import QUEUE, TOPIC, locked

JOB = "webhooks.replay"
TICK_SECONDS = 5
PER_MINUTE, PER_MINUTE_AT_MOST = 600, 6_000
CAP = 1_000_000


@dataclass(frozen=True, slots=True)
class Preview:
    """What a replay would send, before its filters for channel, site and queue are asked."""

    facts: int
    capped: bool
    minutes: float
    first: datetime | None
    last: datetime | None


def _chosen(found: WebhookSubscription, since: datetime, until: datetime, *, missed_only: bool) -> QuerySet[Event]:
    rows = Event.objects.filter(type__in=found.event_types, recorded_at__gte=since, recorded_at__lt=until)
    if missed_only:
        had = (DeliveryStatus.DELIVERED, DeliveryStatus.PENDING)
        rows = rows.exclude(
            Exists(Delivery.objects.filter(event=OuterRef("pk"), handler=found.handler, status__in=had))
        )
    return rows


def preview(
    found: WebhookSubscription, *, since: datetime, until: datetime | None = None, per_minute: int = PER_MINUTE,
    missed_only: bool = True,
) -> Preview:  # fmt: skip
    """How many facts, from when to when, and how long it takes. Changes nothing."""
    _check(since, per_minute)
    rows = _chosen(found, since, until or timezone.now(), missed_only=missed_only)[: CAP + 1]
    # Not ordered: that would read the table from its beginning instead of from that time on.
    seen = rows.aggregate(count=Count("pk"), first=Min("recorded_at"), last=Max("recorded_at"))
    return Preview(
        min(seen["count"], CAP), seen["count"] > CAP, seen["count"] / per_minute, seen["first"], seen["last"]
    )


def start(
    pk: int, *, since: datetime, per_minute: int = PER_MINUTE, missed_only: bool = True,
    expected: int | None = None, actor: Actor,
) -> Job:  # fmt: skip
    """Begin to send everything since `since` again. Refusal (409) count_changed, not_active or already_replaying."""
    until = timezone.now()
    with transaction.atomic():
        found = locked(pk)
        if found.connection.status != Connection.Status.ACTIVE:
            raise Refusal("not_active", f"{found} is {found.connection.get_status_display().lower()}. Enable it first.")
        if running(found).exists():
            raise Refusal("already_replaying", "A replay is running. Stop it first, or wait for it.")
        seen = preview(found, since=since, until=until, per_minute=per_minute, missed_only=missed_only)
        if expected is not None and expected != seen.facts:
            words = f"It would be {seen.facts} facts by now, not {expected}. Look again before you start."
            raise Refusal("count_changed", words, count=seen.facts)
        params = {
            "webhook": found.pk, "since": since.isoformat(), "until": until.isoformat(), "per_minute": per_minute,
            "missed_only": missed_only,
        }  # fmt: skip
        job = jobs.start(JOB, actor, params, total=seen.facts, title=f"Replay {seen.facts:,} facts to {found}")
        events.record(facts.WEBHOOK_REPLAYED, found.subject, actor=actor, data={**params, "facts": seen.facts})
    return job


def running(found: WebhookSubscription) -> QuerySet[Job]:
    over = (JobStatus.DONE, JobStatus.STOPPED, JobStatus.FAILED)
    return Job.objects.filter(kind=JOB, params__webhook=found.pk).exclude(status__in=over)


def one(pk: int, uid: str, *, actor: Actor) -> None:
    """Send one fact again, whatever became of it. Refusal (404) for one this receiver never was to get."""
    with transaction.atomic():
        found = locked(pk)
        event = Event.objects.filter(uid=uid, deliveries__handler=found.handler).first()
        if event is None:
            raise Refusal("no_such_fact", "This fact was never on its way there.", status=404)
        if found.connection.status == Connection.Status.DISABLED:
            raise Refusal("not_active", f"{found} is disabled. Enable it first.")
        _again([event.pk], found)
        events.record(facts.WEBHOOK_REPLAYED, found.subject, actor=actor, data={"fact": uid})


def tick() -> int:
    """Let the next few facts of every running replay go; returns how many went."""
    over = (JobStatus.DONE, JobStatus.STOPPED, JobStatus.FAILED)
    open_jobs = Job.objects.filter(kind=JOB).exclude(status__in=over).order_by("pk").values_list("pk", flat=True)
    return sum(_step(job_id) for job_id in open_jobs)


@transaction.atomic
def _step(job_id: int) -> int:
    job = Job.objects.select_for_update(skip_locked=True).filter(pk=job_id).first()
    if job is None:
        return 0
    if job.status == JobStatus.QUEUED:
        jobs.begin(job_id)
    elif job.status == JobStatus.STOPPING:
        jobs.stopped(job_id)
        return 0
    params = job.params
    found = WebhookSubscription.objects.select_related("connection").filter(pk=params["webhook"]).first()
    if found is None or found.connection.status == Connection.Status.DISABLED:
        jobs.fail(job_id, "The webhook is disabled or gone.")
        return 0
    since, until = (_moment(params[name]) for name in ("since", "until"))
    rows = _chosen(found, since, until, missed_only=params["missed_only"])
    size = max(1, params["per_minute"] * TICK_SECONDS // 60)
    ids = list(rows.filter(pk__gt=job.result.get("after", 0)).order_by("pk").values_list("pk", flat=True)[:size])
    if not ids:
        jobs.finish(job_id, job.result)
        return 0
    _again(ids, found)
    Job.objects.filter(pk=job_id).update(result={"after": ids[-1]})
    jobs.advance(job_id, len(ids))
    live.poke(TOPIC)
    return len(ids)


def _again(event_ids: list[int], found: WebhookSubscription) -> None:
    """Make deliveries of these due, new or once more; one that is on its way is left alone."""
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, [found.handler, found.handler, QUEUE, event_ids])
    wake.on_commit(QUEUE)


def _check(since: datetime, per_minute: int) -> None:
    if since >= timezone.now():
        raise Refusal("since_is_ahead", "Name a time that is over.", status=422)
    if not 1 <= per_minute <= PER_MINUTE_AT_MOST:
        raise Refusal("rate_out_of_range", f"Between 1 and {PER_MINUTE_AT_MOST:,} a minute.", status=422)


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))


_AGAIN = """
INSERT INTO core_delivery (
    event_id, handler, lane, seq, queue, status, attempts, next_at, last_error, created_at
)
SELECT e.id, %s, left(%s || '|' || e.subject_kind || ':' || e.subject_uid, 160), e.id, %s, 'PENDING', 0, now(), '',
    now()
FROM core_event e WHERE e.id = ANY(%s) ORDER BY e.id
ON CONFLICT (event_id, handler) DO UPDATE
SET status = 'PENDING', attempts = 0, next_at = now(), lease_token = NULL, leased_until = NULL, finished_at = NULL,
    last_error = ''
WHERE core_delivery.status <> 'PENDING'
"""
