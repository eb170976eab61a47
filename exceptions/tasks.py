"""Wake-ups for the sweepers. What is due stands in the rows; a missed beat is only late news."""

from __future__ import annotations

from celery import shared_task
from django.core.cache import cache

from core import jobs
from core.actors import SYSTEM
from exceptions.services import (
    approvals,
    aside,
    autonomy,
    bulk_acting,
    history,
    learning,
    letters,
    many,
    reckoning,
    roots,
    standing,
    timers,
    whatif,
)

_WHERE = "exceptions:rechecked-up-to"  # losing it only means starting again from the oldest case


@shared_task
def sweep_clocks() -> None:
    timers.sweep()
    aside.bring_back()


@shared_task
def recheck_standing() -> None:
    _, after = timers.recheck_standing(after=cache.get(_WHERE) or 0)
    cache.set(_WHERE, after, None)
    roots.settle_all()
    roots.adopt_all()


@shared_task
def open_standing() -> None:
    standing.open_standing()


@shared_task
def bulk(job_id: int) -> None:
    many.work_off(job_id)


@shared_task
def send_letters() -> None:
    letters.send_letters()


@shared_task
def settle(root_id: int) -> None:
    roots.settle(root_id)


@shared_task
def adopt(root_id: int) -> None:
    roots.adopt(root_id)


@shared_task
def expire_approvals() -> None:
    approvals.expire()


@shared_task
def preview_many(job_id: int) -> None:
    bulk_acting.preview(job_id)


@shared_task
def act_on_many(job_id: int) -> None:
    bulk_acting.run(job_id)


@shared_task
def what_if(job_id: int) -> None:
    whatif.work(job_id)


@shared_task
def recount_history() -> None:
    history.recount()
    learning.watch()
    autonomy.evaluate()


@shared_task
def learn(job_id: int) -> None:
    learning.work_off(job_id)


@shared_task
def learn_when_due() -> None:
    if learning.due():
        jobs.send(learning.start(actor=SYSTEM).pk, learn)


@shared_task
def work_alone() -> None:
    autonomy.work()


@shared_task
def reckon(job_id: int) -> None:
    reckoning.work_off(job_id)
