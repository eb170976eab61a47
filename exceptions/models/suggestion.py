"""What this retailer's own history says of actions, what was suggested, and what people made of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.scoping import ScopedQuerySet


class ActionCount(models.Model):
    """How an action of a reason went, everywhere (empty context) or in one context. Recounted from the runs."""

    reason = models.CharField(max_length=80)
    action = models.CharField(max_length=60)
    context = models.CharField(max_length=80, blank=True)
    tried = models.PositiveIntegerField()
    worked = models.PositiveIntegerField()
    reopened = models.PositiveIntegerField(default=0, db_default=0)
    declined = models.PositiveIntegerField(default=0, db_default=0)
    seconds = models.PositiveIntegerField(null=True)
    counted_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("reason", "action", "context"), name="an_action_is_counted_once_per_context"
            ),
            models.CheckConstraint(
                condition=Q(worked__lte=F("tried"), reopened__lte=F("worked")), name="no_more_worked_than_was_tried"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.action} {self.context}: {self.worked} of {self.tried}"


class ReasonHistory(models.Model):
    """How long the ended cases of a reason were open, as shares of their time (suggesting.curve)."""

    reason = models.CharField(max_length=80, primary_key=True)
    closed = models.PositiveIntegerField()
    missed = models.PositiveIntegerField()
    open_at = models.JSONField()
    counted_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.reason}: {self.missed} of {self.closed} missed"


class SuggestionStatus(models.TextChoices):
    PROPOSED = "PROPOSED"
    ACCEPTED = "ACCEPTED"
    OVERRIDDEN = "OVERRIDDEN"
    EXPIRED = "EXPIRED"


class SuggestionQuerySet(ScopedQuerySet):
    site_path = "case__site_id"


class Suggestion(models.Model):
    """One action put first for one case, with the figures it rested on then. Decided once."""

    case = models.ForeignKey("exceptions.Case", on_delete=models.CASCADE, related_name="suggestions", db_index=False)
    reason = models.CharField(max_length=80)
    action = models.CharField(max_length=60)
    context = models.CharField(max_length=80, blank=True, help_text="The context whose count decided")
    trials = models.PositiveIntegerField()
    held = models.PositiveIntegerField()
    probability = models.FloatField()
    low = models.FloatField()
    by = models.CharField(max_length=40, default="counts", db_default="counts", help_text="What gave the probability")
    status = models.CharField(max_length=10, choices=SuggestionStatus, default=SuggestionStatus.PROPOSED)
    why_not = models.CharField(max_length=300, blank=True, db_default="")
    instead = models.BooleanField(default=False, db_default=False, help_text="Overridden by doing something else")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    worked = models.BooleanField(null=True, help_text="Whether the accepted action ended the case for good")
    created_at = models.DateTimeField(db_default=Now())

    objects = SuggestionQuerySet.as_manager()

    class Meta:
        permissions = [("switch_autonomy", "Can let actions be carried out without a person, and stop it")]
        constraints = [
            models.UniqueConstraint(
                fields=("case",), condition=Q(status="PROPOSED"), name="a_case_has_one_suggestion_at_a_time"
            ),
            models.CheckConstraint(condition=Q(status__in=SuggestionStatus.values), name="suggestion_status_is_known"),
            models.CheckConstraint(
                condition=~Q(status="OVERRIDDEN") | ~Q(why_not=""), name="an_overridden_suggestion_says_why"
            ),
            models.CheckConstraint(
                condition=Q(status="PROPOSED", decided_at__isnull=True)
                | (~Q(status="PROPOSED") & Q(decided_at__isnull=False)),
                name="a_decided_suggestion_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=("reason", "-id"), name="suggestion_by_reason"),
            models.Index(fields=("case", "-id"), name="suggestion_by_case"),
            models.Index(
                fields=("reason", "action", "-id"), condition=Q(worked__isnull=False), name="suggestion_judged"
            ),
            models.Index(
                fields=("reason", "action", "-id"), condition=Q(status="OVERRIDDEN"), name="suggestion_overridden"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} for EX-{self.case_id}: {self.status}"


class AutonomyState(models.TextChoices):
    OFF = "OFF", "Off"
    WATCHING = "WATCHING", "On, not sure enough yet"
    OPEN = "OPEN", "On, at work"
    CLOSED = "CLOSED", "Closed by itself"


class Autonomy(models.Model):
    """Whether an action of a reason may be carried out without a person. It opens only above its threshold."""

    reason = models.CharField(max_length=80)
    action = models.CharField(max_length=60)
    state = models.CharField(max_length=8, choices=AutonomyState, default=AutonomyState.OFF)
    threshold = models.FloatField(default=0.95, help_text="The lower end of the interval has to reach this")
    minimum = models.PositiveIntegerField(default=50, help_text="After at least so many trials")
    hourly = models.PositiveIntegerField(default=20, help_text="At most so many cases an hour")
    because = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=1)
    changed_by = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("reason", "action"), name="one_switch_per_action_of_a_reason"),
            models.CheckConstraint(condition=Q(state__in=AutonomyState.values), name="autonomy_state_is_known"),
            models.CheckConstraint(
                condition=Q(threshold__gte=0.5, threshold__lte=1.0, minimum__gte=10, hourly__gte=1),
                name="autonomy_is_careful",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.action}: {self.state}"
