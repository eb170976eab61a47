"""Endpoints that exist only for the tests of core.api."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from django.db import OperationalError
from django.http import Http404
from django.urls import path
from pydantic import BaseModel, ConfigDict, Field

from core.api import (
    ApiView,
    Caller,
    KeyAuthentication,
    etag,
    idempotent,
    keyset,
    not_modified,
    page_reply,
    parse,
    reply,
    require_match,
)
from core.api.lifecycle import deprecated
from core.errors import Refusal
from core.models import Site

CALLERS = {
    "right": Caller("CLIENT", "1", "Shop", frozenset({"things:read", "things:write"})),
    "second": Caller("CLIENT", "2", "Other", frozenset({"things:read", "things:write"})),
    "reader": Caller("CLIENT", "3", "Reader", frozenset({"things:read"})),
    "slow": Caller("CLIENT", "4", "Slow", frozenset({"things:read"}), rate_per_minute=6),
}
calls: list[str] = []


class Keys(KeyAuthentication):
    def caller(self, key, request):
        return CALLERS.get(key)


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sku: str
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: Annotated[str, Field(max_length=40)]
    lines: Annotated[list[Line], Field(max_length=100)] = []


class Things(ApiView):
    authentication_classes = (Keys,)
    scope_required: ClassVar = {"GET": "things:read", "POST": "things:write"}

    def get(self, request):
        return page_reply(request, keyset(Site.objects.all(), request, ("code",)), lambda site: {"code": site.code})

    @idempotent()
    def post(self, request):
        thing = parse(request, Thing)
        calls.append(thing.code)
        made = Site.objects.create(code=thing.code, name="made by a test")
        if thing.code.startswith("refused"):
            raise Refusal("no_such_luck", "Not today.", status=409, because="rain")
        if thing.code.startswith("broken"):
            raise RuntimeError("secret detail")
        if thing.code.startswith("gone"):
            raise OperationalError("connection to 10.0.0.1 lost")
        return reply({"id": made.pk, "code": made.code}, status=201, headers={"Location": f"/things/{made.pk}"})

    def delete(self, request):
        raise AssertionError("nobody may come here: the method has no scope")


@deprecated(since=date(2026, 1, 1), sunset=date(2100, 1, 1), successor="/v2/things", notes="/docs/")
class OldThings(Things):
    pass


@deprecated(since=date(2025, 1, 1), sunset=date(2026, 1, 1), successor="/v2/things")
class GoneThings(Things):
    pass


class OneThing(ApiView):
    authentication_classes = (Keys,)
    scope_required: ClassVar = {"GET": "things:read", "PATCH": "things:write"}

    def get(self, request, code):
        site = Site.objects.filter(code=code).first()
        if site is None:
            raise Http404
        return not_modified(request, 3) or reply({"code": code}, headers={"ETag": etag(3)})

    def patch(self, request, code):
        require_match(request, 3)
        return reply({"changed": True})


urlpatterns = [
    path("old-things/", OldThings.as_view()), path("gone-things/", GoneThings.as_view()),
    path("things/", Things.as_view()), path("things/<str:code>/", OneThing.as_view()),
]  # fmt: skip
