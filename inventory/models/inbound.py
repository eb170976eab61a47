"""Units that are on their way and may be promised before they arrive."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models.items import Item
from inventory.models.locations import Location
from inventory.models.stock import MAX_UNITS


class ReceiptStatus(models.TextChoices):
    EXPECTED = "EXPECTED", "Expected"
    SETTLED = "SETTLED", "Settled"  # arrived, or will never arrive: either way nothing more is coming
    CANCELLED = "CANCELLED", "Cancelled"


class ExpectedReceiptQuerySet(ScopedQuerySet):
    site_path = "location__site_id"

    def open(self) -> ExpectedReceiptQuerySet:
        return self.filter(status=ReceiptStatus.EXPECTED)


class ExpectedReceipt(models.Model):
    """Units of one item that some cause (a transfer, a purchase) brings to a location by a moment.

    Written by services.inbound only. A cause has at most one open row per item and location; `received` grows towards
    `quantity` and what is left, without what is `committed` to somebody, may be promised ahead. A supplier may cut a
    delivery below what was committed: whoever was promised it hears of it by `inbound.expected`.
    """

    item = models.ForeignKey(Item, on_delete=models.PROTECT, db_index=False, related_name="expected")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, db_index=False, related_name="expected")
    quantity = models.IntegerField()
    received = models.IntegerField(default=0)
    committed = models.IntegerField(
        default=0, db_default=0, help_text="Units still to come that are promised to somebody already"
    )
    due_at = models.DateTimeField()
    cause_kind = models.CharField(max_length=40)
    cause_uid = models.CharField(max_length=64)
    cause_label = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=9, choices=ReceiptStatus, default=ReceiptStatus.EXPECTED)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    objects = ExpectedReceiptQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ReceiptStatus.values), name="receipt_status_is_known"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, quantity__lte=MAX_UNITS), name="receipt_quantity_is_positive_and_sane"
            ),
            models.CheckConstraint(
                condition=Q(received__gte=0, received__lte=F("quantity")), name="no_more_is_received_than_expected"
            ),
            models.CheckConstraint(condition=Q(committed__gte=0), name="receipt_commitments_are_not_negative"),
            models.CheckConstraint(
                condition=Q(status="EXPECTED", ended_at__isnull=True)
                | (~Q(status="EXPECTED") & Q(ended_at__isnull=False)),
                name="a_settled_receipt_says_when",
            ),
            models.UniqueConstraint(
                fields=("cause_kind", "cause_uid", "item", "location"),
                name="a_cause_brings_an_item_to_a_place_once",
                condition=Q(status="EXPECTED"),
            ),
        ]
        indexes = [
            models.Index(fields=("item", "due_at"), name="receipt_open", condition=Q(status="EXPECTED")),
            models.Index(fields=("location", "due_at"), name="receipt_open_here", condition=Q(status="EXPECTED")),
        ]

    def __str__(self) -> str:
        return f"{self.left} of {self.item_id} to {self.location_id} by {self.due_at:%Y-%m-%d}"

    @property
    def left(self) -> int:
        return self.quantity - self.received

    @property
    def free(self) -> int:
        """What is still to come and promised to nobody."""
        return max(0, self.left - self.committed)
