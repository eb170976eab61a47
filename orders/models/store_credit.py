"""Money of a customer's that we keep: store credit and gift cards, as a ledger."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from core.subjects import Subject
from orders.models.channel import Channel
from orders.models.order import MONEY_LIMIT, Order


class CreditKind(models.TextChoices):
    CREDIT = "CREDIT", "Store credit"
    GIFT_CARD = "GIFT_CARD", "Gift card"


class StoreCreditQuerySet(ScopedQuerySet):
    channel_path = "channel__code"


class StoreCredit(models.Model):
    """What one customer, or whoever holds the card, has with us. The balance is the sum of its entries: triggers add
    each entry, refuse any other change of it, and the database refuses one below nothing."""

    code = models.CharField(max_length=24, unique=True, help_text="What the customer shows or types in")
    kind = models.CharField(max_length=9, choices=CreditKind, default=CreditKind.CREDIT)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="store_credits", db_index=False)
    holder = models.CharField(max_length=255, blank=True, help_text="E-mail of the customer; empty: whoever has it")
    currency = models.CharField(max_length=3)
    balance = MoneyField(default=0)
    opened_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = StoreCreditQuerySet.as_manager()

    class Meta:
        permissions = [
            ("give_storecredit", "Can give and take store credit"),
            ("approve_storecredit", "Can agree to store credit above the limit"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=CreditKind.values), name="credit_kind_is_known"),
            models.CheckConstraint(
                condition=Q(balance__gte=0, balance__lt=MONEY_LIMIT), name="a_credit_is_never_below_nothing"
            ),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="credit_currency_is_a_code"),
            models.UniqueConstraint(
                fields=("channel", "holder", "currency"),
                condition=Q(kind="CREDIT") & ~Q(holder=""),
                name="a_customer_has_one_credit_per_currency",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def subject(self) -> Subject:
        return Subject("store_credit", str(self.pk), self.code)


class StoreCreditEntry(models.Model):
    """One change of a credit, once per key. Rows are added and never changed: a trigger refuses."""

    credit = models.ForeignKey(StoreCredit, on_delete=models.PROTECT, related_name="entries", db_index=False)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    amount = MoneyField(help_text="Positive: the customer has more")
    balance_after = MoneyField(default=0, help_text="Written by the database")
    key = models.CharField(max_length=160, unique=True)
    why = models.CharField(max_length=255, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="a_credit_entry_is_not_nothing"),
            models.CheckConstraint(condition=Q(balance_after__gte=0), name="no_entry_leaves_less_than_nothing"),
        ]
        indexes = [models.Index(fields=("credit", "-id"), name="credit_entry_by_credit")]

    def __str__(self) -> str:
        return f"{self.amount} of {self.credit_id}"
