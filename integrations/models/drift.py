"""What a look at the ERPs found: documents that stand otherwise there than here."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scoping import ScopedQuerySet
from finance.models import Posting
from integrations.models.connections import Connection


class DriftLook(models.Model):
    """One look at everything of late, newest first, in parts: it goes on below the posting `upto`."""

    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    upto = models.BigIntegerField(null=True, help_text="The last posting that was looked at")
    busy_until = models.DateTimeField(null=True)
    compared = models.PositiveIntegerField(default=0)
    differing = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(finished_at__isnull=True), name="one_look_for_drift_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"Look of {self.started_at:%Y-%m-%d %H:%M}"


class DriftQuerySet(ScopedQuerySet):
    channel_path = "posting__order__channel__code"


class DriftFinding(models.Model):
    """A posting that differs, or that its ERP could not be asked for (`unknown`). Gone once they agree."""

    posting = models.OneToOneField(Posting, on_delete=models.CASCADE, related_name="drift")
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, related_name="+")
    words = models.TextField()
    unknown = models.BooleanField(default=False)
    first_seen_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())

    objects = DriftQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-first_seen_at", "id"], name="drift_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.posting_id}: {self.words[:80]}"
