"""Square: payouts and payout entries of its API, amounts in the currency's smallest unit.

https://developer.squareup.com/reference/square/payouts-api
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from finance.canonical import Document, Line, Payout, Terms
from finance.models import LineKind as K
from integrations.payments.settlements import documents, figures, tables

NAME = "square"
LABELS: dict[str, str] = {
    "CHARGE": K.PAYMENT, "REFUND": K.REFUND, "DISPUTE": K.CHARGEBACK, "OPEN_DISPUTE": K.CHARGEBACK,
    "ADJUSTMENT": K.ADJUSTMENT, "OTHER": K.ADJUSTMENT, "OTHER_ADJUSTMENT": K.ADJUSTMENT, "ESCHEATMENT": K.ADJUSTMENT,
    "REDEMPTION_CODE": K.ADJUSTMENT, "INITIAL_BALANCE_CHANGE": K.ADJUSTMENT, "BALANCE_FOLDERS_TRANSFER": K.TRANSFER,
    "BALANCE_FOLDERS_TRANSFER_REVERSED": K.TRANSFER, "GIFT_CARD_POOL_TRANSFER": K.TRANSFER,
    "GIFT_CARD_POOL_TRANSFER_REVERSED": K.TRANSFER, "LOCAL_OFFERS_CASHBACK": K.ADJUSTMENT, "LOCAL_OFFERS_FEE": K.FEE,
    "APP_FEE_REFUND": K.FEE, "APP_FEE_REVENUE": K.FEE, "DEPOSIT_FEE": K.FEE, "DEPOSIT_FEE_REVERSED": K.FEE,
    "FREE_PROCESSING": K.FEE, "FREE_PROCESSING_ADJUSTMENT": K.FEE, "PAID_SERVICE_FEE": K.FEE,
    "PAID_SERVICE_FEE_REFUND": K.FEE, "SUBSCRIPTION_FEE": K.FEE, "SUBSCRIPTION_FEE_PAID_REFUND": K.FEE,
    "SUBSCRIPTION_FEE_REFUND": K.FEE, "TAX_FEE": K.FEE, "THIRD_PARTY_FEE": K.FEE, "THIRD_PARTY_FEE_REFUND": K.FEE,
    "PROCESSING_FEE_REFUND": K.FEE, "UNDO_PROCESSING_FEE_REFUND": K.FEE, "SQUARE_PAYROLL_TRANSFER": K.TRANSFER,
    "SQUARE_PAYROLL_TRANSFER_REVERSED": K.TRANSFER, "AUTOMATIC_SAVINGS": K.TRANSFER,
    "AUTOMATIC_SAVINGS_REVERSED": K.TRANSFER, "AUTOMATIC_BITCOIN_CONVERSIONS": K.TRANSFER,
    "AUTOMATIC_BITCOIN_CONVERSIONS_REVERSED": K.TRANSFER, "CREDIT": K.ADJUSTMENT, "CREDIT_REVERSED": K.ADJUSTMENT,
    "MONEY_TRANSFER": K.TRANSFER, "RETURNED_PAYOUT": K.PAYOUT, "HOLD_ADJUSTMENT": K.RESERVE,
    "RELEASE_ADJUSTMENT": K.RESERVE, "RESERVE_HOLD": K.RESERVE, "RESERVE_RELEASE": K.RESERVE,
    "RETURNED_SQUARE_275_PAYOUT": K.PAYOUT, "SQUARE_CAPITAL_PAYMENT": K.ADJUSTMENT,
    "SQUARE_CAPITAL_REVERSED_PAYMENT": K.ADJUSTMENT, "PERCENTAGE_PROCESSING_ENROLLMENT": K.FEE,
    "PERCENTAGE_PROCESSING_DEACTIVATION": K.FEE, "PERCENTAGE_PROCESSING_REPAYMENT": K.FEE,
    "PERCENTAGE_PROCESSING_REPAYMENT_REVERSED": K.FEE, "PROCESSING_FEE": K.FEE, "PAYOUT": K.PAYOUT,
}  # fmt: skip
STATES = {"SENT": "in_transit", "PAID": "paid", "FAILED": "failed"}


def read(content: bytes, terms: Terms) -> Document:
    try:
        return _document(documents.loaded(content), terms)
    except tables.Refused as refused:
        return Document(NAME, faults=(refused.fault,))


def _document(said: Any, terms: Terms) -> Document:
    payouts: dict[str, Mapping[str, Any]] = {}
    entries: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    number = 0
    for part in said if isinstance(said, list) else [said]:
        for each in [*documents.rows(part, "payouts"), *_single(part)]:
            payouts[documents.text(each.get("id"))] = each
        for each in documents.rows(part, "payout_entries"):
            number += 1
            entries.setdefault(_payout_of(number, each), []).append((number, each))
    refs = list(dict.fromkeys([*payouts, *entries]))
    if not refs:
        raise tables.Refused("It holds neither payouts nor payout entries.")
    found = tuple(_payout(ref, payouts.get(ref), entries.get(ref, []), terms) for ref in refs)
    return Document(NAME, found, tuple(fault for each in found for fault in each.faults if fault.fatal))


@documents.of_entry
def _payout_of(number: int, each: Mapping[str, Any]) -> str:
    return documents.text(each.get("payout_id"))


def _single(part: Any) -> list[Mapping[str, Any]]:
    """One payout by itself, or that of a webhook."""
    if not isinstance(part, Mapping):
        return []
    data = part.get("data")
    inner = data.get("object") if isinstance(data, Mapping) else part
    one = inner.get("payout") if isinstance(inner, Mapping) else None
    return [one] if isinstance(one, Mapping) else []


def _currency(money: Any) -> str:
    return documents.text(money.get("currency_code") or money.get("currency")) if isinstance(money, Mapping) else ""


def _money(money: Any, currency: str) -> Decimal:
    return figures.minor(money.get("amount", 0) if isinstance(money, Mapping) else 0, currency)


def _payout(
    ref: str, payout: Mapping[str, Any] | None, entries: list[tuple[int, Mapping[str, Any]]], terms: Terms
) -> Payout:
    said = [
        (n, _currency(each.get(name))) for n, each in entries for name in ("gross_amount_money", "net_amount_money")
    ]
    said += [(0, _currency(payout.get("amount_money")))] if payout else []
    currency, faults = figures.of_one_currency(said, terms.currency)
    lines = []
    for number, each in entries:
        line, fee = _line(number, each, currency)
        _, fault = figures.added_up(line, fee, currency)
        faults += [fault] if fault else []
        lines.append(line)
    paid = _money(payout.get("amount_money"), currency) if payout else None
    moments = sorted(line.at for line in lines if line.at)
    day = documents.text((payout or {}).get("arrival_date"))
    return Payout(
        ref=ref,
        account=terms.account,
        currency=currency,
        lines=tuple(lines),
        amount=paid,
        state=STATES.get(documents.text((payout or {}).get("status")) or "PAID", "scheduled"),
        starts_at=moments[0] if moments else None,
        ends_at=moments[-1] if moments else None,
        paid_on=figures.a_day(day),
        controls={"payout": paid, "bank": documents.text(payout.get("end_to_end_id"))}
        if payout and paid is not None
        else {},
        faults=tuple(faults),
    )


@documents.of_entry
def _line(number: int, each: Mapping[str, Any], currency: str) -> tuple[Line, Decimal]:
    label = documents.text(each.get("type"))
    found = each.get(f"type_{label.lower()}_details")
    details: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    gross, net = (_money(each.get(f"{name}_amount_money"), currency) for name in ("gross", "net"))
    fee = _money(each.get("fee_amount_money"), currency)
    line = Line(
        row=number,
        label=label,
        gross=gross,
        fee=gross - net,
        net=net,
        ref=documents.text(each.get("id")),
        payment_ref=documents.text(details.get("payment_id")),
        refund_ref=documents.text(details.get("refund_id") or details.get("dispute_id")),
        at=figures.a_moment(documents.text(each.get("effective_at")), row=number),
    )
    return line, fee
