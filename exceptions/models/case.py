"""One thing that went wrong with one subject, from the moment it turned true until it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Least, Now

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from core.states import StateMachine
from exceptions import priority


class Status(models.TextChoices):
    OPEN = "OPEN"
    WAITING = "WAITING"
    RESOLVED = "RESOLVED"


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Outcome(models.TextChoices):
    FIXED = "fixed", "Fixed"
    CLEARED = "cleared", "Cleared by itself"
    WAIVED = "waived", "Waived"
    DUPLICATE = "duplicate", "Duplicate"


class WaitingOn(models.TextChoices):
    CUSTOMER = "customer", "Customer"
    STORE = "store", "Store"
    SUPPLIER = "supplier", "Supplier"
    CARRIER = "carrier", "Carrier"
    SYSTEM = "system", "Another system"
    COLLEAGUE = "colleague", "A colleague"


# Whoever is outside works at their own pace, so the resolve clock stands still. Waiting for our own people is our time.
OUTSIDE = (WaitingOn.CUSTOMER, WaitingOn.SUPPLIER, WaitingOn.CARRIER, WaitingOn.SYSTEM)


class Severity(models.IntegerChoices):
    LOW = 1
    NORMAL = 2
    HIGH = 3
    CRITICAL = 4


class CaseQuerySet(ScopedQuerySet):
    """Cases of a person's sites; a case without a site is head office's."""

    site_path = "site_id"

    def for_caller(self, caller: Any) -> Self:
        """What an API key may see: cases of its sites, and of its queues."""
        rows = super().for_caller(caller)
        return rows if caller is None or caller.queues is None else rows.filter(queue_id__in=caller.queues)

    def still_open(self) -> CaseQuerySet:
        return self.filter(is_open=True)

    def overdue(self, now: datetime) -> CaseQuerySet:
        """Past an unmet clock at `now`, by the clocks that run: a paused case only runs against its promise."""
        return self.filter(Q(rank__lte=microseconds(now)) | Q(status=Status.WAITING, promise_by__lte=now))


def microseconds(moment: datetime) -> int:
    """An instant as `rank` counts it."""
    return int((moment - EPOCH) / timedelta(microseconds=1))


def _while(condition: Q, value: Any) -> models.Case:
    return models.Case(models.When(condition, then=value), default=None, output_field=models.DateTimeField())


_acknowledge = _while(Q(acknowledged_at__isnull=True), F("acknowledge_by"))
# The nearest clock nobody has met yet. PostgreSQL's LEAST ignores NULLs.
_nearest_open = Least(_acknowledge, F("resolve_by"), F("promise_by"))
_nearest_paused = Least(F("resolve_by"), F("promise_by"))
_paused = Q(status=Status.WAITING, waiting_on__in=[str(who) for who in OUTSIDE])
_aside = Q(status=Status.OPEN, snoozed_at__isnull=False)
_due_at = models.Case(
    models.When(status=Status.OPEN, then=_nearest_open),
    models.When(status=Status.WAITING, then=_nearest_paused),
    default=None,
    output_field=models.DateTimeField(),
)


class Microseconds(models.Func):
    """An instant as microseconds since 1970, by way of an interval: extracting from an instant is not immutable."""

    template = (
        "(EXTRACT(EPOCH FROM (%(expressions)s - TIMESTAMP WITH TIME ZONE '1970-01-01 00:00:00+00')) * 1000000)::bigint"
    )
    output_field = models.BigIntegerField()


PAUSED_RANK = 10**17  # beyond the year 5000: whatever is paused or put aside sorts after whatever runs


def _stepped(steps: priority.Steps, reached: Callable[[int], Q], *never: models.When) -> models.Case:
    """The minutes of the highest step that is reached."""
    whens = [models.When(reached(least), then=Value(minutes)) for least, minutes in reversed(steps)]
    return models.Case(*never, *whens, default=Value(0), output_field=models.IntegerField())


def _worth(least: int) -> Q:
    small = Q(currency__in=list(priority.SMALL_COINED))
    return Q(value__gte=least * 100) | (Q(value__gte=least) & ~small)


_head_start = (
    _stepped(priority.SEVERITY, lambda least: Q(severity__gte=least))
    + _stepped(priority.UNITS, lambda least: Q(units__gte=least))
    + _stepped(priority.MONEY, _worth, models.When(currency="", then=Value(0)))
    + _stepped(priority.TIER, lambda least: Q(tier__gte=least))
    + _stepped(((0, priority.PROMISE),), lambda _: Q(promise_by__isnull=False))
)


def _ranked(head_start: Any = None) -> models.Case:
    """Where a case stands: its nearest clock in microseconds, earlier by its head start, later than all while aside."""

    def at(moment: Any) -> Any:
        return (
            Microseconds(moment)
            if head_start is None
            else Microseconds(moment) - Cast(head_start, models.BigIntegerField()) * Value(60_000_000)
        )

    return models.Case(
        models.When(status=Status.RESOLVED, then=None),
        models.When(_paused, then=at(_nearest_paused) + Value(PAUSED_RANK)),
        models.When(_aside, then=at(_nearest_open) + Value(PAUSED_RANK)),
        default=at(_nearest_open),
        output_field=models.BigIntegerField(),
    )


# When the sweeper has to look next; NULL once everything that could be told has been told.
_promise_tick = _while(Q(promise_breached_at__isnull=True), F("promise_by"))
_next_tick = models.Case(
    models.When(_paused, then=Least(F("wait_until"), _promise_tick)),
    models.When(
        ~Q(status=Status.RESOLVED),
        then=Least(
            F("wait_until"),
            _while(Q(acknowledged_at__isnull=True, acknowledge_breached_at__isnull=True), F("acknowledge_by")),
            _while(Q(warned_at__isnull=True, breached_at__isnull=True), F("warn_at")),
            _while(Q(breached_at__isnull=True), F("resolve_by")),
            _promise_tick,
        ),
    ),
    default=None,
    output_field=models.DateTimeField(),
)


class Case(StateMachine, models.Model):
    """One open per (reason, subject). Repeats raise `occurrences`; a closed one is never written to by a repeat.

    Times are UTC. acknowledge_by and resolve_by are business time of the site's calendar, already reckoned; promise_by
    is absolute and never pauses. A breach is derived from these; warned_at and breached_at only say when it was told.
    """

    MOVES = {
        Status.OPEN: {Status.WAITING, Status.RESOLVED},
        Status.WAITING: {Status.OPEN, Status.RESOLVED},
        Status.RESOLVED: {Status.OPEN},
    }

    reason = models.CharField(max_length=80)
    queue = models.ForeignKey("exceptions.Queue", on_delete=models.PROTECT, related_name="cases", db_index=False)
    severity = models.PositiveSmallIntegerField(choices=Severity, default=Severity.NORMAL)
    subject_kind = models.CharField(max_length=40)
    subject_uid = models.CharField(max_length=64)
    subject_label = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=500, blank=True)
    site = models.ForeignKey("core.Site", null=True, blank=True, on_delete=models.PROTECT, db_index=False)
    value = MoneyField(default=0, db_default=0)
    currency = models.CharField(max_length=3, blank=True, db_default="")
    units = models.PositiveIntegerField(default=0, db_default=0, help_text="Pieces that wait on it")
    tier = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="How much the customer matters, 0 to 3")
    data = models.JSONField(default=dict, db_default=Value({}, output_field=models.JSONField()))
    search = models.TextField(blank=True, db_default="", help_text="What the list's search looks in, lower case")

    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    waiting_on = models.CharField(max_length=12, choices=WaitingOn, blank=True, db_default="")
    waiting_since = models.DateTimeField(null=True, blank=True)
    wait_until = models.DateTimeField(null=True, blank=True)
    snoozed_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    wake_on = models.CharField(max_length=40, blank=True, db_default="", help_text="What brings it back: see wakes.py")
    wake_after = models.BigIntegerField(null=True, blank=True, help_text="The newest fact when it was put aside")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    owned_since = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True, db_default="")
    outcome_note = models.TextField(blank=True, db_default="")
    resolved_at = models.DateTimeField(null=True, blank=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children", db_index=False
    )
    previous = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    started_at = models.DateTimeField(help_text="When it turned true, by the fact's own time")
    opened_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())
    occurrences = models.PositiveIntegerField(default=1, db_default=1)
    reopened = models.PositiveSmallIntegerField(default=0, db_default=0)

    policy = models.ForeignKey("exceptions.SlaPolicy", null=True, blank=True, on_delete=models.PROTECT, db_index=False)
    escalation = models.ForeignKey(
        "exceptions.EscalationPolicy", null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    clocks_from = models.DateTimeField(null=True, blank=True, help_text="When its clocks began afresh, if they did")
    acknowledge_minutes = models.PositiveIntegerField(default=60)
    resolve_minutes = models.PositiveIntegerField(default=480)
    business_time = models.BooleanField(default=True, db_default=True)
    acknowledge_by = models.DateTimeField()
    resolve_by = models.DateTimeField()
    promise_by = models.DateTimeField(null=True, blank=True)
    warn_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True)
    acknowledge_breached_at = models.DateTimeField(null=True, blank=True)
    breached_at = models.DateTimeField(null=True, blank=True)
    promise_breached_at = models.DateTimeField(null=True, blank=True)

    version = models.PositiveIntegerField(default=1, db_default=1)
    updated_at = models.DateTimeField(db_default=Now())

    is_open = models.GeneratedField(
        expression=~Q(status=Status.RESOLVED),  # type: ignore[arg-type]  # the stubs know no Q here
        output_field=models.BooleanField(),
        db_persist=True,
    )
    due_at = models.GeneratedField(expression=_due_at, output_field=models.DateTimeField(null=True), db_persist=True)
    rank = models.GeneratedField(expression=_ranked(), output_field=models.BigIntegerField(null=True), db_persist=True)
    priority = models.GeneratedField(
        expression=_ranked(_head_start), output_field=models.BigIntegerField(null=True), db_persist=True
    )
    next_tick = models.GeneratedField(
        expression=_next_tick, output_field=models.DateTimeField(null=True), db_persist=True
    )

    objects = CaseQuerySet.as_manager()

    class Meta:
        permissions = [
            ("work_case", "Can claim, pause, note and resolve cases"),
            ("assign_case", "Can give cases to other people"),
            ("waive_case", "Can sign a waiver for a case that is still true"),
            ("export_case", "Can download lists of cases"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("reason", "subject_kind", "subject_uid"),
                condition=Q(is_open=True),
                name="a_reason_is_open_once_per_subject",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="case_status_is_known"),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="case_severity_is_known"),
            models.CheckConstraint(
                condition=Q(status=Status.RESOLVED, outcome__in=Outcome.values, resolved_at__isnull=False)
                | (~Q(status=Status.RESOLVED) & Q(outcome="", resolved_at__isnull=True)),
                name="a_case_is_resolved_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.WAITING, waiting_on__in=WaitingOn.values, waiting_since__isnull=False)
                | (~Q(status=Status.WAITING) & Q(waiting_on="", waiting_since__isnull=True, wait_until__isnull=True)),
                name="a_waiting_case_names_whom_it_waits_for",
            ),
            models.CheckConstraint(
                condition=~Q(outcome=Outcome.WAIVED) | ~Q(outcome_note=""), name="a_waiver_is_reasoned"
            ),
            models.CheckConstraint(
                condition=~Q(outcome=Outcome.DUPLICATE) | Q(parent__isnull=False),
                name="a_duplicate_names_the_other_case",
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=True, owned_since__isnull=True)
                | Q(owner__isnull=False, owned_since__isnull=False),
                name="an_owner_has_owned_since_some_time",
            ),
            models.CheckConstraint(
                condition=Q(resolve_by__gte=F("started_at")) & Q(acknowledge_by__gte=F("started_at")),
                name="a_clock_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="a_case_is_not_its_own_parent"
            ),
            models.CheckConstraint(condition=Q(occurrences__gte=1), name="a_case_occurred_at_least_once"),
            models.CheckConstraint(
                condition=Q(snoozed_at__isnull=True, snoozed_until__isnull=True)
                | (Q(snoozed_at__isnull=False, status=Status.OPEN) & (Q(snoozed_until__isnull=False) | ~Q(wake_on=""))),
                name="a_case_put_aside_is_open_and_comes_back",
            ),
            models.CheckConstraint(
                condition=Q(wake_on="", wake_after__isnull=True)
                | (Q(wake_after__isnull=False) & ~Q(wake_on="") & ~Q(status=Status.RESOLVED)),
                name="a_case_wakes_after_some_fact",
            ),
            models.CheckConstraint(condition=Q(tier__lte=3), name="a_customer_tier_is_known"),
        ]
        indexes = [
            # Carries what the value at risk adds up, so that it is read from the index alone.
            models.Index(
                fields=("rank", "id"), include=("value", "currency"), condition=Q(is_open=True), name="case_by_clock"
            ),
            models.Index(fields=("queue", "rank", "id"), condition=Q(is_open=True), name="case_by_queue"),
            models.Index(fields=("owner", "rank", "id"), condition=Q(is_open=True), name="case_by_owner"),
            models.Index(fields=("site", "rank", "id"), condition=Q(is_open=True), name="case_by_site"),
            # The tallies of the teams as somebody of a few sites sees them, from the index alone.
            models.Index(fields=("site", "queue", "owner"), condition=Q(is_open=True), name="case_by_site_and_team"),
            models.Index(fields=("reason", "rank", "id"), condition=Q(is_open=True), name="case_by_reason"),
            models.Index(fields=("-value", "id"), condition=Q(is_open=True), name="case_by_value"),
            models.Index(fields=("reason", "-resolved_at"), condition=Q(status="RESOLVED"), name="case_by_end"),
            models.Index(fields=("promise_by",), condition=Q(status=Status.WAITING), name="case_promise_while_paused"),
            models.Index(fields=("next_tick",), condition=Q(next_tick__isnull=False), name="case_to_sweep"),
            models.Index(fields=("subject_kind", "subject_uid", "-id"), name="case_by_subject"),
            models.Index(
                fields=("parent",),
                include=("is_open", "value", "currency", "units"),
                condition=Q(parent__isnull=False),
                name="case_by_parent",
            ),
            models.Index(fields=("priority", "id"), condition=Q(is_open=True), name="case_by_priority"),
            models.Index(fields=("queue", "priority", "id"), condition=Q(is_open=True), name="case_by_queue_priority"),
            # Roots and cases without one: what a list grouped by root cause shows.
            models.Index(fields=("rank", "id"), condition=Q(is_open=True, parent=None), name="case_root_by_clock"),
            models.Index(
                fields=("priority", "id"), condition=Q(is_open=True, parent=None), name="case_root_by_priority"
            ),
            models.Index(
                fields=("id",),
                condition=Q(snoozed_at__isnull=False) | Q(wake_after__isnull=False),
                name="case_put_aside",
            ),
            GinIndex(OpClass(F("search"), name="gin_trgm_ops"), name="case_by_words"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"EX-{self.pk}"

    @property
    def paused(self) -> bool:
        """Whether its resolve clock stands still: somebody outside has to act. A promise never pauses."""
        return self.status == Status.WAITING and self.waiting_on in OUTSIDE


class CasePause(models.Model):
    """An interval in which the acknowledge and resolve clocks stood still. At most one is running per case.

    Waiting for our own people stops no clock, so it leaves no row here.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="pauses")
    waiting_on = models.CharField(max_length=12, choices=WaitingOn)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("case",), condition=Q(ended_at__isnull=True), name="a_case_pauses_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                name="a_pause_ends_after_it_starts",
            ),
        ]


class CaseNote(models.Model):
    """What a person wants the next one to know."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    author_kind = models.CharField(max_length=12)
    author_uid = models.CharField(max_length=64)
    author_label = models.CharField(max_length=200)
    text = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    carried_from = models.ForeignKey(
        Case, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="The duplicate it came from"
    )

    class Meta:
        indexes = [models.Index(fields=("case", "-id"), name="note_by_case")]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="a_note_says_something")]
