"""What a partner answers in X12: 855 (acknowledgement), 856 (ship notice) and 945 (shipping advice). Pure.

They speak of work we asked a supplier or a warehouse to do, by the number we gave it. From anybody else's connection
they are checked and left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from typing import Literal

from integrations.channels.edi.terms import EdiTerms
from integrations.channels.edi.units import code_list
from integrations.channels.edi.x12_reading import day, element
from integrations.channels.edi.x12_reading import units as whole
from integrations.channels.meaning import AnswerRequest, ComingGoods, Meaning, ignored
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files.x12 import Segment, Transaction
from integrations.reading import Faults, shown

# BAK02, element 587: what the seller says of the order as a whole.
_ACCEPTS = code_list("AC AD AE AH AK AP AT AA AB")
_REJECTS = frozenset({"RD", "RF", "RJ", "RO", "NR", "ZZ"}) - {"ZZ"}
# ACK01, element 668: what it says of a line.
_LINE_REJECTED = code_list("ID IR R1 R2 R3 R4 RJ")
_LINE_TAKEN = code_list("AC AR AA BP DR IA IB IC IE IF IH IP IQ IS IW IX LS PQ SP")
_NOT_OURS = "this connection's partner does no work for us"
_TRACKING = ("CN", "2I", "BM", "TRK")  # REF and N9: carrier's reference, tracking number, bill of lading


def acknowledgement(found: Transaction, terms: EdiTerms) -> Meaning:
    """855: the order is accepted or declined. Lines it declines are left out when it ships."""
    faults = Faults()
    bak = _first(found, "BAK")
    lines = [segment for segment in found.segments if segment.name == "PO1"]
    acks = [segment for segment in found.segments if segment.name == "ACK"]
    _hashed(found, len(lines), [_sum(lines, 2, faults), _sum(acks, 2, faults)], faults, "lines")
    for ack in acks:
        if ack[1] not in _LINE_REJECTED | _LINE_TAKEN:
            faults.add(element(ack, 1), f"is no answer to a line Backroom knows: {shown(ack[1])}")
    if bak[2] not in _ACCEPTS | _REJECTS:
        faults.add(element(bak, 2), f"is no answer to an order Backroom knows: {shown(bak[2])}")
    if not bak[3]:
        faults.add(element(bak, 3), "names no order")
    faults.raise_if_any()
    if not terms.for_partner:
        return ignored(f"it answers order {bak[3]}; {_NOT_OURS}")
    declined = bak[2] in _REJECTS or (acks and all(ack[1] in _LINE_REJECTED for ack in acks))
    return Meaning(acts=(_answer(bak[3], "rejected" if declined else "accepted", bak[8]),))


def _answer(work: str, status: Literal["accepted", "rejected"], partner_ref: str) -> AnswerRequest:
    if status == "rejected":
        return AnswerRequest("", "rejected", partner_ref=partner_ref, reason="OTHER", said="Declined", work=work)
    return AnswerRequest("", "accepted", partner_ref=partner_ref, work=work)


# --- 856


@dataclass(slots=True)
class _Notice:
    """What a ship notice says of one order."""

    work: str
    lines: list[tuple[str, int]] = field(default_factory=list)


def ship_notice(found: Transaction, terms: EdiTerms) -> Meaning:
    """856: what left, order by order. The hierarchy must hold together and the totals be right."""
    faults = Faults()
    bsn = _first(found, "BSN")
    levels = _levels(found, faults)
    items = [segment for segment in found.segments if segment.name == "SN1"]
    counts = (len(levels), sum(segment.name == "LIN" for segment in found.segments))
    _hashed(found, counts, [_sum(items, 2, faults)], faults, "levels")
    notices = _notices(found, faults)
    faults.raise_if_any()
    if bsn[1] == "01":
        return ignored(f"it takes back the ship notice {bsn[2]}; what left is not called back here")
    if not terms.for_partner:
        named = ", ".join(notice.work for notice in notices if notice.work) or bsn[2]
        return ignored(f"a ship notice of {named}; {_NOT_OURS}")
    carrier, tracking, coming = _carrier(found), _tracking(found), _coming(found, bsn[2], terms)
    acts = tuple(
        AnswerRequest("", "shipped", lines=tuple(notice.lines), carrier=carrier, tracking_number=tracking,
                      partner_ref=bsn[2], work=notice.work, coming=replace(coming, ref=f"{bsn[2]}/{notice.work}"))
        for notice in notices
    )  # fmt: skip
    return Meaning(acts=acts) if acts else ignored("the ship notice names no order")


def _coming(found: Transaction, ref: str, terms: EdiTerms) -> ComingGoods:
    """Where the goods go and when they arrive: N1 ST, and DTM 017 or 067."""
    faults = Faults()
    place = next((each[4] or each[2] for each in found.segments if each.name == "N1" and each[1] == "ST"), "")
    days = {each[1]: each for each in found.segments if each.name == "DTM"}
    stated = days.get("017") or days.get("067")
    arrival = day(stated, 2, faults) if stated else None
    faults.raise_if_any()
    due = datetime.combine(arrival, time(23, 59, 59), terms.zone).astimezone(UTC) if arrival else None
    return ComingGoods(ref, place, due)


def _levels(found: Transaction, faults: Faults) -> set[str]:
    seen: set[str] = set()
    for segment in found.segments:
        if segment.name != "HL":
            continue
        if not segment[1] or segment[1] in seen:
            faults.add(element(segment, 1), f"is no new level: {shown(segment[1])}")
        if segment[2] and segment[2] not in seen:
            faults.add(element(segment, 2), f"hangs on level {segment[2]}, which doesn't come before it")
        seen.add(segment[1])
    if not seen:
        faults.add(found.segments[0].path, "names nothing shipped: it has no HL segment")
    return seen


def _notices(found: Transaction, faults: Faults) -> list[_Notice]:
    """By order level, and where items name their order themselves, by that."""
    notices: dict[str, _Notice] = {}
    work, code = "", ""
    for segment in found.segments:
        match segment.name:
            case "HL" if segment[3] in {"S", "O"}:
                work = ""
            case "HL":
                code = ""
            case "LIN":
                code = next((value for _, value in segment.pairs(2)), "")
            case "PRF":
                work = segment[1]
                notices.setdefault(work, _Notice(work))
                if code and notices[work].lines == [] and (loose := notices.get("")) and loose.lines:
                    notices[work].lines.append(loose.lines.pop())  # PRF follows the item it belongs to
            case "SN1":
                quantity = whole(segment, 2, faults)
                if quantity:
                    notices.setdefault(work, _Notice(work)).lines.append((code, quantity))
    return [notice for notice in notices.values() if notice.work or notice.lines]


# --- 945


def shipping_advice(found: Transaction, terms: EdiTerms) -> Meaning:
    """945: a warehouse has sent what it was asked to send; what it leaves out is sourced elsewhere."""
    faults = Faults()
    w06 = _first(found, "W06")
    lines = list(_advised(found, faults))
    total = next((segment for segment in found.segments if segment.name == "W03"), None)
    shipped = sum(quantity for _, quantity in lines)
    if total is not None:
        stated = whole(total, 1, faults)
        if stated is not None and stated != shipped:
            faults.add(element(total, 1), f"adds the units up to {stated}, the lines make {shipped}")
    if not w06[2]:
        faults.add(element(w06, 2), "names no order of ours")
    faults.raise_if_any()
    if not terms.for_partner:
        return ignored(f"a shipping advice of {w06[2]}; {_NOT_OURS}")
    if not shipped:
        return Meaning(acts=(AnswerRequest("", "rejected", reason="OUT_OF_STOCK", said="Nothing left", work=w06[2]),))
    route = next((segment for segment in found.segments if segment.name == "W27"), None)
    act = AnswerRequest(
        "", "shipped", lines=tuple(lines), carrier=route[2] if route else "", tracking_number=_tracking(found),
        partner_ref=w06[4], work=w06[2],
    )  # fmt: skip
    return Meaning(acts=(act,))


def _advised(found: Transaction, faults: Faults) -> Iterator[tuple[str, int]]:
    """(line ref or article code, units): N9*LI names our line where the warehouse repeats it."""
    segments = found.segments
    for at, segment in enumerate(segments):
        if segment.name != "W12":
            continue
        quantity = whole(segment, 3, faults)
        code = segment[8] or segment[6] or segment[18]
        for following in segments[at + 1 :]:
            if following.name in {"W12", "LX", "W03", "SE"}:
                break
            if following.name == "N9" and following[1] == "LI" and following[2]:
                code = following[2]
        if not code:
            faults.add(segment.path, "names neither a line nor an article")
        if quantity:
            yield code, quantity


# --- Shared


def _first(found: Transaction, name: str) -> Segment:
    segment = next((each for each in found.segments if each.name == name), None)
    if segment is None:
        words = f"is no {found.kind}: its {name} segment is missing"
        raise Unreadable(FailureClass.BAD_VALUE, Fault(found.segments[0].path, words))
    return segment


def _sum(segments: list[Segment], position: int, faults: Faults) -> int:
    return sum(whole(segment, position, faults) or 0 for segment in segments)


def _hashed(found: Transaction, counts: int | tuple[int, ...], hashes: list[int], faults: Faults, what: str) -> None:
    """CTT01 counts and CTT02 adds up, where the sender says them; another figure shows a cut or merged document."""
    known = counts if isinstance(counts, tuple) else (counts,)
    for segment in found.segments:
        if segment.name != "CTT":
            continue
        if segment[1] and segment[1].lstrip("0") not in {str(count or "") for count in known}:
            faults.add(element(segment, 1), f"counts {segment[1]} {what}, there are {known[0]}")
        stated = whole(segment, 2, faults)
        if stated is not None and stated not in hashes:
            faults.add(element(segment, 2), f"adds the quantities up to {stated}, they make {hashes[0]}")


def _carrier(found: Transaction) -> str:
    return next((segment[3] for segment in found.segments if segment.name == "TD5" and segment[3]), "")


def _tracking(found: Transaction) -> str:
    """The number the goods travel under: a parcel's own, else the carrier's reference of the load."""
    for segment in found.segments:
        if segment.name == "MAN" and segment[1] == "CP":
            return segment[2]
    references = {segment[1]: segment[2] for segment in reversed(found.segments) if segment.name in {"REF", "N9"}}
    return next((references[kind] for kind in _TRACKING if references.get(kind)), "")
