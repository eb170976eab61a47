"""Whose key it is that calls the API."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from core import prepared
from core.api import Caller, KeyAuthentication
from core.api.callers import client
from exceptions.reasons import scope_for
from integrations.models import ApiClient
from integrations.models.clients import prefix_of

USED_SECONDS = 300  # `last_used_at` is as fine as this, so that a call rarely writes it

_FIELDS = [field.attname for field in ApiClient._meta.concrete_fields]
# Every call asks this first, so it isn't built anew each time.
_FIND = f"""
SELECT {", ".join(f"client.{field}" for field in _FIELDS)}, ARRAY(
    SELECT channel.code FROM integrations_apiclient_channels chosen
    JOIN orders_channel channel ON channel.id = chosen.channel_id WHERE chosen.apiclient_id = client.id
), ARRAY(
    SELECT chosen.site_id FROM integrations_apiclient_sites chosen WHERE chosen.apiclient_id = client.id
)
FROM integrations_apiclient client WHERE client.prefix = %s::text
"""  # noqa: S608  (names of our own)


class ApiKeys(KeyAuthentication):
    """Finds an ApiClient by the key's prefix, with the channels and sites it may speak for, in one query."""

    def caller(self, key: str) -> Caller | None:
        prefix = prefix_of(key)
        rows = prepared.fetchall(_FIND, [prefix]) if prefix else []
        if not rows:
            return None
        *row, channels, sites = rows[0]
        known = ApiClient.from_db("default", _FIELDS, row)
        if not known.opens_with(key):
            return None
        _mark_used(known)
        return client(
            str(known.pk),
            known.name,
            scopes=frozenset(known.scopes),
            channels=frozenset(channels) or None,
            sites=frozenset(sites) or None,
            queues=frozenset(known.queues) or None,
            rate_per_minute=known.rate_per_minute,
        )


def may_still(uid: str, permission: str) -> bool:
    """Whether the program of that id could do now what people need this permission for."""
    known = ApiClient.objects.filter(pk=uid, active=True).first() if uid.isdigit() else None
    if known is None or (known.expires_at is not None and known.expires_at <= timezone.now()):
        return False
    return {"cases:work", scope_for(permission)} <= set(known.scopes)


def _mark_used(known: ApiClient) -> None:
    now = timezone.now()
    if known.last_used_at is None or (now - known.last_used_at).total_seconds() > USED_SECONDS:
        ApiClient.objects.filter(pk=known.pk).update(last_used_at=now)


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "integrations.authentication.ApiKeys"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API client's key."}
