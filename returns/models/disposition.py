"""What became of units that came back: a stream, because the same unit may move more than once; and its rules."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from inventory.models import Location
from orders.canonical import MAX_QUANTITY
from returns import disposing
from returns.disposing import Rule
from returns.models.inspection import Grade, Inspection
from returns.models.receiving import BenchQuerySet
from returns.models.request import ReturnLine


class DispositionKind(models.TextChoices):
    RESTOCK = "RESTOCK", disposing.KINDS["RESTOCK"]
    REFURBISH = "REFURBISH", disposing.KINDS["REFURBISH"]
    OUTLET = "OUTLET", disposing.KINDS["OUTLET"]
    RETURN_TO_VENDOR = "RETURN_TO_VENDOR", disposing.KINDS["RETURN_TO_VENDOR"]
    QUARANTINE = "QUARANTINE", disposing.KINDS["QUARANTINE"]
    SCRAP = "SCRAP", disposing.KINDS["SCRAP"]
    MISSING = "MISSING", disposing.KINDS["MISSING"]
    SEND_BACK = "SEND_BACK", disposing.KINDS["SEND_BACK"]


class RulesStatus(models.TextChoices):
    DRAFT = "DRAFT", "Draft"
    LIVE = "LIVE", "Live"
    RETIRED = "RETIRED", "Retired"


class DispositionRules(StateMachine):
    """One version of the rules. Outside DRAFT its rules stay as they are; one draft and one live version at a time."""

    MOVES = {RulesStatus.DRAFT: {RulesStatus.LIVE, RulesStatus.RETIRED}, RulesStatus.LIVE: {RulesStatus.RETIRED}}

    number = models.PositiveIntegerField(unique=True)
    status = models.CharField(max_length=7, choices=RulesStatus, default=RulesStatus.DRAFT)
    version = models.PositiveIntegerField(default=1)
    note = models.CharField(max_length=300, blank=True)
    created_by = models.CharField(max_length=200, blank=True)
    launched_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    live_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "version of the disposition rules"
        verbose_name_plural = "versions of the disposition rules"
        ordering = ("-number",)
        permissions = [("launch_dispositionrules", "Can put disposition rules live")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=RulesStatus.values), name="disposition_rules_status_is_known"
            ),
            models.UniqueConstraint(
                fields=("status",), condition=Q(status="DRAFT"), name="disposition_rules_have_one_draft"
            ),
            models.UniqueConstraint(
                fields=("status",), condition=Q(status="LIVE"), name="one_version_of_disposition_rules_is_live"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class DispositionRule(models.Model):
    """One rule of a version; see returns.disposing for which of several decides. Empty fields mean any."""

    version = models.ForeignKey(DispositionRules, on_delete=models.PROTECT, related_name="rules", db_index=False)
    number = models.PositiveSmallIntegerField()
    category = models.CharField(max_length=80, blank=True)
    grade = models.CharField(max_length=1, choices=Grade, blank=True)
    at_least = models.DecimalField(max_digits=15, decimal_places=2, null=True, blank=True)
    below = models.DecimalField(max_digits=15, decimal_places=2, null=True, blank=True)
    disposition = models.CharField(max_length=16, choices=DispositionKind)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("version", "number")
        constraints = [
            models.UniqueConstraint(fields=("version", "number"), name="disposition_rules_are_numbered"),
            models.CheckConstraint(condition=Q(grade__in=["", *Grade.values]), name="rule_grade_is_known"),
            models.CheckConstraint(
                condition=Q(disposition__in=DispositionKind.values), name="rule_disposition_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.pure.words

    @property
    def pure(self) -> Rule:
        return Rule(self.disposition, self.category, self.grade, self.at_least, self.below, self.number)


class Disposition(models.Model):
    """Units that became something, once per `key`: after their inspection, or after (`after`) another disposition.

    `moved_on` of its units have become something else since. `state` is where the ledger has them from then on; what
    left the house has no place any more. `rules` and `rule` say what was proposed, `chosen` that a person took another.
    """

    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="dispositions", db_index=False)
    line = models.ForeignKey(ReturnLine, on_delete=models.PROTECT, related_name="dispositions")
    after = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="followed_by", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=16, choices=DispositionKind)
    quantity = models.PositiveIntegerField()
    moved_on = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=20)
    rules = models.ForeignKey(DispositionRules, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    rule = models.CharField(max_length=200, blank=True, help_text="The rule that spoke, in words")
    proposed = models.CharField(max_length=16, choices=DispositionKind, blank=True)
    note = models.CharField(max_length=500, blank=True)
    key = models.CharField(max_length=120, unique=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True, help_text="Until when it should be sellable, where that is the aim")

    objects = BenchQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0, quantity__lte=MAX_QUANTITY), name="disposition_is_sane"),
            models.CheckConstraint(condition=Q(moved_on__lte=F("quantity")), name="a_unit_moves_on_once"),
            models.CheckConstraint(condition=Q(kind__in=DispositionKind.values), name="disposition_is_known"),
        ]
        indexes = [
            models.Index(fields=("inspection", "id"), name="disposition_by_inspection"),
            models.Index(fields=("location", "-id"), name="disposition_by_place"),
            models.Index(
                fields=("due_at",), name="disposition_by_due",
                condition=Q(due_at__isnull=False) & Q(moved_on__lt=F("quantity")),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.quantity}: {self.get_kind_display()}"

    @property
    def here(self) -> int:
        """Units that are still what this made of them."""
        return self.quantity - self.moved_on

    @property
    def chosen(self) -> bool:
        return bool(self.proposed) and self.proposed != self.kind
