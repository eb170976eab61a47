"""Units promised to a demand before they leave."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models.items import Item
from inventory.models.locations import Location
from inventory.models.stock import MAX_UNITS


class ReservationKind(models.TextChoices):
    SOFT = "SOFT"
    FIRM = "FIRM"


class ReservationStatus(models.TextChoices):
    HELD = "HELD"
    CONSUMED = "CONSUMED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


class ReservationDemand(models.Model):
    """What was asked for in one go, and got as a whole. Only a demand that was met has a row.

    A demand that came up short leaves nothing behind, so it may be made again under the same uid once stock arrives.
    `fingerprint` (SHA-256 of the wanted lines) tells a repeat from another demand that borrowed the uid. The cause is
    whatever the units are promised for, by kind and uid only.
    """

    demand_uid = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=4, choices=ReservationKind)
    fingerprint = models.BinaryField(max_length=32)
    cause_kind = models.CharField(max_length=40, blank=True, db_default="")
    cause_uid = models.CharField(max_length=64, blank=True, db_default="")
    cause_label = models.CharField(max_length=200, blank=True, db_default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ReservationKind.values), name="demand_kind_is_known"),
        ]

    def __str__(self) -> str:
        return self.demand_uid


class ReservationQuerySet(ScopedQuerySet):
    site_path = "location__site_id"

    def held(self) -> ReservationQuerySet:
        return self.filter(status=ReservationStatus.HELD)


class Reservation(models.Model):
    """Units of one item at one location promised to one line of a demand.

    Ending a part splits the row: the original keeps its id and what is still held, the ended part gets a row of its
    own with `split_from`. HELD -> CONSUMED | RELEASED | EXPIRED happens once, in services.reservations, under the lock
    of the stock row. `ended_key` makes a repeat of the same release or consumption harmless. (item, location) refers
    to a stock row by a composite foreign key (migration 0002).
    """

    demand = models.ForeignKey(ReservationDemand, on_delete=models.PROTECT, related_name="reservations")
    ref = models.CharField(max_length=120, help_text="The line of the demand, in its owner's words")
    kind = models.CharField(max_length=4, choices=ReservationKind)
    item = models.ForeignKey(
        Item, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="reservations"
    )
    location = models.ForeignKey(
        Location, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="reservations"
    )
    quantity = models.IntegerField()
    status = models.CharField(max_length=8, choices=ReservationStatus, default=ReservationStatus.HELD)
    expires_at = models.DateTimeField(null=True)
    split_from = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="parts", db_index=False)
    ended_at = models.DateTimeField(null=True)
    ended_key = models.CharField(max_length=200, blank=True)
    ended_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ReservationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ReservationKind.values), name="reservation_kind_is_known"),
            models.CheckConstraint(
                condition=Q(status__in=ReservationStatus.values), name="reservation_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, quantity__lte=MAX_UNITS),
                name="reservation_quantity_is_positive_and_sane",
            ),
            models.CheckConstraint(
                condition=Q(kind="SOFT", expires_at__isnull=False) | Q(kind="FIRM", expires_at__isnull=True),
                name="only_soft_reservations_expire",
            ),
            models.CheckConstraint(
                condition=Q(status="HELD", ended_at__isnull=True, ended_key="")
                | (~Q(status="HELD") & Q(ended_at__isnull=False) & ~Q(ended_key="")),
                name="an_ended_reservation_says_when_and_by_what",
            ),
            models.UniqueConstraint(
                Coalesce(F("split_from"), F("id")),
                F("ended_key"),
                name="a_reservation_ends_once_per_key",
                condition=~Q(ended_key=""),
            ),
        ]
        indexes = [
            models.Index(fields=("item", "location"), name="reservation_held", condition=Q(status="HELD")),
            models.Index(fields=("expires_at",), name="reservation_expiring", condition=Q(status="HELD", kind="SOFT")),
            # What was promised at a past moment: those that ended after it.
            models.Index(fields=("item", "location", "ended_at"), name="reservation_past", condition=~Q(status="HELD")),
            models.Index(fields=("ended_key",), name="reservation_by_end", condition=~Q(ended_key="")),
            models.Index(fields=("split_from",), name="reservation_parts", condition=Q(split_from__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.item_id} at {self.location_id} for {self.demand_id}/{self.ref}: {self.status}"
