"""Receivers of our facts that somebody set up: where, which facts, and how it is going."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scoping import ScopedQuerySet
from core.subjects import Subject
from integrations.models.connections import Connection

FAMILY = "webhook"  # handlers of deliveries are called webhook:<id>


class WebhookSubscription(models.Model):
    """One receiver. Its connection keeps the name, the secrets, the breaker, the state and the log of calls.

    `event_types` says which facts; channels, sites and queues (codes) narrow them, and an empty list narrows nothing.
    """

    class Payload(models.TextChoices):
        FULL = "FULL", "The whole fact"
        THIN = "THIN", "What it is about, to be asked for"

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="webhook")
    code = models.SlugField(max_length=40, unique=True)
    url = models.CharField(max_length=500)
    event_types = ArrayField(models.CharField(max_length=80))
    channels = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    sites = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    queues = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    payload = models.CharField(max_length=4, choices=Payload.choices, default=Payload.FULL)
    failures = models.PositiveIntegerField(default=0, help_text="Failed calls since the last that went through")
    failing_since = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True, help_text="When Backroom, not a person, disabled it")
    version = models.PositiveIntegerField(default=1)
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        permissions = [("manage_webhook", "Can set up, rotate, replay and stop webhooks")]
        constraints = [
            models.CheckConstraint(condition=Q(payload__in=["FULL", "THIN"]), name="webhook_payload_is_known"),
            models.CheckConstraint(condition=~Q(event_types=[]), name="a_webhook_hears_something"),
        ]

    def __str__(self) -> str:
        return self.connection.name

    @property
    def handler(self) -> str:
        return f"{FAMILY}:{self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("webhook", str(self.pk), self.connection.name)
