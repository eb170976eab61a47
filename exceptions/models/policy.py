"""How long people have, by first match."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from exceptions.models.rule import Rule


class SlaPolicy(Rule):
    """One version of a rule that says how many minutes the cases it matches get."""

    acknowledge_minutes = models.PositiveIntegerField()
    resolve_minutes = models.PositiveIntegerField()
    warn_minutes = models.PositiveIntegerField(default=60, help_text="Warn this long before resolve is due")
    business_time = models.BooleanField(default=True, help_text="Off: round the clock")

    class Meta(Rule.Meta):
        verbose_name = "service level rule"
        constraints = [
            models.UniqueConstraint(fields=("code", "version"), name="a_rule_version_is_written_once"),
            models.UniqueConstraint(
                fields=("code",), condition=Q(current=True), name="one_version_of_a_rule_is_current"
            ),
            models.CheckConstraint(
                condition=Q(resolve_minutes__gt=0) & Q(acknowledge_minutes__gt=0), name="a_rule_gives_some_time"
            ),
        ]
