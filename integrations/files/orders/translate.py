"""From the rows of one order to the order: pure, every fault with its row and column.

The message holds the rows as they stood in the file, by the titles of their columns, and when the file came: a later
file with the same order brings its next version, unless a column says when it changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from integrations import countries
from integrations.channels.meaning import Meaning, PlaceOrder
from integrations.documents import read_json, without_nul
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.files.orders.fields import BY_NAME, FIELDS, IDS
from integrations.files.orders.formats import Layout
from integrations.reading import EPOCH, MAX_FAULTS, ZERO, checked, is_rounded, moment_of
from orders import canonical, currencies
from orders.canonical import Address, Buyer, IncomingLine, IncomingOrder

VERSION = "orderfile/1"
TOPIC = "orders"


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    cells: dict[str, str]


class _Rows:
    """The rows of one order, read by a layout; faults name the row and the title of the column."""

    def __init__(self, rows: Sequence[Row], layout: Layout, *, typed: bool):
        self.rows, self.layout, self.typed = rows, layout, typed
        self.faults: list[Fault] = []

    def fault(self, row: Row, name: str, words: str) -> None:
        title = self.layout.columns.get(name, BY_NAME[name].title)
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(f"row {row.number}, {title}", words))

    def cell(self, row: Row, name: str, limit: int = 255) -> str:
        text = canonical.clean(row.cells.get(self.layout.columns.get(name, ""), ""))
        if len(text) > limit:
            self.fault(row, name, f"is longer than {limit} characters")
        if name in IDS and is_rounded(text):
            self.fault(row, name, f"is {text}: a spreadsheet rounded it, so what it names is lost")
        return text[:limit]

    def of_order(self, name: str, limit: int = 255) -> tuple[Row, str]:
        """What the order's rows say, which must be one thing."""
        said = [(row, text) for row in self.rows if (text := self.cell(row, name, limit))]
        if not said:
            return self.rows[0], ""
        for row, text in said[1:]:
            if text != said[0][1]:
                first = f"row {said[0][0].number} of the same order {said[0][1][:40]!r}"
                self.fault(row, name, f"says {text[:40]!r}, {first}")
        return said[0]

    def amount(self, row: Row, name: str, text: str, *, needed: bool = False) -> Decimal | None:
        if not text:
            if needed:
                self.fault(row, name, "is missing")
            return None
        found = self.layout.amount(text, typed=self.typed)
        if found is None:
            example = f"1{self.layout.thousands}234{self.layout.decimal}50"
            self.fault(row, name, f"should be an amount such as {example}, is {text[:40]!r}")
        elif found < 0:
            self.fault(row, name, f"should not be negative, is {text[:40]!r}")
            return None
        return found

    def money(self, name: str) -> Decimal | None:
        row, text = self.of_order(name)
        return self.amount(row, name, text)

    def moment(self, name: str, *, needed: bool = False) -> datetime | None:
        row, text = self.of_order(name)
        if not text:
            if needed:
                self.fault(row, name, "is missing")
            return None
        found = self.layout.moment(text)
        if isinstance(found, str):
            self.fault(row, name, found)
            return None
        return found

    def units(self, row: Row) -> int:
        text = self.cell(row, "quantity")
        found = self.layout.amount(text, typed=self.typed) if text else None
        if found is None or found != found.to_integral_value() or not 0 < found <= canonical.MAX_QUANTITY:
            words = f"should be a whole number of units, is {text[:40]!r}" if text else "is missing"
            self.fault(row, "quantity", words)
            return 1
        return int(found)


def understand(topic: str, body: bytes, layout: Layout) -> Meaning:
    document = without_nul(read_json(body))
    listed = document.get("rows") if isinstance(document, dict) else None
    as_of = moment_of(document.get("as_of")) if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed or as_of is None:
        raise unparsable("no rows of a file of orders; a whole file is dropped on its connection's page")
    rows = [_row(each) for each in listed]
    return Meaning(acts=(PlaceOrder(order(rows, layout, as_of, typed=document.get("kind") == "xlsx")),))


def _row(each: Any) -> Row:
    cells = each.get("cells") if isinstance(each, dict) else None
    number = each.get("n") if isinstance(each, dict) else None
    if not isinstance(cells, dict) or not isinstance(number, int):
        raise unparsable("a row without its cells or its number")
    return Row(number, {str(title): str(value) for title, value in cells.items()})


