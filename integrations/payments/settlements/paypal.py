"""PayPal: activity downloads, monthly statements and answers of its transaction search; its settlement report is read
by paypal_report.py.

One payout of each currency: what was withdrawn, with the balance it left behind. Every row states the balance after it,
so a missing, doubled or changed row is found where it stands. Dates and numbers are written as the account's language
has it: stated on the connection, or proven by every cell of the file.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from finance import checking
from finance.canonical import ZERO, Document, Fault, Line, Payout, Rule, Terms
from finance.models import LineKind as K
from integrations.payments.settlements import documents, figures, paypal_report, paypal_search, tables
from integrations.payments.settlements.tables import Row

NAME = "paypal"
# The same column in the languages an account may be set to.
COLUMNS = {
    "date": ("date", "datum", "fecha", "data"),
    "time": ("time", "uhrzeit", "heure", "hora", "tijd", "ora", "orario"),
    "zone": ("time zone", "timezone", "zeitzone", "fuseau horaire", "zona horaria", "tijdzone", "fuso orario"),
    "type": ("type", "description", "typ", "beschreibung", "tipo", "descripci n", "omschrijving", "descrizione"),
    "status": ("status", "tat", "estado", "stato"),
    "currency": ("currency", "w hrung", "devise", "divisa", "valuta"),
    "gross": ("gross", "brutto", "avant commission", "bruto", "lordo"),
    "fee": ("fee", "fees", "entgelt", "geb hr", "commission", "tarifa", "comisi n", "kosten", "tariffa"),
    "net": ("net", "netto", "neto"),
    "balance": ("balance", "guthaben", "solde", "saldo"),
    "id": (
        "transaction id", "transaktionscode", "num ro de transaction", "id de transacci n", "transactiereferentie",
        "codice transazione",
    ),
    "reference": (
        "reference txn id", "zugeh riger transaktionscode", "num ro de la transaction de r f rence",
        "id de referencia de trans", "codice transazione di riferimento",
    ),
    "invoice": (
        "invoice number", "invoice id", "rechnungsnummer", "num ro de facture", "id de factura", "factuurnummer",
        "factuurreferentie", "n fattura pro forma", "custom number",
    ),
    "impact": ("balance impact", "auswirkung auf guthaben"),
    "name": ("name", "nom", "nombre", "naam", "nome"),
    "code": ("transaction event code", "transaktionsereigniscode", "code de transaction"),
}  # fmt: skip
_PAYMENTS = (
    "Express Checkout Payment", "Website Payment", "General Payment", "Mobile Payment", "Payment Received",
    "Website Payments Pro API Solution", "Website Payments Standard Payment", "Website Payments Pro Payment",
    "Web Accept Payment Received", "Shopping Cart Payment Received", "Shopping Cart", "Payment",
    "PreApproved Payment Bill User Payment", "PreApproved Payment", "Subscription Payment", "Recurring Payment",
    "Recurring Payment Received", "eBay Auction Payment", "Auction Payment", "Direct Payment", "Donation Payment",
    "Donation Received", "Tip Payment", "Point of Sale Payment", "PayPal Here Payment", "Zettle Payment",
    "Virtual Terminal Payment", "Invoice Payment", "Payment Review Release", "Mass Pay Payment", "Rebate Payment",
    "Third Party Payment", "Buy Now Payment", "PayPal Buyer Credit Payment", "Pay Later Payment", "Checkout Payment",
    "Cash Payment", "Adaptive Payment", "Echeck Payment", "Instant Payment",
)  # fmt: skip
LABELS: dict[str, str] = {
    **dict.fromkeys(_PAYMENTS, K.PAYMENT),
    "Payment Refund": K.REFUND, "Refund": K.REFUND, "Partial Refund": K.REFUND, "Payment Reversal": K.REFUND,
    "Mass Payment Refund": K.REFUND, "General Refund": K.REFUND, "Cancelled Payment": K.REFUND,
    "Chargeback": K.CHARGEBACK, "Chargeback Reversal": K.REVERSAL, "Cancellation of Chargeback": K.REVERSAL,
    "General Reversal": K.CHARGEBACK, "Dispute Adjustment": K.CHARGEBACK, "Buyer Protection Payout": K.REVERSAL,
    "Chargeback Fee": K.FEE, "Chargeback Settlement": K.CHARGEBACK, "Dispute Fee": K.FEE, "Fee Reversal": K.FEE,
    "Fee Refund": K.FEE, "Payment Fee": K.FEE, "Partner Fee": K.FEE, "Withdrawal Fee": K.FEE, "Monthly Fee": K.FEE,
    "Website Payments Pro Monthly Fee": K.FEE, "General Fee": K.FEE, "Fee for Mass Pay": K.FEE,
    "Currency Conversion Fee": K.FEE, "Foreign Bank Withdrawal Fee": K.FEE, "Gift Certificate Fee": K.FEE,
    "International Payment Fee": K.FEE, "Payflow Fee": K.FEE, "Express Checkout APM Fee": K.FEE,
    "General Currency Conversion": K.CONVERSION, "User Initiated Currency Conversion": K.CONVERSION,
    "Currency Conversion": K.CONVERSION, "Currency Conversion Required to Cover Negative Balance": K.CONVERSION,
    "Currency conversion required to cover negative balance": K.CONVERSION,
    "Payment Hold": K.RESERVE, "Payment Release": K.RESERVE, "Reserve Hold": K.RESERVE, "Reserve Release": K.RESERVE,
    "Hold on Available Balance": K.RESERVE, "Hold on Balance for Dispute Investigation": K.RESERVE,
    "Cancellation of Hold for Dispute Resolution": K.RESERVE, "Account Hold for Open Authorization": K.RESERVE,
    "Reversal of General Account Hold": K.RESERVE, "General Hold": K.RESERVE, "General Hold Release": K.RESERVE,
    "Account Hold": K.RESERVE, "General Authorization": K.IGNORED, "Authorization": K.IGNORED, "Order": K.IGNORED,
    "Void of Authorization": K.IGNORED, "Request Received": K.IGNORED, "Request Sent": K.IGNORED,
    "General Account Correction": K.ADJUSTMENT, "Account Correction": K.ADJUSTMENT, "General Credit": K.ADJUSTMENT,
    "General Adjustment": K.ADJUSTMENT, "General Bonus": K.ADJUSTMENT, "Bonus": K.ADJUSTMENT,
    "General Credit Card Deposit": K.TRANSFER, "General Deposit": K.TRANSFER, "Bank Deposit to PP Account": K.TRANSFER,
    "Bank Deposit to PP Account ": K.TRANSFER, "General Funding of PayPal Account": K.TRANSFER,
    "Funds Transfer from PayPal Account to Another": K.TRANSFER, "Transfer from Bank": K.TRANSFER,
    "General Credit Card Withdrawal": K.PAYOUT, "General Withdrawal": K.PAYOUT,
    "General Withdrawal - Bank Account": K.PAYOUT, "User Initiated Withdrawal": K.PAYOUT, "Withdrawal": K.PAYOUT,
    "Withdraw Funds to Bank Account": K.PAYOUT, "Auto-sweep": K.PAYOUT, "Transfer to Bank": K.PAYOUT,
    "Withdrawal Reversal": K.PAYOUT, "Bank Withdrawal Returned": K.PAYOUT, "Hyperwallet Transfer": K.TRANSFER,
    # An account set to French, Spanish, Italian or German names the same things so.
    **dict.fromkeys((
        "Paiement Express Checkout", "Paiement DCC", "Paiement de don", "Paiement", "Pago con Pago exprés",
        "Pagamento Express Checkout",
    ), K.PAYMENT),
    "Remboursement de paiement": K.REFUND, "Suspension de paiement": K.RESERVE, "Déblocage de paiement": K.RESERVE,
    "Solde suspendu pour enquête sur un litige": K.RESERVE,
    "Annulation de la suspension pour résolution du litige": K.RESERVE, "Retrait initié par l'utilisateur": K.PAYOUT,
    "Conversión de divisas general": K.CONVERSION, "Conversión de divisas": K.CONVERSION, "Retirada": K.PAYOUT,
    **dict.fromkeys((
        "PayPal Express-Zahlung", "Express-Zahlung", "Website-Zahlung", "Handyzahlung", "Allgemeine Zahlung",
        "eBay-Auktionszahlung", "Spendenzahlung", "Zahlung", "Zahlung im Einzugsverfahren mit Zahlungsrechnung",
    ), K.PAYMENT),
    "Rückzahlung": K.REFUND, "Bankgutschrift auf PayPal-Konto": K.TRANSFER,
    "Allgemeine Gutschrift auf Kreditkarte": K.TRANSFER, "Allgemeine Abbuchung": K.PAYOUT,
    "Allgemeine Abbuchung – Bankkonto": K.PAYOUT, "Allgemeine Abbuchung von Kreditkarte": K.PAYOUT,
    "Von Nutzer eingeleitete Abbuchung": K.PAYOUT, "Allgemeine Währungsumrechnung": K.CONVERSION,
    "Währungsumrechnung durch Nutzer": K.CONVERSION, "Einbehaltung für offene Autorisierung": K.RESERVE,
    "Rückbuchung allgemeiner Einbehaltung": K.RESERVE, "Allgemeine Autorisierung": K.IGNORED,
    "Capital Loan Disbursement": K.ADJUSTMENT, "Loan Repayment": K.ADJUSTMENT, "PayPal Credit Payment": K.ADJUSTMENT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """A row with its figures read."""

    row: Row
    label: str
    currency: str
    gross: Decimal
    fee: Decimal
    net: Decimal
    balance: Decimal | None


def read(content: bytes, terms: Terms) -> Document:
    try:
        if paypal_report.is_one(content):
            return paypal_report.read(content, terms)
        if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"{", b"[")):
            table = paypal_search.table(documents.loaded(content))
            return _document(table, replace(terms, decimal=".", dates="Y-M-D"))
        table = tables.read(content, encoding=terms.encoding)
        if missing := [name for name in ("date", "type", "currency", "gross", "net", "id") if not _column(table, name)]:
            raise tables.Refused(f"It lacks the columns {', '.join(missing)}.")
        return _document(table, terms)
    except tables.Refused as refused:
        return Document(NAME, faults=(refused.fault,))


def _column(table: tables.Table, name: str) -> str:
    return next((column for column in COLUMNS[name] if column in table.columns), "")


def _document(table: tables.Table, terms: Terms) -> Document:
    cells = [row.first(*COLUMNS[name]) for row in table.rows for name in ("gross", "fee", "net", "balance")]
    numbers = figures.proven(cells, terms.decimal)
    order = figures.day_order([row.first(*COLUMNS["date"]) for row in table.rows], terms.dates)
    ids = tables.rounded_ids(table.rows, [_column(table, "id"), _column(table, "reference") or "none"])
    told = [_told(row, numbers) for row in table.rows if row.first(*COLUMNS["impact"]).lower() != "memo"]
    groups: dict[str, list[Told]] = {}
    for each in told:
        groups.setdefault(each.currency, []).append(each)
    groups = {code: _moving(rows) for code, rows in groups.items()}
    currency_faults = _unknown_currencies(groups)
    breaks = _breaks(groups)
    payouts = tuple(_payout(code, rows, breaks.get(code, []), order, terms) for code, rows in groups.items() if code)
    remarks = (f"Dates read as {order}, amounts with a decimal {'point' if numbers.decimal == '.' else 'comma'}.",)
    return Document(NAME, payouts, (*table.faults, *numbers.faults, *ids, *currency_faults), remarks)


def _told(row: Row, numbers: figures.Numbers) -> Told:
    gross, fee, net = (
        numbers.amount(row.first(*COLUMNS[name]), row.number, name.capitalize(), needed=name == "net")
        for name in ("gross", "fee", "net")
    )
    said = row.first(*COLUMNS["balance"])
    balance = numbers.amount(said, row.number, "Balance") if said else None
    label = row.first(*COLUMNS["type"])
    if label.strip() not in LABELS:
        label = row.first(*COLUMNS["code"]) or label  # the same in every language
    return Told(row, label, row.first(*COLUMNS["currency"]).upper(), gross, fee, net, balance)


def _unknown_currencies(groups: dict[str, list[Told]]) -> list[Fault]:
    faults = []
    for code, rows in groups.items():
        try:
            figures.known_currency(code, rows[0].row.number)
        except tables.Refused as refused:
            faults.append(Fault(Rule.CURRENCY_MIXED, refused.fault.message, rows[0].row.number, fatal=True))
    return faults


# --- The running balance -------------------------------------------------------------------------------------------


def _breaks(groups: dict[str, list[Told]]) -> dict[str, list[Fault]]:
    """Where a currency's running balance doesn't follow from the row before, and what that most likely means."""
    faults: dict[str, list[Fault]] = {}
    for code, rows in groups.items():
        ordered = chained(rows)
        if len(rows) == 1 and _belongs_elsewhere(rows[0], groups):
            faults[code] = [_stray(rows[0])]
        seen: set[str] = set()
        for before, now in zip([None, *ordered], ordered, strict=False):
            name = now.row.first(*COLUMNS["id"])
            if before is not None and None not in (before.balance, now.balance):
                off = now.balance - before.balance - now.net  # type: ignore[operator]
                if off:
                    faults.setdefault(code, []).append(_break(now, off, name in seen, groups))
            seen.add(name)
    return faults


def chained(rows: Sequence[Told]) -> list[Told]:
    """Oldest first: downloads come either way round, and the balances say which."""
    turned = list(reversed(rows))
    return turned if _broken(turned) < _broken(rows) else list(rows)


def _broken(ordered: Sequence[Told]) -> int:
    pairs = itertools.pairwise(ordered)
    return sum(a.balance is not None and b.balance is not None and a.balance + b.net != b.balance for a, b in pairs)


def _moving(rows: list[Told]) -> list[Told]:
    """Those that moved the balance: of several that state it and follow from each other, one between them that states
    none (a hold, a payment that is pending) moved nothing."""
    told = [each for each in rows if each.balance is not None]
    return told if 1 < len(told) < len(rows) and not _broken(chained(told)) else rows


def _break(now: Told, off: Decimal, again: bool, groups: dict[str, list[Told]]) -> Fault:
    name, row = now.row.first(*COLUMNS["id"]), now.row.number
    if again:
        return Fault(Rule.LINE_DOUBLED, f"{name} of {now.net} {now.currency} stands there twice.", row, name)
    if abs(off) <= figures.unit(now.currency) * 5:
        return Fault(Rule.CENT_SHIFTED, f"{name}: the balance after it is {off} off.", row, name)
    if _belongs_elsewhere(now, groups):
        return _stray(now)
    words = f"Before {name} the balance moved by {off} {now.currency} and no row says why."
    return Fault(Rule.LINE_MISSING, words, row, name)


def _stray(now: Told) -> Fault:
    name = now.row.first(*COLUMNS["id"])
    words = f"{name}: its balance isn't one of {now.currency}; the row is of another currency."
    return Fault(Rule.CURRENCY_MIXED, words, now.row.number, name)


def _belongs_elsewhere(now: Told, groups: dict[str, list[Told]]) -> bool:
    if now.balance is None:
        return False
    others = (each for code, rows in groups.items() if code != now.currency for each in rows)
    return any(
        now.balance == each.balance + now.net or (now.balance and now.balance == each.balance - each.net)
        for each in others
        if each.balance is not None
    )


# --- The payout ----------------------------------------------------------------------------------------------------


def _payout(currency: str, rows: list[Told], breaks: list[Fault], order: str, terms: Terms) -> Payout:
    ordered = chained(rows)
    faults = list(breaks)
    lines, withdrawn, out, days, moments = [], ZERO, [], [], []
    for each in rows:
        at = _at(each, order, terms)
        moments += [at] if at else []
        if LABELS.get(each.label.strip()) == K.PAYOUT:
            withdrawn -= each.gross
            out.append(f"{each.row.first(*COLUMNS['id'])} {-each.gross} {at.date() if at else ''}")
            days += [at.date()] if at else []
            if not each.fee:
                continue
        line, fault = _line(each, at, currency)
        faults += [fault] if fault else []
        lines.append(line)
    first, last = ordered[0], ordered[-1]
    whole = first.balance is not None and last.balance is not None
    opening = first.balance - first.net if whole else None  # type: ignore[operator]
    if opening is None:
        carried = sum((each.net for each in rows), ZERO)
        faults += checking.told_twice(lines)  # no balance proves them
    else:
        carried = last.balance - opening  # type: ignore[operator]
    name = f"{ordered[0].row.first(*COLUMNS['id'])}-{ordered[-1].row.first(*COLUMNS['id'])}"
    return Payout(
        ref=name[:120],
        account=terms.account,
        currency=currency,
        lines=tuple(lines),
        amount=withdrawn,
        carried=carried,
        starts_at=min(moments, default=None),
        ends_at=max(moments, default=None),
        paid_on=max(days) if days else max(moments).date() if moments else None,
        controls={
            "opening balance": "" if opening is None else opening,
            "closing balance": "" if last.balance is None else last.balance,
            "withdrawals": "; ".join(out)[:8000],
        },
        faults=tuple(faults),
        proven=opening is not None,
        opening=opening,
        closing=last.balance if opening is not None else None,
    )


def _at(each: Told, order: str, terms: Terms) -> datetime | None:
    text = f"{each.row.first(*COLUMNS['date'])} {each.row.first(*COLUMNS['time'])}"
    named = each.row.first(*COLUMNS["zone"]) or terms.time_zone
    return figures.a_moment(text, order, named, each.row.number)


def _line(each: Told, at: datetime | None, currency: str) -> tuple[Line, Fault | None]:
    label = each.label.strip()
    kind = LABELS.get(label)
    name, reference = each.row.first(*COLUMNS["id"]), each.row.first(*COLUMNS["reference"])
    withdrawal = kind == K.PAYOUT
    gross = ZERO if withdrawal else each.gross
    net = each.net - each.gross if withdrawal else each.net
    # What we paid somebody is no payment of a customer's.
    if kind == K.PAYMENT and each.gross < 0:
        label = f"{label} (sent)"
    line = Line(
        row=each.row.number,
        label="Withdrawal Fee" if withdrawal else label,
        gross=gross,
        fee=gross - net,
        net=net,
        ref=name,
        payment_ref=reference if kind in {K.REFUND, K.CHARGEBACK, K.REVERSAL} else name,
        refund_ref=name if kind in {K.REFUND, K.CHARGEBACK, K.REVERSAL} else "",
        order_ref=each.row.first(*COLUMNS["invoice"]),
        line_ref=reference,
        method="paypal",
        note=each.row.first(*COLUMNS["name"], "subject"),
        at=at,
    )
    _, fault = figures.added_up(line, each.fee, currency)
    return line, fault


LABELS |= {f"{label} (sent)": K.ADJUSTMENT for label, kind in tuple(LABELS.items()) if kind == K.PAYMENT}
LABELS |= paypal_report.LABELS
