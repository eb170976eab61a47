"""One invoice's rows, read strictly, each sorted into what it is. Pure.

A body is the file's header line and the rows of one invoice, byte for byte. `sort` is the one place that says what a
row is; the translator acts on it and the report counts by it, so the two can't disagree.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.files.sales.mapping import GIFT_CARD, IGNORED, NEEDED, SalesMapping
from integrations.reading import exact_amount, is_rounded
from orders import canonical

SALE, RETURN, ADJUSTMENT, CHARGE, NOTHING = "sale", "return", "adjustment", "charge", "ignored"
MAX_FAULTS = 50
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as written (`number` counts from 1 within its invoice) and what it was sorted into."""

    number: int
    sku: str
    title: str
    quantity: int
    price: Decimal
    kind: str = ""
    words: str = ""  # why it is no goods
    means: str = ""  # of a charge or gift card: what it is for the order


@dataclass(slots=True)
class Invoice:
    """The rows of one invoice number, in the file's order."""

    number: str
    at: datetime
    customer: str = ""
    store: str = ""
    rows: list[Row] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Row]:
        return [row for row in self.rows if row.kind in kinds]


def read(body: bytes, mapping: SalesMapping) -> Invoice:
    """The invoice, sorted. Raises Unreadable naming every faulty row; one faulty row fails its whole invoice."""
    header, *records = _records(body, mapping)
    places = places_of(header, mapping)
    faults: list[Fault] = []
    if not records:
        raise unparsable("the header has no rows under it")
    numbers = {_cell(record, places, "invoice") for record in records}
    if len(numbers) > 1:
        raise unparsable("the rows are of several invoices; a whole file is fed with manage.py ingest sales")
    number = numbers.pop()
    if not number or not number.isprintable() or len(number) > 100 or is_rounded(number):
        faults.append(Fault("row 1.invoice", "is missing" if not number else "is no number of an invoice"))
    rows = [_row(n, record, places, faults, len(header)) for n, record in enumerate(records, 1)]
    at = _moment(_cell(records[0], places, "at"), mapping)
    if at is None:
        faults.append(Fault("row 1.at", "should be a date and time such as 2010-12-01 08:26:00"))
    if faults or at is None:
        raise Unreadable(FailureClass.BAD_VALUE, *faults[:MAX_FAULTS])
    customer = _cell(records[0], places, "customer").removesuffix(".0")
    invoice = Invoice(number, at, customer[:100], _cell(records[0], places, "store"), [])
    invoice.rows = sort(invoice, rows, mapping)
    below = [row for row in invoice.of(SALE, CHARGE) if row.price < 0]
    if below:
        words = "should not be negative on a sale"
        raise Unreadable(FailureClass.BAD_VALUE, *(Fault(f"row {row.number}.price", words) for row in below))
    return invoice


def places_of(header: Sequence[str], mapping: SalesMapping) -> dict[str, int]:
    """Where each column stands. Raises Unreadable naming the columns that are needed and missing."""
    names = [name.strip() for name in header]
    places = {ours: names.index(theirs) for ours, theirs in mapping.columns.items() if theirs in names}
    missing = [mapping.columns[name] for name in NEEDED if name not in places]
    if missing:
        raise Unreadable(
            FailureClass.BAD_VALUE, *(Fault(f"header.{name}", "is no column of this file") for name in missing)
        )
    return places


def sort(invoice: Invoice, rows: Sequence[Row], mapping: SalesMapping) -> list[Row]:
    """Say of every row what it is. The order of the questions is the rule."""
    if words := mapping.ignored_because(invoice.number):
        return [_as(row, NOTHING, words) for row in rows]
    if (
        mapping.free_without_customer_adjusts
        and not invoice.customer
        and not mapping.cancels(invoice.number)
        and all(row.price == 0 for row in rows)
    ):
        return [_adjustment(row, mapping) for row in rows]
    sorted_rows = [_sort(row, invoice, mapping) for row in rows]
    sells = any(row.kind == SALE for row in sorted_rows)
    return [
        _as(row, NOTHING, f"{row.words}, on an invoice without goods", row.means)
        if row.kind == CHARGE and not sells
        else row
        for row in sorted_rows
    ]


