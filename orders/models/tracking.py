"""Where parcels are: what carriers said, word for word, and what it means in one vocabulary."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from orders.models.shipment import Package, Tracker


class TrackingEventQuerySet(ScopedQuerySet):
    site_path = "package__fulfilment__location__site_id"
    channel_path = "package__fulfilment__order__channel__code"


class CarrierScan(models.Model):
    """One scan of one parcel, whichever way that goes. Append-only; told twice (webhook, then poll) it is one row by
    its `key`.

    `said_at` is the carrier's own writing of the time; `occurred_at` reads it, as UTC where no offset was given.
    """

    key = models.CharField(max_length=64)
    state = models.CharField(max_length=17, choices=Tracker)
    words = models.CharField(max_length=255, blank=True)
    code = models.CharField(max_length=60, blank=True)
    place = models.CharField(max_length=200, blank=True)
    said_at = models.CharField(max_length=60, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.get_state_display()} at {self.occurred_at:%Y-%m-%d %H:%M}"


class TrackingEvent(CarrierScan):
    """A scan of a parcel on its way to the customer."""

    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="scans", db_index=False)

    objects = TrackingEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("package", "key"), name="a_scan_is_kept_once"),
            models.CheckConstraint(condition=Q(state__in=Tracker.values), name="scan_state_is_known"),
        ]
        indexes = [models.Index(fields=("package", "-occurred_at", "-id"), name="scan_by_package")]
