"""/api/v1/carrier-collections: what waits for a carrier's van, calling it, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from django.http import Http404, HttpResponse
from django.urls import URLPattern, URLResolver, path, reverse
from drf_spectacular.utils import extend_schema
from pydantic import BeforeValidator, Field

from core.api import ApiView, idempotent, keyset, page_reply, parse, reply
from core.api.openapi import ANY, JSON, KEY, problems, schema_of
from core.errors import Invalid, Problem
from inventory.models import Location
from orders.api.v1.words import PAGING, WRITES, page_of, query
from orders.canonical import Key, Moment, OptionalKey, Short, _sequence, closed
from orders.models import VanCall
from orders.services import van_calls
from orders.services.van_calls import Waiting
from orders.van_call_filters import VanCallFilter

READ, WRITE = "orders:read", "orders:write"
_PAGING = frozenset({"after", "before", "page_size"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCollection:
    """Which carrier is to come where, and when. `connection` is the account it is booked through, empty where people
    arrange it themselves; `confirmation` is the carrier's number then."""

    __pydantic_config__ = closed

    location: Key
    carrier: Annotated[Short, Field(min_length=1, max_length=60)]
    since: Moment
    until: Moment
    connection: OptionalKey = ""
    confirmation: OptionalKey = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it: `left` are the ids of parcels that stayed although it came."""

    __pydantic_config__ = closed

    happened: Literal["came", "missed"]
    left: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=1, lt=2**63)], ...],
        Field(max_length=500),
        BeforeValidator(_sequence),
    ] = ()
    reason: Short = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingOff:
    """Why it is called off."""

    __pydantic_config__ = closed

    reason: Short = ""


def _described(name: str, summary: str, body: Any = None, status: int = 200) -> Any:
    return extend_schema(
        operation_id=f"carrier_collections_{name}",
        summary=summary,
        parameters=[KEY] if body and name != "preview" else [],
        request={JSON: schema_of(body)} if body else None,
        responses={status: ANY, **problems(*(WRITES if body else (400, 401, 403, 404, 429)))},
    )


class Collections(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="carrier_collections_list",
        summary="Carriers' collections, newest first",
        parameters=[*(query(name, many=name != "carrier") for name in VanCallFilter.base_filters), *PAGING],
        responses={200: page_of(ANY), **problems(400, 401, 403, 429)},
    )
    def get(self, request: Any) -> HttpResponse:
        """Narrowed as the screen's list is."""
        if unknown := sorted(set(request.GET) - _PAGING - set(VanCallFilter.base_filters)):
            raise Invalid([Problem(name[:60], "unknown", "This list isn't narrowed by it.") for name in unknown])
        rows = VanCallFilter(request.GET, VanCall.objects.for_caller(request.auth)).found()
        return page_reply(request, keyset(rows.select_related("location"), request, ("-id",)), _shape)

    @_described("book", "Call a carrier's van for everything that waits for it", NewCollection, 201)
    @idempotent()
    def post(self, request: Any) -> HttpResponse:
        """201 also where an account has yet to book it (`ASKED`); 409 where nothing waits or it is called already."""
        asked = parse(request, NewCollection)
        call = van_calls.book(
            _place(request, asked.location), carrier=asked.carrier, connection=asked.connection, since=asked.since,
            until=asked.until, confirmation=asked.confirmation, actor=request.auth.actor,
            key=f"{request.auth.kind}:{request.auth.uid}:{request.headers.get('Idempotency-Key', '')}"[:120],
        )  # fmt: skip
        where = reverse("api:v1:carrier_collection", args=[call.pk])
        return reply(_whole(_find(request, call.pk)), status=201, headers={"Location": where})


