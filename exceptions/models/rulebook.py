"""Rules about cases that people edit on screen: playbooks of a reason, and when an action needs a second person."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.models import Job
from core.states import StateMachine


class RulebookKind(models.TextChoices):
    PLAYBOOK = "playbook", "Playbook"
    APPROVAL = "approval", "Approval rules"


class RuleStatus(models.TextChoices):
    DRAFT = "DRAFT", "Draft"
    LIVE = "LIVE", "Live"
    RETIRED = "RETIRED", "Retired"


class Rulebook(models.Model):
    """One set of rules under a code: a reason's playbook (the reason's code), or the approval rules."""

    kind = models.CharField(max_length=8, choices=RulebookKind)
    code = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("kind", "code")
        permissions = [("launch_rulebook", "Can put playbooks and approval rules live")]

    def __str__(self) -> str:
        return self.name


class RulebookVersion(StateMachine):
    """One wording. `document` is read by exceptions.playbook; outside DRAFT it stays as it is (a trigger)."""

    MOVES = {
        RuleStatus.DRAFT: {RuleStatus.LIVE, RuleStatus.RETIRED},
        RuleStatus.LIVE: {RuleStatus.RETIRED},
    }

    rulebook = models.ForeignKey(Rulebook, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=7, choices=RuleStatus, default=RuleStatus.DRAFT)
    document = models.JSONField(default=dict)
    note = models.CharField(max_length=300, blank=True, db_default="")
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())
    live_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    rehearsal = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)

    class Meta:
        ordering = ("rulebook", "-number")
        constraints = [
            models.UniqueConstraint(fields=("rulebook", "number"), name="rulebook_versions_are_numbered"),
            models.CheckConstraint(condition=Q(status__in=RuleStatus.values), name="rulebook_status_is_known"),
            models.UniqueConstraint(
                fields=("rulebook",), condition=Q(status="DRAFT"), name="a_rulebook_has_one_draft"
            ),
            models.UniqueConstraint(
                fields=("rulebook",), condition=Q(status="LIVE"), name="one_version_of_a_rulebook_is_live"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.rulebook} {self.number}"
