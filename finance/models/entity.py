"""Whose books they are: a legal entity, its channels, and its periods."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from finance.models.kinds import known_currency, known_zone
from orders.models import Channel


class Invoicing(models.TextChoices):
    SHIPMENT = "SHIPMENT", "With every shipment"
    ORDER = "ORDER", "Once, when the last unit has left"


class Entity(models.Model):
    """One set of books. A channel that belongs to none is the first one's."""

    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    currency = models.CharField(max_length=3, validators=[known_currency])
    time_zone = models.CharField(max_length=60, default="UTC", validators=[known_zone])
    invoices = models.CharField(max_length=8, choices=Invoicing, default=Invoicing.SHIPMENT)
    defers = models.BooleanField(default=False, help_text="Payments before the goods leave are deferred revenue")
    created_at = models.DateTimeField(default=timezone.now)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "entities"
        constraints = [
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="entity_currency_is_a_code"),
            models.CheckConstraint(condition=Q(invoices__in=Invoicing.values), name="entity_invoicing_is_known"),
        ]

    def __str__(self) -> str:
        return self.name


class EntityChannel(models.Model):
    """Which books a channel's orders are in."""

    channel = models.OneToOneField(Channel, on_delete=models.PROTECT, related_name="books")
    entity = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="channels")

    objects = ScopedQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.channel_id}: {self.entity_id}"


class EntityAccount(models.Model):
    """Which books an account at a provider pays out to; without an account: all of the provider's."""

    provider = models.SlugField(max_length=40)
    account = models.CharField(max_length=120, blank=True, help_text="As the payouts name it. Empty: every account")
    entity = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="accounts")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("provider", "account")
        constraints = [
            models.UniqueConstraint(fields=("provider", "account"), name="an_account_pays_into_one_entity"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.account}: {self.entity_id}"


class PeriodStatus(models.TextChoices):
    OPEN = "OPEN", "Open"
    LOCKED = "LOCKED", "Locked"


class Days(Func):
    function = "DATERANGE"
    output_field = DateRangeField()


class Period(StateMachine):
    """A stretch of days of one entity's books. While it is locked a trigger refuses everything dated into it."""

    MOVES = {PeriodStatus.OPEN: {PeriodStatus.LOCKED}, PeriodStatus.LOCKED: {PeriodStatus.OPEN}}

    entity = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="periods", db_index=False)
    code = models.CharField(max_length=20, help_text="2026-11")
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="Its last day")
    status = models.CharField(max_length=6, choices=PeriodStatus, default=PeriodStatus.OPEN)
    version = models.PositiveIntegerField(default=1)
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    prepared_at = models.DateTimeField(null=True)
    locked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    locked_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)
    figures = models.JSONField(default=dict, help_text="What the checks said when it was locked")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-starts_on", "entity")
        permissions = [
            ("prepare_close", "Can work through a close checklist"),
            ("lock_period", "Can lock and reopen periods"),
        ]
        constraints = [
            models.UniqueConstraint(fields=("entity", "code"), name="a_period_is_there_once"),
            models.CheckConstraint(condition=Q(status__in=PeriodStatus.values), name="period_status_is_known"),
            models.CheckConstraint(condition=Q(starts_on__lte=F("ends_on")), name="a_period_has_days"),
            models.CheckConstraint(
                condition=Q(status="OPEN") | Q(locked_at__isnull=False, locked_by__isnull=False),
                name="a_locked_period_says_who",
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN") | ~Q(locked_by=F("prepared_by")), name="nobody_locks_what_they_prepared"
            ),
            ExclusionConstraint(
                name="periods_of_an_entity_are_apart",
                expressions=[
                    ("entity", RangeOperators.EQUAL),
                    (Days("starts_on", "ends_on", RangeBoundary(inclusive_upper=True)), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} of {self.entity}"

    @property
    def subject(self) -> Subject:
        return Subject("period", str(self.pk), f"{self.code} of {self.entity.code}")


class CloseTask(models.Model):
    """Who looks after one line of a period's checklist, and their word where it stands in spite of what it shows."""

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    check_code = models.CharField(max_length=40)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    excused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    excused_at = models.DateTimeField(null=True)
    excused_count = models.PositiveIntegerField(default=0, help_text="How many rows were excused: more block again")
    note = models.CharField(max_length=500, blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("period", "check_code"), name="a_close_task_is_there_once"),
            models.CheckConstraint(
                condition=Q(excused_by__isnull=True) | (Q(excused_at__isnull=False) & ~Q(note="")),
                name="who_excuses_says_why",
            ),
            models.CheckConstraint(
                condition=Q(excused_by__isnull=True) | Q(owner__isnull=True) | ~Q(excused_by=F("owner")),
                name="nobody_excuses_their_own",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period_id}: {self.check_code}"
