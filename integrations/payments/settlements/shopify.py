"""Shopify Payments: the "Export transactions" CSV, and the payouts and balance transactions of its API.

A row of the CSV names its payout; rows without one are pending and in no payout yet. The CSV states no total of its
own: the payout's amount comes from the API, from whoever imports it, or is the sum of the rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from finance.canonical import Document, Fault, Line, Payout, Rule, Terms
from finance.models import LineKind as K
from integrations.payments.settlements import documents, figures, tables
from integrations.payments.settlements.tables import Row

NAME = "shopify"
LABELS: dict[str, str] = {
    "charge": K.PAYMENT, "refund": K.REFUND, "dispute": K.CHARGEBACK, "chargeback": K.CHARGEBACK,
    "chargeback won": K.REVERSAL, "dispute_reversal": K.REVERSAL, "chargeback_reversal": K.REVERSAL,
    "chargeback_hold": K.CHARGEBACK, "chargeback_hold_release": K.REVERSAL, "chargeback_fee": K.FEE,
    "chargeback_fee_refund": K.FEE, "dispute_withdrawal": K.CHARGEBACK, "refund_failure": K.PAYMENT,
    "refund_adjustment": K.ADJUSTMENT, "charge_adjustment": K.ADJUSTMENT, "adjustment": K.ADJUSTMENT,
    "credit": K.ADJUSTMENT, "debit": K.ADJUSTMENT, "anomaly_credit": K.ADJUSTMENT, "anomaly_debit": K.ADJUSTMENT,
    "adjustment_reversal": K.ADJUSTMENT, "reserve": K.RESERVE, "reserved_funds": K.RESERVE,
    "reserved_funds_withdrawal": K.RESERVE, "reserved_funds_reversal": K.RESERVE, "risk_reversal": K.RESERVE,
    "risk_withdrawal": K.RESERVE, "transfer": K.TRANSFER, "transfer_refund": K.TRANSFER, "transfer_failure": K.TRANSFER,
    "application_fee_refund": K.FEE, "shop_cash_credit": K.ADJUSTMENT, "shop_cash_credit_reversal": K.ADJUSTMENT,
    "shop_cash_campaign_billing_credit": K.ADJUSTMENT, "shop_cash_campaign_billing_debit": K.ADJUSTMENT,
    "channel_credit": K.ADJUSTMENT, "channel_credit_reversal": K.ADJUSTMENT, "channel_promotion_credit": K.ADJUSTMENT,
    "channel_transfer_credit": K.TRANSFER, "channel_transfer_debit": K.TRANSFER, "collections_credit": K.ADJUSTMENT,
    "collections_debit": K.ADJUSTMENT, "customs_duty": K.FEE, "customs_duty_adjustment": K.FEE,
    "import_tax": K.FEE, "import_tax_adjustment": K.FEE, "import_tax_refund": K.FEE, "shipping_label": K.FEE,
    "shipping_label_adjustment": K.FEE, "lending_debit": K.ADJUSTMENT, "lending_credit": K.ADJUSTMENT,
    "lending_capital_remittance": K.ADJUSTMENT, "lending_capital_refund": K.ADJUSTMENT,
    "balance_transfer_inbound": K.TRANSFER, "balance_transfer_outbound": K.TRANSFER, "markets_pro_credit": K.ADJUSTMENT,
    "merchant_to_merchant_credit": K.TRANSFER, "merchant_to_merchant_debit": K.TRANSFER,
    "promotion_credit": K.ADJUSTMENT, "promotion_credit_reversal": K.ADJUSTMENT, "seller_protection_credit": K.REVERSAL,
    "tax_adjustment_credit": K.ADJUSTMENT, "tax_adjustment_debit": K.ADJUSTMENT, "usage_based_fee": K.FEE,
    "vat_refund_credit": K.FEE, "vat_refund": K.FEE, "stripe_fee": K.FEE, "shopify_collective_credit": K.ADJUSTMENT,
    "shopify_collective_debit": K.ADJUSTMENT, "shopify_source_credit": K.ADJUSTMENT,
    "shopify_source_debit": K.ADJUSTMENT, "payout": K.PAYOUT, "payout_failure": K.PAYOUT,
    "payout_cancellation": K.PAYOUT,
    "payment_refund": K.REFUND, "referral_fee": K.FEE, "referral_fee_tax": K.FEE, "tax_fee": K.FEE,
}  # fmt: skip
STATES = {
    "paid": "paid", "scheduled": "scheduled", "in_transit": "in_transit", "pending": "pending", "failed": "failed",
    "canceled": "cancelled", "cancelled": "cancelled", "refunded": "paid",
}  # fmt: skip


def read(content: bytes, terms: Terms) -> Document:
    try:
        if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"{", b"[")):
            return _api(documents.loaded(content), terms)
        table = tables.read(content, encoding=terms.encoding)
        tables.need(table, "Transaction Date", "Type", "Amount", "Fee", "Net", "Currency", "Payout ID")
        return _csv(table, terms)
    except tables.Refused as refused:
        return Document(NAME, faults=(refused.fault,))


# --- CSV -----------------------------------------------------------------------------------------------------------


def _csv(table: tables.Table, terms: Terms) -> Document:
    numbers = figures.Numbers()
    ids = tables.rounded_ids(table.rows, ("checkout",), deciding="payout id")
    order = figures.day_order([row["transaction date"] for row in table.rows], terms.dates)
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        pending = not row["payout id"]
        groups.setdefault("" if pending else row["payout id"], []).append(row)
    payouts = tuple(
        _payout(ref, part, numbers, order, terms)
        for ref, rows in groups.items()
        for part in ([rows] if ref else figures.by_currency(rows))
    )
    fatal = tuple(fault for payout in payouts for fault in payout.faults if fault.fatal)
    return Document(NAME, payouts, (*table.faults, *numbers.faults, *ids, *_alone(table), *fatal))


def _alone(table: tables.Table) -> list[Fault]:
    """One row in another currency than all the others of an export, though it is a payout by itself."""
    counts: dict[str, int] = {}
    for row in table.rows:
        counts[row["currency"].upper()] = counts.get(row["currency"].upper(), 0) + 1
    if len(counts) != 2 or min(counts.values()) != 1 or max(counts.values()) == 1:
        return []
    usual, odd = max(counts, key=lambda code: counts[code]), min(counts, key=lambda code: counts[code])
    row = next(row for row in table.rows if row["currency"].upper() == odd)
    return [Fault(Rule.CURRENCY_MIXED, f"Currency: the only row in {odd} of an export in {usual}.", row.number)]


def _payout(ref: str, rows: list[Row], numbers: figures.Numbers, order: str, terms: Terms) -> Payout:
    currency, faults = figures.of_one_currency(((row.number, row["currency"]) for row in rows), terms.currency)
    lines = []
    for row in rows:
        line = _row(row, numbers, order, terms)
        fee = numbers.amount(row["fee"], row.number, "Fee")
        _, fault = figures.added_up(line, fee, currency)
        faults += [fault] if fault else []
        faults += _presented(line, currency)
        lines.append(line)
    moments = sorted(line.at for line in lines if line.at)
    state = STATES.get(rows[0]["payout status"].lower(), "pending" if not ref else "paid")
    day = figures.a_day(rows[0]["payout date"], terms.dates or "Y-M-D", rows[0].number)
    return Payout(
        ref=ref or "pending",
        account=terms.account,
        currency=currency,
        lines=tuple(lines),
        state=state if ref else "pending",
        starts_at=moments[0] if moments else None,
        ends_at=moments[-1] if moments else None,
        paid_on=day if ref else None,
        faults=tuple(faults),
    )


def _row(row: Row, numbers: figures.Numbers, order: str, terms: Terms) -> Line:
    gross = numbers.amount(row["amount"], row.number, "Amount", needed=True)
    net = numbers.amount(row["net"], row.number, "Net", needed=True)
    presented = numbers.amount(row["presentment amount"], row.number, "Presentment Amount")
    label = row["type"].lower()
    checkout = row["checkout"].lstrip("#")
    return Line(
        row=row.number,
        label=label,
        gross=gross,
        fee=gross - net,
        net=net,
        order_ref=row["order"],
        line_ref="" if tables.is_rounded(checkout) else checkout,
        method=row.first("payment method name", "card brand")
        if not row["card brand"]
        else f"{row['payment method name'] or 'card'} {row['card brand']}".strip(),
        at=figures.a_moment(row["transaction date"], order, terms.time_zone, row.number),
        # The amount presented has no sign of its own.
        presentment_amount=abs(presented) * (-1 if gross < 0 else 1) if presented else None,
        presentment_currency=row["presentment currency"].upper() if presented else "",
    )


def _presented(line: Line, currency: str) -> list[Fault]:
    """The same figure in two currencies: one of the two is wrong."""
    other = line.presentment_currency
    if other and other != currency and line.presentment_amount == line.gross != 0:
        return [Fault(Rule.CURRENCY_MIXED, f"{line.gross} is said to be {other} and {currency}.", line.row)]
    return []


# --- API -----------------------------------------------------------------------------------------------------------


def _api(said: Any, terms: Terms) -> Document:
    """A list of payouts, of balance transactions, or an object with both."""
    payouts = [_plain_payout(each) for each in (*documents.rows(said, "payouts"), *_nodes(said, "payouts"))]
    moved = [_plain(each) for each in (*documents.rows(said, "transactions"), *_nodes(said, "balanceTransactions"))]
    if isinstance(said, list):
        moved = [each for each in said if "source_type" in each or "fee" in each]
        payouts = [each for each in said if each not in moved]
    known = {documents.text(each.get("id")): each for each in payouts}
    groups: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for number, each in enumerate(moved, start=1):
        groups.setdefault(documents.text(each.get("payout_id")), []).append((number, each))
    refs = list(dict.fromkeys([*groups, *known]))
    if not refs:
        raise tables.Refused("It holds neither payouts nor balance transactions.")
    found = tuple(_api_payout(ref, known.get(ref), groups.get(ref, []), terms, bool(moved)) for ref in refs)
    return Document(NAME, found, tuple(fault for each in found for fault in each.faults if fault.fatal))


def _nodes(said: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """The nodes of a GraphQL connection, wherever an answer holds it."""
    if isinstance(said, list):
        for each in said:
            yield from _nodes(each, name)
    elif isinstance(said, Mapping):
        held = said.get(name)
        if isinstance(held, Mapping):
            yield from documents.rows(held, "nodes")
            yield from (edge["node"] for edge in documents.rows(held, "edges") if isinstance(edge.get("node"), Mapping))
        else:
            for each in said.values():
                yield from _nodes(each, name)


def _plain_payout(each: Mapping[str, Any]) -> Mapping[str, Any]:
    """A payout of the GraphQL form as the REST form has it."""
    net = each.get("net")
    if not isinstance(net, Mapping) or "issuedAt" not in each:
        return each
    return {
        "id": _number(each.get("id")),
        "status": documents.text(each.get("status")).lower(),
        "date": documents.text(each.get("issuedAt"))[:10],
        "currency": net.get("currencyCode"),
        "amount": net.get("amount"),
    }


def _plain(each: Mapping[str, Any]) -> Mapping[str, Any]:
    """A balance transaction of the GraphQL form likewise. Its TRANSFER is what REST calls a payout."""
    net, order, payout = each.get("net"), each.get("associatedOrder"), each.get("associatedPayout")
    if not isinstance(net, Mapping):
        return each
    named = documents.text(each.get("type")).lower()
    of_payout = payout if isinstance(payout, Mapping) else {}
    return {
        "id": _number(each.get("id")),
        "type": "payout" if named == "transfer" else named,
        "payout_id": _number(of_payout.get("id")),
        "payout_status": documents.text(of_payout.get("status")).lower(),
        "currency": net.get("currencyCode"),
        **{name: _amount_of(each.get(name)) for name in ("amount", "fee", "net")},
        "source_id": each.get("sourceId"),
        "source_type": documents.text(each.get("sourceType")).lower(),
        "source_order_id": _number(order.get("id")) if isinstance(order, Mapping) else None,
        "source_order_transaction_id": each.get("sourceOrderTransactionId"),
        "processed_at": each.get("transactionDate"),
    }


def _amount_of(held: Any) -> Any:
    return held.get("amount") if isinstance(held, Mapping) else held


def _number(gid: Any) -> str:
    return documents.text(gid).rpartition("/")[2]


def _api_payout(
    ref: str,
    payout: Mapping[str, Any] | None,
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    terms: Terms,
    with_lines: bool,
) -> Payout:
    rows = list(rows)
    said = [(number, documents.text(each.get("currency"))) for number, each in rows]
    said += [(0, documents.text(payout.get("currency")))] if payout else []
    currency, faults = figures.of_one_currency(said, terms.currency)
    lines, amount = [], None
    for number, each in rows:
        gross, net = (documents.amount(each.get(name), number, name) for name in ("amount", "net"))
        if documents.text(each.get("type")) == "payout":
            amount = -net
            continue
        line = _api_line(number, each, gross, net)
        _, fault = figures.added_up(line, documents.amount(each.get("fee") or 0, number, "fee"), currency)
        faults += [fault] if fault else []
        lines.append(line)
    if payout is not None:
        amount = documents.amount(payout.get("amount"), 0, "amount")
    first = rows[0][1] if rows else {}
    state = documents.text((payout or {}).get("status") or first.get("payout_status")) or "paid"
    moments = sorted(line.at for line in lines if line.at)
    return Payout(
        ref=ref or "pending",
        account=terms.account,
        currency=currency,
        lines=tuple(lines),
        amount=amount,
        state=STATES.get(state, "pending") if ref else "pending",
        starts_at=moments[0] if moments else None,
        ends_at=moments[-1] if moments else None,
        paid_on=figures.a_day(documents.text((payout or {}).get("date"))) if payout else None,
        controls={"amount": amount} if amount is not None else {},
        faults=tuple(faults),
    )


@documents.of_entry
def _api_line(number: int, each: Mapping[str, Any], gross: Decimal, net: Decimal) -> Line:
    label = documents.text(each.get("type"))
    order = documents.text(each.get("source_order_id"))
    moved = documents.text(each.get("source_order_transaction_id"))
    return Line(
        row=number,
        label=label,
        gross=gross,
        fee=gross - net,
        net=net,
        ref=documents.text(each.get("id")),
        payment_ref=moved if label != "refund" else "",
        refund_ref=moved if label == "refund" else "",
        order_ref=order,
        line_ref=documents.text(each.get("source_id")),
        note=documents.text(each.get("source_type")),
        at=_when(each.get("processed_at"), number),
    )


def _when(text: Any, number: int) -> datetime | None:
    return figures.a_moment(documents.text(text), row=number)


def days(said: bytes) -> list[date]:
    """The days of the payouts in an answer, for whoever asks for their transactions."""
    loaded = json.loads(said)
    return [day for each in loaded.get("payouts", ()) if (day := figures.a_day(str(each.get("date", ""))))]
