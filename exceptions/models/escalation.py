"""Who hears of a case nobody got to in time: rules of ordered steps, and each case's own ladder."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q

from exceptions.models.rule import Rule


class Clock(models.TextChoices):
    ACKNOWLEDGE = "acknowledge", "Acknowledge"
    RESOLVE = "resolve", "Resolve"
    PROMISE = "promise", "Promise"


class Target(models.TextChoices):
    ROLE = "role", "Everyone in a role"
    PERSON = "person", "One person"
    ON_DUTY = "on_duty", "Whoever is on duty"
    WEBHOOK = "webhook", "A webhook"


class EscalationPolicy(Rule):
    """One version of a rule: which cases climb which steps."""

    class Meta(Rule.Meta):
        verbose_name = "escalation rule"
        verbose_name_plural = "escalation rules"
        constraints = [
            models.UniqueConstraint(fields=("code", "version"), name="an_escalation_version_is_written_once"),
            models.UniqueConstraint(
                fields=("code",), condition=Q(current=True), name="one_version_of_an_escalation_is_current"
            ),
        ]


class EscalationStep(models.Model):
    """One rung: `minutes` of business time after its clock runs out (before it where negative), and who is told."""

    policy = models.ForeignKey(EscalationPolicy, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField()
    clock = models.CharField(max_length=12, choices=Clock)
    minutes = models.IntegerField(default=0)
    target = models.CharField(max_length=10, choices=Target)
    role = models.ForeignKey(Group, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    webhook = models.CharField(max_length=80, blank=True, db_default="", help_text="The name a subscriber filters by")
    letter = models.BooleanField(default=True, help_text="By e-mail as well as in the portal")
    urgent = models.BooleanField(default=False, help_text="Goes through quiet hours")

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=("policy", "number"), name="a_rule_has_each_step_once"),
            models.CheckConstraint(condition=Q(clock__in=Clock.values), name="a_step_has_a_known_clock"),
            models.CheckConstraint(
                condition=Q(target=Target.ROLE, role__isnull=False, person__isnull=True, webhook="")
                | Q(target=Target.PERSON, role__isnull=True, person__isnull=False, webhook="")
                | Q(target=Target.ON_DUTY, role__isnull=True, person__isnull=True, webhook="")
                | (Q(target=Target.WEBHOOK, role__isnull=True, person__isnull=True) & ~Q(webhook="")),
                name="a_step_names_its_target",
            ),
        ]

    def __str__(self) -> str:
        return f"Step {self.number}"

    @property
    def who(self) -> str:
        """Its target in a few words."""
        if self.target == Target.ROLE:
            return str(self.role)
        if self.target == Target.PERSON:
            return str(self.person)
        return self.webhook if self.target == Target.WEBHOOK else "Whoever is on duty"


class Escalation(models.Model):
    """A step of one case's ladder in one run of its clocks: when it is due, and when it fired.

    It exists unfired only while it may still fire; `held` while its clock stands still. A run begins when the case
    opens and whenever it is reopened (`Case.reopened` counts them). One row per case, run and step is what keeps a step
    from firing twice.
    """

    case = models.ForeignKey("exceptions.Case", on_delete=models.CASCADE, related_name="escalations", db_index=False)
    run = models.PositiveSmallIntegerField()
    step = models.ForeignKey(EscalationStep, on_delete=models.PROTECT, related_name="+")
    clock = models.CharField(max_length=12, choices=Clock)
    due_at = models.DateTimeField()
    held = models.BooleanField(default=False, db_default=False)
    fired_at = models.DateTimeField(null=True, blank=True)
    told = models.CharField(max_length=300, blank=True, db_default="", help_text="Who heard of it, in words")

    class Meta:
        ordering = ("run", "step__number")
        constraints = [
            models.UniqueConstraint(fields=("case", "run", "step"), name="a_step_fires_once_a_run"),
            models.CheckConstraint(condition=Q(fired_at__isnull=True) | Q(held=False), name="what_fired_is_not_held"),
        ]
        indexes = [
            models.Index(fields=("due_at",), condition=Q(fired_at__isnull=True, held=False), name="escalation_to_fire"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.run}/{self.step_id}"
