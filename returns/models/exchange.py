"""Something else instead of what came back: the link between a return and the order that replaces it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from core.states import StateMachine
from orders.models import Order
from orders.models.order import MONEY_LIMIT
from orders.models.payment import MoneyQuerySet
from returns.models.request import ReturnRequest


class ExchangeStatus(models.TextChoices):
    HELD = "HELD", "Sent ahead, goods awaited"
    PLACED = "PLACED", "Placed, goods awaited"
    SETTLED = "SETTLED", "Settled"
    CHARGED = "CHARGED", "Goods never came: charged"
    CANCELLED = "CANCELLED", "Cancelled"


class Exchange(StateMachine):
    """One replacement order of one return. `credit` is what the returned units are worth, `worth` the new ones.

    Even: the two are equal. Up: the customer pays the difference before anything leaves. Down: they get it back when
    the goods were accepted. An advance exchange (HELD) leaves before the goods are back, once `worth` is held on the
    customer's payment: let go when they come, taken after `due_at`.
    """

    MOVES = {
        # Goods come first after all where nothing could be held for what had not left yet.
        ExchangeStatus.HELD: {
            ExchangeStatus.SETTLED, ExchangeStatus.CHARGED, ExchangeStatus.CANCELLED, ExchangeStatus.PLACED,
        },
        ExchangeStatus.PLACED: {ExchangeStatus.SETTLED, ExchangeStatus.CANCELLED},
        ExchangeStatus.CHARGED: {ExchangeStatus.SETTLED},
    }  # fmt: skip

    request = models.ForeignKey(ReturnRequest, on_delete=models.PROTECT, related_name="exchanges")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="exchange")
    status = models.CharField(max_length=9, choices=ExchangeStatus)
    version = models.PositiveIntegerField(default=1)
    currency = models.CharField(max_length=3)
    credit = MoneyField()
    worth = MoneyField()
    advance = models.BooleanField(default=False)
    lines = models.JSONField(default=list, help_text="[{line, quantity}] of the return that it replaces")
    key = models.CharField(max_length=120, unique=True)
    asked_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True, help_text="Of an advance exchange: when the hold is taken")
    settled_at = models.DateTimeField(null=True)

    objects = MoneyQuerySet.as_manager()

    class Meta:
        permissions = [("exchange_return", "Can exchange what is returned")]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ExchangeStatus.values), name="exchange_status_is_known"),
            models.CheckConstraint(
                condition=Q(credit__gte=0, credit__lt=MONEY_LIMIT, worth__gte=0, worth__lt=MONEY_LIMIT),
                name="exchange_money_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(advance=False, due_at__isnull=True) | Q(advance=True, due_at__isnull=False),
                name="an_advance_exchange_ends_some_day",
            ),
            models.UniqueConstraint(
                fields=("request",),
                condition=Q(status__in=["HELD", "PLACED"]),
                name="a_return_has_one_exchange_at_a_time",
            ),
        ]
        indexes = [models.Index(fields=("due_at",), name="exchange_due", condition=Q(status="HELD"))]

    def __str__(self) -> str:
        return f"{self.request} for {self.order}"

    @property
    def difference(self):
        """What the customer still pays (positive) or gets back (negative)."""
        return self.worth - self.credit
