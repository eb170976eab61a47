"""/api/v1/webhooks: receivers set up by the tools that receive. Scope webhooks:manage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse, JsonResponse
from django.urls import path, reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from pydantic import BeforeValidator, Field
from pydantic_core import from_json, to_json

from core.api import ApiView, etag, idempotent, keyset, page_reply, parse, reply, require_match
from core.api.kinds import Text, closed, sequence
from core.errors import Refusal
from integrations.api.v1 import described
from integrations.models import OutboundCall, WebhookSubscription
from integrations.webhooks import asyncapi, subscriptions
from integrations.webhooks.subscriptions import Wanted

Code = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=120), Text]
Url = Annotated[str, Field(strict=True, min_length=9, max_length=500), Text]
Type = Annotated[str, Field(strict=True, max_length=80), Text]
Word = Annotated[str, Field(strict=True, min_length=1, max_length=60), Text]
Words = Annotated[tuple[Word, ...], Field(max_length=200), BeforeValidator(sequence)]
SCOPE = "webhooks:manage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a receiver hears, and where."""

    __pydantic_config__ = closed

    name: Name
    url: Url
    event_types: Annotated[tuple[Type, ...], Field(min_length=1, max_length=300), BeforeValidator(sequence)]
    channels: Words = ()
    sites: Words = ()
    queues: Words = ()
    payload: Literal["FULL", "THIN"] = "FULL"

    def wanted(self) -> Wanted:
        return Wanted(
            name=self.name, url=self.url, event_types=self.event_types, channels=self.channels, sites=self.sites,
            queues=self.queues, payload=self.payload,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSetup(Setup):
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """For how long the old secret signs along."""

    __pydantic_config__ = closed

    overlap_hours: Annotated[int, Field(strict=True, ge=0, le=168)] = 24


class WebhookView(ApiView):
    secret = ""

    def once_shown(self, response: HttpResponse) -> HttpResponse:
        """The answer with the secret that was just made. The answer kept for a repeat of the call never holds it."""
        if self.secret and response.status_code < 300:
            response.content = to_json({**from_json(response.content), "secret": self.secret})
        return response

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        """A key that sees only some sites, queues or channels may not have everything sent elsewhere."""
        super().initial(request, *args, **kwargs)
        caller = request.auth
        if any(limit is not None for limit in (caller.channels, caller.sites, caller.queues)):
            raise Refusal(
                "key_is_limited", "A key limited to channels, sites or queues sets up no webhooks.", status=403
            )


class Webhooks(WebhookView):
    scope_required: ClassVar[dict[str, str]] = {"GET": SCOPE, "POST": SCOPE}

    @described.LIST
    def get(self, request: Any) -> HttpResponse:
        """By code."""
        rows = WebhookSubscription.objects.for_caller(request.auth).select_related("connection")
        return page_reply(request, keyset(rows, request, ("code",)), _shape)

    @described.CREATE
    def post(self, request: Any) -> HttpResponse:
        """Set one up; `secret` is shown in the first answer alone."""
        return self.once_shown(self._create(request))

    @idempotent()
    def _create(self, request: Any) -> HttpResponse:
        body = parse(request, NewSetup)
        made, self.secret = subscriptions.create(body.code, body.wanted(), actor=request.auth.actor)
        where = reverse("api:v1:webhook", args=[made.code])
        return reply(_shape(made), status=201, headers={"Location": where, "ETag": etag(made.version)})


class OneWebhook(WebhookView):
    scope_required: ClassVar[dict[str, str]] = {"GET": SCOPE, "PUT": SCOPE, "DELETE": SCOPE}

    @described.READ
    def get(self, request: Any, code: str) -> HttpResponse:
        found = _find(request, code)
        return reply(_shape(found), headers={"ETag": etag(found.version)})

    @described.CHANGE
    @idempotent()
    def put(self, request: Any, code: str) -> HttpResponse:
        """All of it anew; needs If-Match."""
        body = parse(request, Setup)
        found = _find(request, code)
        require_match(request, found.version)
        made = subscriptions.change(found.pk, body.wanted(), version=found.version, actor=request.auth.actor)
        return reply(_shape(made), headers={"ETag": etag(made.version)})

    @described.DISABLE
    @idempotent(required=False)
    def delete(self, request: Any, code: str) -> HttpResponse:
        """Nothing is sent there any more; its log stays."""
        found = _find(request, code)
        subscriptions.disable(found.pk, reason="Disabled over the API.", actor=request.auth.actor)
        return reply(None, status=204)


class Rotate(WebhookView):
    scope_required: ClassVar[dict[str, str]] = {"POST": SCOPE}

    @described.ROTATE
    def post(self, request: Any, code: str) -> HttpResponse:
        """A new secret, shown in the first answer alone; the old one signs along."""
        return self.once_shown(self._rotate(request, code))

    @idempotent()
    def _rotate(self, request: Any, code: str) -> HttpResponse:
        body = parse(request, Rotation)
        overlap = timedelta(hours=body.overlap_hours)
        self.secret = subscriptions.rotate(_find(request, code).pk, overlap=overlap, actor=request.auth.actor)
        return reply({"code": code, "overlap_hours": body.overlap_hours})


class Act(WebhookView):
    scope_required: ClassVar[dict[str, str]] = {"POST": SCOPE}

    @described.ACT
    @idempotent()
    def post(self, request: Any, code: str, verb: str) -> HttpResponse:
        """Send a test, or enable it again."""
        if verb not in {"test", "resume"}:
            raise Http404
        found = _find(request, code)
        if verb == "test":
            subscriptions.test(found.pk, actor=request.auth.actor)
        else:
            subscriptions.resume(found.pk, actor=request.auth.actor)
        return reply(_shape(_find(request, code)), status=202)


class Calls(WebhookView):
    scope_required: ClassVar[dict[str, str]] = {"GET": SCOPE}

    @described.CALLS
    def get(self, request: Any, code: str) -> HttpResponse:
        """Its calls, newest first."""
        rows = OutboundCall.objects.filter(connection=_find(request, code).connection_id)
        return page_reply(request, keyset(rows, request), _call)


def _find(request: Any, code: str) -> WebhookSubscription:
    rows = WebhookSubscription.objects.for_caller(request.auth).select_related("connection")
    found: WebhookSubscription | None = rows.filter(code=code.replace("\0", "")[:60]).first()
    if found is None:
        raise Http404
    return found


def _shape(row: WebhookSubscription) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.connection.name,
        "url": row.url,
        "event_types": row.event_types,
        "channels": row.channels,
        "sites": row.sites,
        "queues": row.queues,
        "payload": row.payload,
        "status": row.connection.status,
        "status_reason": row.connection.status_reason,
        "failures": row.failures,
        "failing_since": row.failing_since,
        "last_ok_at": row.connection.last_ok_at,
        "version": row.version,
    }


def _call(row: OutboundCall) -> dict[str, Any]:
    return {
        "at": row.at,
        "event": row.about,
        "type": row.purpose,
        "status": row.status,
        "error": row.error,
        "duration_ms": row.duration_ms,
        "request": row.request_excerpt,
        "response": row.response_excerpt,
    }


@login_not_required
@require_safe
@cache_control(public=True, max_age=300)
def async_api(request: Any) -> JsonResponse:
    """GET /api/v1/asyncapi.json: every event a webhook may hear."""
    return JsonResponse(asyncapi.document())


urlpatterns = [
    path("asyncapi.json", async_api, name="asyncapi"),
    path("webhooks", Webhooks.as_view(), name="webhooks"),
    path("webhooks/<str:code>", OneWebhook.as_view(), name="webhook"),
    path("webhooks/<str:code>/rotate", Rotate.as_view(), name="webhook_rotate"),
    path("webhooks/<str:code>/calls", Calls.as_view(), name="webhook_calls"),
    path("webhooks/<str:code>/<str:verb>", Act.as_view(), name="webhook_act"),
]
