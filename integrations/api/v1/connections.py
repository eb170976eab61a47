"""/api/v1/connections/<code>/mode: taking a connection live in phases. Scope connections:manage."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar, Literal

from django.http import Http404, HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from pydantic import BeforeValidator, Field

from core.api import ApiView, idempotent, parse, reply
from core.api.kinds import Text, closed, sequence
from core.api.openapi import ANY, JSON, KEY, problems, schema_of
from integrations import phases
from integrations.cutover import Setting
from integrations.models import Connection

SCOPE = "connections:manage"
Place = Annotated[str, Field(strict=True, min_length=1, max_length=120), Text]
_WRITES = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How much of it shall be live, and why."""

    __pydantic_config__ = closed

    mode: Literal["SHADOW", "PART", "LIVE"]
    share: Annotated[int, Field(strict=True, ge=0, le=100)] = 0
    places: Annotated[tuple[Place, ...], Field(max_length=500), BeforeValidator(sequence)] = ()
    reason: Annotated[str, Field(strict=True, max_length=300), Text] = ""

    @property
    def setting(self) -> Setting:
        return Setting(self.mode, self.share, self.places)


_BODY = {JSON: schema_of(Wanted)}


class ConnectionMode(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": SCOPE, "PUT": SCOPE}

    @extend_schema(
        operation_id="connections_mode_read",
        summary="How much of a connection is live, and what its shadow came to within a week",
        responses={200: ANY, **problems(401, 403, 404, 429)},
    )
    def get(self, request: Any, code: str) -> HttpResponse:
        return reply(_shape(_find(request, code)))

    @extend_schema(
        operation_id="connections_mode_change",
        summary="Take a connection live in part or whole, or back into shadow; needs a reason",
        parameters=[KEY],
        request=_BODY,
        responses={200: ANY, **problems(*_WRITES)},
    )
    @idempotent()
    def put(self, request: Any, code: str) -> HttpResponse:
        wanted = parse(request, Wanted)
        found = _find(request, code)
        phases.change(found.pk, wanted.setting, reason=wanted.reason, actor=request.auth.actor)
        return reply(_shape(_find(request, code)))


class PreviewMode(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": SCOPE}

    @extend_schema(
        operation_id="connections_mode_preview",
        summary="What a mode would change, by the orders seen within a week; changes nothing",
        request=_BODY,
        responses={200: ANY, **problems(*_WRITES)},
    )
    def post(self, request: Any, code: str) -> HttpResponse:
        found = _find(request, code)
        seen = asdict(phases.preview(found, parse(request, Wanted).setting))
        return reply(seen)


class RollBackMode(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": SCOPE}

    @extend_schema(
        operation_id="connections_mode_roll_back",
        summary="As it was before the last change",
        parameters=[KEY],
        request=None,
        responses={200: ANY, **problems(*_WRITES)},
    )
    @idempotent()
    def post(self, request: Any, code: str) -> HttpResponse:
        found = _find(request, code)
        phases.roll_back(found.pk, reason="Rolled back over the API.", actor=request.auth.actor)
        return reply(_shape(_find(request, code)))


def _find(request: Any, code: str) -> Connection:
    rows = Connection.objects.for_caller(request.auth).exclude(kind=Connection.Kind.WEBHOOK)
    found: Connection | None = rows.filter(code=code).first()
    if found is None:
        raise Http404
    return found


def _shape(found: Connection) -> dict[str, Any]:
    return {
        "connection": found.code, **Setting.of(found).as_data(), "words": Setting.of(found).words,
        "shadow": phases.tally(found),
    }  # fmt: skip


urlpatterns = [
    path("connections/<str:code>/mode", ConnectionMode.as_view(), name="connection_mode"),
    path("connections/<str:code>/mode/preview", PreviewMode.as_view(), name="connection_mode_preview"),
    path("connections/<str:code>/mode/roll-back", RollBackMode.as_view(), name="connection_mode_back"),
]
