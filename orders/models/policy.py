"""How orders find their nodes: policies with versions, what a shadow would have done, and replays over past orders."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.models import Job
from core.scoping import ScopedQuerySet
from orders.models.channel import Channel
from orders.models.order import Order
from orders.models.worded import ChannelPolicy, ChannelPolicyVersion


class PolicyStatus(models.TextChoices):
    DRAFT = "DRAFT"
    SHADOW = "SHADOW"
    LIVE = "LIVE"
    RETIRED = "RETIRED"


@pghistory.track()
class SourcingPolicy(ChannelPolicy):
    """A ladder under a name."""

    class Meta(ChannelPolicy.Meta):
        verbose_name_plural = "sourcing policies"
        permissions = [("launch_sourcingpolicy", "Can put sourcing policies live")]


class PolicyVersion(ChannelPolicyVersion):
    """`rules` is a document of sourcing.document; outside DRAFT it stays as it is (a trigger).

    In each scope one version is live, and at most one runs beside it as its shadow.
    """

    MOVES = {
        PolicyStatus.DRAFT: {PolicyStatus.SHADOW, PolicyStatus.RETIRED},
        PolicyStatus.SHADOW: {PolicyStatus.LIVE, PolicyStatus.RETIRED},
        PolicyStatus.LIVE: {PolicyStatus.RETIRED},
    }

    policy = models.ForeignKey(SourcingPolicy, on_delete=models.PROTECT, related_name="versions", db_index=False)
    status = models.CharField(max_length=7, choices=PolicyStatus, default=PolicyStatus.DRAFT)
    rules = models.JSONField(default=list)
    shadow_at = models.DateTimeField(null=True)

    class Meta(ChannelPolicyVersion.Meta):
        constraints = [
            models.UniqueConstraint(fields=("policy", "number"), name="policy_versions_are_numbered"),
            models.CheckConstraint(condition=Q(status__in=PolicyStatus.values), name="policy_status_is_known"),
            models.UniqueConstraint(fields=("policy",), condition=Q(status="DRAFT"), name="a_policy_has_one_draft"),
            models.UniqueConstraint(
                fields=("scope",), condition=Q(status="LIVE"), nulls_distinct=False, name="one_policy_is_live_per_scope"
            ),
            models.UniqueConstraint(
                fields=("scope",), condition=Q(status="SHADOW"), nulls_distinct=False,
                name="one_policy_is_shadow_per_scope",
            ),
        ]  # fmt: skip


class ShadowDecisionQuerySet(ScopedQuerySet):
    channel_path = "order__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> ShadowDecisionQuerySet:
        return self.all() if sites is None else self.filter(order__in=Order.objects.for_sites(sites))


class ShadowDecision(models.Model):
    """What a shadow would have done with an order, beside what was done. `late` is empty where nothing was promised."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="shadow_decisions")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    sequence = models.PositiveIntegerField()
    rule = models.CharField(max_length=40, blank=True)
    live_rule = models.CharField(max_length=40, blank=True)
    same = models.BooleanField(help_text="The same units from the same nodes")
    picks = models.JSONField(default=list, help_text="[[line, location, quantity]]")
    nodes = models.PositiveSmallIntegerField(default=0)
    live_nodes = models.PositiveSmallIntegerField(default=0)
    kilometres = models.FloatField(default=0)
    live_kilometres = models.FloatField(default=0)
    cost = models.FloatField(default=0)
    live_cost = models.FloatField(default=0)
    late = models.BooleanField(null=True)
    live_late = models.BooleanField(null=True)
    decided_at = models.DateTimeField(default=timezone.now)

    objects = ShadowDecisionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=("order", "policy_version", "sequence"), name="a_shadow_decides_once_per_sourcing"
            )
        ]
        indexes = [
            models.Index(fields=("policy_version", "-id"), name="shadow_by_version"),
            models.Index(fields=("policy_version", "-id"), name="shadow_that_differs", condition=Q(same=False)),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.sequence}: {self.rule or 'none'}"


class PolicyReplay(models.Model):
    """A version run over past orders, slice by slice. The cursor is the last order played, `sums` what came of it."""

    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="replays")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    placed_from = models.DateTimeField()
    placed_to = models.DateTimeField()
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    cursor_at = models.DateTimeField(null=True)
    cursor = models.BigIntegerField(default=0)
    sums = models.JSONField(default=dict)
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(condition=Q(placed_from__lt=models.F("placed_to")), name="a_replay_has_a_period")
        ]

    def __str__(self) -> str:
        return f"{self.policy_version} over {self.placed_from:%Y-%m-%d} to {self.placed_to:%Y-%m-%d}"
