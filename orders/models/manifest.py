"""What is loaded on which carrier's van."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from inventory.models import Location
from orders.models.shipment import Package


class ManifestStatus(models.TextChoices):
    OPEN = "OPEN", "Loading"
    CLOSED = "CLOSED", "Left"
    CANCELLED = "CANCELLED"


class ManifestQuerySet(ScopedQuerySet):
    site_path = "location__site_id"


class Manifest(StateMachine):
    """One van of one carrier. Closing it is the handover: what is loaded whole is shipped from then on."""

    MOVES = {ManifestStatus.OPEN: {ManifestStatus.CLOSED, ManifestStatus.CANCELLED}}

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="manifests", db_index=False)
    carrier = models.CharField(max_length=60)
    status = models.CharField(max_length=9, choices=ManifestStatus, default=ManifestStatus.OPEN)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=200, blank=True)

    objects = ManifestQuerySet.as_manager()

    class Meta:
        permissions = [("close_manifest", "Can hand a van over to its carrier")]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ManifestStatus.values), name="manifest_status_is_known"),
            models.UniqueConstraint(
                fields=("location", "carrier"), condition=Q(status="OPEN"), name="one_van_of_a_carrier_is_loaded"
            ),
        ]
        indexes = [models.Index(fields=("location", "-id"), name="manifest_by_location")]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"MF-{self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("manifest", str(self.pk), self.number)


class ManifestParcel(models.Model):
    """A parcel on a van. A parcel rides once."""

    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT, related_name="parcels")
    package = models.OneToOneField(Package, on_delete=models.PROTECT, related_name="loaded")
    loaded_at = models.DateTimeField(default=timezone.now)
    loaded_by = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.package_id} on {self.manifest_id}"
