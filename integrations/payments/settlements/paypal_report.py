"""PayPal's settlement report (STL-….csv from its SFTP): sections of records, each closing with totals and balances.

Amounts are unsigned hundredths of their currency, whatever its exponent; a column beside each says debit or credit. Of
every currency of a section there is one payout: what was withdrawn, with the balance it left behind.
https://developer.paypal.com/docs/reports/sftp-reports/settlement-report/
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from finance.canonical import ZERO, Document, Fault, Line, Payout, Rule, Terms
from finance.models import LineKind as K
from integrations.payments.settlements import figures, tables
from integrations.payments.settlements.tables import Refused, Row

NAME = "paypal"
# Transaction event codes by their families; the exceptions within a family stand after it.
_FAMILIES: tuple[tuple[int, int, str], ...] = (
    (0, 19, K.PAYMENT), (100, 119, K.FEE), (200, 202, K.CONVERSION), (300, 303, K.TRANSFER), (400, 405, K.PAYOUT),
    (500, 505, K.ADJUSTMENT), (600, 600, K.PAYOUT), (700, 702, K.TRANSFER), (800, 807, K.ADJUSTMENT),
    (900, 909, K.ADJUSTMENT), (1000, 1002, K.ADJUSTMENT), (1100, 1103, K.CHARGEBACK), (1104, 1104, K.PAYOUT),
    (1105, 1105, K.RESERVE), (1106, 1106, K.CHARGEBACK), (1107, 1107, K.REFUND), (1108, 1109, K.FEE),
    (1110, 1111, K.RESERVE), (1112, 1112, K.ADJUSTMENT), (1113, 1115, K.REFUND), (1116, 1118, K.ADJUSTMENT),
    (1119, 1119, K.FEE), (1120, 1126, K.ADJUSTMENT), (1200, 1200, K.ADJUSTMENT), (1201, 1201, K.CHARGEBACK),
    (1202, 1202, K.REVERSAL), (1203, 1204, K.ADJUSTMENT), (1205, 1205, K.REVERSAL), (1207, 1207, K.CHARGEBACK),
    (1208, 1208, K.REVERSAL), (1300, 1303, K.IGNORED), (1400, 1400, K.ADJUSTMENT), (1500, 1503, K.RESERVE),
    (1600, 1602, K.ADJUSTMENT), (1700, 1702, K.ADJUSTMENT), (1800, 1801, K.ADJUSTMENT), (1900, 1900, K.ADJUSTMENT),
    (2000, 2004, K.TRANSFER), (2101, 2117, K.RESERVE), (2201, 2201, K.TRANSFER), (2301, 2301, K.TRANSFER),
)  # fmt: skip
LABELS: dict[str, str] = {f"T{n:04d}": kind for first, last, kind in _FAMILIES for n in range(first, last + 1)}
TOTALS = ("gross credits", "gross debits", "fee credits", "fee debits")
_BACK = {K.REFUND, K.CHARGEBACK, K.REVERSAL}


@dataclass(slots=True)
class Section:
    """One account's period: its rows, and what its footers say of each currency and of the number of rows."""

    account: str = ""
    day: str = ""
    columns: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    footers: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    count: int | None = None


def is_one(content: bytes) -> bool:
    """By its first record."""
    head = content[:200].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    return head.startswith(
        tuple(mark + end for mark in (b'"RH"', b'"SH"', b"RH", b"SH") for end in (b",", b";", b"\t"))
    )


