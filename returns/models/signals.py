"""What the figures say by themselves: rates that rose, and habits a person should look at."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet


class SignalKind(models.TextChoices):
    RATE = "RATE", "Return rate"
    RETURNER = "RETURNER", "Serial returner"
    RECEIPT = "RECEIPT", "Receipt abuse"


class Dimension(models.TextChoices):
    SKU = "SKU", "Article"
    CHANNEL = "CHANNEL", "Channel"
    STORE = "STORE", "Store"
    CUSTOMER = "CUSTOMER", "Customer"


class SignalQuerySet(ScopedQuerySet):
    """Figures of one store are for that store's people; all others for people without a site limit."""

    channel_path = "channel"

    def for_sites(self, sites: frozenset[int] | None) -> Self:
        return self.all() if sites is None else self.filter(site__in=sites)

    def standing(self) -> Self:
        return self.filter(ended_at__isnull=True)


class ReturnSignal(models.Model):
    """Something of one SKU, channel, store or customer that stands out, with the figures that say so.

    Found and ended by services.signals alone; it is never a reason to refuse anybody anything by itself.
    """

    kind = models.CharField(max_length=8, choices=SignalKind)
    dimension = models.CharField(max_length=8, choices=Dimension)
    key = models.CharField(max_length=160, help_text="The item's, channel's or location's id, or who the customer is")
    label = models.CharField(max_length=255)
    site = models.ForeignKey("core.Site", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=40, blank=True)
    figures = models.JSONField(default=dict)
    chance = models.FloatField(help_text="How often as much would come back although nothing changed")
    found_at = models.DateTimeField(default=timezone.now)
    measured_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    objects = SignalQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=SignalKind.values), name="signal_kind_is_known"),
            models.CheckConstraint(condition=Q(dimension__in=Dimension.values), name="signal_dimension_is_known"),
            models.UniqueConstraint(
                fields=("kind", "dimension", "key"), condition=Q(ended_at__isnull=True), name="a_signal_stands_once"
            ),
            models.CheckConstraint(condition=Q(chance__gte=0, chance__lte=1), name="a_chance_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.label}"
