"""What left, in which parcels, with whom."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from orders.models.fulfilment import FulfilmentOrder


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
    created_at = models.DateTimeField(default=timezone.now)

    objects = PackageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("fulfilment", "sequence"), name="parcels_are_numbered"),
            models.CheckConstraint(
                condition=Q(weight_grams__isnull=True) | Q(weight_grams__gt=0, weight_grams__lte=2_000_000),
                name="parcel_weight_is_sane",
            ),
        ]
