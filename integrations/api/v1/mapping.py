"""/api/v1/connections/<code>/aliases and /files: what a connection's words mean, and files of orders for it.

Scopes connections:manage and orders:write.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponse
from django.urls import path, reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field

from core.api import ApiView, idempotent, keyset, page_reply, parse, reply
from core.api.kinds import Text, closed
from core.api.openapi import ANY, JSON, KEY, page_of, problems, schema_of
from core.errors import Invalid, Problem
from integrations import aliases
from integrations.api.v1.connections import _find
from integrations.api.v1.described import PAGES
from integrations.files.orders import drops
from integrations.models import FileDrop
from integrations.models.aliases import SAID

MANAGE, WRITE = "connections:manage", "orders:write"
_WRITES = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
Kind = Literal["ITEM", "LOCATION", "STATUS", "PAYMENT", "TAX", "CARRIER"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """What a word or code means; an empty meaning forgets it."""

    __pydantic_config__ = closed

    kind: Kind
    code: Annotated[str, Field(strict=True, min_length=1, max_length=200), Text]
    means: Annotated[str, Field(strict=True, max_length=200), Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file's name and its bytes in base64: at most what fits into a body of 2 MB."""

    __pydantic_config__ = closed

    name: Annotated[str, Field(strict=True, min_length=1, max_length=150), Text]
    content: Annotated[str, Field(strict=True, min_length=1), Text]


class Aliases(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": MANAGE, "PUT": MANAGE}

    @extend_schema(
        operation_id="connections_aliases_list",
        summary="What a connection's words or codes of one kind mean, by code",
        parameters=[
            *PAGES,
            OpenApiParameter("kind", OpenApiTypes.STR, OpenApiParameter.QUERY, enum=[kind.value for kind in SAID]),
            OpenApiParameter("q", OpenApiTypes.STR, OpenApiParameter.QUERY),
        ],
        responses={200: page_of(ANY), **problems(400, 401, 403, 404, 429)},
    )
    def get(self, request: Any, code: str) -> HttpResponse:
        found = _find(request, code)
        kind = request.GET.get("kind", "ITEM")
        if kind not in SAID:
            raise Invalid([Problem("kind", "unknown", "There is no such kind of word.")], code="bad_filter")
        rows = aliases.listed(found, kind, request.GET.get("q", "").replace("\0", "")[:200])
        page = keyset(rows.order_by().values("id", "code", "means"), request, ("code", "id"))
        return page_reply(request, page, lambda row: {"kind": kind, "code": row["code"], "means": row["means"]})

    @extend_schema(
        operation_id="connections_aliases_say",
        summary="Say what a word or code means, or with an empty meaning forget it; answers the mapping's version",
        parameters=[KEY],
        request={JSON: schema_of(Alias)},
        responses={200: ANY, **problems(*_WRITES)},
    )
    @idempotent()
    def put(self, request: Any, code: str) -> HttpResponse:
        said = parse(request, Alias)
        version = aliases.say(_find(request, code).pk, said.kind, said.code, said.means, actor=request.auth.actor)
        return reply({"kind": said.kind, "code": said.code, "means": said.means, "version": version})


class Files(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": WRITE}

    @extend_schema(
        operation_id="connections_files_create",
        summary="A file of orders, kept and read by the connection's newest mapping",
        description="202: each order becomes a message of its own. 422 while nobody has said which column is what.",
        parameters=[KEY],
        request={JSON: schema_of(File)},
        responses={202: ANY, **problems(*_WRITES)},
    )
    @idempotent()
    def post(self, request: Any, code: str) -> HttpResponse:
        sent, actor = parse(request, File), request.auth.actor
        try:
            content = base64.b64decode(sent.content, validate=True)
        except (binascii.Error, ValueError):
            raise Invalid([Problem("content", "base64", "Send the file's bytes in base64.")]) from None
        with transaction.atomic():  # one that nobody can read isn't kept
            kept = drops.keep(_find(request, code), sent.name, content, label=actor.label)
            job = drops.confirm(kept.pk, actor=actor)
        where = reverse("api:v1:connection_file", args=[code, kept.pk])
        said = {"file": str(kept.pk), "orders": job.total, "status": "RUNNING"}
        return reply(said, status=202, headers={"Location": where})


class OneFile(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": WRITE}

    @extend_schema(
        operation_id="connections_files_read",
        summary="What became of a file of orders",
        responses={200: ANY, **problems(401, 403, 404, 429)},
    )
    def get(self, request: Any, code: str, file: UUID) -> HttpResponse:
        rows = FileDrop.objects.select_related("job", "mapping").filter(connection=_find(request, code))
        found = rows.filter(pk=file).first()
        if found is None:
            raise Http404
        job = found.job
        return reply(
            {
                "file": str(found.pk),
                "name": found.file_name,
                "sha256": found.sha256,
                "status": found.status,
                "mapping_version": found.mapping.version if found.mapping else None,
                "orders": job.total if job else None,
                "done": job.done if job else 0,
                "failed": job.failed if job else 0,
                "counts": job.result or {} if job else {},
            }
        )


urlpatterns = [
    path("connections/<str:code>/aliases", Aliases.as_view(), name="connection_aliases"),
    path("connections/<str:code>/files", Files.as_view(), name="connection_files"),
    path("connections/<str:code>/files/<uuid:file>", OneFile.as_view(), name="connection_file"),
]
