"""Programs that may call the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Now

from core import addresses
from integrations.models.keys import ApiKey


def is_network(text: str) -> None:
    try:
        addresses.network(text)
    except ValueError:
        raise ValidationError(f"“{text}” is neither an address nor a network such as 192.0.2.0/24.") from None


class ApiClient(models.Model):
    """One program: what it may do, where from, and how often. Its keys are ApiKey rows."""

    name = models.CharField(max_length=120)
    contact = models.EmailField(blank=True, help_text="Who hears when an endpoint they use ends")
    scopes = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    channels = models.ManyToManyField("orders.Channel", blank=True, help_text="None chosen: every channel.")
    sites = models.ManyToManyField(
        "core.Site", blank=True, related_name="+", help_text="None chosen: every site, and what belongs to none."
    )
    queues = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, help_text="Codes of queues. None: every queue."
    )
    networks = ArrayField(
        models.CharField(max_length=49, validators=[is_network]), default=list, blank=True,
        help_text="Addresses or networks it may call from, such as 192.0.2.0/24. None: anywhere.",
    )  # fmt: skip
    active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    rate_per_minute = models.PositiveIntegerField(default=6000)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = "API client"
        permissions = [("manage_apiclient", "Can rotate and revoke the keys of API clients")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def issue(
        cls,
        name: str,
        *,
        scopes: list[str],
        queues: Sequence[str] = (),
        networks: Sequence[str] = (),
        expires_at: datetime | None = None,
    ) -> tuple[ApiClient, str]:
        """A new client and its key, which is shown this once."""
        with transaction.atomic():
            client = cls.objects.create(
                name=name, scopes=sorted(scopes), queues=sorted(queues), networks=list(networks), expires_at=expires_at
            )
            return client, ApiKey.draw(client.pk)
