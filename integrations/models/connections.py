"""Accounts at outside systems, their secrets and their circuit breakers."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from core.actors import CONNECTION, Actor
from core.scoping import ScopedQuerySet
from integrations import secrets


class ConnectionQuerySet(ScopedQuerySet):
    """Connections belong to the whole company: whoever may see the page sees them all."""

    channel_path = "channel__code"

    def receiving(self, pk: UUID, secret: str) -> Connection | None:
        """The connection with its sealed secrets of that name in force as `sealed_now`, newest first.

        Every webhook asks this: one statement, and none of the work of putting it together anew.
        """
        return next(iter(self.raw(_RECEIVING, {"pk": pk, "secret": secret})), None)


_RECEIVING = """
SELECT c.*, ARRAY(
    SELECT s.sealed FROM integrations_connectionsecret s
    WHERE s.connection_id = c.id AND s.name = %(secret)s AND s.active
        AND (s.expires_at IS NULL OR s.expires_at > statement_timestamp())
    ORDER BY s.id DESC
) AS sealed_now
FROM integrations_connection c WHERE c.id = %(pk)s
"""


class Connection(models.Model):
    """One account at one outside system. Its primary key is the unguessable part of its webhook address."""

    class Kind(models.TextChoices):
        CHANNEL = "CHANNEL", "Channel"
        ERP = "ERP", "ERP"
        CARRIER = "CARRIER", "Carrier"
        PAYMENT = "PAYMENT", "Payments"
        WMS = "WMS", "Warehouse"
        POS = "POS", "Till"
        MESSAGING = "MESSAGING", "Messaging"
        SUPPLIER = "SUPPLIER", "Supplier"
        WEBHOOK = "WEBHOOK", "Webhook receiver"

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", "Active"
        PAUSED = "PAUSED", "Paused"  # nothing is sent or processed; what arrives is kept
        DISABLED = "DISABLED", "Disabled"  # webhooks are answered 404

    class Mode(models.TextChoices):
        """How much of what it says has effect; see integrations/cutover.py."""

        SHADOW = "SHADOW", "Shadow"  # read and compared, nothing else
        PART = "PART", "Partly live"  # for some places or for a share of the orders
        LIVE = "LIVE", "Live"

    class Health(models.TextChoices):
        UNKNOWN = "UNKNOWN", "Not tried yet"
        OK = "OK", "Healthy"
        TROUBLED = "TROUBLED", "Troubled"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    vendor = models.SlugField(max_length=40)
    channel = models.ForeignKey(
        "orders.Channel", on_delete=models.PROTECT, null=True, blank=True, related_name="connections"
    )
    settings = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=300, blank=True)
    health = models.CharField(max_length=10, choices=Health.choices, default=Health.UNKNOWN)
    health_reason = models.CharField(max_length=300, blank=True)
    last_ok_at = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    mapping_version = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="How often what its words and codes mean was changed"
    )
    refused_signatures = models.PositiveIntegerField(default=0, editable=False)
    rate_per_minute = models.PositiveIntegerField(default=600, validators=[MinValueValidator(1)])
    calls_at_once = models.PositiveSmallIntegerField(
        default=4, db_default=4, validators=[MinValueValidator(1)], help_text="By all workers together"
    )
    mode = models.CharField(max_length=6, choices=Mode.choices, default=Mode.LIVE, db_default="LIVE", editable=False)
    live_share = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False, help_text="Percent of its orders that are live while it is partly live"
    )
    live_places = ArrayField(
        models.CharField(max_length=120), default=list, db_default=[], blank=True, editable=False,
        help_text="Codes of the locations that are live while it is partly live",
    )  # fmt: skip
    compared_channel = models.ForeignKey(
        "orders.Channel", on_delete=models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Whose orders a shadow compares its own with; by default those of its own channel",
    )  # fmt: skip
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ConnectionQuerySet.as_manager()
    sealed_now: list[bytes]  # filled by `receiving` alone

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "CHANNEL",
                        "ERP",
                        "CARRIER",
                        "PAYMENT",
                        "WMS",
                        "POS",
                        "MESSAGING",
                        "SUPPLIER",
                        "WEBHOOK",
                    ]
                ),
                name="connection_kind_is_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["ACTIVE", "PAUSED", "DISABLED"]), name="connection_status_is_known"
            ),
            models.CheckConstraint(condition=Q(mode__in=["SHADOW", "PART", "LIVE"]), name="connection_mode_is_known"),
            models.CheckConstraint(condition=Q(live_share__lte=100), name="connection_share_is_percent"),
            models.CheckConstraint(condition=Q(calls_at_once__gte=1), name="a_connection_may_be_called"),
            models.CheckConstraint(
                condition=~Q(kind="CHANNEL") | Q(channel__isnull=False), name="channel_connection_has_its_channel"
            ),
        ]
        permissions = [
            ("pause_connection", "Can pause and resume connections"),
            ("cut_over_connection", "Can take connections live and back"),
            ("map_connection", "Can say what a connection's words and codes mean"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def actor(self) -> Actor:
        return Actor(CONNECTION, str(self.pk), self.name)

    def secrets_named(self, name: str) -> list[str]:
        """Every active secret of that name, newest first: while one is being rotated, two are right."""
        valid = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        rows = self.sealed_secrets.filter(valid, name=name, active=True)
        sealed = rows.order_by("-id").values_list("sealed", flat=True)
        return [secrets.reveal(each) for each in sealed]

    def secret(self, name: str) -> str:
        """The newest active secret of that name, or an empty string."""
        return next(iter(self.secrets_named(name)), "")

    def keep_secret(self, name: str, value: str, *, retire_others: bool = False) -> None:
        """Store a secret sealed. With `retire_others` it replaces the earlier ones at once, else both are accepted."""
        if retire_others:
            self.sealed_secrets.filter(name=name).update(active=False)
        self.sealed_secrets.create(name=name, sealed=secrets.seal(value))


class ConnectionSecret(models.Model):
    """One secret of a connection, readable only by the process that has the key."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="sealed_secrets")
    name = models.SlugField(max_length=40)
    sealed = models.BinaryField()
    active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Until when it is still used, while rotated")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["connection", "name"], condition=Q(active=True), name="secret_in_force")]

    def __str__(self) -> str:
        return f"{self.name} of {self.connection_id}"


