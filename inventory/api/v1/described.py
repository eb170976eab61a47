"""The OpenAPI words of availability."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from core.api.openapi import problems


def query(name: str, what: str, *, many: bool = False, required: bool = False, **more: Any) -> OpenApiParameter:
    kind = more.pop("type", OpenApiTypes.STR)
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, many=many, required=required, description=what, **more)


_WHOLE = {"type": "integer"}
_TERM = {"type": "integer", "description": "With explain=1"}
_RULE = {"type": "integer", "nullable": True, "description": "The id of the rule that says so. With explain=1"}
_AT_A_PLACE = {
    "type": "object",
    "required": ["location", "available"],
    "properties": {
        "location": {"type": "string"},
        "available": _WHOLE,
        **dict.fromkeys(("sellable", "reserved", "safety", "buffer", "inbound"), _TERM),
        **dict.fromkeys(("safety_rule", "buffer_rule", "capacity"), _RULE),
        "barred": {"type": "string", "nullable": True, "description": "Why nothing may be promised there"},
    },
}
_ANSWER = {
    "type": "object",
    "required": ["as_of", "items", "unknown"],
    "properties": {
        "as_of": {"type": "string", "format": "date-time"},
        "channel": {"type": "string", "nullable": True},
        "method": {"type": "string", "nullable": True},
        "by": {"type": "string", "format": "date", "nullable": True},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sku", "available", "locations"],
                "properties": {
                    "sku": {"type": "string"},
                    "available": _WHOLE,
                    "locations": {"type": "array", "items": _AT_A_PLACE},
                },
            },
        },
        "unknown": {"type": "array", "items": {"type": "string"}},
    },
}

AVAILABILITY = extend_schema(
    operation_id="availability_read",
    summary="What may be promised, of up to 200 SKUs at up to 500 locations",
    description=(
        "sellable - reserved - max(safety stock, channel buffer) + inbound due by the end of `by` at the place, never "
        "below zero; a kit is what its parts make. Exact at this moment, and no promise: reserve to hold it. SKUs may "
        "be the channel's own. An SKU nobody knows is named in `unknown`."
    ),
    parameters=[
        query("sku", "An SKU; repeat it for more.", many=True, required=True),
        query("location", "A location's code; repeat it. None: every active location.", many=True),
        query("channel", "Whose buffers apply. A key bound to one channel needn't say."),
        query("by", "Count what is due by the end of this day.", type=OpenApiTypes.DATE),
        query("method", "Only places that may send or hand over, are open in time and have hands free.",
              enum=["SHIP", "PICKUP"]),
        query("explain", "1: every term and the rules that won.", enum=["0", "1"]),
    ],
    responses={200: _ANSWER, **problems(400, 401, 403, 404, 429)},
)  # fmt: skip
