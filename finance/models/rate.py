"""What one currency was worth in another, as somebody stated it."""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from finance.models.kinds import known_currency


class ExchangeRate(models.Model):
    """One of `given` was worth `rate` of `wanted` on that day. Append-only: of two of one day the later counts.

    Books need them where a payout, its orders and its bank account aren't in one currency: what the exchange made or
    lost is what was received, less what the books had, both at their own day's rate.
    """

    given = models.CharField(max_length=3, validators=[known_currency])
    wanted = models.CharField(max_length=3, validators=[known_currency])
    on = models.DateField()
    rate = models.DecimalField(
        max_digits=20, decimal_places=10, validators=[MinValueValidator(Decimal("0.0000000001"))]
    )
    source = models.CharField(max_length=120, blank=True, help_text="Whose rate it is: the central bank, the ERP")
    stated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-on", "-id")
        constraints = [
            models.CheckConstraint(
                condition=Q(given__regex="^[A-Z]{3}$", wanted__regex="^[A-Z]{3}$"), name="rate_currencies_are_codes"
            ),
            models.CheckConstraint(condition=~Q(given=F("wanted")), name="a_rate_is_between_two_currencies"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="a_rate_is_above_nothing"),
        ]
        indexes = [models.Index(fields=("given", "wanted", "-on", "-id"), name="rate_by_day")]

    def __str__(self) -> str:
        return f"1 {self.given} = {self.rate.normalize():f} {self.wanted} on {self.on}"

    def clean(self) -> None:
        if self.given and self.given == self.wanted:
            raise ValidationError({"wanted": "A rate is between two currencies."})
