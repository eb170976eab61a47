"""How fast things sell where, and how often they are counted because of it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models.items import Item
from inventory.models.locations import Location


class PaceClass(models.TextChoices):
    A = "A"
    B = "B"
    C = "C"


class PaceQuerySet(ScopedQuerySet):
    site_path = "location__site_id"


class Pace(models.Model):
    """What left for customers of one item at one place over `days`, and its class by the value of that.

    A projection of the ledger, measured afresh by services.paces; nothing else writes it. An item without a known cost
    is ranked by its units as if each cost one.
    """

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+", db_index=False)
    sold = models.IntegerField(default=0)
    days = models.PositiveSmallIntegerField()
    worth = models.DecimalField(max_digits=24, decimal_places=4, default=0)
    abc = models.CharField(max_length=1, choices=PaceClass, default=PaceClass.C)
    measured_at = models.DateTimeField(default=timezone.now)

    objects = PaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("location", "item"), name="one_pace_per_item_and_location"),
            models.CheckConstraint(condition=Q(abc__in=PaceClass.values), name="pace_class_is_known"),
            models.CheckConstraint(condition=Q(days__gt=0), name="a_pace_is_measured_over_days"),
        ]

    def __str__(self) -> str:
        return f"{self.sold} in {self.days} days"

    @property
    def per_day(self) -> float:
        return self.sold / self.days


class CountPlan(models.Model):
    """Cycle counting at one place: A items often, C items seldom, a few lines a day."""

    location = models.OneToOneField(Location, on_delete=models.CASCADE, related_name="count_plan")
    active = models.BooleanField(default=True)
    a_share = models.PositiveSmallIntegerField(default=80, help_text="Percent of the value sold that A items make up")
    b_share = models.PositiveSmallIntegerField(default=95, help_text="Percent that A and B items make up")
    a_days = models.PositiveSmallIntegerField(default=30)
    b_days = models.PositiveSmallIntegerField(default=90)
    c_days = models.PositiveSmallIntegerField(default=180)
    lines_per_count = models.PositiveSmallIntegerField(default=25)
    measured_over = models.PositiveSmallIntegerField(default=90, help_text="Days of sales")
    opened_on = models.DateField(null=True, editable=False, help_text="The site's day of the last count it opened")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(a_share__gt=0, a_share__lte=F("b_share"), b_share__lte=100),
                name="abc_shares_rise_to_a_hundred",
            ),
            models.CheckConstraint(
                condition=Q(a_days__gt=0, a_days__lte=F("b_days"), b_days__lte=F("c_days")),
                name="what_sells_more_is_counted_more_often",
            ),
            models.CheckConstraint(
                condition=Q(lines_per_count__gt=0, measured_over__gt=0), name="a_count_plan_makes_sense"
            ),
        ]

    def __str__(self) -> str:
        return f"Plan of {self.location}"
