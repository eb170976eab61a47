"""Programs that may call the API."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

MARK = "br"


class ApiClient(models.Model):
    """One program with a key. Only the key's hash is kept; the prefix finds it and may be shown."""

    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    key_hash = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    channels = models.ManyToManyField("orders.Channel", blank=True, help_text="None chosen: every channel.")
    sites = models.ManyToManyField(
        "core.Site", blank=True, related_name="+", help_text="None chosen: every site, and what belongs to none."
    )
    queues = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, help_text="Codes of queues. None: every queue."
    )
    active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    rate_per_minute = models.PositiveIntegerField(default=6000)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = "API client"

    def __str__(self) -> str:
        return f"{self.name} ({MARK}_{self.prefix}…)"

    @classmethod
    def issue(
        cls, name: str, *, scopes: list[str], queues: Sequence[str] = (), expires_at: datetime | None = None
    ) -> tuple[ApiClient, str]:
        """A new client and its key, which is shown this once."""
        client = cls(name=name, scopes=sorted(scopes), queues=sorted(queues), expires_at=expires_at)
        key = client.draw_key()
        client.save()
        return client, key

    def draw_key(self) -> str:
        """Give this client a new key, unsaved; returns it for the only time."""
        self.prefix = secrets.token_hex(5)
        key = f"{MARK}_{self.prefix}_{secrets.token_urlsafe(32)}"
        self.key_hash = digest(key)
        return key

    def opens_with(self, key: str) -> bool:
        """Whether this is the key and the client may use it now. The comparison takes the same time either way."""
        right = hmac.compare_digest(self.key_hash, digest(key))
        return right and self.active and (self.expires_at is None or self.expires_at > timezone.now())


def digest(key: str) -> str:
    # A key has 256 random bits: a plain hash can't be searched, and a slow one would cost every request.
    return hashlib.sha256(key.encode()).hexdigest()


def prefix_of(key: str) -> str | None:
    """The lookup part of something shaped like one of our keys."""
    parts = key.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == MARK and 0 < len(parts[1]) <= 12 else None