def _sort(row: Row, invoice: Invoice, mapping: SalesMapping) -> Row:
    code = mapping.code(row.sku)
    cancels = mapping.cancels(invoice.number)
    if row.quantity == 0:
        return _as(row, NOTHING, "no units")
    if code is not None and code.means != GIFT_CARD:
        if code.means == IGNORED:
            return _as(row, NOTHING, code.words)
        if cancels or row.quantity < 0:
            return _as(row, NOTHING, f"{code.words} given back: money without goods")
        return _as(row, CHARGE, code.words, code.means)
    if row.quantity < 0:
        if code is not None:
            return _as(row, NOTHING, f"{code.words} taken back: money without goods")
        return _as(row, RETURN, "")
    return _as(row, SALE, code.words if code else "", GIFT_CARD if code else "")


def _adjustment(row: Row, mapping: SalesMapping) -> Row:
    if row.quantity == 0:
        return _as(row, NOTHING, "no units")
    if code := mapping.code(row.sku):
        return _as(row, NOTHING, f"{code.words}, for nothing")
    return _as(row, ADJUSTMENT, "")


def _as(row: Row, kind: str, words: str, means: str = "") -> Row:
    return Row(row.number, row.sku, row.title, row.quantity, row.price, kind, words, means)


# --- The smallest pieces


def _records(body: bytes, mapping: SalesMapping) -> list[list[str]]:
    try:
        text = body.decode(mapping.encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise unparsable(
            f"not {mapping.encoding} text: byte {body[error.start : error.start + 1].hex()} at position {error.start}; "
            "name the file's encoding in its mapping"
        ) from None
    if "\0" in text:
        raise unparsable("holds NUL characters, so it is no text")
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=mapping.delimiter, strict=True))
    except csv.Error as error:
        raise unparsable(f"not CSV: {error}") from None
    records = [record for record in records if record]
    if not records:
        raise unparsable("the body is empty")
    return records


def _row(n: int, record: Sequence[str], places: dict[str, int], faults: list[Fault], width: int) -> Row:
    def fault(column: str, message: str) -> None:
        faults.append(Fault(f"row {n}.{column}" if column else f"row {n}", message))

    if len(record) != width:
        fault("", f"has {len(record)} values under {width} columns")
    sku, title = _cell(record, places, "sku"), _cell(record, places, "title")
    quantity, price = _cell(record, places, "quantity"), exact_amount(_cell(record, places, "price"))
    if not sku:
        fault("sku", "is missing")
    elif is_rounded(sku):
        fault("sku", f"is {sku}: a spreadsheet rounded it, so what it names is lost")
    if not _WHOLE.fullmatch(quantity) or abs(int(quantity)) > canonical.MAX_QUANTITY:
        fault("quantity", f"should be a whole number of units, is {quantity[:40]!r}")
        quantity = "0"
    if price is None:
        fault("price", f"should be an amount, is {_cell(record, places, 'price')[:40]!r}")
    return Row(n, sku, title, int(quantity), price or Decimal(0))


def _cell(record: Sequence[str], places: dict[str, int], name: str) -> str:
    place = places.get(name)
    return canonical.clean(record[place]) if place is not None and place < len(record) else ""


def _moment(text: str, mapping: SalesMapping) -> datetime | None:
    """The source's wall clock in its zone. An hour that happens twice is the earlier one; one that doesn't is none."""
    if not _TIME.fullmatch(text):
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(mapping.time_zone))
    except ValueError:
        return None
    there_and_back = local.astimezone(UTC).astimezone(local.tzinfo)
    return local.astimezone(UTC) if there_and_back.replace(tzinfo=None) == local.replace(tzinfo=None) else None
