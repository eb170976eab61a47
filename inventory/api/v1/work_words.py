"""The OpenAPI words of counts and transfers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema

from core.api.openapi import ANY, JSON, KEY, page_of, problems, schema_of
from inventory.api.v1.lists import parameters
from inventory.api.v1.work_bodies import NewCount, NewTransfer, Receipt
from inventory.count_filters import CountFilter
from inventory.transfer_filters import TransferFilter

_READS, _WRITES = (400, 401, 403, 429), (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
_TEXT = {"type": "string"}


def _numbered(*names: str, lines: bool = False) -> dict[str, Any]:
    lists: dict[str, Any] = {"lines": {"type": "array", "items": ANY}} if lines else {}
    return {
        "type": "object",
        "required": ["number", *names, *lists],
        "properties": {"number": _TEXT, **dict.fromkeys(names, _TEXT), **lists},
    }


_COUNT = ("location", "status", "origin", "due_at", "created_at")
_TRANSFER = ("origin", "destination", "status", "created_at")

COUNTS = extend_schema(
    operation_id="counts_list",
    summary="Counts, newest first",
    parameters=parameters(CountFilter, flags={"differs"}),
    responses={200: page_of(_numbered(*_COUNT)), **problems(*_READS)},
)
ASK_COUNT = extend_schema(
    operation_id="counts_create",
    summary="Ask for items of a place to be counted",
    description="Items that an open count there lists stay with it; where all do, that count is the answer.",
    parameters=[KEY],
    request={JSON: schema_of(NewCount)},
    responses={201: _numbered(*_COUNT, lines=True), **problems(*_WRITES)},
)
READ_COUNT = extend_schema(
    operation_id="counts_read",
    summary="One count with its lines",
    description="While it is counted blind, what the books say is null.",
    responses={200: _numbered(*_COUNT, lines=True), **problems(401, 403, 404, 429)},
)
TRANSFERS = extend_schema(
    operation_id="transfers_list",
    summary="Transfers, newest first",
    parameters=parameters(TransferFilter),
    responses={200: page_of(_numbered(*_TRANSFER)), **problems(*_READS)},
)
ASK_TRANSFER = extend_schema(
    operation_id="transfers_create",
    summary="Ask for units to be brought from one place to another",
    description="Nothing is promised before a person has approved it.",
    parameters=[KEY],
    request={JSON: schema_of(NewTransfer)},
    responses={201: _numbered(*_TRANSFER, lines=True), **problems(*_WRITES)},
)
READ_TRANSFER = extend_schema(
    operation_id="transfers_read",
    summary="One transfer from end to end",
    responses={200: _numbered(*_TRANSFER, lines=True), **problems(401, 403, 404, 429)},
)
RECEIVE = extend_schema(
    operation_id="transfers_receive",
    summary="Say what came out of the box",
    description=(
        "Booked as a whole. 422 `differs` names what isn't as it was sent, unless `accept_differences`: then each of "
        "them becomes a discrepancy with a case. A SKU that wasn't sent is booked as found."
    ),
    parameters=[KEY],
    request={JSON: schema_of(Receipt)},
    responses={200: _numbered(*_TRANSFER, lines=True), **problems(*_WRITES)},
)
