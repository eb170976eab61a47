"""Rules that are tried in order, the first that matches a case being its own."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Rule(models.Model):
    """One version of one rule: which cases it is for.

    A version never changes once written; revising a rule writes the next version and retires this one. Cases keep the
    version they were opened under. An empty match field matches everything; `reason` may end in `*`. A rule switched
    off matches nothing.
    """

    code = models.SlugField(max_length=60)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=120)
    position = models.PositiveIntegerField(default=100, help_text="The first rule that matches wins")
    reason = models.CharField(max_length=80, blank=True)
    queue = models.ForeignKey("exceptions.Queue", null=True, blank=True, on_delete=models.PROTECT)
    site = models.ForeignKey("core.Site", null=True, blank=True, on_delete=models.PROTECT)
    minimum_severity = models.PositiveSmallIntegerField(default=0)
    enabled = models.BooleanField(default=True, db_default=True)
    current = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        abstract = True
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return f"{self.name}, version {self.version}"

    def matches(self, *, reason: str, queue: str, site_id: int | None, severity: int) -> bool:
        wanted = self.reason
        if not self.enabled:
            return False
        if wanted and not (reason.startswith(wanted[:-1]) if wanted.endswith("*") else reason == wanted):
            return False
        if self.queue_id and self.queue_id != queue:
            return False
        if self.site_id and self.site_id != site_id:
            return False
        return severity >= self.minimum_severity
