"""Where stock lies."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone

from core.models import Site
from core.scoping import ScopedQuerySet


class LocationKind(models.TextChoices):
    STORE = "STORE"
    WAREHOUSE = "WAREHOUSE"
    THIRD_PARTY = "THIRD_PARTY", "Third party"
    SUPPLIER = "SUPPLIER"
    RETURNS_CENTRE = "RETURNS_CENTRE", "Returns centre"


PARTNERS = frozenset({LocationKind.SUPPLIER, LocationKind.THIRD_PARTY})  # somebody else's people work there


class LocationStatus(models.TextChoices):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"


class LocationQuerySet(ScopedQuerySet):
    site_path = "site_id"

    def open_for_orders(self) -> LocationQuerySet:
        return self.filter(status=LocationStatus.ACTIVE)


@pghistory.track()
class Location(models.Model):
    """A store, warehouse or partner that holds stock, with the roles it may play and the site its people belong to."""

    code = models.CharField(max_length=40, unique=True)
    gln = models.CharField(max_length=13, blank=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=14, choices=LocationKind)
    site = models.OneToOneField(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="location")
    address = models.JSONField(default=dict, blank=True)
    country = models.CharField(max_length=2, blank=True)
    lat = models.FloatField(null=True, blank=True)
    lon = models.FloatField(null=True, blank=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    ships = models.BooleanField(default=True)
    pickup = models.BooleanField(default=False)
    returns = models.BooleanField(default=False)
    allows_backorder = models.BooleanField(
        default=False, help_text="May promise more than it has. Can't be taken back while it does."
    )
    priority = models.SmallIntegerField(default=100, help_text="Smaller goes first")
    pick_capacity_hour = models.PositiveIntegerField(null=True, blank=True, help_text="Units; empty means no limit")
    only_to = ArrayField(
        models.CharField(max_length=20), default=list, blank=True,
        help_text="Regions it delivers to, all where empty: GB, GB-NIR, or GB:BT (the postal code begins so)",
    )  # fmt: skip
    not_to = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, help_text="Regions it never delivers to"
    )
    hazardous = models.BooleanField(default=True, db_default=True, help_text="May handle hazardous goods")
    status = models.CharField(max_length=6, choices=LocationStatus, default=LocationStatus.ACTIVE)
    closed_until = models.DateTimeField(
        null=True, blank=True, help_text="Takes no new work before this moment: closed for the day"
    )
    closed_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    brought_in = models.BooleanField(
        default=False, db_default=False, help_text="Orders collected here may be brought from other places"
    )
    carriers = ArrayField(
        models.CharField(max_length=60),
        default=list,
        db_default=Value([], ArrayField(models.CharField(max_length=60))),
        blank=True,
        help_text="Codes of the carriers that call here; empty means any",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = LocationQuerySet.as_manager()

    class Meta:
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=LocationKind.values), name="location_kind_is_known"),
            models.CheckConstraint(condition=Q(status__in=LocationStatus.values), name="location_status_is_known"),
            models.CheckConstraint(
                condition=Q(lat__isnull=True, lon__isnull=True)
                | Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
                name="location_lies_on_earth",
            ),
            # What stock rows refer to, so that their copy of the flag can't drift (see Stock).
            models.UniqueConstraint(fields=("id", "allows_backorder"), name="location_with_its_backorder_rule"),
        ]

    def __str__(self) -> str:
        return self.code


class BinQuerySet(ScopedQuerySet):
    site_path = "location__site_id"


class Bin(models.Model):
    """A shelf or slot inside a location: where a picker walks to. Quantities are kept per location."""

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="bins")
    code = models.CharField(max_length=40)
    walk_order = models.PositiveIntegerField(default=0)

    objects = BinQuerySet.as_manager()

    class Meta:
        ordering = ("location", "walk_order", "code")
        constraints = [
            models.UniqueConstraint(fields=("location", "code"), name="a_bin_code_is_used_once_per_location")
        ]

    def __str__(self) -> str:
        return self.code
