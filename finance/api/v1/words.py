"""The OpenAPI words of the books."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from drf_spectacular.utils import extend_schema
from pydantic import Field

from core.api.openapi import ANY, JSON, KEY, page_of, problems, schema_of
from finance.api.v1.shapes import FIGURES, PAYOUT
from finance.filters import PostingFilter
from finance.settlement_filters import SettlementFilter
from inventory.api.v1 import lists
from orders.api.v1.words import FLAG, MAYBE_MOMENT, MOMENT, MONEY, PAGING, TEXT, WHOLE, WRITES, list_of, object_of
from orders.canonical import Key, OptionalKey, closed

_MAYBE, _MAYBE_WHOLE, _MAYBE_MONEY = (each | {"nullable": True} for each in (TEXT, WHOLE, MONEY))
_DAY = {"type": "string", "format": "date"}
_MAYBE_DAY = _DAY | {"nullable": True}
_READS = (401, 403, 404, 429)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSettlement:
    """A provider's file, its bytes in base64: at most what fits into a body of 2 MB.

    The rest says how it is written, where the file itself can't prove it: `decimal` is "." or ",", `dates` "D/M/Y",
    "M/D/Y" or "Y-M-D", `stated` the payout's total as the bank has it, `columns` what a file of no known form calls
    things.
    """

    __pydantic_config__ = closed

    provider: Key
    name: Annotated[str, Field(strict=True, min_length=1, max_length=150)]
    content: Annotated[str, Field(strict=True, min_length=1)]
    account: OptionalKey = ""
    decimal: Annotated[str, Field(strict=True, pattern=r"^[.,]?$")] = ""
    dates: Annotated[str, Field(strict=True, pattern=r"^(D/M/Y|M/D/Y|Y-M-D)?$")] = ""
    time_zone: OptionalKey = ""
    currency: Annotated[str, Field(strict=True, pattern=r"^([A-Z]{3})?$")] = ""
    stated: Annotated[str, Field(strict=True, pattern=r"^(-?[0-9]{1,12}(\.[0-9]{1,4})?)?$")] = ""
    columns: dict[str, str] = field(default_factory=dict)


_CHARGE = object_of(
    id=WHOLE, kind=TEXT, side=TEXT, line=_MAYBE, amount=MONEY, currency=TEXT, presentment_amount=MONEY,
    presentment_currency=TEXT, rate=_MAYBE, tax_included=FLAG, collected_by=TEXT, funded_by=TEXT, provider_ref=TEXT,
    refund_ref=TEXT, shipment_ref=TEXT, label=TEXT, occurred_at=MOMENT, booked_on=_DAY, late_from=_MAYBE_DAY, note=TEXT,
)  # fmt: skip
_PAYMENT = object_of(ref=TEXT, kind=TEXT, amount=MONEY, currency=TEXT, gateway=TEXT, at=MOMENT)
_FIGURES = object_of(
    currency=TEXT, **dict.fromkeys(FIGURES, MONEY), presentment_currency=TEXT, presentment_current=MONEY,
    updated_at=MOMENT,
)  # fmt: skip
_POSTING = {
    "id": WHOLE, "reference": TEXT, "kind": TEXT, "status": TEXT, "version": WHOLE, "order": _MAYBE, "entity": TEXT,
    "currency": TEXT, "total": MONEY, "booked_on": _DAY, "late_from": _MAYBE_DAY, "note": TEXT, "cause_kind": TEXT,
    "cause_uid": TEXT, "needs": TEXT, "waiting_for": TEXT, "last_error": TEXT, "erp_number": TEXT,
    "erp_total": _MAYBE_MONEY, "linked": _MAYBE_WHOLE, "reverses": _MAYBE_WHOLE, "prepared_at": MOMENT,
    "posted_at": MAYBE_MOMENT,
}  # fmt: skip
_SIDE = object_of(position=WHOLE, account=TEXT, ledger=TEXT, debit=MONEY, credit=MONEY, note=TEXT)
_SETTLEMENT = {
    "id": WHOLE, "provider": TEXT, "account": TEXT, "ref": TEXT, "currency": TEXT, "state": TEXT,
    "starts_at": MAYBE_MOMENT, "ends_at": MAYBE_MOMENT, "paid_on": _MAYBE_DAY, "lines_count": WHOLE,
    "imported_at": MOMENT, "matched_at": MAYBE_MOMENT, "balanced_at": MAYBE_MOMENT, "proven": FLAG,
    **dict.fromkeys(PAYOUT, MONEY), "file": TEXT,
}  # fmt: skip
_LINE = object_of(
    position=WHOLE, row=WHOLE, label=TEXT, kind=TEXT, ref=TEXT, payment_ref=TEXT, refund_ref=TEXT, order_ref=TEXT,
    shipment_ref=TEXT, sku=TEXT, method=TEXT, note=TEXT, at=MAYBE_MOMENT, gross=MONEY, fee=MONEY, net=MONEY,
    matched=MONEY, written_off=MONEY, presentment_amount=_MAYBE_MONEY, presentment_currency=TEXT,
)  # fmt: skip
_FILE = object_of(
    file=TEXT, provider=TEXT, name=TEXT, sha256=TEXT, status=TEXT, faults=list_of(ANY), settlements=list_of(WHOLE)
)
_PERIOD = {
    "id": WHOLE, "entity": TEXT, "code": TEXT, "starts_on": _DAY, "ends_on": _DAY, "status": TEXT, "version": WHOLE,
    "prepared_at": MAYBE_MOMENT, "locked_at": MAYBE_MOMENT, "note": TEXT,
}  # fmt: skip
_CHECK = object_of(check=TEXT, title=TEXT, count=WHOLE, capped=FLAG, blocks=FLAG, owner=_MAYBE, excused=FLAG, note=TEXT)

MONEY_OF = extend_schema(
    operation_id="order_money_read",
    summary="What an order is worth now, what was paid, and every movement behind it",
    description="Charges of the buyer's side add up to `current`, payments to `paid`; `fees` is what providers kept.",
    responses={
        200: object_of(order=TEXT, figures=_FIGURES, charges=list_of(_CHARGE), payments=list_of(_PAYMENT)),
        **problems(*_READS),
    },
)
POSTINGS = extend_schema(
    operation_id="postings_list",
    summary="Documents for the ERP, newest first",
    parameters=lists.parameters(PostingFilter, flags=("late", "differs"), single=("booked_from", "booked_to")),
    responses={200: page_of(object_of(**_POSTING)), **problems(400, 401, 403, 429)},
)
POSTING = extend_schema(
    operation_id="postings_read",
    summary="One document with its double entry and what it carries",
    responses={200: object_of(**_POSTING, lines=list_of(_SIDE), document=ANY), **problems(*_READS)},
)
SETTLEMENTS = extend_schema(
    operation_id="settlements_list",
    summary="Payouts, newest first",
    parameters=lists.parameters(SettlementFilter, flags=("open", "unbanked", "unproven")),
    responses={200: page_of(object_of(**_SETTLEMENT)), **problems(400, 401, 403, 429)},
)
UPLOAD = extend_schema(
    operation_id="settlements_create",
    summary="A provider's settlement file: kept once by its bytes, read, and matched",
    description="201 with the payouts in it; 200 for bytes that were here before, or for a file that was kept but not "
    "imported: `status` is REFUSED then, `faults` say why row by row, and each rule it broke is a case.",
    parameters=[KEY],
    request={JSON: schema_of(NewSettlement)},
    responses={201: _FILE, 200: _FILE, **problems(*WRITES)},
)
SETTLEMENT = extend_schema(
    operation_id="settlements_read",
    summary="One payout: its bridge from orders to the bank, its own control figures, and what is wrong with it",
    responses={
        200: object_of(**_SETTLEMENT, controls=ANY, faults=list_of(ANY), label_version=WHOLE), **problems(*_READS),
    },
)  # fmt: skip
LINES = extend_schema(
    operation_id="settlement_lines_list",
    summary="The lines of a payout, in its own order",
    parameters=[*PAGING],
    responses={200: page_of(_LINE), **problems(400, *_READS)},
)
PERIODS = extend_schema(
    operation_id="periods_list",
    summary="Periods of the books, newest first",
    parameters=[*PAGING],
    responses={200: page_of(object_of(**_PERIOD)), **problems(400, 401, 403, 429)},
)
PERIOD = extend_schema(
    operation_id="periods_read",
    summary="One period with its checklist: what blocks its close, and who looks after it",
    responses={200: object_of(**_PERIOD, checklist=list_of(_CHECK)), **problems(*_READS)},
)
