"""The OpenAPI words of business accounts."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema

from core.api.openapi import JSON, KEY, problems, schema_of
from orders.account_filters import AccountFilter
from orders.api.v1.bodies import AccountBody, NewAccount
from orders.api.v1.words import FLAG, MATCH, MONEY, PAGING, TEXT, WHOLE, WRITES, object_of, page_of, query

_MAYBE_MONEY = MONEY | {"nullable": True}
_ACCOUNT = object_of(
    code=TEXT, name=TEXT, channel=TEXT | {"nullable": True}, currency=TEXT, payment_terms=TEXT,
    credit_limit=_MAYBE_MONEY, requires_approval=FLAG, approval_above=_MAYBE_MONEY, on_stop=FLAG, version=WHOLE,
    exposure=object_of(total=MONEY, open=MONEY, unpaid=MONEY, orders=WHOLE, held=MONEY, held_orders=WHOLE),
    headroom=_MAYBE_MONEY,
)  # fmt: skip
ACCOUNTS = extend_schema(
    operation_id="accounts_list",
    summary="Business accounts by name, with what they owe",
    parameters=[*(query(name, many=name != "q") for name in AccountFilter.base_filters), *PAGING],
    responses={200: page_of(_ACCOUNT), **problems(400, 401, 403, 429)},
)
NEW_ACCOUNT = extend_schema(
    operation_id="accounts_create",
    summary="Make a business known",
    parameters=[KEY],
    request={JSON: schema_of(NewAccount)},
    responses={201: _ACCOUNT, **problems(*WRITES)},
)
ACCOUNT = extend_schema(
    operation_id="accounts_read",
    summary="One account, with what it owes now",
    responses={200: _ACCOUNT, **problems(400, 401, 403, 404, 429)},
)
PUT_ACCOUNT = extend_schema(
    operation_id="accounts_replace",
    summary="Change an account; its waiting orders are looked at again",
    parameters=[KEY, MATCH],
    request={JSON: schema_of(AccountBody)},
    responses={200: _ACCOUNT, **problems(*WRITES, 412, 428)},
)
