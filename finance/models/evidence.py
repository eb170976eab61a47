"""What a close stands on, as a file: made by a job, kept with its hash."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from core.models import Job
from core.scoping import ScopedQuerySet
from finance.models.entity import Period


class EvidencePack(models.Model):
    """A workbook of a period: its checks and figures, and the rows behind each of them, as they were then."""

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="packs")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    content = models.BinaryField(default=b"")
    size = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    rows = models.PositiveIntegerField(default=0)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name
