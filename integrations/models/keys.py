"""The keys of the programs that call, and what they used them for."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

MARK = "br"


class ApiKey(models.Model):
    """One key of a client. Only its hash is kept; the prefix finds it and may be shown.

    A client may have several for a while: the old one goes on until the program carries the new one.
    """

    client = models.ForeignKey("integrations.ApiClient", on_delete=models.CASCADE, related_name="keys")
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    key_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{MARK}_{self.prefix}…"

    @classmethod
    def draw(cls, client_id: int, *, expires_at: datetime | None = None) -> str:
        """A new key of this client; returned for the only time."""
        prefix = secrets.token_hex(5)
        key = f"{MARK}_{prefix}_{secrets.token_urlsafe(32)}"
        cls.objects.create(client_id=client_id, prefix=prefix, key_hash=digest(key), expires_at=expires_at)
        return key


class ApiUsage(models.Model):
    """What one client called within an hour: how often, how it ended, and how long it took."""

    client = models.ForeignKey("integrations.ApiClient", on_delete=models.CASCADE, related_name="usage")
    hour = models.DateTimeField()
    endpoint = models.CharField(max_length=140, help_text="Method and route")
    ending = models.BooleanField(default=False, help_text="It was announced that this endpoint ends")
    calls = models.PositiveBigIntegerField()
    refused = models.PositiveBigIntegerField(help_text="4xx other than 429")
    limited = models.PositiveBigIntegerField(help_text="429")
    failed = models.PositiveBigIntegerField(help_text="5xx")
    took = ArrayField(models.PositiveBigIntegerField(), help_text="Calls by how long they took: usage.BOUNDS")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("client", "hour", "endpoint"), name="usage_once_an_hour"),
            models.CheckConstraint(
                condition=Q(calls__gte=F("refused") + F("limited") + F("failed")), name="usage_adds_up"
            ),
        ]
        indexes = [models.Index(fields=("hour",), name="usage_by_hour")]

    def __str__(self) -> str:
        return f"{self.client_id} {self.endpoint} {self.hour:%Y-%m-%d %H}"


def digest(key: str) -> str:
    # A key has 256 random bits: a plain hash can't be searched, and a slow one would cost every request.
    return hashlib.sha256(key.encode()).hexdigest()


def matches(key_hash: str, key: str) -> bool:
    """Whether this is the key. The comparison takes the same time either way."""
    return hmac.compare_digest(key_hash, digest(key))


def prefix_of(key: str) -> str | None:
    """The lookup part of something shaped like one of our keys."""
    parts = key.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == MARK and 0 < len(parts[1]) <= 12 else None
