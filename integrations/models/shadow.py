"""What a connection in shadow would have done."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from integrations.models.connections import Connection
from integrations.models.messages import InboundMessage


class ShadowResult(models.Model):
    """One message read in shadow: what it would have come to, beside what another connection made of the same order."""

    class Outcome(models.TextChoices):
        SAME = "SAME", "The same"
        DIFFERS = "DIFFERS", "Differs"
        MISSING = "MISSING", "Nobody has it"
        OTHER = "OTHER", "Something else"
        FAILED = "FAILED", "Would fail"

    message = models.OneToOneField(InboundMessage, on_delete=models.PROTECT, related_name="shadow")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="shadows", db_index=False)
    outcome = models.CharField(max_length=8, choices=Outcome)
    order_ref = models.CharField(max_length=120, blank=True)
    order_number = models.CharField(max_length=20, blank=True, help_text="The order it was compared with")
    would = models.CharField(max_length=500)
    figures = models.JSONField(default=list, help_text="Those that differ: path, came, stored")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["SAME", "DIFFERS", "MISSING", "OTHER", "FAILED"]),
                name="shadow_outcome_is_known",
            ),
        ]
        indexes = [
            models.Index(fields=["connection", "-id"], name="shadow_by_connection"),
            models.Index(fields=["connection", "outcome", "-id"], name="shadow_by_outcome"),
        ]

    def __str__(self) -> str:
        return f"message {self.message_id} {self.outcome}"
