"""What the workers do for core."""

from celery import shared_task


@shared_task
def relay(queue: str) -> None:
    """Dispatch what is due in `queue`."""