class Pace(models.Model):
    """How much of its rate limit a connection has used, shared by every process: the moment up to which it is spent.

    A row of its own, because every call writes it and the breaker's row is read by all.
    """

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True, related_name="pace")
    spent_until = models.DateTimeField()
    told_per_minute = models.FloatField(null=True)  # what the other side's headers allow…
    told_at = models.DateTimeField(null=True)  # …as of then
    slow_until = models.DateTimeField(null=True)  # a call took long: until then its work goes where it delays nobody
    line_until = models.DateTimeField(null=True)  # when the last of those who found no slot is to ask again

    def __str__(self) -> str:
        return f"{self.connection_id} until {self.spent_until}"


class CallSlot(models.Model):
    """One of the calls a connection may have under way at once, whoever makes it: a lease that ends by itself.

    It ends with the database session that took it, too: whoever was killed holds nothing.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="slots", db_index=False)
    slot = models.PositiveSmallIntegerField()
    token = models.UUIDField()
    taken_at = models.DateTimeField()
    until = models.DateTimeField()
    backend = models.IntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "slot"], name="a_call_slot_is_taken_once")]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.slot}"


class Breaker(models.Model):
    """The circuit breaker of one connection, shared by every process through this row."""

    class State(models.TextChoices):
        CLOSED = "CLOSED", "Closed"
        OPEN = "OPEN", "Open"
        HALF_OPEN = "HALF_OPEN", "Half open"

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True, related_name="breaker")
    state = models.CharField(max_length=10, choices=State.choices, default=State.CLOSED)
    window_started_at = models.DateTimeField(db_default=Now())
    calls = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    successes_after_probe = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    next_probe_at = models.DateTimeField(null=True)
    hold_until = models.DateTimeField(null=True)  # a rate limit's Retry-After, honoured by every process
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["CLOSED", "OPEN", "HALF_OPEN"]), name="breaker_state_is_known"
            ),
            models.CheckConstraint(condition=Q(failures__lte=models.F("calls")), name="breaker_failures_are_calls"),
        ]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.state}"
