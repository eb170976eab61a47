"""Units kept back from promises: which rule says so, for whom, where and of what."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models.items import Item
from inventory.models.locations import Location


class RuleKind(models.TextChoices):
    SAFETY = "SAFETY", "Safety stock"  # kept back from everybody
    BUFFER = "BUFFER", "Channel buffer"  # kept back from a channel (or all), because its figures lag


class Measure(models.TextChoices):
    UNITS = "UNITS", "Units"
    PERCENT = "PERCENT", "Percent of sellable"
    DERIVED = "DERIVED", "Measured: feed lag × sell rate"


class BufferRuleQuerySet(ScopedQuerySet):
    """Rules of one site's location are that site's; rules for every location are everyone's to see."""

    site_path = "location__site_id"
    siteless_is_shared = True

    def in_force(self) -> BufferRuleQuerySet:
        return self.filter(active=True)


@pghistory.track()
class BufferRule(models.Model):
    """So many units stay out of the promise. An empty channel, location or item means every one of them.

    `amount` is units, percent of what is sellable there, or a multiple of feed lag × sell rate, as `measure` says; the
    result is rounded up and kept between `at_least` and `at_most`. Which of several rules wins is decided in
    inventory.availability: the more specific one. Channels are known here by code only.
    """

    kind = models.CharField(max_length=6, choices=RuleKind, default=RuleKind.BUFFER)
    channel = models.CharField(max_length=40, blank=True, help_text="Code of the channel; empty means every channel")
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.PROTECT, related_name="buffer_rules")
    item = models.ForeignKey(Item, null=True, blank=True, on_delete=models.PROTECT, related_name="buffer_rules")
    attribute_key = models.CharField(max_length=60, blank=True)
    attribute_value = models.CharField(max_length=200, blank=True)
    measure = models.CharField(max_length=7, choices=Measure, default=Measure.UNITS)
    amount = models.DecimalField(max_digits=9, decimal_places=2)
    at_least = models.PositiveIntegerField(default=0)
    at_most = models.PositiveIntegerField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = BufferRuleQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        permissions = [("change_stock_rules", "Can change buffers and safety stock")]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=RuleKind.values), name="buffer_kind_is_known"),
            models.CheckConstraint(condition=Q(measure__in=Measure.values), name="buffer_measure_is_known"),
            models.CheckConstraint(
                condition=~Q(kind="SAFETY") | Q(channel=""), name="safety_stock_is_for_every_channel"
            ),
            models.CheckConstraint(
                condition=~Q(measure="DERIVED") | Q(kind="BUFFER"), name="only_a_channel_buffer_follows_a_feed"
            ),
            models.CheckConstraint(
                condition=Q(item__isnull=True) | Q(attribute_key=""), name="a_buffer_names_an_item_or_an_attribute"
            ),
            models.CheckConstraint(
                condition=Q(attribute_key="", attribute_value="") | ~(Q(attribute_key="") | Q(attribute_value="")),
                name="an_attribute_has_key_and_value",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0, amount__lte=1_000_000), name="buffer_amount_is_sane"),
            models.CheckConstraint(
                condition=~Q(measure="PERCENT") | Q(amount__lte=100), name="a_buffer_keeps_at_most_everything"
            ),
            models.CheckConstraint(
                condition=Q(at_most__isnull=True) | Q(at_most__gte=F("at_least")), name="buffer_bounds_are_in_order"
            ),
            models.UniqueConstraint(
                fields=("kind", "channel", "location", "item", "attribute_key", "attribute_value"),
                name="one_buffer_rule_per_scope",
                condition=Q(active=True),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class SellRate(models.Model):
    """How many units a day of an item leave a location for customers, measured from its movements by a timer."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, db_index=False, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.CASCADE, db_index=False, related_name="+")
    per_day = models.DecimalField(max_digits=12, decimal_places=4)
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("item", "location"), name="one_sell_rate_per_item_and_location"),
            models.CheckConstraint(condition=Q(per_day__gte=0), name="sell_rate_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.per_day} a day of {self.item_id} at {self.location_id}"
