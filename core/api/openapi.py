"""Words every endpoint's OpenAPI description shares."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from pydantic import TypeAdapter

JSON = "application/json"
ANY = {"type": "object", "additionalProperties": True}
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
            "errors": {"type": "array", "items": ANY},
            "facts": ANY,
        },
    },
    description="What went wrong, as problem+json.",
)
KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 255 printable ASCII characters, new for each new call.",
)

MAY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="With one, a repeat gets the first answer; without one it is made again, which harms nothing.",
)


def page_of(item: dict[str, Any]) -> dict[str, Any]:
    """A page of a list, as `core.api.pages.page_reply` answers it."""
    cursor = {"type": "string", "nullable": True}
    return {
        "type": "object",
        "required": ["items", "next", "previous"],
        "properties": {"items": {"type": "array", "items": item}, "next": cursor, "previous": cursor},
    }


def problems(*statuses: int) -> dict[Any, OpenApiResponse]:
    return {(status, "application/problem+json"): PROBLEM for status in statuses}


def schema_of(kind: Any) -> dict[str, Any]:
    """A type's JSON schema with its definitions written out where they are used: OpenAPI has no place for $defs."""
    whole = TypeAdapter(kind).json_schema()
    definitions = whole.pop("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, list):
            return [inline(each) for each in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return inline(definitions[part["$ref"].removeprefix("#/$defs/")])
        made = {name: inline(each) for name, each in part.items()}
        if "const" in made and not isinstance(made["const"], dict):  # a word of OpenAPI 3.1
            made["enum"] = [made.pop("const")]
        kinds = made.get("anyOf", [])
        if {"type": "null"} in kinds and len(kinds) == 2:  # OpenAPI 3.0 says it its own way
            (known,) = (each for each in kinds if each != {"type": "null"})
            made = {**known, **{k: v for k, v in made.items() if k not in {"anyOf", "default"}}, "nullable": True}
        return made

    made: dict[str, Any] = inline(whole)
    return made
