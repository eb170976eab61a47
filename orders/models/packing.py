"""The packing bench: cartons to choose from, and what was seen going into which parcel."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from orders.models.fulfilment import FulfilmentOrder


class CartonQuerySet(ScopedQuerySet):
    """Cartons belong to the whole company."""

    def in_use(self) -> CartonQuerySet:
        return self.filter(active=True)


@pghistory.track()
class Carton(models.Model):
    """A box to pack in. Inner sides in millimetres, weights in grams."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    length_mm = models.PositiveIntegerField()
    width_mm = models.PositiveIntegerField()
    height_mm = models.PositiveIntegerField()
    tare_grams = models.PositiveIntegerField(default=0, help_text="What it weighs empty")
    max_grams = models.PositiveIntegerField(help_text="What it may weigh packed")
    active = models.BooleanField(default=True)

    objects = CartonQuerySet.as_manager()

    class Meta:
        ordering = ("length_mm", "code")
        constraints = [
            models.CheckConstraint(
                condition=Q(length_mm__gt=0, width_mm__gt=0, height_mm__gt=0), name="a_carton_has_sides"
            ),
            models.CheckConstraint(condition=Q(max_grams__gt=0), name="a_carton_holds_something"),
        ]

    def __str__(self) -> str:
        return self.name


class PackCheckQuerySet(ScopedQuerySet):
    site_path = "fulfilment__location__site_id"


class PackCheck(models.Model):
    """What was scanned into the parcels of one fulfilment order, before it is packed.

    `parcels`: [{"items": {"<item id>": units}, "codes": [lots and serials]}]; the last one is being filled.
    """

    fulfilment = models.OneToOneField(FulfilmentOrder, on_delete=models.CASCADE, related_name="pack_check")
    parcels = models.JSONField(default=list)
    begun_at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=200, blank=True)

    objects = PackCheckQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Check of {self.fulfilment_id}"
