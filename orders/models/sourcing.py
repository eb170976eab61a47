"""Why this node: every sourcing try with what it saw, and the nodes that already let a line down."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models import Location
from orders.models.order import Order, OrderLine
from orders.models.policy import PolicyVersion


class SourcingDecisionQuerySet(ScopedQuerySet):
    channel_path = "order__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> SourcingDecisionQuerySet:
        return self.all() if sites is None else self.filter(order__in=Order.objects.for_sites(sites))


class SourcingDecision(models.Model):
    """One run of the ladder: what was wanted, every candidate with score or exclusion, and what was picked."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="sourcing_decisions")
    sequence = models.PositiveIntegerField()
    ladder = models.CharField(max_length=40)
    ladder_version = models.PositiveIntegerField()
    policy_version = models.ForeignKey(
        PolicyVersion, null=True, on_delete=models.PROTECT, related_name="+", help_text="Empty: the built-in ladder"
    )
    rule = models.CharField(max_length=40, blank=True, help_text="The rule that decided; empty when none could")
    explanation = models.JSONField(default=dict)
    decided_at = models.DateTimeField(default=timezone.now)

    objects = SourcingDecisionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=("order", "sequence"), name="a_sourcing_is_decided_once")]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.sequence}: {self.rule or 'none'}"


class NodeExclusion(models.Model):
    """A node that came up short on, or rejected, a line: sourcing asks it no more for that line."""

    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="excluded_nodes")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("order_line", "location"), name="a_node_is_excluded_once_per_line")
        ]
