"""Our documents as X12 segments: 810, 846, 855, 856 and 940. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from integrations.channels.edi.billing import Bill
from integrations.channels.edi.purchase import Party
from integrations.channels.edi.sent import Parcel, Sent, SentLine
from integrations.channels.edi.writing import Line, hundredths
from inventory.services.figures import Level

GRAMS_IN_POUND = Decimal("453.59237")


def ship_notice(sent: Sent) -> list[Line]:
    """856: shipment, order, parcels where it is known what is in which, items. CTT counts the levels."""
    packed = sent.are_packed
    rows: list[Line] = [
        ("BSN", "00", sent.reference, f"{sent.at:%Y%m%d}", f"{sent.at:%H%M}", "0001" if packed else "0004"),
        ("HL", 1, "", "S"),
        *_load(sent),
        ("DTM", "011", f"{sent.at:%Y%m%d}"),
        *_party(sent.ship_to),
        ("HL", 2, 1, "O"),
        ("PRF", sent.po, "", "", f"{sent.ordered_on:%Y%m%d}"),
    ]
    level = 2
    by_ref = {line.ref: line for line in sent.lines}
    for parcel in sent.parcels if packed else ():
        level += 1
        parent = level
        rows += [("HL", parent, 2, "P"), *_marks(parcel)]
        for ref, units in parcel.units.items():
            if ref in by_ref:
                level += 1
                rows += [("HL", level, parent, "I"), *_item(by_ref[ref], units)]
    if not packed:
        for line in sent.lines:
            level += 1
            rows += [("HL", level, 2, "I"), *_item(line, line.units)]
    return [*rows, ("CTT", level, sent.units)]


def _load(sent: Sent) -> Iterable[Line]:
    grams = [parcel.grams for parcel in sent.parcels]
    weight = (Decimal(sum(gram or 0 for gram in grams)) / GRAMS_IN_POUND).quantize(Decimal("0.01"))
    if sent.parcels:
        yield ("TD1", "CTN", len(sent.parcels), "", "", "", *(("G", weight, "LB") if all(grams) else ()))
    if sent.carrier:
        yield ("TD5", "", "ZZ", sent.carrier)
    if sent.tracking:
        yield ("REF", "CN", sent.tracking)
    if not sent.are_packed:
        for parcel in sent.parcels:
            yield from _marks(parcel)


def _marks(parcel: Parcel) -> Iterable[Line]:
    if parcel.sscc:
        yield ("MAN", "GM", f"00{parcel.sscc}")
    if parcel.tracking:
        yield ("MAN", "CP", parcel.tracking)


def _item(line: SentLine, units: int) -> Iterable[Line]:
    yield ("LIN", line.their_ref, *_pairs(line.ids))
    yield ("SN1", "", units, line.unit)
    if line.title:
        yield ("PID", "F", "", "", "", line.title[:80])


def invoice(sent: Sent, bill: Bill) -> list[Line]:
    """810: the shipment billed. TDS is what whoever reads it adds up to."""
    by_ref = {line.ref: line for line in sent.lines}
    rows: list[Line] = [
        ("BIG", f"{sent.at:%Y%m%d}", sent.reference, f"{sent.ordered_on:%Y%m%d}", sent.po),
        ("CUR", "SE", sent.currency),
        *(_party(sent.buyer, "BT") if sent.buyer else ()),
        *_party(sent.ship_to),
    ]
    if sent.net_days:
        rows.append(("ITD", "05", "3", "", "", "", "", sent.net_days))
    rows.append(("DTM", "011", f"{sent.at:%Y%m%d}"))
    for billed in bill.lines:
        line = by_ref[billed.ref]
        rows.append(("IT1", line.their_ref, billed.units, line.unit, billed.price, "", *_pairs(line.ids)))
        if line.title:
            rows.append(("PID", "F", "", "", "", line.title[:80]))
        rows += _allowance("A", "C310", billed.discount)
    rows.append(("TDS", hundredths(bill.total)))
    rows += [("TXI", "TX", bill.tax)] if bill.tax else []
    if sent.carrier or sent.tracking:
        rows.append(
            ("CAD", "", "", "", sent.carrier[:4], sent.carrier, "", "CN" if sent.tracking else "", sent.tracking)
        )
    rows += [*_allowance("A", "C310", bill.discount), *_allowance("C", "D240", bill.shipping)]
    rows += _allowance("C", "F050", bill.other)
    return [*rows, ("CTT", len(bill.lines), sum(billed.units for billed in bill.lines))]


def _allowance(kind: str, code: str, amount: Decimal) -> Sequence[Line]:
    return [("SAC", kind, code, "", "", hundredths(amount))] if amount else []


def acknowledgement(
    po: str, ordered_on: date, our_number: str, said: date, lines: Sequence[tuple[SentLine, int, int]]
) -> list[Line]:
    """855: each line with the units that are ours to send now and those that wait; the rest will not come."""
    answer = "AD" if all(taken == line.ordered for line, taken, _ in lines) else "AC"
    if not any(taken or waiting for _, taken, waiting in lines):
        answer = "RD"
    rows: list[Line] = [("BAK", "00", answer, po, f"{ordered_on:%Y%m%d}", "", "", "", our_number, f"{said:%Y%m%d}")]
    for line, taken, waiting in lines:
        rows.append(("PO1", line.their_ref, line.ordered, line.unit, line.price, "", *_pairs(line.ids)))
        gone = line.ordered - taken - waiting
        for code, units in (("IA", taken), ("IB", waiting), ("IR", gone)):
            if units:
                rows.append(("ACK", code, units, line.unit))
    return [*rows, ("CTT", len(lines), sum(line.ordered for line, _, _ in lines))]


def order_change(
    po: str, ordered_on: date, our_number: str, reference: str, said: date, lines: Sequence[tuple[SentLine, int]]
) -> list[Line]:
    """865: what now stands of each line, told by the seller: units taken off or added, lines that will not come."""
    purpose = ("04", "AC") if any(units for _, units in lines) else ("01", "RJ")
    days = (f"{ordered_on:%Y%m%d}", "", our_number, f"{said:%Y%m%d}")
    rows: list[Line] = [("BCA", *purpose, po, "", reference, *days)]
    for line, units in lines:
        change = "NC" if units == line.ordered else "DI" if not units else "QD" if units < line.ordered else "QI"
        rows.append(("POC", line.their_ref, change, line.ordered, units, line.unit, line.price, "", *_pairs(line.ids)))
        rows.append(("ACK", *(("IR", line.ordered - units) if not units else ("IA", units)), line.unit))
    return [*rows, ("CTT", len(lines))]


def inventory(reference: str, said: date, levels: Sequence[Level]) -> list[Line]:
    """846: what may be sold of each article, in all our places together or in each that is named."""
    rows: list[Line] = [("BIA", "00", "SI", reference, f"{said:%Y%m%d}")]
    for n, level in enumerate(levels, 1):
        code = level.codes[0] if level.codes else level.ref
        rows.append(("LIN", n, "VN", code))
        for place, units in level.units.items():
            rows.append(("QTY", "33", max(units, 0), "EA"))
            rows += [("N1", "WH", "", "92", place)] if place else []
    return [*rows, ("CTT", len(levels))]


def warehouse_order(request: Mapping[str, Any], *, cancelled: bool = False) -> list[Line]:
    """940: work we ask of a warehouse, as integrations.suppliers writes it, or that it is off."""
    to = request["ship_to"]
    place = Party(
        "ST", to.get("company") or to.get("name", ""), "", [to[n] for n in ("line1", "line2") if to.get(n)],
        to.get("city", ""), to.get("region", ""), to.get("postal_code", ""), to.get("country", ""),
    )  # fmt: skip
    rows: list[Line] = [
        ("W05", "F" if cancelled else "N", request["reference"], request["request"]),
        *(("N1", "DE", request["account"], "91", request["account"]) for _ in range(bool(request["account"]))),
        ("N1", "WH", request["ship_from"], "91", request["ship_from"]),
        *_party(place),
        ("G62", "10", str(request["ship_by"])[:10].replace("-", "")),
    ]
    for n, line in enumerate(request["lines"], 1):
        rows += [
            ("LX", n),
            ("W01", line["quantity"], "EA", "", "VN", line["sku"], *(("UP", line["gtin"]) if line["gtin"] else ())),
            *((("G69", line["title"][:45]),) if line["title"] else ()),
            ("N9", "LI", line["ref"]),
        ]
    return [*rows, ("W76", sum(line["quantity"] for line in request["lines"]))]


def _party(party: Party, role: str = "") -> Iterable[Line]:
    code = ("92", party.code) if party.code else ()
    yield ("N1", role or party.role, party.name[:60], *code)
    if party.lines:
        yield ("N3", *(line[:55] for line in party.lines[:2]))
    if party.city or party.postal_code:
        yield ("N4", party.city[:30], party.region[:2], party.postal_code[:15], party.country[:3])


def _pairs(ids: Sequence[tuple[str, str]]) -> list[str]:
    return [word for kind, code in ids[:10] for word in (kind, code)]
