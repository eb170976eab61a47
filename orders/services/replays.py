"""Running a policy over past orders: each as it stood when it was first sourced, beside what really happened to it.

Stock is what each node had free at that moment, as the decision kept it; places and costs are today's: each parcel of
either side by the carriers' price lists, else by what is stated of its node, and the result says how many by which.
What carriers really charged stands beside it where it is known: it can't be compared, nobody bought the other side.
Orders don't take stock from each other, but they do take a node's hours: what the replay gives a node in an hour counts
against that hour's capacity. It runs in slices, so that it can be stopped, survives a worker, and never holds more than
one chunk of orders in memory.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from core import jobs
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.models.jobs import JobStatus
from orders.models import Channel, Order, PolicyReplay, PolicyVersion
from orders.services import policies, rehearsal

KIND = "orders.replay_policy"
CHUNK, SLICE_SECONDS, LEASE = 200, 25.0, timedelta(seconds=90)
MOST_ORDERS = 1_000_000
LONGEST = timedelta(days=366)


def start(
    version_id: int, *, channel: Channel | None, placed_from: datetime, placed_to: datetime, actor: Actor
) -> PolicyReplay:
    """Ask for a replay over the orders placed in that time; a timer, or the caller, has `carry_on` do the work.

    Invalid for a period that makes no sense, Refusal("no_orders") where there is nothing to replay.
    """
    version = PolicyVersion.objects.select_related("policy").filter(pk=version_id).first()
    if version is None:
        raise Refusal("not_found", "There is no such version.", status=404)
    if not placed_from < placed_to or placed_to - placed_from > LONGEST:
        words = "A period ends after it begins, at most a year later."
        raise Invalid([Problem("placed_to", "range", words)], status=422)
    policies.draft_ladder(version)  # refuses rules that make none
    total = _orders(channel.pk if channel else None, placed_from, placed_to).order_by()[:MOST_ORDERS].count()
    if not total:
        raise Refusal("no_orders", "No order was placed in that time.", status=422)
    with transaction.atomic():
        title = f"Replay {version.policy.name} {version.number}"
        job = jobs.start(KIND, actor, {"version": version.pk}, total=total, title=title)
        return PolicyReplay.objects.create(
            policy_version=version, channel=channel, placed_from=placed_from, placed_to=placed_to, job=job
        )


def carry_on(*, seconds: float = SLICE_SECONDS) -> int:
    """One slice of every replay that is under way and that nobody works on; returns how many were worked on."""
    open_jobs = (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.STOPPING)
    waiting = PolicyReplay.objects.filter(job__status__in=open_jobs).order_by("pk").values_list("pk", flat=True)
    return sum(run(pk, seconds=seconds) for pk in waiting)


def run(replay_id: int, *, seconds: float = SLICE_SECONDS) -> bool:
    """One slice of this replay; False where another worker has it or it is over."""
    free = Q(leased_until=None) | Q(leased_until__lt=Now())
    if not PolicyReplay.objects.filter(free, pk=replay_id).update(leased_until=Now() + LEASE):
        return False
    replay = PolicyReplay.objects.select_related("policy_version__policy", "job").get(pk=replay_id)
    try:
        if replay.job.status == JobStatus.QUEUED and not jobs.begin(replay.job_id):
            return False
        _slice(replay, monotonic() + seconds)
    except Exception as error:
        jobs.fail(replay.job_id, f"{type(error).__name__}: {error}")
        raise
    finally:
        PolicyReplay.objects.filter(pk=replay_id).update(leased_until=None)
    return True


def _slice(replay: PolicyReplay, until: float) -> None:
    stage = rehearsal.Stage(policies.draft_ladder(replay.policy_version))
    sums = rehearsal.Sums.read(replay.sums)
    while monotonic() < until:
        if jobs.stopping(replay.job_id):
            jobs.stopped(replay.job_id, {"replay": replay.pk})
            return
        chunk = _next(replay)
        if not chunk:
            jobs.finish(replay.job_id, {"replay": replay.pk})
            return
        for scene in rehearsal.scenes(chunk, stage.ladder):
            sums.add(stage.play(scene))
        replay.cursor_at, replay.cursor, replay.sums = chunk[-1].placed_at, chunk[-1].pk, sums.written()
        with transaction.atomic():
            replay.save(update_fields=["cursor_at", "cursor", "sums"])
            PolicyReplay.objects.filter(pk=replay.pk).update(leased_until=Now() + LEASE)
            jobs.advance(replay.job_id, len(chunk))


def _next(replay: PolicyReplay) -> list[Order]:
    rows = _orders(replay.channel_id, replay.placed_from, replay.placed_to)
    if replay.cursor_at is not None:
        beyond = Q(placed_at__gt=replay.cursor_at) | Q(placed_at=replay.cursor_at, pk__gt=replay.cursor)
        rows = rows.filter(placed_at__gte=replay.cursor_at).filter(beyond)
    return list(rows.order_by(F("placed_at").asc(), F("id").asc()).select_related("channel")[:CHUNK])


def _orders(channel_id: int | None, placed_from: datetime, placed_to: datetime) -> Any:
    rows = Order.objects.filter(placed_at__gte=placed_from, placed_at__lt=placed_to, test=False)
    return rows if channel_id is None else rows.filter(channel=channel_id)


def recent(ladder: Any, *, channel_id: int | None, orders: int = 25) -> tuple[rehearsal.Sums, list[rehearsal.Outcome]]:
    """The latest orders by this ladder, at once: what a person sees while they reword a draft. Writes nothing."""
    rows = Order.objects.filter(test=False, sourcings__gt=0, placed_at__lte=timezone.now())
    rows = rows if channel_id is None else rows.filter(channel=channel_id)
    chunk = list(rows.order_by("-placed_at", "-id").select_related("channel")[:orders])
    stage, sums = rehearsal.Stage(ladder), rehearsal.Sums()
    outcomes = [stage.play(scene) for scene in rehearsal.scenes(chunk, ladder)]
    for outcome in outcomes:
        sums.add(outcome)
    return sums, outcomes
