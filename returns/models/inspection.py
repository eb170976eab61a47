"""What somebody saw when they looked at units that came back, with the pictures they took."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models import Location
from orders.canonical import MAX_QUANTITY
from returns import disposing
from returns.models.receiving import BenchQuerySet, OnBench
from returns.models.request import Acceptance, ReturnLine, ReturnRequest


class Grade(models.TextChoices):
    A = "A", disposing.GRADES["A"]
    B = "B", disposing.GRADES["B"]
    C = "C", disposing.GRADES["C"]
    D = "D", disposing.GRADES["D"]
    E = "E", disposing.GRADES["E"]


class Inspection(models.Model):
    """Units of one line looked at together, once per `key`: their grade and whether the customer gets their money.

    A REVIEW is decided by somebody later; everything else never changes. `grade` is empty only for units that could
    not be found any more. `placed` of them have a disposition; every unit has one at a time.
    """

    bench = models.ForeignKey(OnBench, on_delete=models.PROTECT, related_name="inspections", db_index=False)
    line = models.ForeignKey(ReturnLine, on_delete=models.PROTECT, related_name="inspections")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.PositiveIntegerField()
    grade = models.CharField(max_length=1, choices=Grade, blank=True)
    verdict = models.CharField(max_length=8, choices=Acceptance)
    serial = models.CharField(max_length=120, blank=True)
    serial_fits = models.BooleanField(null=True)
    note = models.CharField(max_length=500, blank=True)
    placed = models.PositiveIntegerField(default=0)
    chosen = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Of rejected units: those that went back, or stay with the customer's word"
    )
    key = models.CharField(max_length=120, unique=True)
    inspected_by = models.CharField(max_length=200, blank=True)
    inspected_at = models.DateTimeField(default=timezone.now)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True, help_text="When money was accepted or refused for them")

    objects = BenchQuerySet.as_manager()

    class Meta:
        permissions = [("inspect_return", "Can receive and inspect returns")]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0, quantity__lte=MAX_QUANTITY), name="inspection_is_sane"),
            models.CheckConstraint(condition=Q(placed__lte=F("quantity")), name="a_unit_is_placed_once_at_a_time"),
            models.CheckConstraint(condition=Q(chosen__lte=F("quantity")), name="a_unit_is_chosen_for_once"),
            models.CheckConstraint(condition=Q(grade__in=["", *Grade.values]), name="grade_is_known"),
            models.CheckConstraint(
                condition=Q(verdict__in=["ACCEPTED", "REJECTED"], decided_at__isnull=False)
                | Q(verdict="REVIEW", decided_at__isnull=True),
                name="a_verdict_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=("inspected_at",), name="inspection_to_place", condition=Q(placed__lt=F("quantity"))),
            models.Index(fields=("inspected_at",), name="inspection_in_review", condition=Q(verdict="REVIEW")),
            models.Index(
                fields=("decided_at",), name="inspection_rejected",
                condition=Q(verdict="REJECTED", chosen__lt=F("quantity")),
            ),
            models.Index(fields=("decided_at",), name="inspection_accepted", condition=Q(verdict="ACCEPTED")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.quantity} × {self.grade or 'missing'}"

    @property
    def left(self) -> int:
        """Units nobody has said yet what becomes of."""
        return self.quantity - self.placed


class PhotoQuerySet(ScopedQuerySet):
    channel_path = "line__request__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> Self:
        if sites is None:
            return self.all()
        seen = ReturnRequest.objects.for_sites(sites).values("pk")
        return self.filter(line__request__in=seen)


class InspectionPhoto(models.Model):
    """A picture of units that came back, re-encoded here and kept in the database with its return.

    What is stored is never the bytes that were sent: decoding and writing it anew drops places, names and programs.
    """

    line = models.ForeignKey(ReturnLine, on_delete=models.PROTECT, related_name="photos")
    inspection = models.ForeignKey(Inspection, null=True, on_delete=models.PROTECT, related_name="photos")
    sha256 = models.CharField(max_length=64, help_text="Of the bytes as they were sent: the same picture is kept once")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    content = models.BinaryField()
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    taken_at = models.DateTimeField(default=timezone.now)

    objects = PhotoQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("line", "sha256"), name="a_picture_of_a_line_is_kept_once"),
            models.CheckConstraint(condition=Q(size__gt=0, width__gt=0, height__gt=0), name="a_photo_shows_something"),
        ]

    def __str__(self) -> str:
        return f"{self.width} × {self.height}"
