"""What sourcing goes by at each node: what its people state, and what was measured."""

from __future__ import annotations

from datetime import time

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from inventory.models import Location

HOURS = 168  # of a week, from Monday's first, in the node's own time
CUT_OFF = time(16, 0)


class NodeQuerySet(ScopedQuerySet):
    site_path = "location__site_id"


@pghistory.track()
class NodeTerms(models.Model):
    """What a parcel from here costs, what hands cost, and when carriers leave. Empty: nobody stated it."""

    location = models.OneToOneField(Location, on_delete=models.CASCADE, related_name="terms")
    currency = models.CharField(max_length=3, blank=True)
    cut_off = models.TimeField(default=CUT_OFF, help_text="The last carrier of the day, in the node's time")
    days = models.PositiveSmallIntegerField(default=1, help_text="From departure to the customer's door")
    days_abroad = models.PositiveSmallIntegerField(default=3)
    parcel = MoneyField(null=True, blank=True)
    parcel_abroad = MoneyField(null=True, blank=True)
    kilo = MoneyField(default=0, help_text="For each kilogram, on top of the parcel")
    handling = MoneyField(null=True, blank=True, help_text="For each parcel")
    handling_unit = MoneyField(default=0, help_text="For each unit, on top")
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = NodeQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "node terms"
        constraints = [
            models.CheckConstraint(
                condition=Q(currency="", parcel=None, parcel_abroad=None, handling=None)
                | Q(currency__regex="^[A-Z]{3}$"),
                name="what_a_node_costs_has_a_currency",
            ),
            models.CheckConstraint(
                condition=(Q(parcel=None) | Q(parcel__gte=0, parcel__lt=10**6))
                & (Q(parcel_abroad=None) | Q(parcel_abroad__gte=0, parcel_abroad__lt=10**6))
                & (Q(handling=None) | Q(handling__gte=0, handling__lt=10**6))
                & Q(kilo__gte=0, kilo__lt=10**6, handling_unit__gte=0, handling_unit__lt=10**6),
                name="what_a_node_costs_is_neither_negative_nor_absurd",
            ),
            models.CheckConstraint(condition=Q(days__lte=60, days_abroad__lte=120), name="a_parcel_arrives_some_day"),
        ]

    def __str__(self) -> str:
        return f"Terms of {self.location_id}"


class NodeMeasure(models.Model):
    """What a node really did over `days`: a projection of its fulfilment orders, measured afresh by services.nodework.

    `hours` holds, for each hour of the week, the units it picks in a good one of them (nine in ten are slower), zero
    where none was worked; `worked` says in how many weeks. `usual` is the same over all hours worked, of which there
    are `hours_worked`. `offered` and `refused` count units.
    """

    location = models.OneToOneField(Location, on_delete=models.CASCADE, related_name="measure")
    days = models.PositiveSmallIntegerField()
    offered = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    hours = ArrayField(models.FloatField(), size=HOURS)
    worked = ArrayField(models.PositiveSmallIntegerField(), size=HOURS)
    usual = models.FloatField(default=0.0)
    hours_worked = models.PositiveIntegerField(default=0)
    measured_at = models.DateTimeField(default=timezone.now)

    objects = NodeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.refused} of {self.offered} units refused at {self.location_id}"
