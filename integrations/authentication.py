"""Whose key it is that calls the API."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from core import addresses, prepared
from core.api import Caller, KeyAuthentication
from core.api.callers import client
from exceptions.reasons import scope_for
from integrations import keys, usage
from integrations.models import ApiClient, ApiKey
from integrations.models.keys import matches, prefix_of

USED_SECONDS = 300  # `last_used_at` is as fine as this, so that a call rarely writes it

_FIELDS = [field.attname for field in ApiClient._meta.concrete_fields]
_OF_KEY = ("id", "key_hash", "expires_at", "revoked_at", "last_used_at")
# Every call asks this first, so it isn't built anew each time.
_FIND = f"""
SELECT {", ".join(f"key.{field}" for field in _OF_KEY)}, {", ".join(f"client.{field}" for field in _FIELDS)}, ARRAY(
    SELECT channel.code FROM integrations_apiclient_channels chosen
    JOIN orders_channel channel ON channel.id = chosen.channel_id WHERE chosen.apiclient_id = client.id
), ARRAY(
    SELECT chosen.site_id FROM integrations_apiclient_sites chosen WHERE chosen.apiclient_id = client.id
)
FROM integrations_apikey key JOIN integrations_apiclient client ON client.id = key.client_id
WHERE key.prefix = %s::text
"""  # noqa: S608  (names of our own)


class ApiKeys(KeyAuthentication):
    """Finds an ApiClient by the key's prefix, with the channels and sites it may speak for, in one query."""

    def caller(self, key: str, request: Request) -> Caller | None:
        prefix = prefix_of(key)
        rows = prepared.fetchall(_FIND, [prefix]) if prefix else []
        if not rows:
            return None
        *row, channels, sites = rows[0]
        held = dict(zip(_OF_KEY, row, strict=False))
        known = ApiClient.from_db("default", _FIELDS, row[len(_OF_KEY) :])
        right = matches(held["key_hash"], key)
        if not right or not known.active or held["revoked_at"] is not None:
            return None
        if any(end is not None and end <= timezone.now() for end in (held["expires_at"], known.expires_at)):
            return None
        if known.networks and not addresses.within(addresses.of(request), known.networks):
            raise PermissionDenied("This key may not be used from this address.", "address_not_allowed")
        _mark_used(held)
        return client(
            str(known.pk),
            known.name,
            scopes=frozenset(known.scopes),
            channels=frozenset(channels) or None,
            sites=frozenset(sites) or None,
            queues=frozenset(known.queues) or None,
            rate_per_minute=known.rate_per_minute,
        )

    @staticmethod
    def answered(caller: Caller, request: Request, response: Any, seconds: float) -> None:
        """Put the call on its client's account."""
        match = request.resolver_match
        endpoint = f"{request.method} /{match.route}" if match else f"{request.method} ?"
        ending = "Deprecation" in response.headers
        usage.note(caller.uid, endpoint[:140], status=response.status_code, seconds=seconds, ending=ending)


def may_still(uid: str, permission: str) -> bool:
    """Whether the program of that id could do now what people need this permission for."""
    known = ApiClient.objects.filter(pk=uid, active=True).first() if uid.isdigit() else None
    if known is None or (known.expires_at is not None and known.expires_at <= timezone.now()):
        return False
    if not known.keys.filter(keys.usable()).exists():
        return False
    return {"cases:work", scope_for(permission)} <= set(known.scopes)


def _mark_used(held: dict[str, Any]) -> None:
    now, last = timezone.now(), held["last_used_at"]
    if last is None or (now - last).total_seconds() > USED_SECONDS:
        ApiKey.objects.filter(pk=held["id"]).update(last_used_at=now)


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "integrations.authentication.ApiKeys"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API client's key."}
