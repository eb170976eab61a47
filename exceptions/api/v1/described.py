"""The OpenAPI words of cases."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from core.api.openapi import ANY, JSON, KEY, page_of, problems, schema_of
from exceptions.api.v1 import bodies
from exceptions.api.v1.filters import parameters

_READS, _WRITES = (400, 401, 403, 404, 429), (400, 401, 403, 404, 409, 410, 412, 413, 415, 422, 429, 503)
_TEXT, _WHOLE, _FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_MAYBE, _MOMENT = {"type": "string", "nullable": True}, {"type": "string", "format": "date-time"}
_MAYBE_MOMENT = {**_MOMENT, "nullable": True}
_MAYBE_ANY = {**ANY, "nullable": True}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


_CASE_FIELDS: dict[str, Any] = {
    **dict.fromkeys(("number", "reason", "title", "summary", "queue", "severity", "status"), _TEXT),
    **dict.fromkeys(("version", "occurrences"), _WHOLE),
    **dict.fromkeys(("waiting_on", "site", "value", "currency", "parent", "outcome", "outcome_note"), _MAYBE),
    **dict.fromkeys(("started_at", "opened_at", "acknowledge_by", "resolve_by", "updated_at"), _MOMENT),
    **dict.fromkeys(
        ("waiting_since", "wait_until", "due_at", "acknowledged_at", "promise_by", "resolved_at"), _MAYBE_MOMENT
    ),
    "owner": _MAYBE_ANY,
    "subject": ANY,
}
_CASE = _object(**_CASE_FIELDS)
_FACT = _object(id=_TEXT, type=_TEXT, at=_MOMENT, recorded_at=_MOMENT, by=ANY, text=_TEXT, detail=_TEXT, data=ANY)
_CLOCK = _object(
    clock=_TEXT, state=_TEXT, due_at=_MOMENT, minutes={**_WHOLE, "nullable": True}, calendar=_MAYBE,
    seconds_left={**_WHOLE, "nullable": True},
)  # fmt: skip
_CELL = _object(text=_TEXT, note=_TEXT, subject=_MAYBE_ANY, url=_MAYBE)
_EVIDENCE = _object(
    heading=_TEXT,
    columns=_list(_object(title=_TEXT, numeric=_FLAG)),
    rows=_list(_object(hot=_FLAG, cells=_list(_CELL))),
    empty=_TEXT,
)
_ACTION = _object(
    code=_TEXT, title=_TEXT, detail=_TEXT, primary=_FLAG, runs=_FLAG, url=_MAYBE, previews=_FLAG, confirm=_TEXT,
    scope=_TEXT, allowed=_FLAG,
)  # fmt: skip
_DETAIL = _object(
    **_CASE_FIELDS, description=_TEXT, clears_when=_MAYBE, still_true={**_FLAG, "nullable": True},
    clocks=_list(_CLOCK), evidence=_list(_EVIDENCE), context=_MAYBE_ANY, actions=_list(_ACTION), symptoms=_WHOLE,
    timeline=_list(_FACT),
)  # fmt: skip
_NOTE = _object(id=_WHOLE, text=_TEXT, by=ANY, at=_MOMENT)
_REASON = _object(
    **dict.fromkeys(("code", "title", "queue", "severity", "subject_kind", "description", "clears_when"), _TEXT),
    **dict.fromkeys(("acknowledge_minutes", "resolve_minutes", "open"), _WHOLE),
    proves_itself=_FLAG, business_time=_FLAG, actions=_list(ANY),
)  # fmt: skip
_PREVIEW = _object(
    code=_TEXT, title=_TEXT, confirm=_TEXT, version=_WHOLE, would=_list(_object(name=_TEXT, value=_TEXT))
)
_PAGES = [
    OpenApiParameter("page_size", OpenApiTypes.INT, OpenApiParameter.QUERY),
    *(OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.QUERY) for name in ("after", "before")),
]
_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag you read. 412 with what the case is now, where it has changed since.",
)
_EXAMPLE = OpenApiExample(
    "A late order",
    value={
        "number": "EX-20418",
        "version": 3,
        "reason": "orders.unallocated",
        "title": "No node can fulfil it",
        "queue": "orders",
        "severity": "high",
        "status": "OPEN",
        "owner": {"name": "Amira Khan", "email": "amira@harrow.example"},
        "site": "LDS",
        "subject": {"kind": "order", "uid": "8123", "label": "HF-104467", "url": "/orders/HF-104467"},
        "value": "412.00",
        "currency": "GBP",
        "due_at": "2026-03-02T15:30:00Z",
    },
    response_only=True,
)
_CHANGED = "409 and 412 say in `facts` what the case is now."

LIST = extend_schema(
    operation_id="cases_list",
    summary="Cases, nearest their time first",
    description="The same filters as the queue on screen. Without `status`, what is open.",
    parameters=parameters(),
    responses={200: page_of(_CASE), **problems(400, 401, 403, 429)},
)
READ = extend_schema(
    operation_id="cases_read",
    summary="One case: evidence as tables, clocks, latest facts, actions offered",
    description="The evidence is read anew each time, so the ETag is of the case alone.",
    responses={200: _DETAIL, **problems(401, 403, 404, 429)},
    examples=[_EXAMPLE],
)
TIMELINE = extend_schema(
    operation_id="cases_timeline",
    summary="Every fact about a case, newest first",
    parameters=_PAGES,
    responses={200: page_of(_FACT), **problems(*_READS)},
)
NOTES = extend_schema(
    operation_id="cases_notes_list",
    summary="Notes of a case, newest first",
    parameters=_PAGES,
    responses={200: page_of(_NOTE), **problems(*_READS)},
)
NOTE = extend_schema(
    operation_id="cases_notes_create",
    summary="Leave a note",
    parameters=[KEY],
    request={JSON: schema_of(bodies.Note)},
    responses={201: _NOTE, **problems(*_WRITES)},
)


def _verb(operation: str, summary: str, body: Any, description: str = "", example: Any = None) -> Any:
    return extend_schema(
        operation_id=operation,
        summary=summary,
        description=" ".join(part for part in (description, _CHANGED) if part),
        parameters=[KEY, _MATCH],
        request={JSON: schema_of(body)},
        responses={200: _CASE, **problems(*_WRITES)},
        examples=[OpenApiExample("For example", value=example, request_only=True)] if example else [],
    )


ACKNOWLEDGE = _verb("cases_acknowledge", "Answer a case without anybody taking it", bodies.Seen)
CLAIM = _verb(
    "cases_claim",
    "Take a free case for a person",
    bodies.ForPerson,
    "A program owns no case: it names the person who takes it. The timeline says which program it was.",
    {"person": "amira@harrow.example", "version": 3},
)
ASSIGN = _verb(
    "cases_assign",
    "Give a case to a person, whoever has it now",
    bodies.ForPerson,
    example={"person": "amira@harrow.example"},
)
RELEASE = _verb("cases_release", "Put a case back for anyone to take", bodies.Seen)
WAIT = _verb(
    "cases_wait",
    "Pause a case's clocks while somebody else has to act",
    bodies.Pause,
    "The promise clock never stands still.",
    {"on": "carrier", "until": "2026-03-03T09:00:00Z", "note": "Claim 4471 with the carrier"},
)
RESUME = _verb("cases_resume", "Let a case's clocks run again", bodies.Seen)
RESOLVE = _verb(
    "cases_resolve",
    "End a case as fixed, or as the same as another",
    bodies.Resolution,
    "409 `still_true` while what opened it holds: put it right, or waive it.",
    {"outcome": "fixed", "note": "Sent again by courier"},
)
WAIVE = _verb(
    "cases_waive",
    "Sign that a case may stay as it is",
    bodies.Waiver,
    "Needs the scope cases:waive.",
    {"reason": "Goodwill agreed with the customer"},
)
REOPEN = _verb("cases_reopen", "Take back the end of a case", bodies.Again, "410 once it is over for too long.")
ACT = extend_schema(
    operation_id="cases_act",
    summary="Run an action the case offers",
    description=f"An action may ask for a scope besides cases:work; its `scope` says which. {_CHANGED}",
    parameters=[KEY, _MATCH],
    request={JSON: schema_of(bodies.Seen)},
    responses={200: _object(said=_TEXT, case=_CASE), **problems(*_WRITES)},
)
PREVIEW = extend_schema(
    operation_id="cases_act_preview",
    summary="What an action would do",
    responses={200: _PREVIEW, **problems(401, 403, 404, 409, 429)},
)
QUEUES = extend_schema(
    operation_id="queues_list",
    summary="The queues this key sees",
    responses={200: _object(items=_list(_object(code=_TEXT, name=_TEXT, open=_WHOLE))), **problems(401, 403, 429)},
)
REASONS = extend_schema(
    operation_id="reasons_list",
    summary="Every way things can go wrong",
    responses={200: _object(items=_list(_REASON)), **problems(401, 403, 429)},
)
