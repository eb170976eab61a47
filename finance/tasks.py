"""Work of this app that runs on a worker."""

from __future__ import annotations

from celery import shared_task


@shared_task
def run_match(job_id: int) -> None:
    from finance.services import jobs

    jobs.run(job_id)
