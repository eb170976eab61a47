"""Adyen settlement detail reports: one or several batches, each closing with what was paid out.

Debits equal credits over a batch, the payout's row included: that is its control figure. Amounts have a decimal point
and no thousands. Columns are found by name; rows may be shorter than the header.
https://docs.adyen.com/reporting/settlement-reconciliation/transaction-level/settlement-details-report
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from finance.canonical import ZERO, Document, Fault, Line, Payout, Rule, Terms
from finance.models import LineKind as K
from integrations.payments.settlements import figures, tables
from integrations.payments.settlements.figures import Numbers
from integrations.payments.settlements.tables import Row
from orders import currencies

NAME = "adyen"
PARTS = {
    "commission": "commission nc", "markup": "markup nc", "scheme": "scheme fees nc", "interchange": "interchange nc"
}  # fmt: skip
PAYOUTS = {"MerchantPayout", "Payout", "EpaPaid"}
LABELS: dict[str, str] = {
    "Settled": K.PAYMENT, "SettledBulk": K.PAYMENT, "SettledInInstallments": K.PAYMENT, "SettledExternally": K.IGNORED,
    "SettledExternallyWithInfo": K.IGNORED, "AdvancementCommission": K.FEE, "Advanced": K.ADJUSTMENT,
    "Refunded": K.REFUND, "RefundedBulk": K.REFUND, "RefundedExternally": K.IGNORED, "RefundedReversed": K.PAYMENT,
    "RefundedReversedExternally": K.IGNORED, "Chargeback": K.CHARGEBACK, "ChargebackExternally": K.IGNORED,
    "SecondChargeback": K.CHARGEBACK, "ChargebackReversed": K.REVERSAL, "ChargebackReversedExternally": K.IGNORED,
    "Fee": K.FEE, "InvoiceDeduction": K.FEE, "MiscCosts": K.FEE, "PaymentCost": K.FEE, "RefundCost": K.FEE,
    "CaptureFee": K.FEE, "BankInstructionReturned": K.ADJUSTMENT, "ManualCorrected": K.ADJUSTMENT,
    "MerchantPayin": K.ADJUSTMENT, "DepositCorrection": K.RESERVE, "MatchedStatement": K.ADJUSTMENT,
    "ReserveAdjustment": K.RESERVE, "Balancetransfer": K.TRANSFER, "InternalTransfer": K.TRANSFER,
    "BalanceTransfer": K.TRANSFER, "InternalCompanyPayout": K.TRANSFER, "AuthorisationSchemeFee": K.FEE,
    "SettleCost": K.FEE, "PaidOut": K.ADJUSTMENT, "PaidOutReversed": K.ADJUSTMENT,  # to a third party, not to us
    "MerchantPayout": K.PAYOUT, "Payout": K.PAYOUT, "EpaPaid": K.PAYOUT,
}  # fmt: skip


def read(content: bytes, terms: Terms) -> Document:
    try:
        table = tables.read(content, encoding=terms.encoding)
        tables.need(table, "Type", "Net Currency", "Net Debit (NC)", "Net Credit (NC)")
        return _document(table, terms)
    except tables.Refused as refused:
        return Document(NAME, faults=(refused.fault,))


def _document(table: tables.Table, terms: Terms) -> Document:
    numbers = figures.Numbers()  # documented: a point, whatever a connection says of its other files
    ids = tables.rounded_ids(table.rows, ("psp reference", "modification reference"), deciding="batch number")
    batches: dict[tuple[str, str, str], list[Row]] = {}
    for row in table.rows:
        key = (row["company account"], row["merchant account"], row["batch number"])
        batches.setdefault(key, []).append(row)
    found: list[Payout] = []
    mixed: list[Fault] = []
    for key, rows in batches.items():
        parts = [_payouts(key, part, numbers, terms) for part in _by_settlement(rows)]
        mixed += (fault for each in parts for fault in each.faults if fault.fatal)
        mixed += _astray(parts)
        found += parts
    return Document(NAME, tuple(found), (*table.faults, *numbers.faults, *ids, *mixed))


def _by_settlement(rows: list[Row]) -> list[list[Row]]:
    """A batch's rows by settlement currency: of several each closes with a payout of its own, or is nothing in sum.

    Where one of them does neither the rows stay together: that currency is then the fault of its rows.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["net currency"].upper(), []).append(row)
    if all(any(row["type"] in PAYOUTS for row in each) or not _sum(each) for each in groups.values()):
        return list(groups.values())
    return [rows]


def _sum(rows: Sequence[Row]) -> Decimal:
    unsure = Numbers()  # what can't be read is noted where it is read for good
    return sum(
        (unsure.amount(row["net credit nc"], 0, "") - unsure.amount(row["net debit nc"], 0, "") for row in rows), ZERO
    )


