"""What was agreed to change on an order: previewed first, then confirmed or declined, and who was told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from orders.models.order import Order


class ChangeStatus(models.TextChoices):
    PENDING = "PENDING", "Waiting for an answer"
    CONFIRMED = "CONFIRMED", "Confirmed"
    DECLINED = "DECLINED", "Declined"


class Told(models.TextChoices):
    """Whether the channel the order came from knows of the change."""

    WAITING = "WAITING", "To be told"
    TOLD = "TOLD", "Told"
    CANNOT = "CANNOT", "Can't be told from here"
    BY_HAND = "BY_HAND", "Told by hand"


class ChangeQuerySet(ScopedQuerySet):
    channel_path = "order__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> ChangeQuerySet:
        return self.all() if sites is None else self.filter(order__in=Order.objects.for_sites(sites))


class OrderChange(StateMachine):
    """One change of one order, once per key. `edits` as services.changing writes them; `effect` is the preview it was
    confirmed with: the delta in stock, money and promise."""

    MOVES = {ChangeStatus.PENDING: {ChangeStatus.CONFIRMED, ChangeStatus.DECLINED}}

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="order_changes", db_index=False)
    key = models.CharField(max_length=255)
    edits = models.JSONField(default=list)
    effect = models.JSONField(default=dict)
    summary = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=9, choices=ChangeStatus, default=ChangeStatus.PENDING)
    seen_version = models.PositiveIntegerField(help_text="The order's version it was previewed against")
    note = models.CharField(max_length=500, blank=True, help_text="Why, or why not")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=200, blank=True)
    channel_told = models.CharField(max_length=7, choices=Told, default=Told.WAITING)
    channel_ref = models.CharField(max_length=120, blank=True, help_text="Its own key of what it does about it")
    channel_told_at = models.DateTimeField(null=True)
    channel_words = models.CharField(max_length=500, blank=True, help_text="What the channel answered, or why it can't")

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        permissions = [("edit_order", "Can change what was ordered")]
        constraints = [
            models.UniqueConstraint(fields=("order", "key"), name="a_change_is_made_once"),
            models.CheckConstraint(condition=Q(status__in=ChangeStatus.values), name="change_status_is_known"),
            models.CheckConstraint(condition=Q(channel_told__in=Told.values), name="change_told_is_known"),
        ]
        indexes = [
            models.Index(fields=("order",), name="change_pending", condition=Q(status="PENDING")),
            models.Index(
                fields=("order",), name="change_untold", condition=Q(status="CONFIRMED", channel_told="CANNOT")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.summary or 'Change'} ({self.order_id})"
