"""Businesses that buy on terms: what they owe, how much of it is allowed, and who said yes to more."""

from __future__ import annotations

import re
from typing import Any, Self

import pghistory
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from core.subjects import Subject
from orders.models.channel import Channel
from orders.models.order import MONEY_LIMIT, Order
from orders.models.payment import MoneyQuerySet

PREPAID = "PREPAID"
TERMS = re.compile(r"PREPAID|NET[1-9][0-9]{0,2}")  # paid before anything leaves, or so many days after the invoice


class AccountQuerySet(ScopedQuerySet):
    """An API key of some channels sees their accounts and those that buy at any channel."""

    def for_caller(self, caller: Any) -> Self:
        if caller is None:
            return self.none()
        if caller.channels is None:
            return self.all()
        return self.filter(Q(channel__isnull=True) | Q(channel__code__in=caller.channels))

    def at(self, channel_id: int) -> Self:
        """Those that may buy at this channel."""
        return self.filter(Q(channel__isnull=True) | Q(channel=channel_id))


@pghistory.track()
class Account(models.Model):
    """One business customer. Its orders name it by `code`; what they may owe together is the credit limit."""

    code = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    channel = models.ForeignKey(
        Channel,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="accounts",
        help_text="Where it buys; empty means at any channel",
    )
    currency = models.CharField(max_length=3)
    payment_terms = models.CharField(max_length=7, default="NET30", help_text="PREPAID, or NET and days: NET30")
    credit_limit = MoneyField(null=True, blank=True, help_text="What it may owe; empty means no limit is watched")
    requires_approval = models.BooleanField(default=False, help_text="A person approves its orders before picking")
    approval_above = MoneyField(null=True, blank=True, help_text="Only orders over this; empty means every order")
    tax_id = models.CharField(max_length=40, blank=True, default="", db_default="", help_text="Its VAT or tax number")
    on_stop = models.BooleanField(default=False, help_text="Nothing more goes out on credit")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="account_currency_is_a_code"),
            models.CheckConstraint(
                condition=Q(payment_terms__regex=f"^({TERMS.pattern})$"), name="account_terms_are_known"
            ),
            models.CheckConstraint(
                condition=Q(credit_limit__isnull=True) | Q(credit_limit__gte=0, credit_limit__lt=MONEY_LIMIT),
                name="credit_limit_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(approval_above__isnull=True) | Q(approval_above__gte=0, approval_above__lt=MONEY_LIMIT),
                name="approval_limit_is_sane",
            ),
        ]
        indexes = [models.Index(fields=("name", "id"), name="account_by_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> Subject:
        return Subject("account", str(self.pk), self.code)


class ApprovalKind(models.TextChoices):
    APPROVAL = "APPROVAL", "Approved"
    CREDIT = "CREDIT", "Let through on credit"


class Approval(models.Model):
    """A person's word that an order may go on up to this total. Never changed or taken back: a trigger refuses."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="approvals")
    kind = models.CharField(max_length=8, choices=ApprovalKind)
    total = MoneyField()
    currency = models.CharField(max_length=3)
    note = models.CharField(max_length=255, blank=True)
    actor_kind = models.CharField(max_length=12)
    actor_uid = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    objects = MoneyQuerySet.as_manager()

    class Meta:
        permissions = [
            ("approve_order", "Can approve an order before it is picked"),
            ("grant_credit", "Can let an order through over its account's credit limit"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ApprovalKind.values), name="approval_kind_is_known"),
            models.CheckConstraint(condition=Q(total__gte=0, total__lt=MONEY_LIMIT), name="approval_total_is_sane"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} up to {self.total} {self.currency}"
