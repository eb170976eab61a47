"""The OpenAPI words of returns."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema

from core.api.openapi import ANY, JSON, KEY, page_of, problems, schema_of
from inventory.api.v1 import lists
from orders.api.v1.words import FLAG, MATCH, MAYBE_MOMENT, MOMENT, MONEY, TEXT, WHOLE, WRITES, list_of, object_of
from returns.api.v1.bodies import Approval, Because, NewLabel, NewReturn
from returns.filters import ReturnFilter

_RULE = object_of(code=TEXT, name=TEXT, why=TEXT)
_POLICY = object_of(code=TEXT, name=TEXT, version=WHOLE)
_HEAD = {
    "number": TEXT, "uid": TEXT, "kind": TEXT, "proof": TEXT, "status": TEXT, "version": WHOLE,
    "order": TEXT | {"nullable": True}, "channel": TEXT | {"nullable": True}, "ref": TEXT,
    "location": TEXT | {"nullable": True}, "verdict": TEXT, "rule": TEXT, "refund_plan": TEXT, "refund_to": TEXT,
    "currency": TEXT, "created_at": MOMENT, "approved_at": MAYBE_MOMENT, "expires_at": MAYBE_MOMENT,
    "ended_at": MAYBE_MOMENT, "ended_reason": TEXT,
}  # fmt: skip
_LINE = object_of(
    id=WHOLE, line=TEXT | {"nullable": True}, sku=TEXT, title=TEXT, quantity=WHOLE, awaited=WHOLE, received=WHOLE,
    kept=WHOLE, gone=WHOLE, accepted=WHOLE, rejected=WHOLE, reason=TEXT, reason_text=TEXT, condition=TEXT,
    serials=list_of(TEXT), reception=TEXT, acceptance=TEXT, verdict=TEXT, rule=TEXT, why=TEXT, return_by=MAYBE_MOMENT,
    unit_value=MONEY, restocking_percent=TEXT, unexpected=FLAG,
)  # fmt: skip
_LABEL = object_of(
    id=WHOLE, status=TEXT, carrier=TEXT, tracking_number=TEXT, tracking_url=TEXT, cost=MONEY | {"nullable": True},
    currency=TEXT, failure=TEXT,
)  # fmt: skip
_DETAIL = object_of(
    **_HEAD, fee=MONEY, refunds_shipping=FLAG, standing=TEXT, decision=_RULE, policy=_POLICY, route=ANY,
    lines=list_of(_LINE), labels=list_of(_LABEL), note=TEXT,
)  # fmt: skip
_JUDGED = object_of(
    verdict=TEXT, decision=_RULE, policy=_POLICY, refund_plan=TEXT, refund_to=TEXT, fee=MONEY, refunds_shipping=FLAG,
    currency=TEXT, value=MONEY, standing=TEXT, location=TEXT | {"nullable": True}, keep_it=FLAG, lines=list_of(ANY),
    route=ANY,
)  # fmt: skip
_OPTION = object_of(service=TEXT, carrier=TEXT, name=TEXT, cost=MONEY, currency=TEXT, arrives_by=MOMENT)

LIST = extend_schema(
    operation_id="returns_list",
    summary="Returns, newest first",
    parameters=lists.parameters(ReturnFilter, single=("order", "created_from", "created_to")),
    responses={200: page_of(object_of(**_HEAD)), **problems(400, 401, 403, 429)},
)
ASK = extend_schema(
    operation_id="returns_create",
    summary="Ask for a return",
    description=(
        "The policy decides: `status` is OPEN and `approved_at` set where it says yes, DECLINED where it says no, OPEN "
        "without `approved_at` where a person decides. `decision` names the rule that decided and `policy` its version."
    ),
    parameters=[KEY],
    request={JSON: schema_of(NewReturn)},
    responses={201: _DETAIL, 200: _DETAIL, **problems(*WRITES)},
)
VALIDATE = extend_schema(
    operation_id="returns_validate",
    summary="What would become of a return",
    description="Every rule that was weighed, and every place, with what it is worth. Nothing is left behind.",
    request={JSON: schema_of(NewReturn)},
    responses={200: _JUDGED, **problems(400, 401, 403, 404, 413, 415, 422, 429, 503)},
)
READ = extend_schema(
    operation_id="returns_read",
    summary="One return with its lines and labels",
    responses={200: _DETAIL, **problems(401, 403, 404, 429)},
)
APPROVE = extend_schema(
    operation_id="returns_approve",
    summary="Approve a return",
    description="Needs If-Match. 409 `denied` where the policy denies it and no `override` says why all the same.",
    parameters=[KEY, MATCH],
    request={JSON: schema_of(Approval)},
    responses={200: _DETAIL, **problems(*WRITES, 412, 428)},
)
DECLINE = extend_schema(
    operation_id="returns_decline",
    summary="Decline a return that waits for a decision",
    parameters=[KEY, MATCH],
    request={JSON: schema_of(Because)},
    responses={200: _DETAIL, **problems(*WRITES, 412, 428)},
)
CANCEL = extend_schema(
    operation_id="returns_cancel",
    summary="Call off what has not come yet",
    parameters=[KEY],
    request={JSON: schema_of(Because)},
    responses={200: _DETAIL, **problems(*WRITES)},
)
OPTIONS = extend_schema(
    operation_id="returns_ways",
    summary="What carriers would bring it back for, the cheapest first",
    responses={200: object_of(items=list_of(_OPTION)), **problems(401, 403, 404, 429)},
)
LABEL = extend_schema(
    operation_id="returns_label",
    summary="Order the label of the way back",
    description="The label there is, where one is. One that is bought outside comes a moment later: `status` WANTED.",
    parameters=[KEY],
    request={JSON: schema_of(NewLabel)},
    responses={201: _LABEL, **problems(*WRITES)},
)
