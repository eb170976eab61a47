"""Whether each reason's standing query still answers."""

from __future__ import annotations

from django.db import models


class StandingCheck(models.Model):
    """The last answer of one reason's standing query. A row exists only for reasons that have failed at some time."""

    reason = models.CharField(primary_key=True, max_length=80)
    failing = models.BooleanField(default=True)
    since = models.DateTimeField(help_text="When it began to fail, or to answer again")
    failures = models.PositiveIntegerField(default=1, help_text="In a row")
    error = models.CharField(max_length=500, blank=True)
