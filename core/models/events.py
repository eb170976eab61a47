"""Facts and their deliveries.

An Event is at once the timeline on a screen, the audit trail, the process-mining log and the outbox's source.
"""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Event(models.Model):
    """Something that happened, in the past tense. Append-only: a trigger refuses UPDATE, DELETE and TRUNCATE."""

    uid = models.UUIDField(unique=True)
    type = models.CharField(max_length=80)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    subject_kind = models.CharField(max_length=40)
    subject_uid = models.CharField(max_length=64)
    subject_label = models.CharField(max_length=200, blank=True)
    actor_kind = models.CharField(max_length=12)
    actor_uid = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=200)
    correlation_id = models.CharField(max_length=64)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=("subject_kind", "subject_uid", "id"), name="event_by_subject"),
            models.Index(fields=("type", "id"), name="event_by_type"),
            # Facts are written in the order of their time, so a summary of each stretch of the table says where it is.
            BrinIndex(fields=("recorded_at",), pages_per_range=32, autosummarize=True, name="event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject_kind}:{self.subject_uid}"


class EventObject(models.Model):
    """One more object a fact touched, and its role (an event-to-object relation of OCEL 2.0)."""

    # No database constraint: an event can't be deleted and both rows come from one statement, while checking the
    # reference would lock and rewrite the event's row header. The audit of the books looks for orphans.
    event = models.ForeignKey(
        Event, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="objects_touched"
    )
    kind = models.CharField(max_length=40)
    uid = models.CharField(max_length=64)
    label = models.CharField(max_length=200, blank=True)
    qualifier = models.CharField(max_length=40)

    class Meta:
        indexes = [
            models.Index(fields=("kind", "uid", "event"), name="event_object_by_object"),
            models.Index(fields=("event",), name="event_object_by_event"),
        ]


class Listener(models.Model):
    """A handler of an event type that was wired by data, not by code: a receiver somebody set up on screen.

    Read by the statement that records facts, so it hears of everything committed after it. The handler is named
    `family:key`; core/events.py knows families.
    """

    type = models.CharField(max_length=80)
    handler = models.CharField(max_length=80)
    queue = models.CharField(max_length=20, default="outside")

    class Meta:
        constraints = [models.UniqueConstraint(fields=("type", "handler"), name="a_listener_hears_a_type_once")]

    def __str__(self) -> str:
        return f"{self.handler} hears {self.type}"


class DeliveryStatus(models.TextChoices):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    DISCARDED = "DISCARDED"
    SUPERSEDED = "SUPERSEDED"


class Delivery(models.Model):
    """One event on its way to one handler, written in the event's own transaction.

    `lane` is handler + subject: an older unfinished delivery (PENDING or DEAD) blocks newer ones of its lane and no
    other. `lease_token` fences: only the process that holds the current token may finish the row. A lease that ended
    without a word (`leased_until` is past) may be taken over.
    """

    event = models.ForeignKey(  # no database constraint: see EventObject
        Event, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="deliveries"
    )
    handler = models.CharField(max_length=80)
    lane = models.CharField(max_length=160)
    seq = models.BigIntegerField(help_text="Order within the lane: the event's id, taken under its subject's lock")
    queue = models.CharField(max_length=20, default="default")
    status = models.CharField(max_length=12, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    lease_token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("event", "handler"), name="an_event_reaches_a_handler_once"),
            models.CheckConstraint(condition=Q(status__in=DeliveryStatus.values), name="delivery_status_is_known"),
        ]
        # None of these mentions the lease: taking one then changes no index (a heap-only update), worth a third of the
        # relay's speed. The place in the queue is kept, too: an expired lease is first in line again.
        indexes = [
            models.Index(fields=("queue", "next_at"), name="delivery_due", condition=Q(status="PENDING")),
            models.Index(
                fields=("lane", "seq"), name="delivery_unfinished", condition=Q(status__in=("PENDING", "DEAD"))
            ),
            models.Index(fields=("-id",), name="delivery_dead", condition=Q(status="DEAD")),
        ]

    def __str__(self) -> str:
        return f"{self.handler} <- {self.event_id} {self.status}"
