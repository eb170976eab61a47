"""What a model learnt from past cases, how far off it was beside the counts, and which of the two is used."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Learnt(models.Model):
    """One action of a reason, or with an empty action whether its cases miss their time. Errors are Brier scores.

    `weights` and `tenths` are suggesting.weights as JSON: what is said can be worked out by hand from the row.
    """

    reason = models.CharField(max_length=80)
    action = models.CharField(max_length=60, blank=True)
    in_use = models.BooleanField()
    because = models.CharField(max_length=300)
    learnt_on = models.PositiveIntegerField()
    held_out = models.PositiveIntegerField()
    since = models.DateTimeField(null=True, help_text="Where the part of history begins that neither had seen")
    by_counts = models.FloatField()
    by_model = models.FloatField()
    gain_low = models.FloatField(help_text="Lower end (95 %) of how much smaller the model's error is")
    weights = models.JSONField(default=dict)
    tenths = models.JSONField(default=list)
    learnt_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("reason", "action"), name="what_is_learnt_of_an_action_is_one_row"),
            models.CheckConstraint(
                condition=Q(in_use=False) | Q(gain_low__gt=0), name="a_model_is_used_only_where_it_is_surely_closer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.action or 'in time'}: {self.because}"
