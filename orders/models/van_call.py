"""A carrier's collection: when its van is called to a place, for which parcels, and whether it came."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from inventory.models import Location
from orders.models.shipment import Package


class VanCallStatus(models.TextChoices):
    ASKED = "ASKED", "Being booked"
    BOOKED = "BOOKED", "Booked"
    FAILED = "FAILED", "Not to be had"
    CANCEL_WANTED = "CANCEL_WANTED", "Being called off"
    CANCELLED = "CANCELLED", "Called off"
    COLLECTED = "COLLECTED", "Collected"
    MISSED = "MISSED", "Did not come"


V = VanCallStatus
COMING = frozenset({V.ASKED, V.BOOKED, V.CANCEL_WANTED})  # the carrier may stand at the door


class VanCallQuerySet(ScopedQuerySet):
    site_path = "location__site_id"

    def coming(self) -> VanCallQuerySet:
        return self.filter(status__in=COMING)


class VanCall(StateMachine):
    """One collection by one carrier at one place between two moments.

    `connection` is the code of the account it is booked through; empty means that people arrange it with the carrier
    themselves and write it down here. `vendor_ref` is the account's own key, kept before it is paid for.
    """

    MOVES = {
        V.ASKED: {V.BOOKED, V.FAILED, V.CANCEL_WANTED},
        V.BOOKED: {V.COLLECTED, V.MISSED, V.CANCEL_WANTED, V.CANCELLED},
        V.CANCEL_WANTED: {V.CANCELLED, V.BOOKED, V.COLLECTED, V.MISSED},  # it may come all the same
    }

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="van_calls", db_index=False)
    carrier = models.CharField(max_length=60)
    connection = models.SlugField(max_length=60, blank=True, db_index=False)
    key = models.CharField(max_length=120)
    status = models.CharField(max_length=13, choices=VanCallStatus, default=VanCallStatus.ASKED)
    version = models.PositiveIntegerField(default=1)
    since = models.DateTimeField()
    until = models.DateTimeField()
    vendor_ref = models.CharField(max_length=120, blank=True)
    confirmation = models.CharField(max_length=120, blank=True, help_text="The carrier's number of it")
    cost = MoneyField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    words = models.CharField(max_length=500, blank=True, help_text="What the carrier or a person said of it last")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=200, blank=True)

    objects = VanCallQuerySet.as_manager()

    class Meta:
        verbose_name = "carrier collection"
        permissions = [("book_vancall", "Can book carriers' collections and say what came of them")]
        constraints = [
            models.UniqueConstraint(fields=("location", "key"), name="a_collection_is_booked_once"),
            models.CheckConstraint(condition=Q(status__in=VanCallStatus.values), name="van_call_status_is_known"),
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="a_collection_ends_after_it_begins"),
            ExclusionConstraint(
                name="a_carrier_is_called_once_at_a_time",
                expressions=[
                    ("location", RangeOperators.EQUAL),
                    ("carrier", RangeOperators.EQUAL),
                    ("connection", RangeOperators.EQUAL),
                    (
                        Func(F("since"), F("until"), function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(status__in=sorted(COMING)),
            ),
        ]
        indexes = [
            models.Index(fields=("location", "-id"), name="van_call_by_location"),
            models.Index(fields=("until",), name="van_call_coming", condition=Q(status__in=sorted(COMING))),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"VC-{self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("van_call", str(self.pk), self.number)


class CalledParcel(models.Model):
    """A parcel the carrier was called for. It waits for one van at a time: `released_at` says when it stopped to."""

    call = models.ForeignKey(VanCall, on_delete=models.PROTECT, related_name="parcels")
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="called_for", db_index=False)
    released_at = models.DateTimeField(null=True)
    released_because = models.CharField(max_length=10, blank=True, help_text="MISSED, LEFT, CALLED_OFF or VOIDED")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("package",), condition=Q(released_at__isnull=True), name="a_parcel_waits_for_one_van"
            ),
            models.UniqueConstraint(fields=("call", "package"), name="a_parcel_is_called_for_once"),
        ]
        indexes = [models.Index(fields=("package", "-id"), name="called_parcel_by_package")]

    def __str__(self) -> str:
        return f"{self.package_id} for {self.call_id}"
