"""The OpenAPI words of the orders endpoints: the bodies' schemas come from the very types that validate them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from orders.api.v1.bodies import Cancellation, NewOrder
from orders.canonical import adapter
from orders.filters import ORDERS, OrderFilter

_JSON = "application/json"
_ANY = {"type": "object", "additionalProperties": True}
PROBLEM = OpenApiResponse(
    response={
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
            "correlation_id": {"type": "string"},
            "errors": {"type": "array", "items": _ANY},
            "facts": _ANY,
        },
    },
    description="What went wrong, as problem+json.",
)
_PLACED = {
    "type": "object",
    "required": ["number", "channel", "channel_ref", "outcome", "problems", "version"],
    "properties": {
        "number": {"type": "string"},
        "channel": {"type": "string"},
        "channel_ref": {"type": "string"},
        "outcome": {"type": "string", "enum": ["created", "changed", "unchanged", "stale"]},
        "problems": {"type": "array", "items": {"type": "string"}},
        "version": {"type": "integer"},
    },
}


def schema_of(kind: type) -> dict[str, Any]:
    """A type's JSON schema with its definitions written out where they are used: OpenAPI has no place for $defs."""
    whole = adapter(kind).json_schema()
    definitions = whole.pop("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, list):
            return [inline(each) for each in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return inline(definitions[part["$ref"].removeprefix("#/$defs/")])
        made = {name: inline(each) for name, each in part.items()}
        kinds = made.get("anyOf", [])
        if {"type": "null"} in kinds and len(kinds) == 2:  # OpenAPI 3.0 says it its own way
            (kind,) = (each for each in kinds if each != {"type": "null"})
            made = {**kind, **{k: v for k, v in made.items() if k not in {"anyOf", "default"}}, "nullable": True}
        return made

    made: dict[str, Any] = inline(whole)
    return made


def _header(name: str, what: str, *, required: bool) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.HEADER, required=required, description=what)


def _query(name: str, what: str = "", *, many: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.QUERY, many=many, description=what)


KEY = _header("Idempotency-Key", "1 to 255 printable ASCII characters, new for each new call.", required=True)
MATCH = _header("If-Match", "The ETag of the version you have seen.", required=False)

CREATE = extend_schema(
    operation_id="orders_create",
    summary="Send an order in, new or changed",
    description=(
        "Safe to repeat: (channel, channel_ref) is one order for ever, and the larger `version` wins whatever arrives "
        "first. 201 made, 200 changed or known already, 202 kept although something needs a person (see `problems`)."
    ),
    parameters=[KEY],
    request={_JSON: schema_of(NewOrder)},
    responses={
        **dict.fromkeys((200, 201, 202), _PLACED),
        **dict.fromkeys((400, 401, 403, 404, 409, 413, 415, 422, 429, 503), PROBLEM),
    },
)
LIST = extend_schema(
    operation_id="orders_list",
    summary="Orders, newest first",
    parameters=[
        *(_query(name, many=name not in {"q", "placed_from", "placed_to"}) for name in OrderFilter.base_filters),
        OpenApiParameter("sort", OpenApiTypes.STR, OpenApiParameter.QUERY, enum=list(ORDERS)),
        OpenApiParameter("page_size", OpenApiTypes.INT, OpenApiParameter.QUERY),
        _query("after", "The `next` of the page before."),
        _query("before", "The `previous` of the page after."),
    ],
    responses={200: _ANY, **dict.fromkeys((400, 401, 403, 429), PROBLEM)},
)
READ = extend_schema(
    operation_id="orders_read",
    summary="One order with its lines, holds, work and payments",
    responses={200: _ANY, 304: None, **dict.fromkeys((401, 403, 404, 429), PROBLEM)},
)
CANCEL = extend_schema(
    operation_id="orders_cancel",
    summary="Cancel what has not left yet",
    parameters=[KEY, MATCH],
    request={_JSON: schema_of(Cancellation)},
    responses={200: _ANY, **dict.fromkeys((400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503), PROBLEM)},
)
