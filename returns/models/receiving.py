"""What came back: every scan, and the units of each line that lie somewhere waiting to be looked at."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models import Item, Location
from orders.canonical import MAX_QUANTITY
from returns.models.request import ReturnLine, ReturnRequest


class ArrivalKind(models.TextChoices):
    EXPECTED = "EXPECTED", "As announced"
    UNEXPECTED = "UNEXPECTED", "Not announced"
    WRONG_ITEM = "WRONG_ITEM", "Instead of another"


class BenchQuerySet(ScopedQuerySet):
    """What is done with a return's goods: seen by whoever may see the return, and where the goods lie."""

    channel_path = "line__request__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> Self:
        if sites is None:
            return self.all()
        seen = ReturnRequest.objects.for_sites(sites).values("pk")
        return self.filter(Q(location__site__in=sites) | Q(line__request__in=seen))


class Arrival(models.Model):
    """Units taken out of a parcel or over a counter, once per `key`. Append-only (a trigger); each is a stock movement.

    `line` is what they count for: an announced line, or one that was added because nobody had announced them; then
    `instead_of` may say which line they came in place of. `serial` is the unit's number, or the lot's code.
    """

    line = models.ForeignKey(ReturnLine, on_delete=models.PROTECT, related_name="arrivals")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=ArrivalKind, default=ArrivalKind.EXPECTED)
    instead_of = models.ForeignKey(ReturnLine, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    serial = models.CharField(max_length=100, blank=True)
    serial_fits = models.BooleanField(null=True, help_text="Whether it was sold on this order; empty: nobody can tell")
    key = models.CharField(max_length=120, unique=True)
    received_by = models.CharField(max_length=200, blank=True)
    occurred_at = models.DateTimeField(default=timezone.now)
    recorded_at = models.DateTimeField(default=timezone.now)

    objects = BenchQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0, quantity__lte=MAX_QUANTITY), name="arrival_is_sane"),
            models.CheckConstraint(condition=Q(kind__in=ArrivalKind.values), name="arrival_kind_is_known"),
            models.CheckConstraint(
                condition=Q(instead_of__isnull=True) | Q(kind="WRONG_ITEM"), name="only_a_wrong_item_replaces_another"
            ),
        ]
        indexes = [models.Index(fields=("location", "-id"), name="arrival_by_place")]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.line_id}"


class OnBench(models.Model):
    """Units of a line at a place, told apart by serial or lot: how many came, and how many were looked at.

    Written under the return's lock; that no unit is looked at twice is held by a CHECK whoever writes.
    """

    line = models.ForeignKey(ReturnLine, on_delete=models.PROTECT, related_name="bench", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    serial = models.CharField(max_length=100, blank=True)
    serial_fits = models.BooleanField(null=True)
    received = models.PositiveIntegerField(default=0)
    inspected = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(help_text="Until when it should be known what becomes of them")

    objects = BenchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "on bench"
        constraints = [
            models.UniqueConstraint(fields=("line", "location", "serial"), name="one_bench_row_per_line_and_place"),
            models.CheckConstraint(condition=Q(received__lte=MAX_QUANTITY), name="bench_units_are_sane"),
            models.CheckConstraint(condition=Q(inspected__lte=F("received")), name="only_what_came_is_inspected"),
        ]
        indexes = [
            models.Index(fields=("location", "first_at", "id"), name="bench_by_place",
                         condition=Q(inspected__lt=F("received"))),
            models.Index(fields=("due_at",), name="bench_by_due", condition=Q(inspected__lt=F("received"))),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.received} of {self.line_id} at {self.location_id}"

    @property
    def waiting(self) -> int:
        return self.received - self.inspected
