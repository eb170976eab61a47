"""Files people put on a case."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class CaseAttachment(models.Model):
    """A file as it was given, kept in the database so that it is saved, restored and erased with its case.

    Its type is what its content is, never what its name says; see services/attachments.py.
    """

    case = models.ForeignKey("exceptions.Case", on_delete=models.CASCADE, related_name="attachments")
    label = models.CharField(max_length=120, help_text="What the person called it; never used as a file name")
    kind = models.CharField(max_length=10, help_text="One of services.attachments.KINDS")
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(size__gt=0), name="an_attachment_holds_something"),
            models.UniqueConstraint(fields=("case", "sha256"), name="a_file_is_attached_once"),
        ]

    @property
    def filename(self) -> str:
        """A name that says nothing of its origin and can't run anywhere."""
        return f"EX-{self.case_id}-{self.pk}.{self.kind}"
