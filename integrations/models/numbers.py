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


class NumberSequence(models.Model):
    """Numbers we give to documents for one partner, without gaps: the row is locked until the document is kept."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="number_sequences")
    name = models.CharField(max_length=20)
    last = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "name"], name="a_sequence_is_the_partners_own")]

    def __str__(self) -> str:
        return f"{self.name} {self.last}"


class OutgoingDocument(models.Model):
    """A document of ours for a partner, word by word, under a number used once. Written by integrations.outgoing.

    `key` says what it is about: whatever is repeated, it is this document. `facts` is what later ones build on.
    """

    class Answer(models.TextChoices):
        NONE = "", "Not answered"
        ACCEPTED = "ACCEPTED", "Accepted"
        ERRORS = "ERRORS", "Accepted with errors"
        REFUSED = "REFUSED", "Refused"

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="outgoing_documents")
    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=10)
    number = models.BigIntegerField()
    reference = models.CharField(max_length=120, blank=True)
    text = models.TextField()
    facts = models.JSONField(default=dict)
    made_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=8, choices=Answer.choices, blank=True, default="", db_default="")
    answer_words = models.CharField(max_length=500, blank=True, default="", db_default="")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "key"], name="a_document_is_made_once"),
            models.UniqueConstraint(fields=["connection", "number"], name="a_number_of_ours_is_used_once"),
            models.CheckConstraint(
                condition=models.Q(answer__in=["", "ACCEPTED", "ERRORS", "REFUSED"]), name="an_answer_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["connection", "reference"], name="outgoing_by_reference"),
            models.Index(fields=["id"], condition=models.Q(answer__in=["ERRORS", "REFUSED"]), name="outgoing_refused"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"
