"""Our documents as EDIFACT segments: DESADV, INVOIC, ORDRSP and INVRPT. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from integrations.channels.edi.billing import Bill
from integrations.channels.edi.purchase import Party
from integrations.channels.edi.sent import Parcel, Sent, SentLine
from integrations.channels.edi.writing import Line
from inventory.services.figures import Level

# Types of article numbers (7143) that X12 and we call otherwise.
TYPES = {"VN": "SA", "VP": "SA", "SK": "SA", "UP": "UP", "UK": "EN"}
PIECES = {"EA": "PCE", "": "PCE"}


def despatch_advice(sent: Sent) -> list[Line]:
    """DESADV: the shipment, then each parcel with its SSCC and what is in it."""
    rows: list[Line] = [
        ("BGM", "351", sent.reference, "9"),
        _day("137", sent.at.date()),
        _day("11", sent.at.date()),
        ("RFF", ("ON", sent.po)),
        _day("171", sent.ordered_on),
        *((("RFF", ("CN", sent.tracking)),) if sent.tracking else ()),
        *_parties(sent),
        *((("TDT", "20", "", "30", "", ("", "", "", sent.carrier)),) if sent.carrier else ()),
    ]
    by_ref = {line.ref: line for line in sent.lines}
    rows.append(("CPS", "1"))
    if sent.parcels:
        rows.append(("PAC", len(sent.parcels), "", "CT"))
    n = 0
    if sent.are_packed:
        for level, parcel in enumerate(sent.parcels, 2):
            rows += [("CPS", level, "1"), ("PAC", "1", "", "CT"), *_marks(parcel)]
            for ref, units in parcel.units.items():
                if ref in by_ref:
                    n += 1
                    rows += _item(n, by_ref[ref], units, sent.po)
    else:
        rows += [row for parcel in sent.parcels for row in _marks(parcel)]
        for n, line in enumerate(sent.lines, 1):
            rows += _item(n, line, line.units, sent.po)
    return [*rows, ("CNT", ("2", n))]


def _marks(parcel: Parcel) -> Iterable[Line]:
    if parcel.sscc:
        yield ("PCI", "33E")
        yield ("GIN", "BJ", parcel.sscc)
    elif parcel.tracking:
        yield ("PCI", "ZZZ")
        yield ("GIN", "AW", parcel.tracking)


def _item(n: int, line: SentLine, units: int, po: str) -> Iterable[Line]:
    yield from _article(n, line)
    yield ("QTY", ("12", units, PIECES.get(line.unit, line.unit)))
    yield ("RFF", ("ON", po, line.their_ref))


def _article(n: int, line: SentLine) -> Iterable[Line]:
    ids = [(code, TYPES.get(kind, kind)) for kind, code in line.ids]
    printed = next((each for each in ids if each[1] in {"EN", "SRV", "UP"}), None)
    yield ("LIN", n, "", *((printed,) if printed else ()))
    others = [each for each in ids if each != printed][:5]
    if others:
        yield ("PIA", "1" if printed else "5", *others)
    if line.title:
        yield ("IMD", "F", "", ("", "", "", line.title[:35]))


def invoice(sent: Sent, bill: Bill) -> list[Line]:
    """INVOIC: the shipment billed, its amounts adding up to what is due."""
    by_ref = {line.ref: line for line in sent.lines}
    rows: list[Line] = [
        ("BGM", "380", sent.reference, "9"),
        _day("137", sent.at.date()),
        _day("35", sent.at.date()),
        ("RFF", ("ON", sent.po)),
        _day("171", sent.ordered_on),
        ("RFF", ("DQ", sent.reference)),
        *_parties(sent),
        ("CUX", ("2", sent.currency, "4")),
        *((("PAT", "1", "", ("5", "3", "D", sent.net_days)),) if sent.net_days else ()),
        *_allowance("A", "", bill.discount),
        *_allowance("C", "FC", bill.shipping),
        *_allowance("C", "", bill.other),
    ]
    goods = Decimal(0)
    for n, billed in enumerate(bill.lines, 1):
        line = by_ref[billed.ref]
        net = (billed.price * billed.units - billed.discount).quantize(Decimal("0.01"))
        goods += net
        rows += [
            *_article(n, line),
            ("QTY", ("47", billed.units, PIECES.get(line.unit, line.unit))),
            ("MOA", ("203", net)),
            ("PRI", ("AAB" if billed.discount else "AAA", billed.price)),
            *_allowance("A", "", billed.discount),
        ]
    due = bill.total
    rows += [("UNS", "S"), ("CNT", ("2", len(bill.lines))), ("MOA", ("79", goods)), ("MOA", ("77", due))]
    rows.append(("MOA", ("125", due - bill.tax)))
    if bill.tax:
        rows += [("TAX", "7", "VAT"), ("MOA", ("124", bill.tax))]
    return rows


def _allowance(kind: str, code: str, amount: Decimal) -> Iterable[Line]:
    if amount:
        yield ("ALC", kind, *(("", "", "", code) if code else ()))
        yield ("MOA", ("204" if kind == "A" else "23", amount))


def _day(kind: str, day: date) -> Line:
    return ("DTM", (kind, f"{day:%Y%m%d}", "102"))


def _parties(sent: Sent) -> Iterable[Line]:
    if sent.buyer:
        yield _nad("BY", sent.buyer)
    yield _nad("DP", sent.ship_to)


def _nad(role: str, party: Party) -> Line:
    code = (party.code, "", "9" if len(party.code) == 13 and party.code.isdigit() else "92") if party.code else ""
    street = tuple(line[:35] for line in party.lines[:4]) or ""
    return ("NAD", role, code, "", party.name[:35], street, party.city[:35], party.region[:9], party.postal_code[:9],
            party.country[:3])  # fmt: skip


ACCEPTED, CHANGED, REFUSED = "29", "4", "27"  # 1225: the whole order
AS_ASKED, OTHERWISE, NONE_OF_IT = "5", "3", "7"  # 1229: one line


def order_response(
    po: str, ordered_on: date, our_number: str, said: date, lines: Sequence[tuple[SentLine, int, int]]
) -> list[Line]:
    """ORDRSP: each line with the units that are ours to send now and those that wait; the rest will not come."""
    whole = ACCEPTED if all(taken == line.ordered for line, taken, _ in lines) else CHANGED
    if not any(taken or waiting for _, taken, waiting in lines):
        whole = REFUSED
    rows: list[Line] = [("BGM", "231", our_number, whole), _day("137", said), ("RFF", ("ON", po))]
    rows.append(_day("171", ordered_on))
    for n, (line, taken, waiting) in enumerate(lines, 1):
        standing = AS_ASKED if taken == line.ordered else OTHERWISE if taken or waiting else NONE_OF_IT
        _, *rest = _article(n, line)
        first = next(iter(_article(n, line)))
        unit = PIECES.get(line.unit, line.unit)
        rows += [("LIN", n, standing, *first[3:]), *rest, ("QTY", ("21", line.ordered, unit))]
        rows += [("QTY", (kind, units, unit)) for kind, units in (("113", taken), ("83", waiting)) if units]
        rows.append(("RFF", ("ON", po, line.their_ref)))
    return [*rows, ("UNS", "S"), ("CNT", ("2", len(lines)))]


def inventory(reference: str, said: date, levels: Sequence[Level]) -> list[Line]:
    """INVRPT: what may be sold of each article, in all our places together or in each that is named."""
    rows: list[Line] = [("BGM", "35", reference, "9"), _day("137", said), _day("366", said)]
    for n, level in enumerate(levels, 1):
        rows.append(("LIN", n, "", (level.codes[0] if level.codes else level.ref, "SA")))
        for place, units in level.units.items():
            rows += [("LOC", "18", place)] if place else []
            rows.append(("QTY", ("145", max(units, 0), "PCE")))
    return [*rows, ("CNT", ("2", len(levels)))]
