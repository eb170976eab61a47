"""What an order's money is made of, as a ledger: rows are added and never changed; a trigger refuses."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from finance.models.entity import Entity
from orders.models import Order, OrderLine


class ChargeKind(models.TextChoices):
    SALE = "sale", "Sale"
    TAX = "tax", "Tax"
    SHIPPING = "shipping", "Shipping"
    DISCOUNT = "discount", "Discount"
    FEE = "fee", "Fee"
    REFUND = "refund", "Refund"
    ADJUSTMENT = "adjustment", "Adjustment"
    CHARGEBACK = "chargeback", "Chargeback"


class Party(models.TextChoices):
    MERCHANT = "merchant", "Us"
    MARKETPLACE = "marketplace", "The marketplace"
    SUPPLIER = "supplier", "The supplier"


class Side(models.TextChoices):
    """Whose money it is: what the buyer owes for the order, or what those in between keep of it."""

    BUYER = "buyer", "The buyer's"
    PROVIDER = "provider", "The provider's"


class ChargeQuerySet(ScopedQuerySet):
    channel_path = "order__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> ChargeQuerySet:
        return self.all() if sites is None else self.filter(order__in=Order.objects.for_sites(sites))

    def of_the_buyer(self) -> ChargeQuerySet:
        """What adds up to what the order is worth now."""
        return self.filter(side=Side.BUYER)


class Charge(models.Model):
    """One movement of an order's money. Positive is owed to us; a correction is another row, so sums stay true.

    `amount` is in the shop's currency, `presentment_amount` in the one the buyer saw, each to its currency's smallest
    coin; `rate` is the second per unit of the first where they differ. `occurred_at` is when it happened, `booked_on`
    the day it counts in the books: the same, or the first open day after a locked period (`late_from` says which day
    it belonged to). `key` says what the row is of, for ever.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="charges", db_index=False)
    line = models.ForeignKey(OrderLine, null=True, on_delete=models.PROTECT, related_name="charges", db_index=False)
    entity = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=ChargeKind)
    side = models.CharField(max_length=8, choices=Side, default=Side.BUYER, db_default=Side.BUYER)
    amount = MoneyField()
    currency = models.CharField(max_length=3)
    presentment_amount = MoneyField()
    presentment_currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    tax_included = models.BooleanField(default=False, help_text="Tax: it was inside the price")
    collected_by = models.CharField(max_length=11, choices=Party, blank=True, help_text="Tax: who hands it on")
    funded_by = models.CharField(max_length=11, choices=Party, blank=True, help_text="Discount: at whose cost")
    provider_ref = models.CharField(max_length=120, blank=True)
    refund_ref = models.CharField(max_length=120, blank=True)
    shipment_ref = models.CharField(max_length=120, blank=True)
    label = models.CharField(max_length=120, blank=True, help_text="The promotion, the fee or the reason by its name")
    occurred_at = models.DateTimeField(default=timezone.now)
    booked_on = models.DateField()
    late_from = models.DateField(null=True)
    key = models.CharField(max_length=160)
    note = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)

    objects = ChargeQuerySet.as_manager()

    class Meta:
        ordering = ("order", "id")
        constraints = [
            models.UniqueConstraint(fields=("order", "key"), name="a_charge_counts_once"),
            models.CheckConstraint(condition=Q(kind__in=ChargeKind.values), name="charge_kind_is_known"),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="charge_side_is_known"),
            models.CheckConstraint(condition=~Q(amount=0), name="a_charge_is_not_nothing"),
            models.CheckConstraint(
                condition=Q(collected_by__in=("", *Party.values), funded_by__in=("", *Party.values)),
                name="charge_parties_are_known",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$", presentment_currency__regex="^[A-Z]{3}$"),
                name="charge_currencies_are_codes",
            ),
            models.CheckConstraint(
                condition=~Q(currency=F("presentment_currency")) | Q(amount=F("presentment_amount"), rate__isnull=True),
                name="one_currency_has_one_amount",
            ),
            models.CheckConstraint(
                condition=Q(late_from__isnull=True) | Q(late_from__lt=F("booked_on")),
                name="a_late_charge_counts_later",
            ),
        ]
        indexes = [
            models.Index(fields=("entity", "booked_on", "kind"), name="charge_by_day"),
            models.Index(fields=("line",), name="charge_by_line", condition=Q(line__isnull=False)),
            models.Index(fields=("provider_ref",), name="charge_by_provider_ref", condition=~Q(provider_ref="")),
            models.Index(fields=("refund_ref",), name="charge_by_refund_ref", condition=~Q(refund_ref="")),
            models.Index(
                Func(F("key"), Value(":"), Value(2), function="split_part", output_field=models.TextField()),
                name="charge_by_payout",
                condition=Q(side=Side.PROVIDER, kind=ChargeKind.FEE),
            ),
            models.Index(fields=("shipment_ref",), name="charge_by_shipment_ref", condition=~Q(shipment_ref="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"
