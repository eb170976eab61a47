"""How long each step of a return may take."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.scoping import ScopedQuerySet
from returns import clocks


class ReturnTarget(models.Model):
    """Hours a step may take here; where there is no row, those of returns.clocks."""

    step = models.CharField(
        max_length=12, choices=[(step, words) for step, words in clocks.TITLES.items()], unique=True
    )
    hours = models.PositiveIntegerField()

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("step",)
        constraints = [
            models.CheckConstraint(condition=Q(step__in=list(clocks.TITLES)), name="return_step_is_known"),
            models.CheckConstraint(condition=Q(hours__gte=1, hours__lte=8760), name="return_target_is_sane"),
        ]

    def __str__(self) -> str:
        return f"{self.get_step_display()}: {self.hours} h"
