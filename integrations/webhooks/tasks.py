"""The beat's ticks for webhooks."""

from __future__ import annotations

from celery import shared_task

from integrations.webhooks import replaying


@shared_task(ignore_result=True)
def replay() -> None:
    """Let the next few facts of every replay go."""
    replaying.tick()
