"""Where Backroom stands in each list that it asks an outside system for."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.scoping import ScopedQuerySet
from integrations.models.connections import Connection


class FeedStateQuerySet(ScopedQuerySet):
    """Feeds belong to connections, which belong to the whole company."""

    channel_path = "connection__channel__code"


class FeedState(models.Model):
    """One feed of one connection: how far it was read, when it is due, and what came of the last look.

    `found` counts documents nobody had brought before: of a feed that stands beside webhooks, what these missed.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="feeds")
    name = models.SlugField(max_length=40)
    cursor = models.TextField(blank=True)
    active = models.BooleanField(default=True)
    next_at = models.DateTimeField(db_default=Now())
    lease_token = models.UUIDField(null=True, editable=False)
    asked_at = models.DateTimeField(null=True, blank=True)
    ok_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read to its end")
    failures = models.PositiveIntegerField(default=0, help_text="In a row")
    last_error = models.CharField(max_length=500, blank=True)
    documents = models.PositiveBigIntegerField(default=0)
    found = models.PositiveBigIntegerField(default=0)

    objects = FeedStateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "name"], name="a_connection_reads_a_feed_once"),
            models.CheckConstraint(condition=Q(found__lte=F("documents")), name="what_was_found_was_read"),
        ]
        indexes = [models.Index(fields=["next_at", "id"], condition=Q(active=True), name="feed_due")]

    def __str__(self) -> str:
        return f"{self.name} of {self.connection_id}"
