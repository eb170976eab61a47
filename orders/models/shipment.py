"""What left, in which parcels, with whom."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from orders.models.fulfilment import FulfilmentOrder


class Tracker(models.TextChoices):
    """Where a parcel is, in the words unified carrier APIs use."""

    UNKNOWN = "unknown", "Not known"
    PRE_TRANSIT = "pre_transit", "Label made"
    IN_TRANSIT = "in_transit", "On its way"
    OUT_FOR_DELIVERY = "out_for_delivery", "Out for delivery"
    READY_FOR_PICKUP = "ready_for_pickup", "Waiting to be fetched"
    DELIVERED = "delivered", "Delivered"
    DELIVERY_DELAYED = "delivery_delayed", "Delayed"
    DELIVERY_FAILED = "delivery_failed", "Delivery failed"
    RETURN_TO_SENDER = "return_to_sender", "On its way back"
    LOST = "lost", "Lost"


UNDER_WAY = frozenset(
    {
        Tracker.UNKNOWN, Tracker.PRE_TRANSIT, Tracker.IN_TRANSIT, Tracker.OUT_FOR_DELIVERY, Tracker.READY_FOR_PICKUP,
        Tracker.DELIVERY_DELAYED,
    }
)  # fmt: skip
IN_TROUBLE = frozenset({Tracker.DELIVERY_FAILED, Tracker.LOST})


class ShipmentQuerySet(ScopedQuerySet):
    site_path = "fulfilment__location__site_id"
    channel_path = "fulfilment__order__channel__code"


class Shipment(models.Model):
    """A fulfilment order on its way: carrier, service, tracking. One per fulfilment order; the channel hears of it."""

    uid = models.UUIDField(unique=True)
    fulfilment = models.OneToOneField(FulfilmentOrder, on_delete=models.PROTECT, related_name="shipment")
    carrier = models.CharField(max_length=60, blank=True)
    service = models.CharField(max_length=60, blank=True)
    tracking_number = models.CharField(max_length=120, blank=True)
    tracking_url = models.CharField(max_length=500, blank=True)
    shipped_at = models.DateTimeField(default=timezone.now)

    objects = ShipmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(tracking_url="") | Q(tracking_url__startswith="https://"), name="tracking_links_are_https"
            )
        ]
        indexes = [
            models.Index(fields=("tracking_number",), name="shipment_by_tracking", condition=~Q(tracking_number=""))
        ]

    def __str__(self) -> str:
        return self.tracking_number or str(self.uid)


class PackageQuerySet(ScopedQuerySet):
    site_path = "fulfilment__location__site_id"
    channel_path = "fulfilment__order__channel__code"


class Package(models.Model):
    """One parcel of a fulfilment order. Weight in grams."""

    fulfilment = models.ForeignKey(FulfilmentOrder, on_delete=models.PROTECT, related_name="packages")
    sequence = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=40, blank=True)
    weight_grams = models.PositiveIntegerField(null=True)
    sscc = models.CharField(max_length=18, blank=True, db_default="", default="")
    tracking_number = models.CharField(max_length=120, blank=True, db_default="", default="")
    tracker = models.CharField(max_length=17, choices=Tracker, default=Tracker.UNKNOWN, db_default="unknown")
    tracked_at = models.DateTimeField(null=True, help_text="When the carrier last saw it")
    asked_at = models.DateTimeField(null=True, help_text="When the carrier was last asked where it is")
    created_at = models.DateTimeField(default=timezone.now)

    objects = PackageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("fulfilment", "sequence"), name="parcels_are_numbered"),
            models.CheckConstraint(
                condition=Q(weight_grams__isnull=True) | Q(weight_grams__gt=0, weight_grams__lte=2_000_000),
                name="parcel_weight_is_sane",
            ),
            models.CheckConstraint(condition=Q(tracker__in=Tracker.values), name="tracker_state_is_known"),
            models.CheckConstraint(condition=Q(sscc__regex="^([0-9]{18})?$"), name="an_sscc_has_eighteen_digits"),
            models.UniqueConstraint(fields=("sscc",), condition=~Q(sscc=""), name="an_sscc_is_used_once"),
        ]
        indexes = [
            models.Index(fields=("tracking_number",), name="parcel_by_tracking", condition=~Q(tracking_number="")),
            # Parcels on their way, the longest unseen first: what the poll asks about and the stalled case finds.
            models.Index(
                fields=("tracked_at", "id"), name="parcel_under_way", condition=Q(tracker__in=sorted(UNDER_WAY))
            ),
        ]
