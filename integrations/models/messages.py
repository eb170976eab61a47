"""What came in, byte for byte, and what went out."""

from __future__ import annotations

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from integrations.failures import FailureClass
from integrations.models.connections import Connection


class MessageQuerySet(ScopedQuerySet):
    """Messages belong to connections, which belong to the whole company."""

    channel_path = "connection__channel__code"

    def without_body(self) -> MessageQuerySet:
        return self.defer("body", "headers")


class InboundMessage(StateMachine):
    """One delivery from outside. Stored before it is understood; its bytes never change."""

    class Status(models.TextChoices):
        RECEIVED = "RECEIVED", "Received"
        PROCESSED = "PROCESSED", "Processed"
        DUPLICATE = "DUPLICATE", "Duplicate"
        FAILED = "FAILED", "Failed"
        IGNORED = "IGNORED", "Ignored"

    class Verdict(models.TextChoices):
        GOOD = "GOOD", "Signature is right"
        NONE = "NONE", "Not signed (file or poll)"

    MOVES = {
        Status.RECEIVED: {Status.PROCESSED, Status.DUPLICATE, Status.FAILED, Status.IGNORED},
        Status.FAILED: {Status.RECEIVED, Status.IGNORED},
        Status.IGNORED: {Status.RECEIVED},
        Status.PROCESSED: set(),
        Status.DUPLICATE: set(),
    }

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="messages")
    external_id = models.CharField(max_length=200)
    topic = models.CharField(max_length=100, blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    verdict = models.CharField(max_length=6, choices=Verdict.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RECEIVED)
    failure_class = models.CharField(max_length=20, choices=FailureClass.choices, blank=True)
    reason = models.TextField(blank=True)
    faults = models.JSONField(default=list)  # every fault with its path; `reason` says the first few
    waits_for = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    lease_token = models.UUIDField(null=True)
    mapping_version = models.CharField(max_length=40, blank=True)
    # What it turned into, so lists need no join: an order, a refund's order …
    result_kind = models.CharField(max_length=30, blank=True)
    result_uid = models.CharField(max_length=64, blank=True)
    result_label = models.CharField(max_length=100, blank=True)
    received_at = models.DateTimeField(db_default=Now())
    processed_at = models.DateTimeField(null=True)
    correlation_id = models.CharField(max_length=64, blank=True)
    copies = models.PositiveIntegerField(default=0)  # later deliveries with the same external id
    # A person's version that is read in place of the bytes that came; these stay as they are.
    edit = models.ForeignKey(
        "integrations.MessageEdit", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = "message"
        constraints = [
            models.UniqueConstraint(fields=["connection", "external_id"], name="a_delivery_is_kept_once"),
            models.CheckConstraint(
                condition=Q(status__in=["RECEIVED", "PROCESSED", "DUPLICATE", "FAILED", "IGNORED"]),
                name="message_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="FAILED") | (~Q(failure_class="") & ~Q(reason="")),
                name="a_failed_message_says_why",
            ),
            models.CheckConstraint(condition=~Q(status="IGNORED") | ~Q(reason=""), name="an_ignored_message_says_why"),
        ]
        indexes = [
            models.Index(fields=["next_at", "id"], condition=Q(status="RECEIVED"), name="message_due"),
            models.Index(fields=["waits_for"], condition=~Q(waits_for=""), name="message_waiting"),
            models.Index(
                fields=["connection", "failure_class", "topic"], condition=Q(status="FAILED"), name="message_alike"
            ),
            models.Index(fields=["status", "-id"], name="message_by_status"),
            models.Index(fields=["connection", "-id"], name="message_by_connection"),
            models.Index(OpClass("external_id", name="text_pattern_ops"), name="message_external_id"),
            models.Index(OpClass("result_label", name="text_pattern_ops"), name="message_result"),
        ]
        permissions = [
            ("reprocess_inboundmessage", "Can reprocess and discard messages"),
            ("see_message_payload", "Can see and download unmasked payloads"),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("message", str(self.pk), f"Message {self.pk}")

    @property
    def content(self) -> bytes:
        """What is read of it: the last version a person made, else the bytes that came."""
        return bytes(self.edit.body if self.edit_id and self.edit else self.body)

    @property
    def result(self) -> Subject | None:
        return Subject(self.result_kind, self.result_uid, self.result_label) if self.result_kind else None


class MessageEdit(models.Model):
    """A version of a message that a person made because the bytes that came could not be taken. Never changed."""

    message = models.ForeignKey(InboundMessage, on_delete=models.PROTECT, related_name="edits")
    number = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    by_kind = models.CharField(max_length=12)
    by_uid = models.CharField(max_length=64)
    by_label = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="a_version_of_a_message_has_one_number"),
            models.CheckConstraint(condition=~Q(reason=""), name="an_edited_message_says_why"),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of message {self.message_id}"


class OutboundCall(models.Model):
    """One call Backroom made, without its secrets. Kept for a month: it explains, it is not a record of effects."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="calls")
    method = models.CharField(max_length=8)
    url = models.CharField(max_length=500)
    purpose = models.CharField(max_length=100, blank=True)
    about = models.CharField(max_length=64, blank=True, db_default="", help_text="The uid of the fact it carried")
    status = models.PositiveSmallIntegerField(null=True)
    failure_class = models.CharField(max_length=20, choices=FailureClass.choices, blank=True)
    error = models.CharField(max_length=500, blank=True)
    request_excerpt = models.TextField(blank=True)
    response_excerpt = models.TextField(blank=True)
    duration_ms = models.PositiveIntegerField(default=0)
    correlation_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["connection", "-id"], name="call_by_connection"),
            models.Index(fields=["at"], name="call_by_age"),
            # A call was made for a fact or, to fetch something, for none: each is in one of the two.
            models.Index(fields=["about"], condition=~Q(about=""), name="call_for_fact"),
            models.Index(fields=["correlation_id"], condition=Q(about=""), name="call_by_cause"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.url} {self.status or self.error}"