def read(content: bytes, terms: Terms) -> Document:
    text = tables.decoded(content, terms.encoding)
    text = text.lstrip("\ufeff")
    delimiter = max(",;\t|", key=text.splitlines()[0].count)
    sections, whole = _sections(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if not sections:
        raise Refused("It holds no section (SH).")
    if not whole:
        raise Refused("It ends before its last record (FF): the file was cut off.")
    numbers = figures.Numbers()
    payouts = [payout for each in sections for payout in _payouts(each, numbers, terms)]
    ids = [fault for each in sections for fault in tables.rounded_ids(each.rows, ("transaction id",))]
    fatal = tuple(fault for each in payouts for fault in each.faults if fault.fatal)
    return Document(NAME, tuple(payouts), (*numbers.faults, *ids, *fatal))


def _sections(reader: Iterator[list[str]]) -> tuple[list[Section], bool]:
    found: list[Section] = []
    ended = False
    try:
        for number, cells in enumerate(reader, start=1):
            kind, rest = (cells[0].strip() if cells else ""), [cell.strip() for cell in cells[1:]]
            if kind == "SH":
                found.append(Section(account=_at(rest, 2), day=_at(rest, 1)[:10].replace("/", "-")))
            elif found and kind == "CH":
                found[-1].columns = tuple(tables.key(name) for name in rest)
            elif found and kind == "SB":
                found[-1].rows.append(Row(number, dict(zip(found[-1].columns, rest, strict=False))))
            elif found and kind == "SF":
                found[-1].footers[_at(rest, 0).upper()] = (number, rest)
            elif found and kind == "SC":
                found[-1].count = int(rest[0]) if rest and rest[0].isdigit() else None
            ended |= kind == "FF"
    except csv.Error as error:
        raise Refused(f"A quote is never closed, or a row is broken: {error}.") from None
    return found, ended


def _at(cells: Sequence[str], n: int) -> str:
    return cells[n] if n < len(cells) else ""


def _payouts(section: Section, numbers: figures.Numbers, terms: Terms) -> Iterator[Payout]:
    if section.rows and "transaction event code" not in section.columns:
        raise Refused("It lacks the columns Transaction Event Code and Gross Transaction Amount (CH).")
    groups: dict[str, list[Row]] = {code: [] for code in section.footers}
    for row in section.rows:
        groups.setdefault(row["gross transaction currency"].upper(), []).append(row)
    for code, rows in groups.items():
        if rows or any(cell.strip("0") for cell in section.footers[code][1][1:5]):
            yield _payout(section, figures.known_currency(code, rows[0].number if rows else 0), rows, numbers, terms)


def _payout(section: Section, currency: str, rows: Sequence[Row], numbers: figures.Numbers, terms: Terms) -> Payout:
    lines, withdrawn, out = [], ZERO, []
    faults: list[Fault] = []
    sums = dict.fromkeys(TOTALS, ZERO)
    for row in rows:
        gross, fee = (_signed(row, name, numbers) for name in ("transaction", "fee"))
        for name, amount in (("gross", gross), ("fee", fee)):
            sums[f"{name} {'credits' if amount > 0 else 'debits'}"] += abs(amount)
        if (other := row["fee currency"].upper()) and other != currency:
            faults.append(
                Fault(
                    Rule.CURRENCY_MIXED, f"Fee Currency: {other}, of an amount in {currency}.", row.number, fatal=True
                )
            )
        kind = LABELS.get(row["transaction event code"])
        if kind == K.PAYOUT:
            withdrawn -= gross
            out.append(f"{row['transaction id']} {-gross} {row['transaction completion date'][:10].replace('/', '-')}")
            if not fee:
                continue
        lines.append(_line(row, kind, gross, fee))
    stated = section.footers.get(currency)
    if stated is None:
        faults.append(Fault(Rule.LINE_MISSING, f"The section of {section.account} has no totals (SF) of {currency}."))
    totals = _totals(*stated, numbers) if stated else dict(sums)
    moved = totals["gross credits"] - totals["gross debits"] + totals["fee credits"] - totals["fee debits"]
    opening, closing = _balances(*stated, moved, numbers) if stated else (ZERO, moved)
    if closing - opening != moved:
        words = f"{currency} opens with {opening}, moves by {moved} and closes with {closing}."
        faults.append(Fault(Rule.TOTALS_DISAGREE, words, stated[0] if stated else 0))
    off = [name for name in sums if sums[name] != totals[name]]
    if not off and section.count is not None and section.count != len(section.rows) and not faults:
        words = f"The section says it has {section.count} rows; it has {len(section.rows)}."
        faults.append(Fault(Rule.LINE_MISSING if section.count > len(section.rows) else Rule.LINE_DOUBLED, words))
    moments = sorted(line.at for line in lines if line.at)
    return Payout(
        ref=f"{section.account} {section.day} {currency}".strip()[:120],
        account=terms.account or section.account,
        currency=currency,
        lines=tuple(lines),
        amount=withdrawn,
        carried=moved,
        starts_at=moments[0] if moments else None,
        ends_at=moments[-1] if moments else None,
        paid_on=figures.a_day(section.day),
        controls={
            **totals,
            "opening balance": opening,
            "closing balance": closing,
            "withdrawals": "; ".join(out)[:8000],
        },
        faults=tuple(faults),
        proven=stated is not None,
    )


def _hundredths(text: str, row: int, name: str, numbers: figures.Numbers) -> Decimal:
    """An unsigned amount without its point; one with a point, a sign or letters in it is no such amount."""
    if re.fullmatch(r"[0-9]{1,17}", text):
        return Decimal(text).scaleb(-2)
    read = numbers.amount(text, row, name)  # names a dash or a decimal comma as what it is
    if read or (text and not numbers.faults):
        numbers.faults.append(Fault(Rule.UNREADABLE, f"{name}: {text[:40]!r} is no amount in hundredths.", row))
    return ZERO


def _signed(row: Row, name: str, numbers: figures.Numbers) -> Decimal:
    column = "gross transaction amount" if name == "transaction" else "fee amount"
    amount = _hundredths(row[column], row.number, column.title(), numbers)
    side = row[f"{name} debit or credit"].upper()
    if amount and side not in {"CR", "DR"}:
        numbers.faults.append(
            Fault(Rule.UNREADABLE, f"{column.title()}: {side[:10]!r} is neither CR nor DR.", row.number)
        )
    return -amount if side == "DR" else amount


def _totals(number: int, cells: Sequence[str], numbers: figures.Numbers) -> dict[str, Decimal]:
    return {name: _hundredths(_at(cells, n), number, name.capitalize(), numbers) for n, name in enumerate(TOTALS, 1)}


def _balances(number: int, cells: Sequence[str], moved: Decimal, numbers: figures.Numbers) -> tuple[Decimal, Decimal]:
    """What the currency opened and closed with: which of the balances it states moved as the rows did is that of them
    that they explain; the available and the payable one may each have stood still."""
    signed = [
        _hundredths(_at(cells, n + 1), number, "Balance", numbers) * (-1 if _at(cells, n).upper() == "DR" else 1)
        for n in range(5, len(cells) - 1, 2)
        if _at(cells, n).upper() in {"CR", "DR"}
    ]
    pairs = list(zip(signed[::2], signed[1::2], strict=False))
    return next((pair for pair in pairs if pair[1] - pair[0] == moved), pairs[0] if pairs else (ZERO, moved))


def _line(row: Row, kind: str | None, gross: Decimal, fee: Decimal) -> Line:
    withdrawal, back = kind == K.PAYOUT, kind in _BACK
    label, name, reference = row["transaction event code"], row["transaction id"], row["paypal reference id"]
    sent = kind == K.PAYMENT and gross < 0
    here = ZERO if withdrawal else gross
    return Line(
        row=row.number,
        label="Withdrawal Fee" if withdrawal else f"{label} (sent)" if sent else label,
        gross=here,
        fee=-fee,
        net=here + fee,
        ref=name,
        payment_ref=reference if back else name,
        refund_ref=name if back else "",
        order_ref=row.first("invoice id", "custom field"),
        line_ref=reference,
        method="paypal",
        note=row.first("payment tracking id", "bank reference id"),
        at=figures.a_moment(row.first("transaction completion date", "transaction initiation date"), row=row.number),
    )


# What we paid somebody is no payment of a customer's.
LABELS |= {f"{label} (sent)": K.ADJUSTMENT for label, kind in tuple(LABELS.items()) if kind == K.PAYMENT}
