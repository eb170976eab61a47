"""The OpenAPI words of webhooks."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from core.api.openapi import ANY, JSON, KEY, MAY_KEY, page_of, problems

_READS, _WRITES = (400, 401, 403, 404, 429), (400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 429, 503)
PAGES = [
    OpenApiParameter(name, OpenApiTypes.INT if name == "page_size" else OpenApiTypes.STR, OpenApiParameter.QUERY)
    for name in ("page_size", "after", "before")
]
_MATCH = OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)
_TEXTS = {"type": "array", "items": {"type": "string"}}
_SETUP: dict[str, Any] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 120},
    "url": {"type": "string", "minLength": 9, "maxLength": 500},
    "event_types": {**_TEXTS, "minItems": 1, "maxItems": 300},
    "channels": _TEXTS,
    "sites": _TEXTS,
    "queues": _TEXTS,
    "payload": {"type": "string", "enum": ["FULL", "THIN"]},
}


def _body(*required: str, **more: Any) -> dict[str, Any]:
    properties = {**more, **_SETUP} if "name" in required else more
    return {
        JSON: {
            "type": "object", "properties": properties, "additionalProperties": False,
            **({"required": list(required)} if required else {}),  # an empty list is no schema
        }
    }  # fmt: skip


_NEEDED = ("name", "url", "event_types")
_CODE = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"}
_HOURS = {"type": "integer", "minimum": 0, "maximum": 168}

LIST = extend_schema(
    operation_id="webhooks_list",
    summary="Webhooks, by code",
    parameters=PAGES,
    responses={200: page_of(ANY), **problems(400, 401, 403, 429)},
)
CREATE = extend_schema(
    operation_id="webhooks_create",
    summary="Set up a webhook",
    description="`secret` is in this answer alone. Addresses that are not public https ones are refused.",
    parameters=[KEY],
    request=_body("code", *_NEEDED, code=_CODE),
    responses={201: ANY, **problems(*_WRITES)},
)
READ = extend_schema(
    operation_id="webhooks_read",
    summary="One webhook and how it goes",
    responses={200: ANY, **problems(401, 403, 404, 429)},
)
CHANGE = extend_schema(
    operation_id="webhooks_change",
    summary="Set a webhook up anew",
    parameters=[KEY, _MATCH],
    request=_body(*_NEEDED),
    responses={200: ANY, **problems(*_WRITES)},
)
DISABLE = extend_schema(
    operation_id="webhooks_disable",
    summary="Send nothing there any more",
    parameters=[MAY_KEY],
    responses={204: None, **problems(*_WRITES)},
)
ROTATE = extend_schema(
    operation_id="webhooks_rotate",
    summary="A new secret; the old one signs along",
    parameters=[KEY],
    request=_body(overlap_hours=_HOURS),
    responses={200: ANY, **problems(*_WRITES)},
)
ACT = extend_schema(
    operation_id="webhooks_act",
    summary="Send a test, or enable it again",
    parameters=[KEY, OpenApiParameter("verb", OpenApiTypes.STR, OpenApiParameter.PATH, enum=["test", "resume"])],
    request=None,
    responses={202: ANY, **problems(*_WRITES)},
)
CALLS = extend_schema(
    operation_id="webhooks_calls",
    summary="Its calls, newest first",
    parameters=PAGES,
    responses={200: page_of(ANY), **problems(*_READS)},
)
