"""Words the OpenAPI descriptions of orders share."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter


def query(name: str, what: str = "", *, many: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.QUERY, many=many, description=what)


PAGING = (
    OpenApiParameter("page_size", OpenApiTypes.INT, OpenApiParameter.QUERY),
    query("after", "The `next` of the page before."),
    query("before", "The `previous` of the page after."),
)
WRITES = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)


def page_of(row: dict[str, Any]) -> dict[str, Any]:
    cursor = {"type": "string", "nullable": True}
    return {
        "type": "object",
        "required": ["items", "next", "previous"],
        "properties": {"items": {"type": "array", "items": row}, "next": cursor, "previous": cursor},
    }


MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The ETag of the version you have seen."
)

MOMENT = {"type": "string", "format": "date-time"}
MAYBE_MOMENT = MOMENT | {"nullable": True}
TEXT, WHOLE, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
MONEY = {"type": "string", "example": "12.50"}


def object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def list_of(row: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": row}
