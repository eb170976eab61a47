"""The OpenAPI words of reservations and movements: the bodies' schemas come from the very types that validate them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema

from core.api.openapi import ANY, JSON, KEY, page_of, problems, schema_of
from inventory.api.v1.bodies import Confirmation, Extension, NewMovements, NewReservation, Release
from inventory.api.v1.lists import parameters
from inventory.filters import LedgerFilter, StockFilter

_WRITES = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
_RESERVATION: dict[str, Any] = {
    "type": "object",
    "required": ["demand", "kind", "status", "created_at", "expires_at", "reservations"],
    "properties": {
        "demand": {"type": "string"},
        "kind": {"type": "string", "enum": ["SOFT", "FIRM"]},
        "status": {
            "type": "string",
            "enum": ["HELD", "CONSUMED", "RELEASED", "EXPIRED", "ENDED"],
            "description": "HELD while anything is; ENDED where its parts ended in different ways.",
        },
        "created_at": {"type": "string", "format": "date-time"},
        "expires_at": {"type": "string", "format": "date-time", "nullable": True},
        "reservations": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "ref", "sku", "location", "quantity", "status"],
                "properties": {
                    "id": {"type": "integer"},
                    "ref": {"type": "string", "description": "The line. A kit's parts share theirs."},
                    "sku": {"type": "string"},
                    "location": {"type": "string"},
                    "quantity": {"type": "integer"},
                    "status": {"type": "string", "enum": ["HELD", "CONSUMED", "RELEASED", "EXPIRED"]},
                },
            },
        },
    },
}

_POSTED = {
    "type": "object",
    "required": ["reference", "movement_ids", "replayed"],
    "properties": {
        "reference": {"type": "string"},
        "movement_ids": {"type": "array", "items": {"type": "integer"}},
        "replayed": {"type": "boolean"},
    },
}
_END: dict[str, Any] = {
    "type": "object",
    "required": ["location", "state"],
    "properties": {"location": {"type": "string", "nullable": True}, "state": {"type": "string"}},
}
_MOVEMENT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "sku", "quantity", "from", "to", "occurred_at", "recorded_at"],
    "properties": {
        "id": {"type": "integer"},
        "sku": {"type": "string"},
        "quantity": {"type": "integer"},
        "from": _END,
        "to": _END,
        "units": {"type": "array", "items": ANY, "description": "By lot or serial number, of a tracked item."},
        "reason": {"type": "string", "nullable": True},
        "cause": ANY,
        "by": {"type": "string"},
        "note": {"type": "string"},
        "compensates": {"type": "integer", "nullable": True},
        "occurred_at": {"type": "string", "format": "date-time"},
        "recorded_at": {"type": "string", "format": "date-time"},
    },
}
_COLUMNS = ("sellable", "reserved", "damaged", "quarantined", "awaiting_inspection", "in_transit_in", "free")
_STOCK: dict[str, Any] = {
    "type": "object",
    "required": ["sku", "location", *_COLUMNS, "updated_at"],
    "properties": {
        "sku": {"type": "string"},
        "location": {"type": "string"},
        **{name: {"type": "integer"} for name in _COLUMNS},
        "updated_at": {"type": "string", "format": "date-time"},
    },
}

HOLD = extend_schema(
    operation_id="reservations_create",
    summary="Hold units for a cart, every line or none",
    description=(
        "Safe to repeat: a `demand` that was met answers 200 with what stands of it; other lines under it are 409. "
        "Short of units, 409 `not_enough_stock` names them, nothing is held, and the demand may be made again. What is "
        "held counts as sold until its time runs out, to the second."
    ),
    parameters=[KEY],
    request={JSON: schema_of(NewReservation)},
    responses={**dict.fromkeys((200, 201), _RESERVATION), **problems(*_WRITES)},
)
READ_RESERVATION = extend_schema(
    operation_id="reservations_read",
    summary="What was held, and what became of it",
    responses={200: _RESERVATION, **problems(401, 403, 404, 429)},
)


def _change(name: str, summary: str, description: str, body: type) -> Any:
    return extend_schema(
        operation_id=f"reservations_{name}",
        summary=summary,
        description=description,
        parameters=[KEY],
        request={JSON: schema_of(body)},
        responses={200: _RESERVATION, **problems(*_WRITES)},
    )


EXTEND = _change(
    "extend",
    "Hold it for so long from now",
    "Never shortens. 409 `reservation_expired` once its time is over: the units may be somebody else's by now.",
    Extension,
)
CONFIRM = _change(
    "confirm",
    "Make it firm",
    "It no longer runs out; it ends when the units leave or are given back. 409 `reservation_expired` when too late.",
    Confirmation,
)
RELEASE = _change("release", "Give back what is still held", "What ended already stays as it ended.", Release)

MOVE = extend_schema(
    operation_id="stock_movements_create",
    summary="Tell what happened to units",
    description=(
        "Posted as a whole, once for its `reference`. `occurred_at` may lie in the past (a till that was offline), not "
        "in the future. Tracked items name their units: `serials`, or `lot`. A kit that was sold or came back moves as "
        "its parts. A correction is another movement."
    ),
    parameters=[KEY],
    request={JSON: schema_of(NewMovements)},
    responses={
        **dict.fromkeys((200, 201), _POSTED),
        **problems(*_WRITES),
    },
)
LEDGER = extend_schema(
    operation_id="stock_movements_list",
    summary="The ledger, newest first",
    description="`recorded_*` is when Backroom heard of a movement, `happened_*` when it took place.",
    parameters=parameters(
        LedgerFilter, single={"recorded_from", "recorded_to", "happened_from", "happened_to", "cause_uid"}
    ),
    responses={200: page_of(_MOVEMENT), **problems(400, 401, 403, 429)},
)
STOCK = extend_schema(
    operation_id="stock_list",
    summary="What lies where, by state",
    description="One row per SKU and place that ever had some, in the order they were first made. For what may be "
    "promised, ask for availability.",
    parameters=parameters(StockFilter, single={"sku"}),
    responses={200: page_of(_STOCK), **problems(400, 401, 403, 429)},
)
