"""Stripe: the itemised reports as CSV (payout reconciliation, balance transactions) and the API's balance transactions
and payouts. The API counts in the currency's smallest unit, the reports in its major unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from finance.canonical import ZERO, Document, Fault, Line, Payout, Terms
from finance.models import LineKind as K
from integrations.payments.minor import STRIPE
from integrations.payments.settlements import documents, figures, tables
from integrations.payments.settlements.tables import Row

NAME = "stripe"
_CATEGORIES: dict[str, str] = {
    "charge": K.PAYMENT, "payment": K.PAYMENT, "charge_failure": K.REFUND, "payment_failure_refund": K.REFUND,
    "partial_capture_reversal": K.REFUND, "refund": K.REFUND, "payment_refund": K.REFUND, "refund_failure": K.PAYMENT,
    "payment_reversal": K.REFUND, "payment_network_reserve_hold": K.RESERVE,
    "payment_network_reserve_release": K.RESERVE,
    "dispute": K.CHARGEBACK, "dispute_reversal": K.REVERSAL, "fee": K.FEE, "stripe_fee": K.FEE, "stripe_fx_fee": K.FEE,
    "network_cost": K.FEE, "tax": K.FEE, "tax_fee": K.FEE, "application_fee": K.FEE, "application_fee_refund": K.FEE,
    "platform_earning": K.FEE, "platform_earning_refund": K.FEE, "connect_collection_transfer": K.TRANSFER,
    "connect_reserved_funds": K.RESERVE, "risk_reserved_funds": K.RESERVE, "reserved_funds": K.RESERVE,
    "reserve_transaction": K.RESERVE, "reserve_hold": K.RESERVE, "reserve_release": K.RESERVE,
    "payout_minimum_balance_hold": K.RESERVE, "payout_minimum_balance_release": K.RESERVE,
    "minimum_balance": K.RESERVE, "obligation_outbound": K.TRANSFER, "obligation_reversal_inbound": K.TRANSFER,
    "adjustment": K.ADJUSTMENT, "other_adjustment": K.ADJUSTMENT, "contribution": K.ADJUSTMENT,
    "validation": K.ADJUSTMENT,
    "transfer": K.TRANSFER, "transfer_reversal": K.TRANSFER, "transfer_refund": K.TRANSFER,
    "transfer_cancel": K.TRANSFER,
    "transfer_failure": K.TRANSFER, "topup": K.TRANSFER, "topup_reversal": K.TRANSFER, "advance": K.ADJUSTMENT,
    "advance_funding": K.ADJUSTMENT, "advance_paydown": K.ADJUSTMENT, "anticipation_repayment": K.ADJUSTMENT,
    "financing_payout": K.ADJUSTMENT, "financing_paydown": K.ADJUSTMENT, "financing_paydown_reversal": K.ADJUSTMENT,
    "currency_conversion": K.CONVERSION, "fx_conversion": K.CONVERSION, "climate_order_purchase": K.ADJUSTMENT,
    "climate_order_refund": K.ADJUSTMENT, "issuing_authorization_hold": K.RESERVE,
    "issuing_authorization_release": K.RESERVE, "issuing_transaction": K.ADJUSTMENT, "issuing_dispute": K.ADJUSTMENT,
    "issuing_disbursement": K.ADJUSTMENT, "unreconciled_customer_funds": K.ADJUSTMENT, "payout": K.PAYOUT,
    "payout_reversal": K.PAYOUT, "payout_cancel": K.PAYOUT, "payout_failure": K.PAYOUT,
}  # fmt: skip
LABELS = _CATEGORIES
STATES = {
    "paid": "paid",
    "in_transit": "in_transit",
    "pending": "scheduled",
    "failed": "failed",
    "canceled": "cancelled",
}


def read(content: bytes, terms: Terms) -> Document:
    try:
        if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"{", b"[")):
            return _api(documents.loaded(content), terms)
        return _csv(tables.read(content, encoding=terms.encoding), terms)
    except tables.Refused as refused:
        return Document(NAME, faults=(refused.fault,))


# --- Reports as CSV ------------------------------------------------------------------------------------------------


def _csv(table: tables.Table, terms: Terms) -> Document:
    if "net" not in table.columns or not {"gross", "amount"} & set(table.columns):
        raise tables.Refused("It lacks the columns gross (or amount) and net of an itemised report.")
    numbers = figures.Numbers()
    decides = next((name for name in ("automatic payout id", "payout id") if name in table.columns), "")
    ids = tables.rounded_ids(table.rows, ("balance transaction id", "source id", "charge id"), deciding=decides)
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        payout = row.first("automatic payout id", "payout id", "transfer")
        label = _label(row)
        if LABELS.get(label) == K.PAYOUT:
            payout = payout or row.first("source id", "source")
        groups.setdefault(payout, []).append(row)
    found = tuple(
        _payout(ref, part, numbers, terms)
        for ref, rows in groups.items()
        for part in ([rows] if ref else figures.by_currency(rows))
    )
    fatal = tuple(fault for each in found for fault in each.faults if fault.fatal)
    return Document(NAME, found, (*table.faults, *numbers.faults, *ids, *fatal))


def _label(row: Row) -> str:
    return row.first("reporting category", "type", "balance transaction type").lower()


def _payout(ref: str, rows: list[Row], numbers: figures.Numbers, terms: Terms) -> Payout:
    currency, faults = figures.of_one_currency(((row.number, row["currency"]) for row in rows), terms.currency)
    lines, paid = [], None
    for row in rows:
        gross = numbers.amount(row.first("gross", "amount"), row.number, "gross", needed=True)
        net = numbers.amount(row["net"], row.number, "net", needed=True)
        label = _label(row)
        if LABELS.get(label) == K.PAYOUT:
            paid = (paid or ZERO) - net
            continue
        line = _row(row, label, gross, net, numbers)
        fee = numbers.amount(row.first("fee", "fees"), row.number, "fee")
        _, fault = figures.added_up(line, fee, currency)
        faults += [fault] if fault else []
        lines.append(line)
    moments = sorted(line.at for line in lines if line.at)
    day = rows[0].first("automatic payout effective at", "automatic payout effective at utc", "transfer date utc")
    return Payout(
        ref=ref or "pending",
        account=terms.account,
        currency=currency,
        lines=tuple(lines),
        amount=paid,
        state="paid" if ref else "pending",
        starts_at=moments[0] if moments else None,
        ends_at=moments[-1] if moments else None,
        paid_on=figures.a_day(day, row=rows[0].number),
        controls={"payout": paid} if paid is not None else {},
        faults=tuple(faults),
    )


def _row(row: Row, label: str, gross: Decimal, net: Decimal, numbers: figures.Numbers) -> Line:
    source = row.first("source id", "source")
    facing = numbers.amount(row["customer facing amount"], row.number, "customer_facing_amount")
    refs = _refs(source, row["charge id"], row["payment intent id"])
    return Line(
        row=row.number,
        label=label,
        gross=gross,
        fee=gross - net,
        net=net,
        ref=row.first("balance transaction id", "id"),
        order_ref=row.first("payment metadata order id", "order id", "payment metadata order number", "invoice number"),
        line_ref=row["payment intent id"],
        method=" ".join(filter(None, (row["payment method type"], row["card brand"].lower()))),
        note=row["description"][:200],
        at=figures.a_moment(row.first("created utc", "created"), row=row.number),
        presentment_amount=facing or None,
        presentment_currency=row["customer facing currency"].upper() if facing else "",
        payment_ref=refs["payment_ref"],
        refund_ref=refs["refund_ref"],
    )


def _refs(source: str, charge: str = "", intent: str = "") -> dict[str, str]:
    """A charge's own id, or the id of what was done to it and the charge's."""
    if re.match(r"(re|pyr|trr|dp|du|fr)_", source):
        return {"refund_ref": source, "payment_ref": charge or intent}
    return {"payment_ref": source or charge or intent, "refund_ref": ""}


# --- API -----------------------------------------------------------------------------------------------------------


def _api(said: Any, terms: Terms) -> Document:
    """Balance transactions, with or without the row of the payout itself, and payouts."""
    every = documents.rows(said, "data") or ([said] if isinstance(said, Mapping) and "data" not in said else [])
    if isinstance(said, list):
        every = [item for each in said for item in (documents.rows(each, "data") or [each])]
    moved = [(n, each) for n, each in enumerate(every, start=1) if each.get("object") == "balance_transaction"]
    payouts = {documents.text(each.get("id")): each for each in every if each.get("object") == "payout"}
    closing = [each for _, each in moved if _of_api(each) == "payout"]
    if not moved and not payouts:
        raise tables.Refused("It holds neither balance transactions nor payouts.")
    if not moved:
        found = tuple(_api_payout(ref, each, [], terms) for ref, each in payouts.items())
    else:
        refs = list(dict.fromkeys(_source(each) for each in closing)) or list(payouts)
        ref = refs[0] if len(refs) == 1 else ""
        # Of several payouts in one list nothing says which of its lines are whose: they are told, the lines wait.
        told = [(n, each) for n, each in moved if not ref and each in closing]
        lines = [(n, each) for n, each in moved if (n, each) not in told]
        found = (
            *(_api_payout(_source(each), payouts.get(_source(each)), [(n, each)], terms) for n, each in told),
            *(_api_payout(ref, payouts.get(ref), part, terms) for part in _apart(ref, lines)),
        )
    fatal = tuple(fault for each in found for fault in each.faults if fault.fatal)
    return Document(NAME, found, fatal)


def _apart(ref: str, lines: list[tuple[int, Mapping[str, Any]]]) -> list[list[tuple[int, Mapping[str, Any]]]]:
    """The lines of one payout as they are; those of none by currency, as they will be paid out."""
    groups: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for n, each in lines:
        groups.setdefault("" if ref else documents.text(each.get("currency")), []).append((n, each))
    return list(groups.values())


def _source(each: Mapping[str, Any]) -> str:
    """The key of what it is about, which may have been asked for whole."""
    source = each.get("source")
    return documents.text(source.get("id") if isinstance(source, Mapping) else source)


def _of_api(each: Mapping[str, Any]) -> str:
    return documents.text(each.get("reporting_category") or each.get("type")).lower()


def _api_payout(
    ref: str, payout: Mapping[str, Any] | None, moved: Iterable[tuple[int, Mapping[str, Any]]], terms: Terms
) -> Payout:
    moved = list(moved)
    said = [(n, documents.text(each.get("currency"))) for n, each in moved]
    said += [(0, documents.text(payout.get("currency")))] if payout else []
    currency, faults = figures.of_one_currency(said, terms.currency)
    lines, paid, day = [], None, None
    for number, each in moved:
        net = _net(number, each, currency)
        if LABELS.get(_of_api(each)) == K.PAYOUT:
            paid, day = (paid or ZERO) - net, documents.since_1970(each.get("available_on"), number)
            continue
        line, fault = _api_line(number, each, net, currency)
        faults += [fault] if fault else []
        lines.append(line)
    if payout:
        paid = figures.minor(payout.get("amount"), currency, STRIPE)
        day = documents.since_1970(payout.get("arrival_date"), 0)
    moments = sorted(line.at for line in lines if line.at)
    state = STATES.get(documents.text((payout or {}).get("status")) or "paid", "paid")
    return Payout(
        ref=ref or "pending",
        account=terms.account,
        currency=currency,
        lines=tuple(lines),
        amount=paid,
        state=state if ref else "pending",
        starts_at=moments[0] if moments else None,
        ends_at=moments[-1] if moments else None,
        paid_on=day.date() if day else None,
        controls={"payout": paid} if paid is not None else {},
        faults=tuple(faults),
    )


@documents.of_entry
def _net(number: int, each: Mapping[str, Any], currency: str) -> Decimal:
    return figures.minor(each.get("net"), currency, STRIPE)


@documents.of_entry
def _api_line(number: int, each: Mapping[str, Any], net: Decimal, currency: str) -> tuple[Line, Fault | None]:
    gross = figures.minor(each.get("amount"), currency, STRIPE)
    source = each.get("source")
    more: Mapping[str, Any] = source if isinstance(source, Mapping) else {}
    noted = more.get("metadata") if isinstance(more.get("metadata"), Mapping) else {}
    refs = _refs(
        documents.text(more.get("id") if more else source),
        documents.text(more.get("charge")),
        documents.text(more.get("payment_intent")),
    )
    parts = {
        f"{documents.text(part.get('type')) or 'fee'} {n}": figures.minor(part.get("amount"), currency, STRIPE)
        for n, part in enumerate(documents.rows(each, "fee_details"), start=1)
    }
    line = Line(
        row=number,
        label=_of_api(each),
        gross=gross,
        fee=gross - net,
        net=net,
        ref=documents.text(each.get("id")),
        order_ref=documents.text((noted or {}).get("order_id") or (noted or {}).get("order_number")),
        line_ref=documents.text(more.get("payment_intent")),
        note=documents.text(each.get("description")),
        at=documents.since_1970(each.get("created"), number),
        parts=parts,
        presentment_amount=figures.minor(more["amount"], str(more["currency"]).upper(), STRIPE)
        * (-1 if gross < 0 else 1)
        if more.get("amount") is not None and more.get("currency")
        else None,
        presentment_currency=str(more.get("currency") or "").upper() if more.get("amount") is not None else "",
        payment_ref=refs["payment_ref"],
        refund_ref=refs["refund_ref"],
    )
    _, fault = figures.added_up(line, figures.minor(each.get("fee") or 0, currency, STRIPE), currency)
    return line, fault
