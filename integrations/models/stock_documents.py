"""Adjustments of stock on their way to the ERP that keeps the books."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.subjects import Subject
from integrations.failures import FailureClass
from integrations.models.connections import Connection


class StockDocumentQuerySet(ScopedQuerySet):
    channel_path = "connection__channel__code"


class StockDocument(models.Model):
    """Units found or gone at one place by one entry of our ledger, as one document there, once by `key`."""

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        POSTED = "POSTED", "Posted"
        REJECTED = "REJECTED", "Rejected"

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="stock_documents", db_index=False)
    key = models.CharField(max_length=260, help_text="The ledger's entry, the place and the direction")
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    document = models.JSONField()
    erp_id = models.CharField(max_length=40, blank=True)
    erp_number = models.CharField(max_length=60, blank=True)
    last_error = models.TextField(blank=True)
    failure_class = models.CharField(max_length=20, choices=FailureClass, blank=True)
    prepared_at = models.DateTimeField(default=timezone.now)
    posted_at = models.DateTimeField(null=True)

    objects = StockDocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "key"], name="an_adjustment_is_told_once"),
            models.CheckConstraint(
                condition=Q(status__in=["PENDING", "POSTED", "REJECTED"]), name="stock_document_status"
            ),
            models.CheckConstraint(
                condition=~Q(status="POSTED") | ~Q(erp_number=""), name="a_posted_adjustment_has_a_number"
            ),
            models.CheckConstraint(
                condition=~Q(status="REJECTED") | ~Q(last_error=""), name="a_rejected_adjustment_says_why"
            ),
        ]
        indexes = [models.Index(fields=["status", "-id"], name="stock_document_by_status")]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        return f"ADJ-{self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("stock_document", str(self.pk), f"Adjustment {self.reference}")
