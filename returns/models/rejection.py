"""What becomes of rejected goods: they are the customer's, so the customer has a word in it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from core.states import StateMachine
from orders.canonical import MAX_QUANTITY
from returns.models.inspection import Inspection
from returns.models.label import ReturnLabel
from returns.models.receiving import BenchQuerySet


class ChoiceKind(models.TextChoices):
    BACK = "BACK", "Back to the customer"
    KEEP = "KEEP", "Ours to keep"
    SCRAP = "SCRAP", "Scrapped"


class ChoiceStatus(models.TextChoices):
    WAITING = "WAITING", "To be handed over"
    DONE = "DONE", "Done"
    CANCELLED = "CANCELLED", "Called off"


class RejectionChoice(StateMachine):
    """What was agreed about units of one rejected inspection, once per `key`.

    BACK waits for its parcel to be handed over (`label`; none: over the counter). KEEP and SCRAP need the customer's
    consent, in `words`, and are done at once. `cost` is what the parcel costs us.
    """

    MOVES = {ChoiceStatus.WAITING: {ChoiceStatus.DONE, ChoiceStatus.CANCELLED}}

    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="choices")
    line = models.ForeignKey("returns.ReturnLine", on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey("inventory.Location", on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=5, choices=ChoiceKind)
    status = models.CharField(max_length=9, choices=ChoiceStatus, default=ChoiceStatus.WAITING)
    version = models.PositiveIntegerField(default=1)
    quantity = models.PositiveIntegerField()
    words = models.CharField(max_length=500, blank=True, help_text="What the customer said, and how")
    label = models.ForeignKey(ReturnLabel, null=True, on_delete=models.PROTECT, related_name="choices")
    cost = MoneyField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    key = models.CharField(max_length=120, unique=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)

    objects = BenchQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0, quantity__lte=MAX_QUANTITY), name="choice_is_sane"),
            models.CheckConstraint(condition=Q(kind__in=ChoiceKind.values), name="choice_is_known"),
            models.CheckConstraint(condition=Q(status__in=ChoiceStatus.values), name="choice_status_is_known"),
            models.CheckConstraint(
                condition=Q(kind="BACK") | Q(words__gt=""), name="what_stays_here_has_the_customers_word"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity}: {self.get_kind_display()}"
