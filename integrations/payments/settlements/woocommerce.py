"""WooPayments: its transactions as CSV or JSON, and the deposits of its overview. JSON counts in the smallest unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from finance.canonical import Document, Line, Payout, Terms
from finance.models import LineKind as K
from integrations.payments.minor import STRIPE  # who pays out behind WooPayments
from integrations.payments.settlements import documents, figures, tables

NAME = "woocommerce"
LABELS: dict[str, str] = {
    "charge": K.PAYMENT, "payment": K.PAYMENT, "refund": K.REFUND, "payment_refund": K.REFUND,
    "refund_failure": K.PAYMENT,
    "payment_failure_refund": K.REFUND, "payment_failure": K.REFUND, "dispute": K.CHARGEBACK,
    "dispute_reversal": K.REVERSAL, "adjustment": K.ADJUSTMENT, "other_adjustment": K.ADJUSTMENT, "fee_refund": K.FEE,
    "card_reader_fee": K.FEE, "stripe_fee": K.FEE, "stripe_fx_fee": K.FEE, "tax_fee": K.FEE, "application_fee": K.FEE,
    "application_fee_refund": K.FEE, "fee": K.FEE, "transfer": K.TRANSFER, "transfer_refund": K.TRANSFER,
    "financing_payout": K.ADJUSTMENT, "financing_paydown": K.ADJUSTMENT, "reserve_transaction": K.RESERVE,
    "reserved_funds": K.RESERVE, "payout_minimum_balance_hold": K.RESERVE, "payout_minimum_balance_release": K.RESERVE,
    "deposit": K.PAYOUT, "payout": K.PAYOUT, "payout_failure": K.PAYOUT, "payout_cancel": K.PAYOUT,
    "withdrawal": K.PAYOUT,
}  # fmt: skip
STATES = {"paid": "paid", "in_transit": "in_transit", "pending": "scheduled", "failed": "failed",
    "canceled": "cancelled",
          "estimated": "scheduled"}  # fmt: skip


def read(content: bytes, terms: Terms) -> Document:
    try:
        if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"{", b"[")):
            return _api(documents.loaded(content), terms)
        return _csv(tables.read(content, encoding=terms.encoding), terms)
    except tables.Refused as refused:
        return Document(NAME, faults=(refused.fault,))


# --- JSON ----------------------------------------------------------------------------------------------------------


def _deposits(said: Any) -> Iterator[Mapping[str, Any]]:
    """Every object that is a deposit, wherever the overview keeps it."""
    if isinstance(said, list):
        for each in said:
            yield from _deposits(each)
    elif isinstance(said, Mapping):
        if said.get("type") in ("deposit", "withdrawal") and "amount" in said and "transaction_id" not in said:
            yield said
        else:
            for each in said.values():
                yield from _deposits(each)


def _api(said: Any, terms: Terms) -> Document:
    every = said if isinstance(said, list) else documents.rows(said, "data", "transactions")
    moved = [
        (n, each) for n, each in enumerate(every, start=1) if isinstance(each, Mapping) and "transaction_id" in each
    ]
    payouts = {documents.text(each.get("id")): each for each in _deposits(said)}
    groups: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for number, each in moved:
        groups.setdefault(documents.text(each.get("deposit_id") or each.get("payout_id")), []).append((number, each))
    refs = list(dict.fromkeys([*payouts, *groups]))
    if not refs:
        raise tables.Refused("It holds neither transactions nor deposits.")
    found = tuple(_payout(ref, payouts.get(ref), groups.get(ref, []), terms) for ref in refs)
    return Document(NAME, found, tuple(fault for each in found for fault in each.faults if fault.fatal))


def _payout(
    ref: str, payout: Mapping[str, Any] | None, rows: list[tuple[int, Mapping[str, Any]]], terms: Terms
) -> Payout:
    said = [(n, documents.text(each.get("currency"))) for n, each in rows]
    said += [(0, documents.text(payout.get("currency")))] if payout else []
    currency, faults = figures.of_one_currency(said, terms.currency)
    lines = []
    paid = figures.minor(payout.get("amount"), currency, STRIPE) if payout else None
    for number, each in rows:
        if LABELS.get(documents.text(each.get("type"))) == K.PAYOUT:
            paid = -figures.minor(each.get("net", each.get("amount")), currency, STRIPE)
            continue
        line, stated = _line(number, each, currency)
        _, fault = figures.added_up(line, stated, currency)
        faults += [fault] if fault else []
        lines.append(line)
    moments = sorted(line.at for line in lines if line.at)
    day = documents.since_1970((payout or {}).get("date"), 0)
    state = documents.text((payout or {}).get("status")) or "paid"
    return Payout(
        ref=ref or "pending",
        account=terms.account,
        currency=currency,
        lines=tuple(lines),
        amount=paid,
        state=STATES.get(state, "scheduled") if ref else "pending",
        starts_at=moments[0] if moments else None,
        ends_at=moments[-1] if moments else None,
        paid_on=day.date() if day else None,
        controls={"payout": paid} if paid is not None else {},
        faults=tuple(faults),
    )


@documents.of_entry
def _line(number: int, each: Mapping[str, Any], currency: str) -> tuple[Line, Decimal]:
    gross, net = figures.minor(each.get("amount"), currency, STRIPE), figures.minor(each.get("net"), currency, STRIPE)
    order = each.get("order")
    shown = each.get("customer_amount")
    other = documents.text(each.get("customer_currency")).upper()
    moment = each.get("date") or each.get("created")
    source = documents.text(each.get("charge_id"))
    label = documents.text(each.get("type"))
    fee = figures.minor(each.get("fees", each.get("fee")) or 0, currency, STRIPE)
    line = Line(
        row=number,
        label=label,
        gross=gross,
        fee=gross - net,
        net=net,
        ref=documents.text(each.get("transaction_id")),
        payment_ref=source or documents.text(each.get("payment_intent_id")),
        refund_ref=documents.text(each.get("refund_id")),
        order_ref=documents.text(order.get("number") if isinstance(order, Mapping) else each.get("order_id")),
        line_ref=documents.text(each.get("payment_intent_id")),
        method=" ".join(filter(None, (documents.text(each.get("channel")), documents.text(each.get("source"))))),
        at=documents.since_1970(moment, number)
        if isinstance(moment, int)
        else figures.a_moment(documents.text(moment), row=number),
        presentment_amount=figures.minor(shown, other, STRIPE) if shown is not None and other else None,
        presentment_currency=other if shown is not None else "",
    )
    return line, fee


# --- CSV -----------------------------------------------------------------------------------------------------------


def _csv(table: tables.Table, terms: Terms) -> Document:
    tables.need(table, "Type", "Amount", "Net")
    numbers = figures.Numbers()
    decides = next((name for name in ("payout id", "deposit id", "deposit") if name in table.columns), "")
    ids = tables.rounded_ids(table.rows, ("transaction id", "order"), deciding=decides)
    dates = [row.first("date time", "date", "date time utc") for row in table.rows]
    order = figures.day_order(dates, terms.dates)
    groups: dict[str, list[tables.Row]] = {}
    for row in table.rows:
        groups.setdefault(row.first("payout id", "deposit id", "deposit"), []).append(row)
    payouts = []
    for ref, rows in _apart(groups):
        said = ((row.number, row.first(*_CURRENCIES)) for row in rows)
        currency, faults = figures.of_one_currency(said, terms.currency)
        lines = []
        for row in rows:
            line = _row(row, numbers, order, terms)
            fee = numbers.amount(row.first("fees", "fee"), row.number, "Fees")
            _, fault = figures.added_up(line, fee, currency)
            faults += [fault] if fault else []
            lines.append(line)
        moments = sorted(line.at for line in lines if line.at)
        day = figures.a_day(rows[0].first("payout date", "deposit date"), terms.dates or "Y-M-D", rows[0].number)
        payouts.append(
            Payout(
                ref=ref or "pending", account=terms.account, currency=currency, lines=tuple(lines),
                state="paid" if ref else "pending", starts_at=moments[0] if moments else None,
                ends_at=moments[-1] if moments else None, paid_on=day, faults=tuple(faults),
            )
        )  # fmt: skip
    fatal = tuple(fault for each in payouts for fault in each.faults if fault.fatal)
    return Document(NAME, tuple(payouts), (*table.faults, *numbers.faults, *ids, *fatal))


_CURRENCIES = ("payout currency", "deposit currency", "currency")


def _apart(groups: Mapping[str, list[tables.Row]]) -> Iterator[tuple[str, list[tables.Row]]]:
    """Each deposit's rows; those of no deposit yet by their currency."""
    for ref, rows in groups.items():
        yield from ((ref, part) for part in ([rows] if ref else figures.by_currency(rows, *_CURRENCIES)))


def _row(row: tables.Row, numbers: figures.Numbers, order: str, terms: Terms) -> Line:
    gross = numbers.amount(row["amount"], row.number, "Amount", needed=True)
    net = numbers.amount(row["net"], row.number, "Net", needed=True)
    shown = row["amount paid"]
    paid = numbers.amount(shown, row.number, "Amount Paid")
    return Line(
        row=row.number,
        label=row["type"].lower().replace(" ", "_"),
        gross=gross,
        fee=gross - net,
        net=net,
        ref=row["transaction id"],
        payment_ref=row.first("charge id", "payment id"),
        order_ref=row.first("order", "order id").lstrip("#"),
        method=row.first("payment method", "source"),
        at=figures.a_moment(row.first("date time", "date", "date time utc"), order, terms.time_zone, row.number),
        presentment_amount=paid if shown else None,
        presentment_currency=row["paid currency"].upper() if shown else "",
    )
