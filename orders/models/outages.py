"""A carrier that doesn't run for now."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class CarrierOutage(models.Model):
    """From `started_at` until somebody (or its breaker) ends it, nothing is planned to leave with this carrier."""

    carrier = models.CharField(max_length=60)
    reason = models.CharField(max_length=255)
    started_at = models.DateTimeField(default=timezone.now)
    started_by = models.CharField(max_length=200, blank=True)
    by_breaker = models.BooleanField(
        default=False, db_default=False, help_text="No account its labels come from answers; it ends when one does"
    )
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("carrier",), condition=Q(ended_at__isnull=True), name="a_carrier_is_out_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.carrier} since {self.started_at:%Y-%m-%d %H:%M}"
