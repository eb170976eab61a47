"""Braintree: transactions of its API (or a search's export as JSON), and the transaction-level fee report as CSV.

A disbursement has no number of its own: its day, merchant account and currency name it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from finance.canonical import ZERO, Document, Fault, Line, Payout, Rule, Terms
from finance.models import LineKind as K
from integrations.payments.settlements import documents, figures, tables

NAME = "braintree"
LABELS: dict[str, str] = {
    "sale": K.PAYMENT, "credit": K.REFUND, "refund": K.REFUND, "chargeback": K.CHARGEBACK, "dispute": K.CHARGEBACK,
    "dispute won": K.REVERSAL, "dispute lost": K.CHARGEBACK, "chargeback reversal": K.REVERSAL, "won": K.REVERSAL,
    "pre arbitration": K.CHARGEBACK, "retrieval": K.IGNORED, "fee": K.FEE, "service fee": K.FEE,
    "chargeback fee": K.FEE, "adjustment": K.ADJUSTMENT, "hold": K.RESERVE, "release": K.RESERVE,
}  # fmt: skip
# Sums of fees, as the two pricing plans name them; the columns beside them are rates, or cents, of which they are made.
_TOTALS = ("total fee amount", "est total fee amount", "total fees", "fee")
_PARTS = (
    "braintree total amount",
    "est interchange total amount",
    "interchange total amount",
    "total scheme fees",
    "multicurrency fee amount",
)
_GIVEN_BACK = (
    "discount credit",
    "per transaction fee credit",
    "multicurrency fee credit",
    "est interchange rate credit",
    "est interchange fixed credit",
)
_SETTLED = {"settled", "settling", "settlement_confirmed", "submitted_for_settlement", ""}


def read(content: bytes, terms: Terms) -> Document:
    try:
        if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"{", b"[")):
            rows = _of_api(documents.loaded(content))
        else:
            rows = _of_csv(tables.read(content, encoding=terms.encoding))
        return _document(rows, terms)
    except tables.Refused as refused:
        return Document(NAME, faults=(refused.fault,))
    except _Faulty as faulty:
        return Document(NAME, faults=faulty.faults)


class _Faulty(Exception):
    def __init__(self, faults: tuple[Fault, ...]):
        super().__init__()
        self.faults = faults


Found = tuple[str, str, str, Line, list[Fault]]  # day, merchant account, currency


def _document(found: list[Found], terms: Terms) -> Document:
    if not found:
        raise tables.Refused("It holds no transactions.")
    groups: dict[tuple[str, str], list[Found]] = {}
    for each in found:
        groups.setdefault(each[:2], []).append(each)
    payouts = []
    for (day, account), rows in groups.items():
        currency, faults = figures.of_one_currency(((each[3].row, each[2]) for each in rows), terms.currency)
        lines = tuple(each[3] for each in rows)
        moments = sorted(line.at for line in lines if line.at)
        payouts.append(
            Payout(
                ref=f"{account} {day}".strip() if day else "pending",
                account=terms.account or account,
                currency=currency,
                lines=lines,
                state="paid" if day else "pending",
                starts_at=moments[0] if moments else None,
                ends_at=moments[-1] if moments else None,
                paid_on=figures.a_day(day) if day else None,
                faults=(*faults, *(fault for each in rows for fault in each[4])),
            )
        )
    fatal = tuple(fault for each in payouts for fault in each.faults if fault.refuses)
    return Document(NAME, tuple(payouts), fatal)


# --- API -----------------------------------------------------------------------------------------------------------


def _of_api(said: Any) -> list[Found]:
    every = said if isinstance(said, list) else documents.rows(said, "transactions", "data") or [said]
    rows = [each for each in every if isinstance(each, Mapping) and "amount" in each]
    return [_transaction(n, each) for n, each in enumerate(rows, start=1)]


@documents.of_entry
def _transaction(number: int, each: Mapping[str, Any]) -> Found:
    told = each.get("disbursement_details")
    details: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    presented = documents.text(each.get("currency_iso_code")).upper()
    settled = documents.text(details.get("settlement_currency_iso_code")).upper()
    amount = documents.amount(each.get("amount"), number, "amount")
    kind = documents.text(each.get("type")) or "sale"
    sign = -1 if kind == "credit" else 1
    here, currency = amount, presented
    if re.fullmatch(r"[A-Z]{3}", settled):
        here, currency = documents.amount(details.get("settlement_amount"), number, "settlement_amount"), settled
    fee = each.get("service_fee_amount")
    taken = documents.amount(fee, number, "service_fee_amount") if fee not in (None, "") else ZERO
    day = documents.text(details.get("disbursement_date"))[:10]
    moment = documents.text(each.get("created_at"))
    gross = sign * abs(here)
    own = documents.text(each.get("id"))
    line = Line(
        row=number, label=kind, gross=gross, fee=taken, net=gross - taken, ref=own,
        payment_ref=documents.text(each.get("refunded_transaction_id")) if kind == "credit" else own,
        refund_ref=own if kind == "credit" else "",
        order_ref=documents.text(each.get("order_id")),
        method=documents.text(each.get("payment_instrument_type")),
        at=figures.a_moment(moment, row=number) if re.match(r"\d{4}-", moment) else None,
        presentment_amount=sign * amount, presentment_currency=presented,
    )  # fmt: skip
    faults = []
    if settled == presented and abs(here) != amount:
        faults.append(_off(line, amount, abs(here), currency))
    return (day if re.fullmatch(r"\d{4}-\d\d-\d\d", day) else "", _account(each), currency, line, faults)


def _account(each: Mapping[str, Any]) -> str:
    return documents.text(each.get("merchant_account_id"))


def _off(line: Line, said: Decimal, settled: Decimal, currency: str) -> Fault:
    off = abs(said - settled)
    rule = Rule.CENT_SHIFTED if off <= figures.unit(currency) * 2 else Rule.ROW_DISAGREES
    words = f"amount {said} has a settlement_amount of {settled} in the same currency."
    return Fault(rule, words, line.row, line.ref)


# --- CSV -----------------------------------------------------------------------------------------------------------


def _of_csv(table: tables.Table) -> list[Found]:
    if "transaction id" not in table.columns or not {"settlement amount", "amount settled", "amount"} & set(
        table.columns
    ):
        raise tables.Refused("It lacks the columns Transaction ID and Settlement Amount.")
    numbers = figures.Numbers()
    ids = tables.rounded_ids(table.rows, ("transaction id", "original transaction id", "order id"))
    found = [_row(row, numbers) for row in table.rows]
    if table.faults or numbers.faults:
        raise _Faulty((*table.faults, *numbers.faults))
    if ids:
        found[0][4].extend(ids)
    return found


def _row(row: tables.Row, numbers: figures.Numbers) -> Found:
    label = row.first("transaction type", "type", "record type").lower() or "sale"
    stated = row.first("settlement amount", "amount settled", "amount")
    amount = numbers.amount(stated, row.number, "Settlement Amount", needed=True)
    gross = -abs(amount) if LABELS.get(label) in {K.REFUND, K.CHARGEBACK} else amount
    parts = {name: numbers.amount(row[name], row.number, name) for name in _PARTS if row[name]}
    stated = row.first(*_TOTALS)
    fee = numbers.amount(stated, row.number, "Total Fee Amount") if stated else sum(parts.values(), ZERO)
    if gross < 0 and any(row[name].strip("0.") for name in _GIVEN_BACK):
        fee = -abs(fee)  # what was charged for the sale comes back with the refund
    stated_net = row.first("net", "net amount")
    net = numbers.amount(stated_net, row.number, "Net") if stated_net else gross - fee
    currency = row.first("settlement currency", "currency", "settlement currency iso code").upper()
    presented = row.first("presentment currency", "authorization currency", "transaction currency").upper()
    shown = row.first("authorized amount", "presentment amount", "transaction amount")
    own = row["transaction id"]
    line = Line(
        row=row.number, label=label, gross=gross, fee=gross - net, net=net, ref=own,
        payment_ref=row["original transaction id"] if gross < 0 else own,
        refund_ref=own if gross < 0 else "",
        order_ref=row["order id"],
        method=" ".join(filter(None, (row.first("payment instrument", "payment method"), row["card brand"]))).lower(),
        at=figures.a_moment(row.first("transaction date", "settlement date", "created datetime"), row=row.number),
        parts={name: amount for name, amount in parts.items() if amount},
        presentment_amount=numbers.amount(shown, row.number, "Amount") if shown and presented else None,
        presentment_currency=presented if shown else "",
    )  # fmt: skip
    _, fault = figures.added_up(line, fee, currency)
    day = figures.a_day(row.first("disbursement date", "payout date"), row=row.number)
    return (
        str(day or ""),
        row["merchant account id"] or row["merchant account"],
        currency,
        line,
        [fault] if fault else [],
    )
