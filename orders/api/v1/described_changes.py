"""The OpenAPI words of changes to orders."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema

from core.api.openapi import ANY, JSON, KEY, problems, schema_of
from orders.api.v1.words import (
    FLAG,
    MATCH,
    MAYBE_MOMENT,
    MOMENT,
    PAGING,
    TEXT,
    WHOLE,
    WRITES,
    list_of,
    object_of,
    page_of,
)
from orders.edits import MOST, Edit

_EDITS = {"type": "array", "minItems": 1, "maxItems": MOST, "items": schema_of(Edit)}
_WORDS = {"type": "string", "maxLength": 500}


def _body(**texts: Any) -> dict[str, Any]:
    return {
        JSON: {
            "type": "object",
            "required": ["edits"],
            "additionalProperties": False,
            "properties": {"edits": _EDITS, **texts},
        }
    }


_CHANGE = object_of(
    id=WHOLE, status=TEXT, summary=TEXT, edits=list_of(ANY), effect=ANY, note=TEXT, by=TEXT, at=MOMENT,
    decided_by=TEXT, decided_at=MAYBE_MOMENT, channel_told=TEXT,
)  # fmt: skip
_SEEN = object_of(
    version=WHOLE, summary=TEXT, possible=FLAG, refusals=list_of(ANY), stock=list_of(ANY), short=list_of(ANY),
    money=ANY, promise=ANY, holds=ANY, token=TEXT,
)  # fmt: skip

PREVIEW = extend_schema(
    operation_id="orders_changes_preview",
    summary="What a change would do to stock, money and promise",
    description="Done and taken back, so it shows what confirming it would do now. `refusals` say why it can't be.",
    request=_body(),
    responses={200: _SEEN, **problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)},
)
CONFIRM = extend_schema(
    operation_id="orders_changes_confirm",
    summary="Change an order: address, quantities, lines, method, substitutes, cancellation",
    description=(
        "Needs If-Match. With a preview's `token`, 409 `preview_changed` where the outcome would be another by now; "
        "409 with its reason once the work is too far."
    ),
    parameters=[KEY, MATCH],
    request=_body(token=_WORDS, note=_WORDS),
    responses={201: _CHANGE, **problems(*WRITES, 412, 428)},
)
LIST = extend_schema(
    operation_id="orders_changes_list",
    summary="Changes of an order, newest first",
    parameters=[*PAGING],
    responses={200: page_of(_CHANGE), **problems(400, 401, 403, 404, 429)},
)
