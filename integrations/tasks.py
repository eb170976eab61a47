"""What the workers do for integrations. Every task is a wake-up: the rows say what there is to do."""

from __future__ import annotations

from celery import shared_task

from integrations import arrivals, codes, inbox, replaying, upkeep, usage
from integrations.channels import polling, publishing
from integrations.erp import adjusting, drifting
from integrations.files.orders import drops, watching


@shared_task
def process_due() -> None:
    """Work off the inbox until nothing is due."""
    arrivals.heard()
    if inbox.process_due(limit=500) >= 500:
        arrivals.wake()


@shared_task
def process(message_id: int) -> None:
    inbox.process(message_id)


@shared_task
def publish_stock() -> None:
    """Tell every channel that is set to hear it what it may sell now."""
    publishing.publish()


@shared_task
def prepare_adjustments() -> None:
    """Write down what ERPs have to hear of units found and lost."""
    adjusting.prepare()


@shared_task
def look_for_drift() -> None:
    """A part of the night's look at what ERPs have of our documents."""
    drifting.look()


@shared_task
def poll_feeds() -> None:
    """Hand each feed whose time has come to whichever worker is free: a slow one keeps nobody waiting."""
    for feed_id in polling.due():
        poll_feed.apply_async((feed_id,), queue="outside", retry=False, expires=60)


@shared_task
def poll_feed(feed_id: int) -> None:
    polling.read(feed_id)


@shared_task
def fit_listings() -> None:
    """Items that were made since their channel listed them."""
    codes.fit()


@shared_task
def reprocess_alike(job_id: int) -> None:
    replaying.step(job_id)


@shared_task
def replay() -> None:
    """Let the next few of what is tried again at a rate go."""
    replaying.tick()


@shared_task
def watch_folders() -> None:
    """Read the files of orders that were put into watched folders."""
    watching.look()


@shared_task
def read_drop(job_id: int) -> None:
    drops.run(job_id)


@shared_task
def forget_old_calls() -> None:
    """The log of calls explains yesterday, not last year."""
    upkeep.forget_old_calls()
    usage.forget()


@shared_task
def write_usage_down() -> None:
    usage.write_down()
