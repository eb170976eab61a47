"""What became of every row of a sales file. The sums are the file's own, or the report says that they are not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from integrations.files.sales import reading, translate
from integrations.files.sales.cutting import Piece
from integrations.files.sales.mapping import SalesMapping
from integrations.files.sales.reading import ADJUSTMENT, CHARGE, NOTHING, RETURN, SALE, Invoice
from integrations.models import InboundMessage
from orders.models import OrderLine

CASE, WAITING = "case", "waiting"
OUTCOMES = (SALE, RETURN, ADJUSTMENT, NOTHING, CASE, WAITING)
Status = InboundMessage.Status


@dataclass(slots=True)
class Tally:
    rows: int = 0
    units: int = 0

    def add(self, rows: int, units: int) -> None:
        self.rows += rows
        self.units += units

    def as_object(self) -> dict[str, int]:
        return {"rows": self.rows, "units": self.units}


@dataclass(slots=True)
class Report:
    """Adds up while the file is read; `in_file` is counted by the cutter, `by_outcome` by what came of each row."""

    in_file: Tally = field(default_factory=Tally)
    uncounted: int = 0
    by_outcome: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in OUTCOMES})
    reasons: dict[tuple[str, str], Tally] = field(default_factory=dict)
    invoices: int = 0
    new: int = 0

    def count(self, piece: Piece, *, new: bool) -> None:
        self.in_file.add(piece.rows, piece.units)
        self.uncounted += piece.uncounted
        self.invoices += 1
        self.new += new

    def say(self, outcome: str, reason: str, rows: int, units: int) -> None:
        self.by_outcome[outcome].add(rows, units)
        if reason:
            self.reasons.setdefault((outcome, reason), Tally()).add(rows, units)

    @property
    def adds_up(self) -> bool:
        rows = sum(tally.rows for tally in self.by_outcome.values())
        units = sum(tally.units for tally in self.by_outcome.values())
        return (rows, units) == (self.in_file.rows, self.in_file.units)

    def as_object(self) -> dict[str, Any]:
        said: dict[str, Any] = {"rows": self.in_file.rows, "units": self.in_file.units, "adds_up": self.adds_up}
        if self.uncounted:
            said["rows_without_a_quantity"] = self.uncounted
        for outcome, tally in self.by_outcome.items():
            if outcome == WAITING and not tally.rows:
                continue
            said[outcome] = tally.as_object()
            reasons = {words: t.as_object() for (kind, words), t in sorted(self.reasons.items()) if kind == outcome}
            if reasons:
                said[outcome]["reasons"] = reasons
        return said | {"invoices": self.invoices, "new": self.new, "known": self.invoices - self.new}


def account(report: Report, piece: Piece, message: InboundMessage, topic: str, mapping: SalesMapping) -> None:
    """Count the rows of one piece by what came of its message."""
    if message.status == Status.FAILED:
        report.say(CASE, message.get_failure_class_display(), piece.rows, piece.units)
        return
    if message.status == Status.RECEIVED:
        report.say(WAITING, message.reason, piece.rows, piece.units)
        return
    invoice = reading.read(piece.body, mapping)
    discarded = message.status == Status.IGNORED and len(invoice.of(NOTHING)) < len(invoice.rows)
    if discarded:
        report.say(NOTHING, message.reason, piece.rows, piece.units)
        return
    unknown = _unknown(invoice, message, topic)
    for row in invoice.rows:
        if row.kind == SALE and row.number in unknown:
            report.say(CASE, "unknown SKU", 1, row.quantity)
        elif row.kind == CHARGE:
            report.say(NOTHING, f"{row.words}: no goods, kept as a charge of the order", 1, row.quantity)
        else:
            report.say(row.kind, row.words, 1, row.quantity)


def _unknown(invoice: Invoice, message: InboundMessage, topic: str) -> set[int]:
    """Numbers of the sold rows whose SKU nobody knows: their orders stand, and each has its case."""
    if not invoice.of(SALE):
        return set()
    lines: Iterable[str] = OrderLine.objects.filter(
        order__channel=message.connection.channel_id,
        order__channel_ref__in=translate.refs(invoice, topic),
        item__isnull=True,
        gift_card=False,
    ).values_list("ref", flat=True)
    return {int(ref) for ref in lines}
