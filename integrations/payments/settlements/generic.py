"""Any other provider's CSV, by a mapping of its columns that somebody stated. Nothing of it is assumed.

`columns`: what -> title, of payout, date, label, gross, fee, net, currency, payment, refund, order, shipment, line,
sku, method, ref, paid_on. An amount may stand in gross, in net, or in both with its fee.
"""

from __future__ import annotations

from decimal import Decimal

from finance.canonical import COLUMNS, ZERO, Document, Line, Payout, Rule, Terms
from finance.models import LineKind
from integrations.payments.settlements import figures, tables

NAME = "generic"
LABELS: dict[str, str] = {str(kind): str(kind) for kind in LineKind}


def read(content: bytes, terms: Terms) -> Document:
    try:
        table = tables.read(content, encoding=terms.encoding)
        return _document(table, terms)
    except tables.Refused as refused:
        return Document(NAME, faults=(refused.fault,))


def _document(table: tables.Table, terms: Terms) -> Document:
    columns = {name: tables.key(title) for name, title in terms.columns.items() if title and name in COLUMNS}
    if "label" not in columns or not {"gross", "net"} & set(columns):
        words = "State on the connection which column is the label and which the gross or the net amount."
        raise tables.Refused(words, rule=Rule.TERMS_UNSTATED)
    if missing := [title for title in columns.values() if title not in table.columns]:
        raise tables.Refused(f"It lacks the columns {', '.join(missing)}.")
    amounts = [columns[name] for name in ("gross", "fee", "net", "total") if name in columns]
    numbers = figures.proven((row[column] for row in table.rows for column in amounts), terms.decimal)
    dates = [row[columns[name]] for row in table.rows for name in ("date", "paid_on") if name in columns]
    order = figures.day_order(dates, terms.dates)
    ids = tables.rounded_ids(
        table.rows, [columns[name] for name in ("payment", "refund", "order", "ref") if name in columns],
        deciding=columns.get("payout", ""),
    )  # fmt: skip
    groups: dict[str, list[tables.Row]] = {}
    for row in table.rows:
        groups.setdefault(row[columns["payout"]] if "payout" in columns else terms.account or "file", []).append(row)
    payouts = tuple(_payout(ref, rows, columns, numbers, order, terms) for ref, rows in groups.items())
    fatal = tuple(fault for each in payouts for fault in each.faults if fault.fatal)
    return Document(NAME, payouts, (*table.faults, *numbers.faults, *ids, *fatal))


def _payout(
    ref: str, rows: list[tables.Row], columns: dict[str, str], numbers: figures.Numbers, order: str, terms: Terms
) -> Payout:
    said = ((row.number, row[columns["currency"]] if "currency" in columns else terms.currency) for row in rows)
    currency, faults = figures.of_one_currency(said, terms.currency)
    lines, stated = [], None
    for row in rows:
        line, fee = _line(row, columns, numbers, order, terms)
        _, fault = figures.added_up(line, fee, currency)
        faults += [fault] if fault else []
        if LABELS.get(line.label) == LineKind.PAYOUT:
            stated = (stated or ZERO) - line.net
            continue
        lines.append(line)
        if "total" in columns and row[columns["total"]]:
            stated = numbers.amount(row[columns["total"]], row.number, "total")
    moments = sorted(line.at for line in lines if line.at)
    day = rows[0][columns["paid_on"]] if "paid_on" in columns else ""
    return Payout(
        ref=ref or "pending",
        account=terms.account,
        currency=currency,
        lines=tuple(lines),
        amount=stated,
        state="paid" if ref else "pending",
        starts_at=moments[0] if moments else None,
        ends_at=moments[-1] if moments else None,
        paid_on=figures.a_day(day, order, rows[0].number),
        controls={"total": stated} if stated is not None else {},
        faults=tuple(faults),
    )


def _line(
    row: tables.Row, columns: dict[str, str], numbers: figures.Numbers, order: str, terms: Terms
) -> tuple[Line, Decimal]:
    def cell(name: str) -> str:
        return row[columns[name]] if name in columns else ""

    gross, fee, net = (numbers.amount(cell(name), row.number, name) for name in ("gross", "fee", "net"))
    if "gross" not in columns:
        gross = net + abs(fee)
    if "net" not in columns:
        net = gross - abs(fee)
    line = Line(
        row=row.number, label=cell("label").strip(), gross=gross, fee=gross - net, net=net, ref=cell("ref"),
        payment_ref=cell("payment"), refund_ref=cell("refund"), order_ref=cell("order"),
        shipment_ref=cell("shipment"), line_ref=cell("line"), sku=cell("sku"), method=cell("method"),
        at=figures.a_moment(cell("date"), order, terms.time_zone, row.number),
    )  # fmt: skip
    return line, fee
