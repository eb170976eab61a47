"""What channels have been told of availability, and what they have yet to hear."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.models import Job
from core.scoping import ScopedQuerySet
from inventory.models.items import Item


class ChannelFeed(models.Model):
    """One channel that is told what it may sell. The channel is known by its code; who sends sits on a higher floor.

    `backs_off_until` keeps everybody from sending while the channel is down or asks for a pause. The latencies are the
    time from a change of stock to the channel's acknowledgement over the latest acknowledgements.
    """

    channel = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=120)
    active = models.BooleanField(default=True)
    per_location = models.BooleanField(default=False, help_text="One figure per location instead of one for all")
    inbound_days = models.PositiveSmallIntegerField(default=0, help_text="Units due within so many days count")
    backs_off_until = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, help_text="In a row")
    last_error = models.CharField(max_length=500, blank=True)
    failed_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    lag_p50_ms = models.PositiveIntegerField(null=True)
    lag_p95_ms = models.PositiveIntegerField(null=True)
    snapshot = models.ForeignKey(
        Job, null=True, on_delete=models.SET_NULL, related_name="+", help_text="The snapshot being sent"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("channel",)
        permissions = [("publish_stock", "Can ask for a full publication to a channel")]

    def __str__(self) -> str:
        return self.title or self.channel


class Publication(models.Model):
    """What one channel knows of one item. Changes are coalesced here: only the latest figure is ever sent.

    It is dirty while `dirty_since` is set: the moment of the oldest change the channel hasn't heard of. Sending takes a
    lease; what changes during it is noted in `changed_since`, so that the acknowledgement leaves the row dirty. An
    acknowledgement counts only while the lease is ours.
    """

    feed = models.ForeignKey(ChannelFeed, on_delete=models.CASCADE, db_index=False, related_name="publications")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="publications")
    changes = models.BigIntegerField(default=0, help_text="Noticed so far")
    dirty_since = models.DateTimeField(null=True)
    changed_since = models.DateTimeField(null=True)
    forced = models.BooleanField(default=False, help_text="Send even an unchanged figure: part of a snapshot")
    level = models.JSONField(null=True, help_text="{location code, or empty for all: units} as acknowledged")
    ref = models.CharField(max_length=200, blank=True, help_text="The channel's own handle for the item, once learned")
    acknowledged_at = models.DateTimeField(null=True)
    latency_ms = models.IntegerField(null=True)
    publications = models.PositiveIntegerField(default=0)
    unlisted = models.BooleanField(default=False, help_text="The channel doesn't sell this item")
    problem = models.CharField(max_length=300, blank=True, help_text="Why the channel refuses this item's figure")
    lease_token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("feed", "item"), name="a_channel_knows_an_item_once"),
            models.CheckConstraint(
                condition=Q(dirty_since__isnull=False)
                | Q(forced=False, lease_token__isnull=True, changed_since__isnull=True),
                name="a_clean_publication_waits_for_nothing",
            ),
            models.CheckConstraint(
                condition=Q(level__isnull=True) | Q(acknowledged_at__isnull=False),
                name="a_known_level_was_acknowledged",
            ),
        ]
        indexes = [
            models.Index(
                fields=("feed", "dirty_since"), name="publication_dirty", condition=Q(dirty_since__isnull=False)
            ),
            models.Index(fields=("feed", "-acknowledged_at"), name="publication_heard"),
            models.Index(fields=("feed", "id"), name="publication_refused", condition=~Q(problem="")),
            models.Index(fields=("feed",), name="publication_forced", condition=Q(forced=True)),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} to {self.feed_id}"


class AvailabilityChange(models.Model):
    """Something about the availability of an item (without one: of every item) changed. Inserted by triggers only.

    A log rather than a mark on the publication: inserting waits for nobody, while a mark on one hot row would queue
    every reservation behind the one before it and could deadlock. services.publishing folds the log into publications.
    """

    item = models.ForeignKey(
        Item, null=True, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    changed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.item_id} at {self.changed_at}"
