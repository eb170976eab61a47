"""What may come back, until when, where to and on what terms: policies with versions."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q

from orders.models.worded import ChannelPolicy, ChannelPolicyVersion


class ReturnPolicyStatus(models.TextChoices):
    DRAFT = "DRAFT", "Draft"
    LIVE = "LIVE", "Live"
    RETIRED = "RETIRED", "Retired"


@pghistory.track()
class ReturnPolicy(ChannelPolicy):
    """What may come back, under a name."""

    class Meta(ChannelPolicy.Meta):
        verbose_name_plural = "return policies"
        permissions = [("launch_returnpolicy", "Can put return policies live")]


class ReturnPolicyVersion(ChannelPolicyVersion):
    """`rules` is a document of returns.rules; outside DRAFT it stays as it is (a trigger).

    In each scope one version is live.
    """

    MOVES = {
        ReturnPolicyStatus.DRAFT: {ReturnPolicyStatus.LIVE, ReturnPolicyStatus.RETIRED},
        ReturnPolicyStatus.LIVE: {ReturnPolicyStatus.RETIRED},
    }

    policy = models.ForeignKey(ReturnPolicy, on_delete=models.PROTECT, related_name="versions", db_index=False)
    status = models.CharField(max_length=7, choices=ReturnPolicyStatus, default=ReturnPolicyStatus.DRAFT)
    rules = models.JSONField(default=dict)

    class Meta(ChannelPolicyVersion.Meta):
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
