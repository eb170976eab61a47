"""An order's money in one row: what it is worth now, what was paid for it, and what is still owed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from orders.models import Order


class OfOrder(ScopedQuerySet):
    channel_path = "order__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> OfOrder:
        return self.all() if sites is None else self.filter(order__in=Order.objects.for_sites(sites))


class OrderMoney(models.Model):
    """The sums of an order's charges and payments; the database refuses figures that don't add up.

    `total` is what was ordered, `current` what is left of it after cancellations, returns and goodwill: what Shopify
    calls the current total. `paid` is captured minus refunded minus taken back by a bank; `outstanding` is owed to us,
    below zero to the buyer.
    """

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="money", primary_key=True)
    currency = models.CharField(max_length=3)
    total = MoneyField(default=0)
    credited = MoneyField(default=0)
    current = MoneyField(default=0)
    captured = MoneyField(default=0)
    refunded = MoneyField(default=0)
    disputed = MoneyField(default=0)
    paid = MoneyField(default=0)
    outstanding = MoneyField(default=0)
    fees = MoneyField(default=0, help_text="What those in between kept")
    presentment_currency = models.CharField(max_length=3)
    presentment_current = MoneyField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = OfOrder.as_manager()

    class Meta:
        verbose_name_plural = "order money"
        constraints = [
            models.CheckConstraint(
                condition=Q(current=F("total") - F("credited")), name="what_is_current_is_total_less_credits"
            ),
            models.CheckConstraint(
                condition=Q(paid=F("captured") - F("refunded") - F("disputed")), name="paid_is_captured_less_given_back"
            ),
            models.CheckConstraint(
                condition=Q(outstanding=F("current") - F("paid")), name="outstanding_is_current_less_paid"
            ),
        ]
        indexes = [models.Index(fields=("order",), name="order_money_open", condition=~Q(outstanding=0))]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.current} {self.currency}"


class ThreeWay(models.Model):
    """An order of which the order, the payment provider and the ERP say three different things; ended when they agree.

    Empty is what nobody said: no payment is known, or nothing went to the ERP.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="three_way", db_index=False)
    currency = models.CharField(max_length=3)
    ordered = MoneyField(null=True)
    provided = MoneyField(null=True)
    posted = MoneyField(null=True)
    found_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    cleared_at = models.DateTimeField(null=True)

    objects = OfOrder.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=("order",), condition=Q(cleared_at__isnull=True), name="an_order_differs_once_at_a_time"
            )
        ]
        indexes = [models.Index(fields=("-id",), name="three_way_open", condition=Q(cleared_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.ordered}, {self.provided}, {self.posted}"