def order(listed: Sequence[Row], layout: Layout, as_of: datetime, *, typed: bool) -> IncomingOrder:
    """The order these rows make. Raises Unreadable naming every fault by row and column."""
    rows = _Rows(listed, layout, typed=typed)
    text = {field.name: rows.of_order(field.name, field.longest)[1] for field in FIELDS if field.of_order}
    if not text["order_ref"]:
        rows.fault(listed[0], "order_ref", "is missing")
    placed, changed = rows.moment("placed_at", needed=True), rows.moment("updated_at")
    currency = (text["currency"] or layout.currency).upper()
    if not currencies.is_known(currency):
        rows.fault(listed[0], "currency", f"should be a currency of ISO 4217, is {currency[:10]!r}")
    lines = tuple(_line(rows, row, n) for n, row in enumerate(listed, 1))
    shipping, off, stated = (rows.money(name) for name in ("shipping", "discount", "total"))
    country = countries.two_letters(text["ship_country"]) if text["ship_country"] else ""
    if text["ship_country"] and not country:
        rows.fault(listed[0], "ship_country", f"should be the code of a country, is {text['ship_country'][:40]!r}")
    ship_on = _day(rows, "ship_on")
    if rows.faults:
        raise Unreadable(FailureClass.BAD_VALUE, *rows.faults)
    off_lines = sum((line.discount_total or ZERO for line in lines), ZERO)
    tax = sum((line.tax_total or ZERO for line in lines), ZERO)
    goods = sum((line.unit_price * line.quantity for line in lines), ZERO)
    reckoned = goods - off_lines - (off or ZERO) + (shipping or ZERO) + (ZERO if layout.tax_included else tax)
    if stated is None and reckoned < 0:
        fault = Fault(f"row {listed[0].number}", "the discounts are more than the goods")
        raise Unreadable(FailureClass.BAD_VALUE, fault)
    buyer = Buyer(ref=text["customer_ref"], name=text["ship_name"], email=text["email"], phone=text["phone"])
    return checked(
        IncomingOrder(
            channel_ref=text["order_ref"],
            number=text["order_ref"],
            placed_at=placed or EPOCH,
            version=canonical.microseconds(changed or as_of),
            currency=currency,
            lines=lines,
            discount_total=off_lines + (off or ZERO),
            shipping_total=shipping,
            tax_total=tax if "line_tax" in layout.columns else None,
            tax_included=layout.tax_included,
            total=stated if stated is not None else reckoned,
            buyer=buyer if buyer != Buyer() else None,
            ship_to=_address(text, country),
            method="PICKUP" if text["pickup"] else "SHIP",
            pickup_location_code=text["pickup"] or None,
            po_number=text["po_number"],
            requested_ship_on=ship_on,
            note=text["note"],
        )
    )


def _line(rows: _Rows, row: Row, position: int) -> IncomingLine:
    sku = rows.cell(row, "sku", 120)
    if not sku:
        rows.fault(row, "sku", "is missing")
    off = rows.amount(row, "line_discount", rows.cell(row, "line_discount"))
    return IncomingLine(
        ref=rows.cell(row, "line_ref", 120) or str(position),
        sku=sku,
        title=rows.cell(row, "title"),
        quantity=rows.units(row),
        unit_price=rows.amount(row, "unit_price", rows.cell(row, "unit_price"), needed=True) or ZERO,
        discount_total=off,
        tax_total=rows.amount(row, "line_tax", rows.cell(row, "line_tax")),
    )


def _day(rows: _Rows, name: str) -> date | None:
    row, text = rows.of_order(name)
    if not text:
        return None
    found = rows.layout.moment(text)
    if isinstance(found, str):
        rows.fault(row, name, found)
        return None
    naive = rows.layout.naive(text)
    return (naive or found).date()


def _address(text: dict[str, str], country: str) -> Address | None:
    made = Address(
        name=text["ship_name"], company=text["ship_company"], line1=text["ship_line1"], line2=text["ship_line2"],
        city=text["ship_city"], region=text["ship_region"], postal_code=text["ship_postal_code"], country=country,
        phone=text["phone"],
    )  # fmt: skip
    return made if made != Address() and made != Address(name=text["ship_name"], phone=text["phone"]) else None
