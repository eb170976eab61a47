"""TRADACOMS order files (ORDHDR, ORDERS, ORDTLR) as Purchases. Pure: raises nothing but Unreadable.

Prices have four implied decimals. A transmission is taken as a whole or not at all: its orders share their header.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

from integrations.channels.edi.edifact_reading import units
from integrations.channels.edi.purchase import NEW, Party, Purchase, PurchaseLine
from integrations.channels.edi.terms import EdiTerms
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.files.edifact import Segment
from integrations.files.tradacoms import Message, Transmission
from integrations.reading import Faults, shown
from orders import canonical

CODES = ("SA", "EN", "IN")
# Files that ask nothing of us, by their header message.
OTHERS = {
    "INVFIL": "invoices", "CREHDR": "credit notes", "DELHDR": "delivery notes", "DLCHDR": "delivery confirmations",
    "CRAHDR": "credit advice", "DRAHDR": "debit advice", "REMHDR": "remittance advice", "PRIHDR": "prices",
    "PROINF": "product information", "PPRHDR": "product planning", "SADHDR": "stock changes", "SRMHDR": "statements",
    "STAHDR": "statements", "SNPSTS": "stock snapshots", "ACKHDR": "acknowledgements", "AVLHDR": "availability",
    "CUSHDR": "customer information", "GENHDR": "general communications", "LPRHDR": "location planning",
    "PICHDR": "picking instructions", "PAYHDR": "payments", "UCNHDR": "utility credit notes", "UTLHDR": "utility bills",
    "UPLHDR": "uplift instructions", "UVAHDR": "value added tax of utilities", "EXCHDR": "exceptions",
    "COMHDR": "complaints", "CORHDR": "corrections",
}  # fmt: skip


def reason(found: Transmission) -> str:
    """Why nothing is done about the file; empty for one of orders. Raises Unreadable for one nobody knows."""
    kind = found.messages[0].kind if found.messages else ""
    if kind == "ORDHDR":
        return ""
    if kind not in OTHERS:
        raise unparsable(f"TRADACOMS has no file {kind!r} that Backroom knows; the bytes are kept")
    return f"a TRADACOMS file of {OTHERS[kind]}; nothing in Backroom follows from one"


def orders(found: Transmission, terms: EdiTerms) -> list[Purchase]:
    faults = Faults()
    header = found.messages[0]
    customer = _party(next((each for each in header.segments if each.name == "CDT"), None), "BY")
    version = _written_at(found.stx, faults)
    taken = [_order(each, customer, version, terms, faults) for each in found.messages if each.kind == "ORDERS"]
    for each in found.messages:
        for segment in each.segments:
            if each.kind == "ORDTLR" and segment.name == "OFT" and segment.get(1) != str(len(taken)):
                faults.add(segment.path, f"counts {segment.get(1)} orders, there are {len(taken)}")
    if not taken:
        faults.add(found.stx.path, "orders nothing: it has no ORDERS message")
    faults.raise_if_any()
    return taken


def _order(message: Message, customer: Party | None, version: int, terms: EdiTerms, faults: Faults) -> Purchase:
    purchase = Purchase(
        number="", purpose=NEW, version=version, day=datetime.fromtimestamp(version / 1_000_000, UTC).date(),
        currency=terms.currency, codes=CODES, parties=[customer] if customer else [],
    )  # fmt: skip
    for segment in message.segments:
        match segment.name:
            case "CLO":
                place = _party(segment, "ST")
                purchase.parties.extend([place] if place else [])
            case "ORD":
                purchase.number = segment.get(1)
                purchase.day = _day(segment, 1, 2, faults) or purchase.day
            case "DIN":
                earliest, latest = _day(segment, 1, 0, faults), _day(segment, 2, 0, faults)
                purchase.dates |= {"deliver": earliest} if earliest else {}
                purchase.dates |= {"last_delivery": latest} if latest else {}
            case "DNA" | "DNB":
                said = " ".join(part for element in segment.elements[2:] for part in element if part.strip())
                purchase.notes.extend([said] if said and not said.isdigit() else [])
            case "OLD":
                purchase.lines.append(_line(segment, faults))
            case "OTR" if segment.get(1).lstrip("0") != str(len(purchase.lines) or ""):
                faults.add(segment.path, f"counts {segment.get(1)} lines, there are {len(purchase.lines)}")
    if not purchase.number:
        faults.add(message.head.path, "names no order: its ORD has no number")
    if not purchase.currency:
        faults.add(message.head.path, "the channel has no currency")
    return purchase


def _line(segment: Segment, faults: Faults) -> PurchaseLine:
    codes = [("EN", segment.get(2)), ("SA", segment.get(2, 1)), ("EN", segment.get(4)), ("IN", segment.get(4, 1))]
    # A quantity stands where EDIFACT has it one component later.
    quantity = units(Segment(segment.n, (("OLD",), ("", segment.get(6)))), faults)
    line = PurchaseLine(segment.get(1), quantity or 0, "", segment.path, _price(segment, faults))
    line.ids = tuple((kind, code) for kind, code in codes if code)
    line.title = " ".join(part.strip() for part in (segment.get(10), segment.get(10, 1)) if part.strip())
    if not quantity:
        faults.add(segment.path, "orders no units")
    if not line.ids:
        faults.add(segment.path, "names the article by no number")
    return line


def _price(segment: Segment, faults: Faults) -> Decimal | None:
    text = segment.get(7)
    if not text:
        return None
    if not (text.isascii() and text.replace(".", "", 1).isdigit()) or len(text) > 14:
        faults.add(segment.path, f"should hold a price, holds {shown(text)}")
        return None
    return Decimal(text) if "." in text else Decimal(text) / 10_000


def _party(segment: Segment | None, role: str) -> Party | None:
    if segment is None:
        return None
    lines: Iterator[str] = (segment.get(3, component) for component in range(4))
    return Party(
        role, name=segment.get(2), code=segment.get(1) or segment.get(1, 1),
        lines=[line for line in lines if line], postal_code=segment.get(3, 4),
    )  # fmt: skip


def _day(segment: Segment, element: int, component: int, faults: Faults) -> date | None:
    text = segment.get(element, component)
    if not text or not text.strip("0"):
        return None
    try:
        return datetime.strptime(text, "%y%m%d").date()  # noqa: DTZ007  (a day has no zone)
    except ValueError:
        faults.add(segment.path, f"should hold a date, holds {shown(text)}")
        return None


def _written_at(stx: Segment, faults: Faults) -> int:
    try:
        moment = datetime.strptime(stx.get(4) + stx.get(4, 1)[:4].ljust(4, "0"), "%y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        faults.add(stx.path, f"should say when it was made, says {shown(stx.get(4))}")
        faults.raise_if_any()
        raise Unreadable(FailureClass.BAD_VALUE, Fault(stx.path, "")) from None
    return canonical.microseconds(moment)
