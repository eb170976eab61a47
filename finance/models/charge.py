"""What an order's money is made of, as a ledger: rows are added and never changed; a trigger refuses."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from orders.models import Order


class ChargeKind(models.TextChoices):
    SALE = "sale", "Sale"
    TAX = "tax", "Tax"
    SHIPPING = "shipping", "Shipping"
    DISCOUNT = "discount", "Discount"
    FEE = "fee", "Fee"
    REFUND = "refund", "Refund"
    ADJUSTMENT = "adjustment", "Adjustment"
    CHARGEBACK = "chargeback", "Chargeback"


class ChargeQuerySet(ScopedQuerySet):
    channel_path = "order__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> ChargeQuerySet:
        return self.all() if sites is None else self.filter(order__in=Order.objects.for_sites(sites))


class Charge(models.Model):
    """One movement of an order's money. Positive is owed to us; a correction is another row, so sums stay true."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="charges", db_index=False)
    kind = models.CharField(max_length=10, choices=ChargeKind)
    amount = MoneyField()
    currency = models.CharField(max_length=3)
    key = models.CharField(max_length=80)
    note = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)

    objects = ChargeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("order", "key"), name="a_charge_counts_once"),
            models.CheckConstraint(condition=Q(kind__in=ChargeKind.values), name="charge_kind_is_known"),
            models.CheckConstraint(condition=~Q(amount=0), name="a_charge_is_not_nothing"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"
