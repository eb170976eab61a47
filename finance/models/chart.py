"""Which account of the ERP's ledger each part of a posting goes to, in versions."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from finance.models.entity import Entity
from finance.models.kinds import Kind, known_currency


class ChartStatus(models.TextChoices):
    DRAFT = "DRAFT", "Draft"
    LIVE = "LIVE", "Live"
    RETIRED = "RETIRED", "Retired"


class ChartMapping(StateMachine):
    """One wording of an entity's chart: an account for each role, and rules that know better.

    `accounts` maps a role (finance.chart.ROLES) to an account of the ERP. `rules` are tried in their order and the
    first that fits decides; a rule is a document of finance.chart. Outside DRAFT nothing of it changes (a trigger), so
    that a posting's version always says why it went where it did.
    """

    MOVES = {
        ChartStatus.DRAFT: {ChartStatus.LIVE, ChartStatus.RETIRED},
        ChartStatus.LIVE: {ChartStatus.RETIRED},
    }

    entity = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="charts", db_index=False)
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=7, choices=ChartStatus, default=ChartStatus.DRAFT)
    version = models.PositiveIntegerField(default=1)
    accounts = models.JSONField(default=dict)
    rules = models.JSONField(default=list)
    note = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    launched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    live_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("entity", "-number")
        permissions = [("launch_chartmapping", "Can put a chart mapping live")]
        constraints = [
            models.UniqueConstraint(fields=("entity", "number"), name="charts_are_numbered"),
            models.UniqueConstraint(
                fields=("entity",), condition=Q(status="LIVE"), name="one_chart_is_live_per_entity"
            ),
            models.UniqueConstraint(fields=("entity",), condition=Q(status="DRAFT"), name="an_entity_has_one_draft"),
            models.CheckConstraint(condition=Q(status__in=ChartStatus.values), name="chart_status_is_known"),
            models.CheckConstraint(
                condition=Q(launched_by__isnull=True) | ~Q(launched_by=F("created_by")),
                name="nobody_launches_their_own_chart",
            ),
        ]

    def __str__(self) -> str:
        return f"Chart {self.number} of {self.entity}"


class ApprovalRule(models.Model):
    """Which postings somebody has to approve before they are sent: those of a kind worth more than `above`."""

    kind = models.CharField(max_length=14, choices=Kind)
    above = models.DecimalField(max_digits=20, decimal_places=4, default=0, validators=[MinValueValidator(0)])
    currency = models.CharField(
        max_length=3, blank=True, help_text="Empty: whatever the currency", validators=[known_currency]
    )

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("kind", "currency")
        constraints = [
            models.UniqueConstraint(fields=("kind", "currency"), name="one_approval_rule_per_kind"),
            models.CheckConstraint(condition=Q(above__gte=0), name="an_approval_rule_begins_at_nothing"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} above {self.above} {self.currency}"


class ApprovalLimit(models.Model):
    """Up to how much a role or a person may approve. The person's own word counts before their roles'."""

    group = models.ForeignKey("auth.Group", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(max_length=14, choices=Kind, blank=True, help_text="Empty: every kind")
    amount = models.DecimalField(max_digits=20, decimal_places=4, validators=[MinValueValidator(0)])
    currency = models.CharField(
        max_length=3, blank=True, help_text="Empty: whatever the currency", validators=[known_currency]
    )

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=("group", "user", "kind", "currency"), nulls_distinct=False, name="one_limit_of_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(group__isnull=True, user__isnull=False) | Q(group__isnull=False, user__isnull=True),
                name="a_limit_is_a_roles_or_a_persons",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="a_limit_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.group_id or self.user_id}: {self.amount} {self.currency}"

    def clean(self) -> None:
        """Says at the field what the database would refuse."""
        if bool(self.group_id) == bool(self.user_id):
            words = "Choose a role or a person, not both." if self.group_id else "Choose a role or a person."
            raise ValidationError({"group": words})
        same = ApprovalLimit.objects.filter(
            group=self.group_id, user=self.user_id, kind=self.kind, currency=self.currency
        )
        if same.exclude(pk=self.pk).exists():
            raise ValidationError({"kind": "They have a limit of this kind in this currency already."})
