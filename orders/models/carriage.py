"""The services of carriers: what they cost, how long they take, who makes their labels."""

from __future__ import annotations

from datetime import time

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.errors import Invalid
from core.scoping import ScopedQuerySet
from orders import price_tables


class CarrierServiceQuerySet(ScopedQuerySet):
    """Services belong to the whole company."""

    def in_use(self) -> CarrierServiceQuerySet:
        return self.filter(active=True)


def working_week() -> list[int]:
    return [0, 1, 2, 3, 4, 5]


@pghistory.track()
class CarrierService(models.Model):
    """One product of one carrier. `connection` is the code of the account its labels are bought through; empty means
    that Backroom makes the label itself. Weekdays count from Monday, 0."""

    code = models.SlugField(max_length=60, unique=True)
    carrier = models.CharField(max_length=60)
    name = models.CharField(max_length=120)
    currency = models.CharField(max_length=3)
    zones = models.JSONField(help_text="The price table: see docs/carriers.md")
    cut_off = models.TimeField(default=time(16, 0), help_text="Last handover, in the sender's own time zone")
    collects = ArrayField(models.PositiveSmallIntegerField(), default=working_week, help_text="Weekdays, Monday is 0")
    delivers = ArrayField(models.PositiveSmallIntegerField(), default=working_week, help_text="Weekdays, Monday is 0")
    delivers_by = models.TimeField(default=time(18, 0), help_text="In the receiver's time zone")
    refuses = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text="Traits of goods")
    rank = models.SmallIntegerField(default=100, help_text="Smaller goes first among equals")
    connection = models.SlugField(max_length=60, blank=True, help_text="Where labels are bought; empty: made here")
    vendor_carrier = models.CharField(max_length=60, blank=True, help_text="The carrier's name at that account")
    vendor_service = models.CharField(max_length=120, blank=True, help_text="The service's name at that account")
    fallbacks = ArrayField(
        models.SlugField(max_length=60), default=list, blank=True,
        help_text="Codes of services to take instead, in this order, while this one gives no labels",
    )  # fmt: skip
    fall_back_after_minutes = models.PositiveSmallIntegerField(default=15)
    stalls_after_hours = models.PositiveSmallIntegerField(default=72, help_text="Without a scan; then it is a case")
    tracking_url = models.CharField(max_length=300, blank=True, help_text="https, with {tracking} for the number")
    active = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CarrierServiceQuerySet.as_manager()

    class Meta:
        ordering = ("rank", "code")
        constraints = [
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="carrier_currency_is_a_code"),
            models.CheckConstraint(
                condition=Q(tracking_url="") | Q(tracking_url__regex=r"^https://.*\{tracking\}"),
                name="a_tracking_link_is_https_and_names_the_parcel",
            ),
            models.CheckConstraint(
                condition=Q(connection="") | Q(vendor_carrier__gt="", vendor_service__gt=""),
                name="a_bought_service_is_named_as_its_account_knows_it",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.carrier} {self.name}"

    def clean(self) -> None:
        """What no constraint can say: a readable price table, weekdays that exist, fallbacks that do and don't loop."""
        try:
            price_tables.read(self.zones)
        except Invalid as invalid:
            raise ValidationError({"zones": invalid.message}) from invalid
        for name in ("collects", "delivers"):
            days = getattr(self, name)
            if not days or not set(days) <= set(range(7)):
                raise ValidationError({name: "At least one weekday, each from 0 (Monday) to 6."})
        others = set(CarrierService.objects.exclude(pk=self.pk).values_list("code", flat=True))
        if unknown := [code for code in self.fallbacks if code not in others]:
            raise ValidationError({"fallbacks": f"No other service is called {', '.join(unknown)}."})
