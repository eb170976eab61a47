"""GET /api/v1/client: what the key that asks may do, and how its calls went."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema

from core.api import ApiView, reply
from core.api.openapi import ANY, problems
from core.api.views import HasKey
from integrations import keys, usage
from integrations.models import ApiClient


class Client(ApiView):
    permission_classes = (HasKey,)

    @extend_schema(
        operation_id="client",
        summary="What this key may do, and how its calls of the last 30 days ended",
        description="`ending` names the endpoints it calls that were announced to end. `under_ms` is a time that 95 %"
        " of the calls stayed below.",
        responses={200: ANY, **problems(401, 403, 429, 503)},
    )
    def get(self, request: Any) -> HttpResponse:
        """The caller's own scorecard; it is written every minute."""
        client = ApiClient.objects.get(pk=int(request.auth.uid))
        _, scores = usage.endpoints(client.pk)
        return reply(
            {
                "name": client.name,
                "scopes": client.scopes,
                "channels": sorted(request.auth.channels or ()),
                "networks": client.networks,
                "rate_per_minute": client.rate_per_minute,
                "keys": [
                    {"prefix": key.prefix, "expires_at": key.expires_at, "last_used_at": key.last_used_at}
                    for key in client.keys.filter(keys.usable())
                ],
                "ending": [each.endpoint for each in scores if each.ending],
                "endpoints": [
                    {
                        "endpoint": each.endpoint, "calls": each.calls, "refused": each.refused,
                        "limited": each.limited, "failed": each.failed, "under_ms": each.under,
                    }
                    for each in scores
                ],
            }
        )  # fmt: skip


urlpatterns = [path("client", Client.as_view(), name="client")]
