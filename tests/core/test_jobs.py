from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core import actors, jobs
from core.errors import Refusal
from core.models import Job
from core.tasks import watch_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    return jobs.start("orders.import", actors.SYSTEM, {"file": "a.csv"}, total=100)


def test_a_job_counts_what_it_does(job):
    assert jobs.begin(job.pk)
    jobs.advance(job.pk, 60)
    jobs.advance(job.pk, 38, [{"row": 7, "reason": "no such SKU"}, {"row": 9, "reason": "no price"}])
    jobs.finish(job.pk, {"created": 98})

    job.refresh_from_db()
    assert (job.status, job.total, job.done, job.failed) == ("DONE", 100, 98, 2)
    assert [f["row"] for f in job.failures] == [7, 9]
    assert job.result == {"created": 98}
    assert job.finished_at


def test_two_workers_do_not_do_the_same_job(job):
    assert jobs.begin(job.pk)
    assert not jobs.begin(job.pk)


def test_a_job_stopped_before_it_began_never_begins(job):
    assert jobs.stop(job.pk) == "STOPPED"
    assert not jobs.begin(job.pk)
    job.refresh_from_db()
    assert job.finished_at


def test_a_running_job_is_asked_to_stop_and_says_when_it_has(job):
    jobs.begin(job.pk)

    assert jobs.stop(job.pk) == "STOPPING"
    assert jobs.stopping(job.pk)
    jobs.stopped(job.pk)

    job.refresh_from_db()
    assert job.status == "STOPPED"
    assert jobs.stop(job.pk) == "STOPPED"


def test_a_job_whose_worker_died_is_ended_or_taken_up(job):
    jobs.begin(job.pk)
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=6))
    other = jobs.start("orders.import", actors.SYSTEM)
    jobs.begin(other.pk)

    assert jobs.watch() == 1
    job.refresh_from_db()
    assert job.status == "FAILED"
    assert "start it again" in job.result["reason"]


def test_rows_that_are_refused_do_not_stop_the_rest(job):
    def work(row):
        if row % 2:
            raise Refusal("odd", f"{row} is odd")

    jobs.run_over(job.pk, range(60), work)

    job.refresh_from_db()
    assert (job.status, job.done, job.failed) == ("DONE", 30, 30)
    assert job.failures[0] == {"row": "1", "code": "odd", "reason": "1 is odd"}


def test_stop_takes_effect_between_rows(job):
    done = []

    def work(row):
        done.append(row)
        if row == 30:
            jobs.stop(job.pk)

    jobs.run_over(job.pk, range(1000), work)

    job.refresh_from_db()
    assert job.status == "STOPPED"
    assert len(done) == 50 == job.done


def test_a_bug_fails_the_job_and_keeps_what_was_done(job):
    def work(row):
        if row == 3:
            raise ZeroDivisionError("oops")

    with pytest.raises(ZeroDivisionError):
        jobs.run_over(job.pk, range(10), work)

    job.refresh_from_db()
    assert (job.status, job.done) == ("FAILED", 3)


def test_only_the_first_failures_are_kept(job):
    jobs.begin(job.pk)
    for _ in range(5):
        jobs.advance(job.pk, 0, [{"row": n} for n in range(100)])

    job.refresh_from_db()
    assert job.failed == 500
    assert len(job.failures) <= jobs.FAILURES_KEPT


def test_a_job_nobody_heard_of_is_called_out_again(job, django_capture_on_commit_callbacks):
    def called_out():
        with django_capture_on_commit_callbacks() as sent:
            jobs.watch()
        return len(sent)

    jobs.send(job.pk, watch_jobs)
    assert called_out() == 0  # its worker has a while to take it

    Job.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    assert called_out() == 1

    jobs.begin(job.pk)
    assert called_out() == 0
