"""Which record of an outside system's master data is which of ours, and as of when we know it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from core.scoping import ScopedQuerySet
from integrations.models.connections import Connection


class MasterRecordQuerySet(ScopedQuerySet):
    channel_path = "connection__channel__code"


class MasterRecord(models.Model):
    """One item, place or customer as another system keys it. `version` is the moment it last changed there."""

    class Kind(models.TextChoices):
        ITEM = "ITEM", "Item"
        LOCATION = "LOCATION", "Location"
        ACCOUNT = "ACCOUNT", "Account"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="master_records", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    ref = models.CharField(max_length=100)
    code = models.CharField(max_length=200, blank=True)
    version = models.DateTimeField(null=True)
    digest = models.BinaryField(max_length=32, help_text="Of what was said last, so that a repeat changes nothing")
    uid = models.BigIntegerField(help_text="The key of what it is here")
    heard_at = models.DateTimeField(db_default=Now())

    objects = MasterRecordQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "ref"], name="a_master_record_means_one_thing"),
            models.CheckConstraint(condition=models.Q(kind__in=["ITEM", "LOCATION", "ACCOUNT"]), name="master_kind"),
        ]
        indexes = [models.Index(fields=["kind", "uid"], name="master_of_ours")]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref} of {self.connection_id}"
