"""When an order is held, as data; and the prices it is compared with."""

from __future__ import annotations

from decimal import Decimal

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from orders.holding import Trigger
from orders.models.channel import Channel
from orders.models.hold import Blocks, HoldType
from orders.models.order import MONEY_LIMIT


class HoldRuleQuerySet(ScopedQuerySet):
    pass


@pghistory.track()
class HoldRule(models.Model):
    """One rule. `tests` all have to be true (orders.holding says which there are); `then` names the rule whose hold
    follows when a person resolves this one. Changed only by services.hold_rules, which refuses loops and counts `stamp`
    up, so that every process notices; never deleted."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=HoldType)
    trigger = models.CharField(max_length=6, choices=[(each.value, each.value) for each in Trigger])
    tests = models.JSONField(default=list)
    blocks = models.CharField(max_length=8, choices=Blocks, default=Blocks.RELEASE)
    minutes = models.PositiveIntegerField(help_text="How long somebody may take to decide")
    then = models.SlugField(max_length=40, blank=True)
    active = models.BooleanField(default=True)
    note = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=1)
    stamp = models.PositiveBigIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.CharField(max_length=200, blank=True)

    objects = HoldRuleQuerySet.as_manager()

    class Meta:
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=HoldType.values), name="hold_rule_kind_is_known"),
            models.CheckConstraint(condition=Q(blocks__in=Blocks.values), name="hold_rule_blocks_something_known"),
            models.CheckConstraint(
                condition=Q(trigger__in=[each.value for each in Trigger]), name="hold_rule_trigger_is_known"
            ),
            models.CheckConstraint(condition=~Q(then=F("code")), name="a_hold_rule_is_not_its_own_next"),
        ]

    def __str__(self) -> str:
        return self.name


class PriceQuerySet(ScopedQuerySet):
    channel_path = "channel__code"


class PriceListEntry(models.Model):
    """What an article should cost at a channel for a while; `tolerance` is how many percent off still pass."""

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="prices", db_index=False)
    sku = models.CharField(max_length=120)
    price = MoneyField()
    currency = models.CharField(max_length=3)
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)
    tolerance = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal(0))
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.CharField(max_length=200, blank=True)

    objects = PriceQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "price list entries"
        ordering = ("channel", "sku", "valid_from")
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0, price__lt=MONEY_LIMIT), name="list_price_is_sane"),
            models.CheckConstraint(condition=Q(tolerance__gte=0, tolerance__lte=100), name="price_tolerance_is_sane"),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="list_price_currency_is_a_code"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="a_price_is_valid_for_a_time"
            ),
            ExclusionConstraint(
                name="one_price_at_a_time",
                expressions=[
                    ("channel", RangeOperators.EQUAL),
                    ("sku", RangeOperators.EQUAL),
                    ("currency", RangeOperators.EQUAL),
                    (
                        Func(F("valid_from"), F("valid_to"), function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.price} {self.currency}"
