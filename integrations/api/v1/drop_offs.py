"""/api/v1/returns/<number>/drop-offs: where its parcel can be handed in near the customer, and which was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from django.http import Http404, HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from pydantic import Field

from core.api import ApiView, idempotent, parse, reply
from core.api.kinds import closed
from core.api.openapi import ANY, JSON, KEY, problems, schema_of
from integrations.carriers import dropping
from returns.models import ReturnRequest
from returns.services import drop_offs

_WRITES = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The `choice` of one of the places that were listed; empty: none any more."""

    __pydantic_config__ = closed

    choice: Annotated[str, Field(strict=True, max_length=4000)]


class DropOffs(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "returns:read", "POST": "returns:write"}

    @extend_schema(
        operation_id="returns_drop_offs",
        summary="Where its parcel can be handed in near the customer",
        description=(
            "The carriers' accounts are asked now: the nearest first, with `metres` and opening `hours` in words. "
            "`troubles` says which could not be asked, or know none; nothing else depends on it."
        ),
        responses={200: ANY, **problems(401, 403, 404, 429)},
    )
    def get(self, request: Any, number: str) -> HttpResponse:
        rma = _find(request, number)
        near = dropping.near(rma)
        items = [{**each.place, "choice": each.choice} for each in near.places]
        return reply({"chosen": rma.drop_off or None, "items": items, "troubles": near.troubles})

    @extend_schema(
        operation_id="returns_drop_offs_choose",
        summary="Choose where the parcel is handed in",
        description="Kept on the return and printed on its label and receipt.",
        parameters=[KEY],
        request={JSON: schema_of(Chosen)},
        responses={200: ANY, **problems(*_WRITES)},
    )
    @idempotent()
    def post(self, request: Any, number: str) -> HttpResponse:
        rma, body = _find(request, number), parse(request, Chosen)
        place = dropping.chosen(body.choice, rma) if body.choice else None
        rma = drop_offs.choose(rma.pk, place, actor=request.auth.actor)
        return reply({"chosen": rma.drop_off or None})


def _find(request: Any, number: str) -> ReturnRequest:
    found = ReturnRequest.objects.for_caller(request.auth).select_related("location").filter(number=number).first()
    if found is None:
        raise Http404
    return found


urlpatterns = [path("returns/<str:number>/drop-offs", DropOffs.as_view(), name="return_drop_offs")]
