"""What stops an order, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q, Value
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from orders.models.order import Order


class HoldType(models.TextChoices):
    PAYMENT = "PAYMENT", "Payment"
    FRAUD = "FRAUD", "Fraud review"
    ADDRESS = "ADDRESS", "Address"
    CREDIT = "CREDIT", "Credit"
    APPROVAL = "APPROVAL", "Approval"
    PRICE = "PRICE", "Price"
    DUPLICATE = "DUPLICATE", "Duplicate"
    MANUAL = "MANUAL", "Held by a person"


class Blocks(models.TextChoices):
    """What a hold stops: its own step and every later one (services.holds.blocks)."""

    ALLOCATE = "ALLOCATE", "Finding a place"
    RELEASE = "RELEASE", "Giving it to a place"
    SHIP = "SHIP", "Leaving"
    CAPTURE = "CAPTURE", "Taking the money"


class HoldStatus(models.TextChoices):
    CREATED = "CREATED"
    RESOLVED = "RESOLVED"
    REJECTED = "REJECTED"


def in_four_hours() -> datetime:
    return timezone.now() + timedelta(hours=4)


class HoldQuerySet(ScopedQuerySet):
    channel_path = "order__channel__code"

    def standing(self) -> HoldQuerySet:
        return self.filter(status=HoldStatus.CREATED)

    def for_sites(self, sites: frozenset[int] | None) -> HoldQuerySet:
        return self.all() if sites is None else self.filter(order__in=Order.objects.for_sites(sites))


class Hold(StateMachine):
    """One reason an order may not go on. One of each type stands at a time; history stays.

    `evidence` is a list of findings, {rule, key, why, rows}, as they were when the hold was raised or last looked at. A
    person who resolves it accepts those keys: what they have judged doesn't stop the order again.
    """

    MOVES = {HoldStatus.CREATED: {HoldStatus.RESOLVED, HoldStatus.REJECTED}}

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="holds")
    type = models.CharField(max_length=10, choices=HoldType)
    blocks = models.CharField(max_length=8, choices=Blocks, default=Blocks.RELEASE)
    status = models.CharField(max_length=8, choices=HoldStatus, default=HoldStatus.CREATED)
    reason = models.CharField(max_length=255, blank=True)
    evidence = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True)
    due_at = models.DateTimeField(default=in_four_hours, help_text="By when somebody should have decided")
    looked_at = models.DateTimeField(null=True, help_text="When its rules were last asked again")
    by_person = models.BooleanField(default=False, db_default=False, help_text="A person decided, not the facts")
    note = models.CharField(
        max_length=500, blank=True, default="", db_default="", help_text="What the person who decided wrote"
    )
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200, blank=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=200, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(type__in=HoldType.values), name="hold_type_is_known"),
            models.CheckConstraint(condition=Q(blocks__in=Blocks.values), name="hold_blocks_something_known"),
            models.CheckConstraint(condition=Q(status__in=HoldStatus.values), name="hold_status_is_known"),
            models.UniqueConstraint(
                fields=("order", "type"), condition=Q(status="CREATED"), name="one_hold_of_a_type_stands"
            ),
        ]
        permissions = [("change_hold_rules", "Can change the rules that hold orders, and the price list")]
        indexes = [
            models.Index(fields=("created_at",), name="hold_standing", condition=Q(status="CREATED")),
            models.Index(fields=("due_at", "id"), name="hold_due", condition=Q(status="CREATED")),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} on {self.order_id}"
