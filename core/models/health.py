"""Signs of life, and the seals that make tampering with the past show."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Heartbeat(models.Model):
    """When a process that works in the background was last known to work. One row a name, such as `worker:default`."""

    name = models.CharField(max_length=60, primary_key=True)
    beat_at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name


class EventSeal(models.Model):
    """One day's events in one digest, which contains the digest of the day before: a chain.

    Append-only like the events. `digest` is handed outside (logs, `manage.py verify_seal`), so that rewriting the past
    would need every copy of it, too.
    """

    day = models.DateField(unique=True)
    events = models.PositiveBigIntegerField()
    digest = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("day",)

    def __str__(self) -> str:
        return f"{self.day} {bytes(self.digest).hex()[:12]}"
