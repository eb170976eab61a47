"""Long work of the books, and its timers."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from core import jobs
from core.actors import SYSTEM
from core.models import Job
from finance.models import Entity
from finance.services import closes, entities, evidence, threeway

NIGHT = 2  # o'clock, in the main books' time


@shared_task
def make_evidence(job_id: int) -> None:
    evidence.make(job_id)


@shared_task
def three_way(job_id: int) -> None:
    threeway.run(job_id)


@shared_task
def compare_at_night() -> None:
    """Once a night the three are held against each other; and every entity has the period it is in."""
    for each in Entity.objects.all():
        closes.ensure(each, entities.local_day(each, timezone.now()))
    entity = entities.main()
    lately = Job.objects.filter(kind=threeway.KIND, created_at__gte=timezone.now() - timedelta(hours=20))
    if entities.local_hour(entity, timezone.now()) != NIGHT or lately.exists():
        return
    start_three_way()


def start_three_way() -> Job:
    job = jobs.start(threeway.KIND, SYSTEM, title="Orders, payments and the ERP compared")
    jobs.send(job.pk, three_way)
    return job


@shared_task
def run_match(job_id: int) -> None:
    from finance.services import jobs as matching

    matching.run(job_id)


@shared_task
def run_fees(job_id: int) -> None:
    from finance.services import jobs as matching

    matching.run_fees(job_id)