def _astray(parts: Sequence[Payout]) -> Iterator[Fault]:
    """A row that one currency of a batch has too much and another too little."""
    off = {each.currency: sum((line.net for line in each.lines), ZERO) - (each.amount or ZERO) for each in parts}
    for each in parts:
        over = off[each.currency]
        if over and any(other == -over for code, other in off.items() if code != each.currency):
            for line in each.lines:
                if line.net == over:
                    words = f"{line.net} is in {each.currency}, and another currency of the batch lacks just that."
                    yield Fault(Rule.CURRENCY_MIXED, words, line.row, line.payment_ref, fatal=True)


def _payouts(key: tuple[str, str, str], rows: Sequence[Row], numbers: Numbers, terms: Terms) -> Payout:
    company, merchant, batch = key
    currency, faults = figures.of_one_currency(((row.number, row["net currency"]) for row in rows), terms.currency)
    lines = []
    paid = debited = credited = ZERO
    closed = False
    when = None
    for row in rows:
        debit = numbers.amount(row["net debit nc"], row.number, "Net Debit (NC)")
        credit = numbers.amount(row["net credit nc"], row.number, "Net Credit (NC)")
        if not row["net debit nc"] and not row["net credit nc"]:
            faults.append(Fault(Rule.UNREADABLE, "It has no net amount.", row.number, fatal=True))
        debited, credited = debited + debit, credited + credit
        if row["type"] in PAYOUTS:
            paid, closed, when = paid + debit - credit, True, row
            continue
        line, fault = _line(row, credit - debit, numbers, currency)
        lines.append(line)
        faults += fault
    moments = sorted(line.at for line in lines if line.at)
    return Payout(
        ref=batch or terms.account,
        account="/".join(filter(None, (company, merchant))) or terms.account,
        currency=currency,
        lines=tuple(lines),
        # A batch without a payout was carried forward: it must be nothing by itself.
        amount=paid if closed or debited == credited else None,
        starts_at=moments[0] if moments else None,
        ends_at=moments[-1] if moments else None,
        paid_on=figures.a_day(when.first("booking date", "creation date"), row=when.number) if when else None,
        controls={"debits": debited, "credits": credited, "payout": paid},
        faults=(*faults, *_unbalanced(debited - credited, closed, batch), *_bare(paid, lines, batch, currency)),
    )


def _bare(paid: Decimal, lines: Sequence[Line], batch: str, currency: str) -> list[Fault]:
    if not paid or lines:
        return []
    return [Fault(Rule.LINE_MISSING, f"Batch {batch} pays out {paid} {currency} and has no line of it.")]


def _unbalanced(off: Decimal, closed: bool, batch: str) -> list[Fault]:
    if closed or not off:
        return []
    return [Fault(Rule.LINE_MISSING, f"Batch {batch} lacks its payout: debits and credits are {off} apart.")]


def _line(row: Row, net: Decimal, numbers: Numbers, currency: str) -> tuple[Line, list[Fault]]:
    presented = row["gross currency"].upper()
    gross = numbers.amount(row["gross credit gc"], row.number, "Gross Credit (GC)") - numbers.amount(
        row["gross debit gc"], row.number, "Gross Debit (GC)"
    )
    parts = {name: numbers.amount(row[column], row.number, column) for name, column in PARTS.items()}
    fee = sum(parts.values(), ZERO)
    if not any(row[column] for column in PARTS.values()):
        fee = numbers.amount(row["payment fees nc"], row.number, "Payment Fees (NC)")
    whole = bool(row["gross debit gc"] or row["gross credit gc"])  # a fee, a deposit, a cost have a net amount alone
    here = gross if whole and presented == currency else net + fee
    faults: list[Fault] = []
    if whole and presented and presented != currency:
        faults += _exchanged(row, gross, here, presented, currency, numbers)
    line = Line(
        row=row.number,
        label=row["type"],
        gross=here,
        fee=here - net,
        net=net,
        ref=row["modification reference"] if row["psp reference"] else "",
        payment_ref="" if tables.is_rounded(row["psp reference"]) else row["psp reference"],
        refund_ref="" if tables.is_rounded(row["modification reference"]) else row["modification reference"],
        order_ref=row["merchant reference"],
        method=row.first("payment method variant", "payment method"),
        note="" if row["psp reference"] else row["modification reference"],
        at=_at(row),
        parts={name: amount for name, amount in parts.items() if amount},
        presentment_amount=gross if whole and presented else None,
        presentment_currency=presented if whole else "",
    )
    _, fault = figures.added_up(line, fee, currency)
    return line, [*faults, *([fault] if fault else [])]


def _exchanged(row: Row, gross: Decimal, here: Decimal, presented: str, currency: str, numbers: Numbers) -> list[Fault]:
    """Two currencies at a rate of one: one of the two is wrong."""
    if not currencies.is_known(presented):
        return [Fault(Rule.CURRENCY_MIXED, f"{presented[:10]!r} is no currency.", row.number)]
    rate = row["exchange rate"]
    if gross and abs(gross) == abs(here) and rate in {"1", "1.0", ""}:
        return [Fault(Rule.CURRENCY_MIXED, f"{presented} became {currency} at a rate of one.", row.number)]
    return []


def _at(row: Row) -> datetime | None:
    return figures.a_moment(row["creation date"], zone_name=row["timezone"] or "UTC", row=row.number)
