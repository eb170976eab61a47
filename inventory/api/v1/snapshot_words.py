"""The OpenAPI words of the snapshot endpoints."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema

from core.api.openapi import ANY, JSON, KEY, problems, schema_of
from inventory.api.v1.lists import parameters
from inventory.api.v1.snapshot_bodies import SnapshotIn
from inventory.filters_snapshots import DifferenceFilter, SnapshotFilter

_COUNT = {"type": "integer", "minimum": 0}
_SNAPSHOT: dict[str, Any] = {
    "type": "object",
    "required": ["number", "source", "ref", "as_of", "lines", "compared", "ignored", "unresolved", "refused"],
    "properties": {
        "number": {"type": "string"},
        "source": {"type": "string"},
        "ref": {"type": "string"},
        "as_of": {"type": "string", "format": "date-time"},
        "taken_at": {"type": "string", "format": "date-time"},
        "complete": {"type": "boolean"},
        "lines": _COUNT,
        "compared": _COUNT,
        "ignored": {**_COUNT, "description": "No stock level, or not tracked there"},
        "unresolved": {**_COUNT, "description": "Somebody has to say what a code or status means; a case is open"},
        "refused": _COUNT,
        "remarks": {"type": "array", "items": {"type": "string"}},
    },
}


TAKE = extend_schema(
    operation_id="stock_snapshots_take",
    summary="Say what a system believes it has",
    description=(
        "Nothing in the books changes: what differs beyond the source's tolerance becomes a case. (source, ref) is one "
        "snapshot for ever. `sku` is ours or a code the source has an alias for; `location` likewise; `status` is the "
        "source's own word, mapped by its status map; `quantity` null means not tracked there. 201 taken, 200 known, "
        "202 taken although something in it needs a person."
    ),
    parameters=[KEY],
    request={JSON: schema_of(SnapshotIn)},
    responses={
        **dict.fromkeys((200, 201, 202), _SNAPSHOT),
        **problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
    },
)
LIST = extend_schema(
    operation_id="stock_snapshots_list",
    summary="Snapshots, newest first",
    parameters=parameters(SnapshotFilter, flags={"open"}),
    responses={200: ANY, **problems(400, 401, 403, 429)},
)
READ = extend_schema(
    operation_id="stock_snapshots_read",
    summary="One snapshot and the lines that were not compared",
    responses={200: ANY, **problems(401, 403, 404, 429)},
)
DIFFERENCES = extend_schema(
    operation_id="stock_differences_list",
    summary="Where a source and the books disagree now",
    parameters=parameters(DifferenceFilter, flags={"beyond"}),
    responses={200: ANY, **problems(400, 401, 403, 429)},
)
