"""What was done about cases, what waits for a second person, and what became of each row of a bulk run."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from core import actors
from core.actors import PERSON, Actor
from core.fields import MoneyField
from core.models import Job
from core.scoping import ScopedQuerySet
from core.states import StateMachine


def _json(default: Any) -> Any:
    return Value(default, output_field=models.JSONField())


class OfCase(ScopedQuerySet):
    """Rows that are seen by whoever sees their case."""

    site_path = "case__site_id"


class ActionRun(models.Model):
    """One action, run or refused, on one case. Rows are only ever added: a trigger refuses anything else.

    `before` and `after` are the reason's truth and evidence as text; `delta` is what changed, as rows of
    exceptions.effects.Change. An undo is a run of its own that names the run it takes back, at most once.
    """

    case = models.ForeignKey("exceptions.Case", on_delete=models.PROTECT, related_name="runs", db_index=False)
    reason = models.CharField(max_length=80)
    action = models.CharField(max_length=50)
    title = models.CharField(max_length=200)
    params = models.JSONField(default=dict, db_default=_json({}))
    playbook = models.ForeignKey(
        "exceptions.RulebookVersion", null=True, on_delete=models.PROTECT, related_name="runs", db_index=False
    )
    job = models.ForeignKey(Job, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    undoes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="undone_by")
    actor_kind = models.CharField(max_length=12)
    actor_uid = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=200)
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    ok = models.BooleanField()
    code = models.CharField(max_length=60, blank=True, db_default="", help_text="Of the refusal, where it was refused")
    said = models.CharField(max_length=1000, blank=True, db_default="")
    before = models.JSONField(default=dict, db_default=_json({}))
    after = models.JSONField(default=dict, db_default=_json({}))
    delta = models.JSONField(default=list, db_default=_json([]))
    amount = MoneyField(null=True)
    currency = models.CharField(max_length=3, blank=True, db_default="")
    holds = models.BooleanField(null=True, help_text="Is the reason still true right after? Empty: nobody can tell")
    undo_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = OfCase.as_manager()

    class Meta:
        permissions = [
            ("approve_action", "Can approve actions that others asked for"),
            ("bulk_action", "Can run an action on many cases at once"),
        ]
        indexes = [
            models.Index(fields=("case", "-id"), name="run_by_case"),
            models.Index(fields=("reason", "action", "-id"), name="run_by_action"),
            models.Index(fields=("job", "id"), condition=Q(job__isnull=False), name="run_by_job"),
            models.Index(fields=("created_at",), name="run_by_time"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(ok=True) | ~Q(code=""), name="a_refused_run_says_why"),
            models.CheckConstraint(condition=~Q(undoes=models.F("id")), name="a_run_does_not_undo_itself"),
            models.CheckConstraint(
                condition=Q(undoes__isnull=True) | Q(ok=True), name="only_an_undo_that_worked_counts"
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | (Q(amount__gte=0) & ~Q(currency="")),
                name="a_run_amount_has_a_currency"
            ),
            models.CheckConstraint(
                condition=Q(approver__isnull=True) | ~Q(actor_kind="PERSON")
                | ~Q(actor_uid=models.functions.Cast("approver_id", models.CharField())),
                name="nobody_approves_their_own_run",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.title} on EX-{self.case_id}"


class ApprovalStatus(models.TextChoices):
    WAITING = "WAITING", "Waiting"
    APPROVED = "APPROVED", "Approved and done"
    FAILED = "FAILED", "Approved, but refused when it ran"
    DECLINED = "DECLINED", "Declined"
    VOID = "VOID", "Void: it would do something else by now"
    EXPIRED = "EXPIRED", "Expired"
    WITHDRAWN = "WITHDRAWN", "Withdrawn"


class ApprovalRequest(StateMachine):
    """An action somebody wants done that needs a second person, with the preview it was asked with.

    `fingerprint` names that preview: when it is approved and would do something else by then, it is void instead.
    """

    MOVES = {ApprovalStatus.WAITING: set(ApprovalStatus) - {ApprovalStatus.WAITING}}

    case = models.ForeignKey("exceptions.Case", on_delete=models.PROTECT, related_name="approvals")
    action = models.CharField(max_length=50)
    title = models.CharField(max_length=200)
    params = models.JSONField(default=dict, db_default=_json({}))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False,
        help_text="The person; empty where a program asked",
    )  # fmt: skip
    asked_kind = models.CharField(max_length=12, default=PERSON, db_default=PERSON)
    asked_uid = models.CharField(max_length=64, blank=True, db_default="", help_text="Of the program that asked")
    asked_label = models.CharField(max_length=200, blank=True, db_default="")
    asked_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    why = models.CharField(max_length=300, help_text="The rule that asks for a second person")
    permission = models.CharField(max_length=100)
    delta = models.JSONField(default=list)
    fingerprint = models.CharField(max_length=64)
    amount = MoneyField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=9, choices=ApprovalStatus, default=ApprovalStatus.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=1000, blank=True, db_default="")
    run = models.OneToOneField(ActionRun, null=True, on_delete=models.PROTECT, related_name="approval")

    objects = OfCase.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("case", "action"), condition=Q(status="WAITING"), name="an_approval_is_asked_for_once"
            ),
            models.CheckConstraint(condition=Q(status__in=ApprovalStatus.values), name="approval_status_is_known"),
            models.CheckConstraint(
                condition=~Q(status__in=("APPROVED", "FAILED"))
                | (
                    Q(decided_by__isnull=False)
                    & (Q(asked_by__isnull=True) | ~Q(decided_by=models.F("asked_by")))
                ),
                name="nobody_approves_their_own",
            ),
            models.CheckConstraint(
                condition=Q(asked_by__isnull=False, asked_kind=PERSON)
                | (Q(asked_by__isnull=True) & ~Q(asked_kind=PERSON) & ~Q(asked_uid="")),
                name="an_approval_is_asked_for_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(status="WAITING", decided_at__isnull=True)
                | (~Q(status="WAITING") & Q(decided_at__isnull=False)),
                name="a_decided_approval_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(status="APPROVED") | Q(run__isnull=False), name="an_approved_action_ran"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=("expires_at",), condition=Q(status="WAITING"), name="approval_waiting"),
            models.Index(fields=("-id",), condition=~Q(status="WAITING"), name="approval_decided"),
        ]

    def __str__(self) -> str:
        return f"{self.title} on EX-{self.case_id}"

    @property
    def asker(self) -> Actor:
        """Who asked: a person as they are called now, or a program."""
        if self.asked_by is not None:
            return actors.person(self.asked_by)
        return Actor(self.asked_kind, self.asked_uid, self.asked_label)


class RowOutcome(models.TextChoices):
    DONE = "done", "Done"
    REFUSED = "refused", "Refused"
    ASKED = "asked", "Waits for approval"


class BulkRow(models.Model):
    """What became of one case in a bulk run. Once per (job, case): a job taken up again goes on where it was."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", db_index=False)
    case = models.ForeignKey("exceptions.Case", on_delete=models.PROTECT, related_name="+", db_index=False)
    outcome = models.CharField(max_length=8, choices=RowOutcome)
    code = models.CharField(max_length=60, blank=True, db_default="")
    said = models.CharField(max_length=1000, blank=True, db_default="")
    delta = models.JSONField(default=list, db_default=_json([]))
    created_at = models.DateTimeField(db_default=Now())

    objects = OfCase.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("job", "case"), name="a_bulk_run_does_a_case_once"),
            models.CheckConstraint(condition=Q(outcome__in=RowOutcome.values), name="bulk_outcome_is_known"),
        ]

    def __str__(self) -> str:
        return f"EX-{self.case_id}: {self.outcome}"
