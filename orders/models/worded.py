"""Rules under a name, for one channel or all, reworded in versions: what sourcing and returns share."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from orders.models.channel import Channel


class ChannelPolicy(models.Model):
    """Its scope never changes (a trigger of each table); its rules are versions."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    channel = models.ForeignKey(
        Channel, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Empty: every channel"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class ChannelPolicyVersion(StateMachine):
    """One wording: `policy`, `status` and `rules` are each table's own. `scope` is the policy's channel."""

    policy: Any

    number = models.PositiveIntegerField()
    scope = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.PositiveIntegerField(default=1)
    note = models.CharField(max_length=300, blank=True)
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    live_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("policy", "-number")

    def __str__(self) -> str:
        return f"{self.policy} {self.number}"
