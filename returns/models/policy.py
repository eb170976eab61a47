"""What may come back, until when, where to and on what terms: policies with versions."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from orders.models import Channel


class ReturnPolicyStatus(models.TextChoices):
    DRAFT = "DRAFT", "Draft"
    LIVE = "LIVE", "Live"
    RETIRED = "RETIRED", "Retired"


@pghistory.track()
class ReturnPolicy(models.Model):
    """Rules under a name, for one channel or all. Its scope never changes (a trigger); its rules are versions."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    channel = models.ForeignKey(
        Channel, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Empty: every channel"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("code",)
        verbose_name_plural = "return policies"
        permissions = [("launch_returnpolicy", "Can put return policies live")]

    def __str__(self) -> str:
        return self.name


class ReturnPolicyVersion(StateMachine):
    """One wording of a policy. `rules` is a document of returns.rules; outside DRAFT it stays as it is (a trigger).

    `scope` is the policy's channel: in each scope one version is live.
    """

    MOVES = {
        ReturnPolicyStatus.DRAFT: {ReturnPolicyStatus.LIVE, ReturnPolicyStatus.RETIRED},
        ReturnPolicyStatus.LIVE: {ReturnPolicyStatus.RETIRED},
    }

    policy = models.ForeignKey(ReturnPolicy, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    scope = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=7, choices=ReturnPolicyStatus, default=ReturnPolicyStatus.DRAFT)
    version = models.PositiveIntegerField(default=1)
    rules = models.JSONField(default=dict)
    note = models.CharField(max_length=300, blank=True)
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    live_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("policy", "-number")
        constraints = [
            models.UniqueConstraint(fields=("policy", "number"), name="return_policy_versions_are_numbered"),
            models.CheckConstraint(
                condition=Q(status__in=ReturnPolicyStatus.values), name="return_policy_status_is_known"
            ),
            models.UniqueConstraint(
                fields=("policy",), condition=Q(status="DRAFT"), name="a_return_policy_has_one_draft"
            ),
            models.UniqueConstraint(
                fields=("scope",), condition=Q(status="LIVE"), nulls_distinct=False,
                name="one_return_policy_is_live_per_scope",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.policy} {self.number}"
