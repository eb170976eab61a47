"""How long people have, by first match."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class SlaPolicy(models.Model):
    """One version of one rule: which cases it is for, and how many minutes they get.

    A version never changes once written; revising a rule writes the next version and retires this one. Cases keep the
    version they were opened under. An empty match field matches everything; `reason` may end in `*`.
    """

    code = models.SlugField(max_length=60)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=120)
    position = models.PositiveIntegerField(default=100, help_text="The first rule that matches wins")
    reason = models.CharField(max_length=80, blank=True)
    queue = models.ForeignKey("exceptions.Queue", null=True, blank=True, on_delete=models.PROTECT)
    site = models.ForeignKey("core.Site", null=True, blank=True, on_delete=models.PROTECT)
    minimum_severity = models.PositiveSmallIntegerField(default=0)
    acknowledge_minutes = models.PositiveIntegerField()
    resolve_minutes = models.PositiveIntegerField()
    warn_minutes = models.PositiveIntegerField(default=60, help_text="Warn this long before resolve is due")
    business_time = models.BooleanField(default=True, help_text="Off: round the clock")
    current = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "service level rule"
        ordering = ("position", "pk")
        constraints = [
            models.UniqueConstraint(fields=("code", "version"), name="a_rule_version_is_written_once"),
            models.UniqueConstraint(
                fields=("code",), condition=Q(current=True), name="one_version_of_a_rule_is_current"
            ),
            models.CheckConstraint(
                condition=Q(resolve_minutes__gt=0) & Q(acknowledge_minutes__gt=0), name="a_rule_gives_some_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.version}"

    def matches(self, *, reason: str, queue: str, site_id: int | None, severity: int) -> bool:
        wanted = self.reason
        if wanted and not (reason.startswith(wanted[:-1]) if wanted.endswith("*") else reason == wanted):
            return False
        if self.queue_id and self.queue_id != queue:
            return False
        if self.site_id and self.site_id != site_id:
            return False
        return severity >= self.minimum_severity
