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
    scope=_TEXT, allowed=_FLAG, params=_list(ANY), undo_minutes={**_WHOLE, "nullable": True},
)  # fmt: skip
_DETAIL = _object(
    **_CASE_FIELDS, description=_TEXT, clears_when=_MAYBE, still_true={**_FLAG, "nullable": True},
    clocks=_list(_CLOCK), evidence=_list(_EVIDENCE), context=_MAYBE_ANY, actions=_list(_ACTION), symptoms=_WHOLE,
    timeline=_list(_FACT),
)  # fmt: skip
_NOTE = _object(id=_WHOLE, text=_TEXT, by=ANY, at=_MOMENT)
_NOTED = _object(
    id=_WHOLE, text=_TEXT, by=ANY, at=_MOMENT, told=_list(_object(name=_TEXT, email=_TEXT)),
    missed=_list(_object(name=_TEXT, why=_TEXT)),
)  # fmt: skip
_REASON = _object(
    **dict.fromkeys(("code", "title", "queue", "severity", "subject_kind", "description", "clears_when"), _TEXT),
    **dict.fromkeys(("acknowledge_minutes", "resolve_minutes", "open"), _WHOLE),
    proves_itself=_FLAG, business_time=_FLAG, actions=_list(ANY),
)  # fmt: skip
_CHANGE = _object(
    **dict.fromkeys(("kind", "what", "where", "before", "after", "difference", "currency"), _TEXT), value=_MAYBE
)
_PREVIEW = _object(
    code=_TEXT, title=_TEXT, confirm=_TEXT, version=_WHOLE, would=_list(_object(name=_TEXT, value=_TEXT)), said=_TEXT,
    delta=_list(_CHANGE), amount=_MAYBE, currency=_MAYBE, approval=_MAYBE_ANY, refusal=_MAYBE_ANY,
)  # fmt: skip
_RUN = _object(
    **dict.fromkeys(("action", "title", "said"), _TEXT),
    **dict.fromkeys(("approved_by", "code", "amount", "currency"), _MAYBE),
    id=_WHOLE, params=ANY, by=ANY, ok=_FLAG, delta=_list(_CHANGE), still_true={**_FLAG, "nullable": True},
    undo_until=_MAYBE_MOMENT, undoes={**_WHOLE, "nullable": True}, at=_MOMENT,
)  # fmt: skip
_APPROVAL = _object(
    **dict.fromkeys(("action", "title", "status", "why", "currency", "amount"), _TEXT),
    **dict.fromkeys(("decided_by", "note"), _MAYBE),
    **dict.fromkeys(("asked_at", "expires_at"), _MOMENT),
    id=_WHOLE, params=ANY, asked_by=ANY, delta=_list(_CHANGE), decided_at=_MAYBE_MOMENT,
    run={**_WHOLE, "nullable": True},
)  # fmt: skip
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
    description="It tells whom it names (`@amira`, `@amira.khan`, `@amira@harrow.example`); `missed` says whom it "
    "didn't reach, and why.",
    examples=[OpenApiExample("For example", value={"text": "@amira.khan the carrier has it"}, request_only=True)],
    responses={201: _NOTED, **problems(*_WRITES)},
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
SNOOZE = _verb(
    "cases_snooze",
    "Put a case aside until a time or a fact",
    bodies.Aside,
    "Its clocks run on; one that runs out brings it back. `wake_on` is what its subject may be waited for, or "
    "`anything`.",
    {"until": "2026-03-03T09:00:00Z", "note": "The supplier answers tomorrow"},
)
WAKE = _verb("cases_wake", "Bring a case back that was put aside", bodies.Seen)
LINK = _verb(
    "cases_link",
    "Say which case it is a symptom of",
    bodies.Under,
    "It ends with its root, once it is no longer true.",
    {"root": "EX-20417"},
)
UNLINK = _verb("cases_unlink", "Say that a case stands for itself", bodies.Again)
MERGE = _verb(
    "cases_merge",
    "End other cases as the same as this one",
    bodies.Merging,
    "Their notes, watchers, files and symptoms go over to it.",
    {"cases": ["EX-20419", "EX-20420"], "version": 3},
)


def _hearing(operation: str, summary: str) -> Any:
    return extend_schema(
        operation_id=operation,
        summary=summary,
        parameters=[KEY],
        request={JSON: schema_of(bodies.Watching)},
        responses={200: _CASE, **problems(*_WRITES)},
        examples=[OpenApiExample("For example", value={"person": "amira@harrow.example"}, request_only=True)],
    )


WATCH = _hearing("cases_watch", "Let a person hear of what happens to a case")
UNWATCH = _hearing("cases_unwatch", "The person doesn't hear of it any more")
_DONE = _object(said=_TEXT, run={**_RUN, "nullable": True}, approval={**_APPROVAL, "nullable": True}, case=_CASE)
ACT = extend_schema(
    operation_id="cases_act",
    summary="Run an action the case offers, or look at what it would do",
    description="An action may ask for a scope besides cases:work; its `scope` says which. 202: a second person has to "
    "agree; a person does that on screen, and `approvals` says what became of it. With `dry_run` nothing changes, and "
    f"the answer is that of the preview. {_CHANGED}",
    parameters=[KEY, _MATCH],
    request={JSON: schema_of(bodies.Doing)},
    responses={200: {"oneOf": [_DONE, _PREVIEW]}, 202: _DONE, **problems(*_WRITES)},
    examples=[
        OpenApiExample("With what it asks for", value={"params": {"euros": 30}, "version": 3}, request_only=True),
        OpenApiExample("Only look", value={"params": {"euros": 30}, "dry_run": True}, request_only=True),
    ],
)
PREVIEW = extend_schema(
    operation_id="cases_act_preview",
    summary="What an action would do: stock, money and promise; nothing is changed",
    description="Parameters of the action come in the query, each under its name.",
    responses={200: _PREVIEW, **problems(400, 401, 403, 404, 409, 422, 429)},
)
APPROVALS = extend_schema(
    operation_id="cases_approvals",
    summary="What of a case waits, or waited, for a second person",
    parameters=_PAGES,
    responses={200: page_of(_APPROVAL), **problems(*_READS)},
)
RUNS = extend_schema(
    operation_id="cases_runs",
    summary="What was done about a case, with what it changed",
    parameters=_PAGES,
    responses={200: page_of(_RUN), **problems(*_READS)},
)
UNDO = extend_schema(
    operation_id="cases_undo",
    summary="Take a run back by compensating it",
    description="A run of its own. 410 when too late, 409 where it can't be taken back or was already.",
    parameters=[KEY],
    request={JSON: schema_of(bodies.Nothing)},
    responses={200: _DONE, **problems(*_WRITES)},
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
