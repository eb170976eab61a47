"""What a provider's settlement says, whoever sends it: frozen, exact, ids as text. Pure.

A translator turns bytes into `Document`: the payouts it found and what is wrong with the file. It never guesses: a cell
that could mean two things is a `Fault` of its own rule, named by its row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

ZERO = Decimal(0)


class Rule(StrEnum):
    """What may be wrong with a settlement. Each is a case of its own; see finance/settlement_reasons.py."""

    UNREADABLE = "unreadable"
    TERMS_UNSTATED = "terms_unstated"
    DECIMAL_COMMA = "decimal_comma"
    UNICODE_MINUS = "unicode_minus"
    IDS_ROUNDED = "ids_rounded"
    CURRENCY_MIXED = "currency_mixed"
    LINE_DOUBLED = "line_doubled"
    LINE_MISSING = "line_missing"
    CENT_SHIFTED = "cent_shifted"
    ROW_DISAGREES = "row_disagrees"
    TOTALS_DISAGREE = "totals_disagree"
    LABEL_UNKNOWN = "label_unknown"
    RESTATED = "restated"


# With one of these nothing of a file is imported: which payout or which amount is meant can't be told.
REFUSING = frozenset({Rule.UNREADABLE, Rule.TERMS_UNSTATED, Rule.DECIMAL_COMMA, Rule.UNICODE_MINUS})


@dataclass(frozen=True, slots=True)
class Fault:
    rule: Rule
    message: str
    row: int = 0
    ref: str = ""
    fatal: bool = False

    @property
    def refuses(self) -> bool:
        """Nothing of the file can be taken."""
        return self.fatal or self.rule in REFUSING

    def as_json(self) -> dict[str, Any]:
        return {"rule": str(self.rule), "row": self.row, "message": self.message, "ref": self.ref}


# What a mapped file's columns may be, of payouts and of bank statements.
COLUMNS = (
    "payout", "date", "label", "gross", "fee", "net", "currency", "payment", "refund", "order", "shipment", "line",
    "sku", "method", "ref", "paid_on", "total",
)  # fmt: skip
BANK_COLUMNS = (
    "date", "value_date", "amount", "credit", "debit", "side", "currency", "original_amount", "original_currency",
    "text", "counterparty", "ref", "account", "balance",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """How a connection's files are written, as somebody stated it. Empty: as documented, or as the file proves.

    `decimal` is "." or ","; `dates` is "D/M/Y", "M/D/Y" or "Y-M-D"; `stated` is the payout's total as the provider's
    own page or the bank says it, for files that state none.
    """

    account: str = ""
    decimal: str = ""
    dates: str = ""
    time_zone: str = "UTC"
    currency: str = ""
    encoding: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    stated: Decimal | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Terms:
        stated = given.get("stated") or None
        return cls(
            account=str(given.get("account", "")),
            decimal=str(given.get("decimal", "")),
            dates=str(given.get("dates", "")),
            time_zone=str(given.get("time_zone") or "UTC"),
            currency=str(given.get("currency", "")).upper(),
            encoding=str(given.get("encoding", "")),
            columns=dict(given.get("columns") or {}),
            stated=Decimal(str(stated)) if stated is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One movement. Positive is owed to us; `fee` is positive where it was taken; net = gross - fee."""

    row: int
    label: str
    gross: Decimal
    fee: Decimal
    net: Decimal
    ref: str = ""
    payment_ref: str = ""
    refund_ref: str = ""
    order_ref: str = ""
    shipment_ref: str = ""
    line_ref: str = ""
    sku: str = ""
    method: str = ""
    note: str = ""
    at: datetime | None = None
    parts: Mapping[str, Decimal] = field(default_factory=dict)
    presentment_amount: Decimal | None = None
    presentment_currency: str = ""

    @property
    def identity(self) -> tuple[Any, ...]:
        """What two rows have in common that are one row twice."""
        return (
            self.label, self.ref, self.payment_ref, self.refund_ref, self.order_ref, self.shipment_ref, self.line_ref,
            self.sku, self.at, self.gross, self.fee, self.net, self.note,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Payout:
    """One payout and its lines. `amount` is what the file states; None where it states none: then the lines say it.

    `proven` is False where its figures are sums of its own rows, so that a row more or less would show nowhere.
    `opening` and `closing` are the provider's balance before its first row and after its last, where rows state it.
    """

    ref: str
    currency: str
    lines: tuple[Line, ...]
    account: str = ""
    amount: Decimal | None = None
    carried: Decimal = ZERO
    state: str = "paid"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    paid_on: date | None = None
    controls: Mapping[str, Decimal | int | str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    proven: bool = True
    opening: Decimal | None = None
    closing: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says. With a fault that refuses it has no payouts worth taking."""

    provider: str
    payouts: tuple[Payout, ...] = ()
    faults: tuple[Fault, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        return any(fault.refuses for fault in self.faults)


@dataclass(frozen=True, slots=True)
class Reader:
    """One provider whose settlements can be read: plugged in by the floor that knows vendors.

    `labels` is the provider's documented vocabulary: label -> kind. It is version 1 of its map.
    """

    code: str
    title: str
    read: Callable[[bytes, Terms], Document]
    labels: Mapping[str, str]
    needs: tuple[str, ...] = ()  # terms that a file alone can't prove
    hint: str = ""


_readers: dict[str, Reader] = {}


def register(reader: Reader) -> None:
    _readers[reader.code] = reader


def readers() -> list[Reader]:
    return [_readers[code] for code in sorted(_readers)]


def reader(code: str) -> Reader | None:
    return _readers.get(code)


# --- Bank statements -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a bank statement: positive came in. `refs` are whatever the bank carried of references."""

    booked_on: date
    amount: Decimal
    currency: str
    value_on: date | None = None
    original_amount: Decimal | None = None
    original_currency: str = ""
    text: str = ""
    counterparty: str = ""
    ref: str = ""
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of one account. Its closing balance is its opening one and its entries, or that is a fault."""

    form: str
    account: str = ""
    ref: str = ""
    currency: str = ""
    opening: Decimal | None = None
    closing: Decimal | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    entries: tuple[Entry, ...] = ()
    faults: tuple[Fault, ...] = ()


BankReader = Callable[[bytes, Terms], list[Statement]]
_banks: dict[str, BankReader] = {}


def register_bank(form: str, read: BankReader) -> None:
    _banks[form] = read


def bank_forms() -> list[str]:
    return sorted(_banks)


def bank_reader(form: str) -> BankReader | None:
    return _banks.get(form)
