"""Files of orders people or partners drop: their bytes as they came, and how their columns are read."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scoping import ScopedQuerySet
from integrations.models.connections import Connection


class DropStatus(models.TextChoices):
    UPLOADED = "UPLOADED", "Waiting"
    RUNNING = "RUNNING", "Being read"
    DONE = "DONE", "Read"
    DISCARDED = "DISCARDED", "Discarded"


class FileQuerySet(ScopedQuerySet):
    channel_path = "connection__channel__code"


class FileMapping(models.Model):
    """One version of how a connection's files are read. Append-only: a change of mind is the next version."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="file_mappings")
    version = models.PositiveIntegerField()
    settings = models.JSONField()
    actor_label = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())

    objects = FileQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["connection", "version"], name="a_file_mapping_has_its_version")
        ]

    def __str__(self) -> str:
        return f"{self.connection_id} v{self.version}"


class FileDrop(models.Model):
    """A file as it came. Each order in it becomes a message of its own; the file itself never changes."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="drops")
    file_name = models.CharField(max_length=150)
    kind = models.CharField(max_length=4)
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=9, choices=DropStatus, default=DropStatus.UPLOADED)
    draft = models.JSONField(default=dict, help_text="How it is to be read, while nobody has confirmed it")
    mapping = models.ForeignKey(FileMapping, null=True, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    owner_label = models.CharField(max_length=200)
    job = models.ForeignKey("core.Job", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = FileQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(status__in=DropStatus.values), name="drop_status_is_known")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["-created_at", "id"], name="drop_by_time")]
        permissions = (("drop_file", "Can drop files of orders and say how they are read"),)

    def __str__(self) -> str:
        return self.file_name
