"""Numbers of documents, theirs and ours."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from integrations.models.connections import Connection
from integrations.models.messages import InboundMessage


class DocumentNumber(models.Model):
    """A number the other side gave a document, and a digest of what that said. Changed by integrations.numbers."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="document_numbers")
    number = models.CharField(max_length=300)
    says = models.CharField(max_length=64)
    message = models.ForeignKey(InboundMessage, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "number"], name="a_sender_uses_a_number_once"),
        ]

    def __str__(self) -> str:
        return self.number
