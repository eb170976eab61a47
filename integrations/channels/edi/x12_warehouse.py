"""X12 940 (warehouse shipping order) as a Purchase: what a depositor asks us to send for it. Pure.

It states no prices: what is sent is the depositor's own, so the order is worth nothing here.
"""

from __future__ import annotations

from datetime import UTC, datetime

from integrations.channels.edi import units
from integrations.channels.edi.purchase import CANCEL, NEW, Party, Purchase, PurchaseLine
from integrations.channels.edi.terms import X12_CODES, EdiTerms
from integrations.channels.edi.x12_reading import address, day, element, written_at
from integrations.channels.edi.x12_reading import units as whole
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files.x12 import Segment, Transaction
from integrations.reading import ZERO, Faults, shown

PURPOSES = {"N": NEW, "F": CANCEL, "R": NEW}  # W0501, element 473: original, cancel, replace
DATES = {"01": "cancel", "02": "deliver", "10": "ship", "37": "not_before", "38": "last_ship", "53": "deliver",
         "54": "last_delivery", "63": "last_delivery"}  # fmt: skip


class _Reader:
    def __init__(self, found: Transaction, terms: EdiTerms):
        self.found, self.terms, self.faults = found, terms, Faults()
        self.party: Party | None = None
        self.line: PurchaseLine | None = None
        self.lines: list[PurchaseLine] = []
        self.number = ""  # of the LX the next line stands under

    def read(self) -> Purchase:
        begin = next((each for each in self.found.segments if each.name == "W05"), None)
        if begin is None:
            path = self.found.segments[0].path
            raise Unreadable(FailureClass.BAD_VALUE, Fault(path, "is no shipping order: its W05 segment is missing"))
        purpose = PURPOSES.get(begin[1], "")
        if not purpose:
            self.faults.add(element(begin, 1), f"is no status of a shipping order Backroom knows: {shown(begin[1])}")
        if not begin[2]:
            self.faults.add(element(begin, 2), "names no order of the depositor's")
        version = written_at(self.found, self.faults)
        purchase = Purchase(
            number=begin[2], purpose=purpose or NEW, version=version,
            day=datetime.fromtimestamp(version / 1_000_000, UTC).date(), currency=self.terms.currency, codes=X12_CODES,
            test=self.found.interchange.is_test, lines=self.lines, notes=list(self.found.remarks),
        )  # fmt: skip
        purchase.notes.extend([f"The customer's purchase order is {begin[3]}."] if begin[3] else [])
        for segment in self.found.segments[1:-1]:
            self._one(purchase, segment)
        self._finish(purchase)
        return purchase

    def _one(self, purchase: Purchase, segment: Segment) -> None:
        match segment.name:
            case "N1" if self.line is None:
                self.party = Party("ST" if segment[1] in {"CN", "ST"} else segment[1], segment[2], segment[4])
                purchase.parties.append(self.party)
            case "N2" | "N3" | "N4" | "PER" if self.party is not None and self.line is None:
                address(self.party, segment)
            case "G62":
                found = day(segment, 2, self.faults) if segment[1] in DATES else None
                if found is not None and self.line is None:
                    purchase.dates[DATES[segment[1]]] = found
            case "NTE":
                purchase.notes.append(segment[2])
            case "W66" if segment[5] or segment[10]:
                purchase.notes.append(f"Send by {segment[5] or segment[10]}.")
            case "LX":
                self.number, self.party = segment[1], None
            case "W01":
                self._line(segment)
            case "G69" if self.line is not None:
                self.line.title = self.line.title or segment[1]
            case "W76":
                self._control(segment)

    def _line(self, segment: Segment) -> None:
        quantity = whole(segment, 1, self.faults)
        unit = segment[2].upper()
        if unit not in units.X12 and unit not in self.terms.units:
            words = f"is ordered by a unit nobody knows, {shown(unit)}: say with the setting units what one holds"
            self.faults.add(element(segment, 2), words)
        bare = (("UP", segment[3]),) if segment[3] else ()
        ids = [(segment[at], segment[at + 1]) for at in (4, 6, 15) if segment[at] and segment[at + 1]]
        taken = {line.ref for line in self.lines}
        ref = self.number if self.number and self.number not in taken else str(len(self.lines) + 1)
        if not quantity:
            self.faults.add(element(segment, 1), "orders no units")
        if not bare and not ids:
            self.faults.add(segment.path, "names the article by no number")
        codes = tuple(dict.fromkeys((*bare, *ids)))
        self.line = PurchaseLine(ref, quantity or 0, unit, segment.path, ZERO, codes)
        self.lines.append(self.line)

    def _control(self, segment: Segment) -> None:
        stated = whole(segment, 1, self.faults)
        made = sum(line.quantity for line in self.lines)
        if stated is not None and stated != made:
            self.faults.add(element(segment, 1), f"adds the quantities up to {stated}, they make {made}")

    def _finish(self, purchase: Purchase) -> None:
        if not purchase.currency:
            self.faults.add("", "the channel has no currency")
        if not self.lines:
            self.faults.add(self.found.segments[0].path, "orders nothing: it has no line")
        self.faults.raise_if_any()


def read(found: Transaction, terms: EdiTerms) -> Purchase:
    return _Reader(found, terms).read()
