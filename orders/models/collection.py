"""An order that waits for its customer, and the money owed when part of it is not wanted."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from inventory.models import Location
from orders.models.fulfilment import ENDED, FulfilmentOrder, FulfilmentStatus
from orders.models.order import MONEY_LIMIT, Order
from orders.models.payment import MoneyQuerySet


class Proof(models.TextChoices):
    """How the person at the counter showed that the order is theirs."""

    CODE = "CODE", "Their code"
    ID = "ID", "An identity document"
    BOTH = "BOTH", "Code and identity document"
    NONE = "NONE", "Nothing, as the store allows"


class CollectionQuerySet(ScopedQuerySet):
    site_path = "location__site_id"
    channel_path = "fulfilment__order__channel__code"

    def waiting(self) -> CollectionQuerySet:
        """On the ready shelf now."""
        return self.filter(fulfilment__status=FulfilmentStatus.READY)

    def to_put_back(self) -> CollectionQuerySet:
        """What nobody wants any more and still stands among the ready orders."""
        return self.filter(Q(fulfilment__status__in=ENDED) | Q(declined__gt=0), put_back_at=None)


class Collection(models.Model):
    """Where picked units wait for their customer, until when, and by which code they are handed over."""

    fulfilment = models.OneToOneField(FulfilmentOrder, on_delete=models.PROTECT, related_name="collection")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="collections", db_index=False)
    code = models.CharField(max_length=8, unique=True, help_text="What the customer shows or says")
    shelf = models.CharField(max_length=20, blank=True, help_text="The place on the ready shelf")
    ready_at = models.DateTimeField(default=timezone.now)
    collect_by = models.DateTimeField()
    remind_at = models.DateTimeField(null=True, help_text="When the customer is reminded; empty: not, or it is done")
    handed_over_at = models.DateTimeField(null=True)
    proof = models.CharField(max_length=4, choices=Proof, blank=True)
    given_to = models.CharField(max_length=120, blank=True)
    declined = models.PositiveIntegerField(default=0, help_text="Units the customer left at the counter")
    put_back_at = models.DateTimeField(null=True)
    put_back_by = models.CharField(max_length=200, blank=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(proof__in=["", *Proof.values]), name="proof_is_known"),
            models.CheckConstraint(
                condition=Q(handed_over_at__isnull=True) | ~Q(proof=""), name="what_is_handed_over_says_to_whom"
            ),
        ]
        indexes = [
            models.Index(fields=("location", "collect_by", "id"), name="collection_by_place"),
            models.Index(
                fields=("collect_by",),
                name="collection_running",
                condition=Q(handed_over_at__isnull=True, put_back_at__isnull=True),
            ),
            models.Index(fields=("remind_at",), name="collection_to_remind", condition=Q(remind_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.code


class RefundDue(models.Model):
    """Money a customer paid for units they will not get. Rows are added and never changed: a trigger refuses.

    `lines`: [{line, quantity, amount}]. What was refunded since is among the order's payments and refunds.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds_due")
    key = models.CharField(max_length=120, unique=True)
    amount = MoneyField()
    currency = models.CharField(max_length=3)
    why = models.CharField(max_length=255)
    lines = models.JSONField(default=list)
    at = models.DateTimeField(default=timezone.now)

    objects = MoneyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0, amount__lt=MONEY_LIMIT), name="refund_due_is_sane")
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} of {self.order_id}"
