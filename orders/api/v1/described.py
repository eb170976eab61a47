"""The OpenAPI words of the orders endpoints: the bodies' schemas come from the very types that validate them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from core.api.openapi import ANY, JSON, KEY, MAY_KEY, problems, schema_of
from orders.api.v1.bodies import (
    MAX_BATCH,
    MAX_IMPORT,
    Cancellation,
    NewApproval,
    NewHold,
    NewNote,
    NewOrder,
    NewVerdict,
)
from orders.api.v1.words import (
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
    query,
)
from orders.filters import ORDERS, SEVERAL, OrderFilter

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


def _orders(most: int) -> dict[str, Any]:
    some = {"type": "array", "minItems": 1, "maxItems": most, "items": schema_of(NewOrder)}
    return {
        JSON: {"type": "object", "required": ["orders"], "additionalProperties": False, "properties": {"orders": some}}
    }


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
        **problems(*WRITES),
    },
)
LIST = extend_schema(
    operation_id="orders_list",
    summary="Orders, newest first",
    parameters=[
        *(query(name, many=name in SEVERAL) for name in OrderFilter.base_filters),
        OpenApiParameter("sort", OpenApiTypes.STR, OpenApiParameter.QUERY, enum=list(ORDERS)),
        *PAGING,
    ],
    responses={200: page_of(ANY), **problems(400, 401, 403, 429)},
)
READ = extend_schema(
    operation_id="orders_read",
    summary="One order with its lines, holds, work and payments",
    responses={200: ANY, 304: None, **problems(400, 401, 403, 404, 429)},
)
CANCEL = extend_schema(
    operation_id="orders_cancel",
    summary="Cancel what has not left yet",
    parameters=[KEY, MATCH],
    request={JSON: schema_of(Cancellation)},
    responses={200: ANY, **problems(*WRITES, 412)},
)

IMPORT = extend_schema(
    operation_id="orders_import",
    summary="Hand up to 5 000 orders over, to be worked through afterwards",
    description=(
        "202 with an operation; `Location` is where to ask how it is getting on. They are kept as they came and taken "
        "in the order given, each in a transaction of its own: what one is refused for stops none of the others."
    ),
    parameters=[KEY],
    request=_orders(MAX_IMPORT),
    responses={202: ANY, **problems(*WRITES)},
)
IMPORT_RESULTS = extend_schema(
    operation_id="orders_import_results",
    summary="What became of each order of an import so far",
    description="`index` is its place in what was sent; `status` what it would have been answered alone.",
    parameters=[query("refused", "1: only what wasn't taken"), *PAGING],
    responses={200: page_of(ANY), **problems(400, 401, 403, 404, 429, 503)},
)
BATCH = extend_schema(
    operation_id="orders_create_batch",
    summary="Send up to 100 orders in, each with its own verdict",
    description=(
        "200 with one result per order, in the order given: its own `status`, then `order` or `problem`. One that is "
        "refused doesn't stop the others. Made again under the same key, what was done is replayed (`replayed`) and "
        "the rest goes on. Counts as many calls as it holds."
    ),
    parameters=[KEY],
    request=_orders(MAX_BATCH),
    responses={
        200: {
            "type": "object",
            "required": ["taken", "refused", "results"],
            "properties": {
                "taken": {"type": "integer"},
                "refused": {"type": "integer"},
                "results": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["index", "status"],
                        "properties": {
                            "index": {"type": "integer"},
                            "status": {"type": "integer"},
                            "order": _PLACED,
                            "problem": ANY,
                            "replayed": {"type": "boolean"},
                        },
                    },
                },
            },
        },
        **problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
    },
)

_HOLD = object_of(
    type=TEXT, status=TEXT, blocks=TEXT, reason=TEXT, evidence=list_of(ANY), since=MOMENT, due_at=MAYBE_MOMENT, by=TEXT,
    ended_at=MAYBE_MOMENT, ended_by=TEXT, note=TEXT,
)  # fmt: skip
HOLDS = extend_schema(
    operation_id="orders_holds_list",
    summary="What stops an order and what stopped it",
    responses={200: object_of(items=list_of(_HOLD)), **problems(400, 401, 403, 404, 429)},
)
HOLD = extend_schema(
    operation_id="orders_holds_create",
    summary="Hold an order by hand",
    parameters=[KEY, MATCH],
    request={JSON: schema_of(NewHold)},
    responses={201: ANY, **problems(*WRITES, 412)},
)
LIFT = extend_schema(
    operation_id="orders_holds_lift",
    summary="Lift a hold, with a `note` of why",
    description="409 `hold_stands` while its own reason is still true: a missing payment can't be waved through.",
    parameters=[MAY_KEY, MATCH, query("note", "At most 500 characters")],
    responses={200: ANY, **problems(400, 401, 403, 404, 409, 412, 422, 429, 503)},
)
JUDGE = extend_schema(
    operation_id="orders_judge",
    summary="Say how risky an order is",
    description="For providers who answer after the order was sent. Hold rules look at it at once.",
    parameters=[KEY],
    request={JSON: schema_of(NewVerdict)},
    responses={200: ANY, **problems(*WRITES)},
)
APPROVE = extend_schema(
    operation_id="orders_approve",
    summary="Approve an order, or let it through over its account's credit limit",
    parameters=[KEY, MATCH],
    request={JSON: schema_of(NewApproval)},
    responses={200: ANY, **problems(*WRITES, 412)},
)

_NOTE = object_of(id=WHOLE, text=TEXT, by=TEXT, at=MOMENT)
NOTES = extend_schema(
    operation_id="orders_notes_list",
    summary="Notes on an order, newest first",
    parameters=[*PAGING],
    responses={200: page_of(_NOTE), **problems(400, 401, 403, 404, 429)},
)
NOTE = extend_schema(
    operation_id="orders_notes_create",
    summary="Leave a note",
    parameters=[KEY],
    request={JSON: schema_of(NewNote)},
    responses={201: _NOTE, **problems(*WRITES)},
)
EVENTS = extend_schema(
    operation_id="orders_events_list",
    summary="What happened to an order, newest first",
    parameters=[*PAGING],
    responses={
        200: page_of(
            object_of(
                id=TEXT, type=TEXT, at=MOMENT, subject=ANY, by=TEXT, text=TEXT, detail=TEXT, data=ANY,
            )
        ),
        **problems(400, 401, 403, 404, 429),
    },
)  # fmt: skip
