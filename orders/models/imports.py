"""Orders a program handed over in one go, to be worked through afterwards."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.fields import AsWritten, Exactly


class OrderImport(models.Model):
    """One handing over. Whose it is and which channels it may speak for is as it was when it was handed over."""

    job = models.OneToOneField("core.Job", on_delete=models.PROTECT, primary_key=True, related_name="order_import")
    client = models.CharField(max_length=60)
    label = models.CharField(max_length=120)
    channels = ArrayField(models.CharField(max_length=60), null=True, help_text="Codes; null: every channel")

    def __str__(self) -> str:
        return f"import {self.pk} of {self.label}"


class OrderImportRow(models.Model):
    """One order as it was sent, and what became of it: the answer it would have got alone."""

    parent = models.ForeignKey(OrderImport, on_delete=models.CASCADE, related_name="rows")
    index = models.PositiveIntegerField()
    sent = models.JSONField(encoder=Exactly, decoder=AsWritten)
    status = models.PositiveSmallIntegerField(null=True, help_text="As HTTP counts them; null: not looked at yet")
    said = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("parent", "index"), name="import_row_once")]

    def __str__(self) -> str:
        return f"{self.parent_id}[{self.index}]"
