"""The OpenAPI words of the orders endpoints: the bodies' schemas come from the very types that validate them."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from core.api.openapi import ANY, JSON, KEY, PROBLEM, schema_of
from orders.api.v1.bodies import Cancellation, NewOrder
from orders.filters import ORDERS, OrderFilter

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


def _query(name: str, what: str = "", *, many: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.QUERY, many=many, description=what)


MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The ETag of the version you have seen."
)

CREATE = extend_schema(
    operation_id="orders_create",
    summary="Send an order in, new or changed",
    description=(
        "Safe to repeat: (channel, channel_ref) is one order for ever, and the larger `version` wins whatever arrives "
        "first. 201 made, 200 changed or known already, 202 kept although something needs a person (see `problems`)."
    ),
    parameters=[KEY],
    request={JSON: schema_of(NewOrder)},
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
    responses={200: ANY, **dict.fromkeys((400, 401, 403, 429), PROBLEM)},
)
READ = extend_schema(
    operation_id="orders_read",
    summary="One order with its lines, holds, work and payments",
    responses={200: ANY, 304: None, **dict.fromkeys((401, 403, 404, 429), PROBLEM)},
)
CANCEL = extend_schema(
    operation_id="orders_cancel",
    summary="Cancel what has not left yet",
    parameters=[KEY, MATCH],
    request={JSON: schema_of(Cancellation)},
    responses={200: ANY, **dict.fromkeys((400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503), PROBLEM)},
)
