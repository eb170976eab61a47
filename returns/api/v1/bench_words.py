"""The OpenAPI words of what is done with goods that came back."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema

from core.api.openapi import ANY, JSON, KEY, problems, schema_of
from returns.api.v1.bench_bodies import (
    Decision,
    EmptyBox,
    NewChoice,
    NewDisposition,
    NewExchange,
    NewInspection,
    NewReceipt,
)

_READS, _WRITES = (401, 403, 404, 429), (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
_TEXT, _INT = {"type": "string"}, {"type": "integer"}
_ROWS = {"type": "array", "items": ANY}
_LIST = {"type": "object", "required": ["data"], "properties": {"data": _ROWS}}


def _one(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(fields), "properties": fields}


_RECEIPT = _one(id=_INT, line=_INT, sku=_TEXT, quantity=_INT, kind=_TEXT, location=_TEXT, occurred_at=_TEXT)
_INSPECTION = _one(id=_INT, line=_INT, sku=_TEXT, quantity=_INT, grade=_TEXT, verdict=_TEXT, dispositions=_ROWS)
_DISPOSITION = _one(id=_INT, inspection=_INT, quantity=_INT, disposition=_TEXT, state=_TEXT, location=_TEXT)
_EXCHANGE = _one(order=_TEXT, status=_TEXT, credit=_TEXT, worth=_TEXT, difference=_TEXT, currency=_TEXT)
_CHOICE = _one(id=_INT, inspection=_INT, choice=_TEXT, status=_TEXT, quantity=_INT, cost=_TEXT | {"nullable": True})

RECEIPTS = extend_schema(
    operation_id="returns_receipts_list", summary="What came of a return, scan by scan",
    responses={200: _LIST, **problems(*_READS)},
)  # fmt: skip
RECEIVE = extend_schema(
    operation_id="returns_receipts_create",
    summary="Take units of a return in",
    description=(
        "They wait for inspection at that place. 422 `not_expected` names what is awaited, 409 `nothing_left` says "
        "that all of it is here already, 422 `serial_mismatch` that another unit was sold."
    ),
    parameters=[KEY],
    request={JSON: schema_of(NewReceipt)},
    responses={201: _RECEIPT, **problems(*_WRITES)},
)
EMPTY = extend_schema(
    operation_id="returns_receipts_finish",
    summary="Say that nothing more was in the parcel",
    description="What is still awaited is short; a person asks the customer. Safe to repeat.",
    parameters=[KEY],
    request={JSON: schema_of(EmptyBox)},
    responses={200: _LIST, **problems(*_WRITES)},
)
INSPECTIONS = extend_schema(
    operation_id="returns_inspections_list", summary="What was seen of a return's goods, and what became of them",
    responses={200: _LIST, **problems(*_READS)},
)  # fmt: skip
INSPECT = extend_schema(
    operation_id="returns_inspections_create",
    summary="Say what was seen of units that came back",
    description=(
        "ACCEPTED is the customer's money, REVIEW leaves it to a person. Units nobody announced, or of another serial, "
        "become REVIEW whatever is sent. 409 `nothing_left`: somebody looked at them already."
    ),
    parameters=[KEY],
    request={JSON: schema_of(NewInspection)},
    responses={201: _INSPECTION, **problems(*_WRITES)},
)
DECIDE = extend_schema(
    operation_id="returns_inspections_decide",
    summary="Accept or reject what an inspection left open",
    parameters=[KEY],
    request={JSON: schema_of(Decision)},
    responses={200: _INSPECTION, **problems(*_WRITES)},
)
DISPOSITIONS = extend_schema(
    operation_id="returns_dispositions_list", summary="What became of a return's goods, in order",
    responses={200: _LIST, **problems(*_READS)},
)  # fmt: skip
DISPOSE = extend_schema(
    operation_id="returns_dispositions_create",
    summary="Say what becomes of inspected units",
    description=(
        "Each is a stock movement; RESTOCK makes them sellable at once. With `after` they move on from an earlier "
        "disposition. 409 `not_accepted` while the customer still owns them."
    ),
    parameters=[KEY],
    request={JSON: schema_of(NewDisposition)},
    responses={201: _DISPOSITION, **problems(*_WRITES)},
)
CHOOSE = extend_schema(
    operation_id="returns_rejected_create",
    summary="Say what becomes of rejected units",
    description=(
        "They are the customer's: BACK sends them home (`cost` is the parcel's), KEEP and SCRAP need the customer's "
        "consent in `words`. 409 `not_rejected`, `nothing_left`."
    ),
    parameters=[KEY],
    request={JSON: schema_of(NewChoice)},
    responses={201: _CHOICE, **problems(*_WRITES)},
)
HANDED_OVER = extend_schema(
    operation_id="returns_rejected_handed_over",
    summary="The parcel of rejected units is with its carrier",
    parameters=[KEY],
    request=None,
    responses={200: _CHOICE, **problems(*_WRITES)},
)
EXCHANGE = extend_schema(
    operation_id="returns_exchanges_create",
    summary="Exchange what comes back",
    description="A new order, held until the goods are accepted, or sent at once against a hold with `advance`.",
    parameters=[KEY],
    request={JSON: schema_of(NewExchange)},
    responses={201: _EXCHANGE, **problems(*_WRITES)},
)