class Preview(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": WRITE}

    @_described("preview", "What a collection would fetch; nothing is written", NewCollection)
    def post(self, request: Any) -> HttpResponse:
        """Refused exactly as booking it would be."""
        asked = parse(request, NewCollection)
        seen = van_calls.preview(
            _place(request, asked.location), carrier=asked.carrier, connection=asked.connection, since=asked.since,
            until=asked.until,
        )  # fmt: skip
        return reply(_waiting(seen))


class OneCollection(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": READ}

    @_described("read", "One collection with its parcels")
    def get(self, request: Any, number: int) -> HttpResponse:
        return reply(_whole(_find(request, number)))


class CallOff(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": WRITE}

    @_described("cancel", "Call a collection off", CallingOff)
    @idempotent()
    def post(self, request: Any, number: int) -> HttpResponse:
        """One booked through an account is cancelled there first (`CANCEL_WANTED`)."""
        asked = parse(request, CallingOff)
        van_calls.cancel(_find(request, number).pk, reason=asked.reason, actor=request.auth.actor)
        return reply(_whole(_find(request, number)))


class SayOutcome(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": WRITE}

    @_described("outcome", "Say whether the van came, and what it left", Outcome)
    @idempotent()
    def post(self, request: Any, number: int) -> HttpResponse:
        """What it took whole is sent; for what stayed the customers are promised anew, and it is a case."""
        asked, found = parse(request, Outcome), _find(request, number)
        if asked.happened == "missed" and asked.left:
            raise Invalid([Problem("left", "contradiction", "A van that did not come left everything.")], status=422)
        if asked.happened == "came":
            van_calls.came(found.pk, left=asked.left, actor=request.auth.actor)
        else:
            van_calls.missed(found.pk, reason=asked.reason, actor=request.auth.actor)
        return reply(_whole(_find(request, number)))


def _place(request: Any, code: str) -> int:
    found = Location.objects.for_caller(request.auth).filter(code=code).values_list("pk", flat=True).first()
    if found is None:
        raise Invalid([Problem("location", "unknown", f"No place is called {code}.")], status=422)
    return int(found)


def _find(request: Any, number: int) -> VanCall:
    found: VanCall | None = (
        VanCall.objects.for_caller(request.auth).select_related("location").filter(pk=number).first()
    )
    if found is None:
        raise Http404
    return found


def _shape(call: VanCall) -> dict[str, Any]:
    return {
        "id": call.pk,
        "number": call.number,
        "location": call.location.code,
        "carrier": call.carrier,
        "connection": call.connection,
        "status": call.status,
        "since": call.since,
        "until": call.until,
        "confirmation": call.confirmation,
        "cost": call.cost,
        "currency": call.currency,
        "said": call.words,
        "version": call.version,
    }


def _whole(call: VanCall) -> dict[str, Any]:
    parcels = call.parcels.select_related("package__fulfilment").order_by("pk")
    return _shape(call) | {
        "parcels": [
            {
                "id": each.package_id,
                "work": each.package.fulfilment.number,
                "tracking_number": each.package.tracking_number,
                "stayed": each.released_because or None,
            }
            for each in parcels
        ]
    }


def _waiting(seen: Waiting) -> dict[str, Any]:
    return {
        "carrier": seen.carrier,
        "connection": seen.connection,
        "orders": seen.works,
        "grams": seen.grams,
        "first_promise": seen.promised,
        "parcels": [
            {
                "id": label.package_id,
                "work": label.package.fulfilment.number,
                "tracking_number": label.tracking_number,
            }
            for label in seen.labels
        ],
    }


urlpatterns: list[URLPattern | URLResolver] = [
    path("carrier-collections", Collections.as_view(), name="carrier_collections"),
    path("carrier-collections/preview", Preview.as_view(), name="carrier_collection_preview"),
    path("carrier-collections/<int:number>", OneCollection.as_view(), name="carrier_collection"),
    path("carrier-collections/<int:number>/cancel", CallOff.as_view(), name="carrier_collection_cancel"),
    path("carrier-collections/<int:number>/outcome", SayOutcome.as_view(), name="carrier_collection_outcome"),
]
