"""Long work a person can watch and stop."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class JobStatus(models.TextChoices):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    DONE = "DONE"
    FAILED = "FAILED"


class Job(models.Model):
    """Progress of an import, replay, bulk action or export. It outlives the page that started it."""

    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    task = models.CharField(
        max_length=100, blank=True, default="", help_text="Who works it off, to be told again when the word got lost"
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    params = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=JobStatus, default=JobStatus.QUEUED)
    total = models.PositiveBigIntegerField(null=True)
    done = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    failures = models.JSONField(default=list, help_text="The first failed rows with their reasons")
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(status__in=JobStatus.values), name="job_status_is_known")]
        indexes = [models.Index(fields=("owner", "-id"), name="job_by_owner")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} {self.status}"
