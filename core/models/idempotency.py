"""Keys that make a repeated API call answer what the first one answered."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class IdempotencyKey(models.Model):
    """One (client, route, key). IN_FLIGHT is committed on its own first; DONE is written with the effect."""

    client = models.CharField(max_length=80)
    route = models.CharField(max_length=120)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.CharField(max_length=10, default="IN_FLIGHT")
    token = models.UUIDField()
    locked_until = models.DateTimeField()
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.BinaryField(null=True)
    response_headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("client", "route", "key"), name="a_key_is_used_once_per_client_and_route"),
            models.CheckConstraint(condition=Q(status__in=("IN_FLIGHT", "DONE")), name="key_status_is_known"),
        ]
        indexes = [models.Index(fields=("created_at",), name="key_by_age")]
