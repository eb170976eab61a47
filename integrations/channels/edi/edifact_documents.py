"""EDIFACT messages other than orders: what partners answer (ORDRSP, DESADV), bill (INVOIC) and hold (INVRPT). Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal

from integrations.channels.edi import units as measures
from integrations.channels.edi.edifact_orders import no_order
from integrations.channels.edi.edifact_orders import read as order
from integrations.channels.edi.edifact_reading import day, ids, number, units
from integrations.channels.edi.terms import EDIFACT_CODES, EdiTerms
from integrations.channels.meaning import AnswerRequest, ComingGoods, Meaning, TakeSnapshot, ignored
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files.edifact import Message, Segment
from integrations.reading import ZERO, Faults, shown
from inventory.snapshots import ALIAS, GTIN, LIMIT, Code, IncomingSnapshot, ReportedLine

__all__ = ["READERS", "no_order", "order"]
_NOT_OURS = "this connection's partner does no work for us"
# BGM 1225 of an ORDRSP.
_ACCEPTED, _REJECTED = frozenset({"29", "4", "44", "9", "6", "42"}), frozenset({"27", "1", "12"})
STATUSES = {"QTY 145": "on_hand", "QTY 17": "on_hand", "QTY 124": "damaged"}  # element 6063
_STOCK_CODES = {"EN": GTIN, "SRV": GTIN, "UP": GTIN, "BP": "sku", "IN": "sku", "SA": ALIAS, "MF": ALIAS}


def answer(found: Message, terms: EdiTerms) -> Meaning:
    """ORDRSP: the order is accepted or declined."""
    faults = Faults()
    bgm = _first(found, "BGM")
    work = _reference(found, "ON") or bgm.get(2)
    _count(found, faults)
    faults.raise_if_any()
    if not terms.for_partner:
        return ignored(f"it answers order {work}; {_NOT_OURS}")
    if bgm.get(3) in _REJECTED:
        return Meaning(acts=(AnswerRequest("", "rejected", reason="OTHER", said="Declined", work=work),))
    if bgm.get(3) not in _ACCEPTED:
        words = f"is no answer to an order Backroom knows: {shown(bgm.get(3))}"
        raise Unreadable(FailureClass.BAD_VALUE, Fault(bgm.path, words))
    return Meaning(acts=(AnswerRequest("", "accepted", partner_ref=bgm.get(2), work=work),))


def despatch_advice(found: Message, terms: EdiTerms) -> Meaning:
    """DESADV: what left, by the order each line refers to. Packages must hang together and the totals be right."""
    faults = Faults()
    bgm = _first(found, "BGM")
    _packages(found, faults)
    _count(found, faults)
    sent = _sent(found, faults)
    faults.raise_if_any()
    if not terms.for_partner:
        named = ", ".join(filter(None, sent)) or bgm.get(2)
        return ignored(f"a despatch advice of {named}; {_NOT_OURS}")
    carrier = next((each.get(5, 3) or each.get(5) for each in found.segments if each.name == "TDT"), "")
    tracking = _reference(found, "CN") or _reference(found, "AAS")
    coming = _coming(found, terms)
    acts = tuple(
        AnswerRequest("", "shipped", lines=tuple(lines), carrier=carrier, tracking_number=tracking,
                      partner_ref=bgm.get(2), work=work, coming=replace(coming, ref=f"{bgm.get(2)}/{work}"))
        for work, lines in sent.items()
    )  # fmt: skip
    return Meaning(acts=acts) if acts else ignored("the despatch advice names no order")


def _coming(found: Message, terms: EdiTerms) -> ComingGoods:
    """Where the goods go and when they arrive: NAD of the delivery party, and DTM 132, 17, 191 or 358."""
    faults = Faults()
    parties = {each.get(1): each.get(2) for each in found.segments if each.name == "NAD"}
    place = next((parties[role] for role in ("DP", "ST", "UC", "CN") if parties.get(role)), "")
    days = {each.get(1): each for each in found.segments if each.name == "DTM"}
    stated = next((days[kind] for kind in ("132", "17", "191", "358") if kind in days), None)
    arrival = day(stated, faults) if stated else None
    faults.raise_if_any()
    due = datetime.combine(arrival, time(23, 59, 59), terms.zone).astimezone(UTC) if arrival else None
    return ComingGoods("", place, due)


def _packages(found: Message, faults: Faults) -> None:
    seen: set[str] = set()
    for segment in found.segments:
        if segment.name != "CPS":
            continue
        level, parent = segment.get(1), segment.get(2)
        if parent and parent not in seen:
            faults.add(segment.path, f"hangs on package {parent}, which doesn't come before it")
        seen.add(level)


def _sent(found: Message, faults: Faults) -> dict[str, list[tuple[str, int]]]:
    whole = _reference(found, "ON", before="LIN")
    sent: dict[str, list[tuple[str, int]]] = {}
    code, quantity, work = "", 0, whole

    def keep() -> None:
        if code and quantity:
            sent.setdefault(work, []).append((code, quantity))

    for segment in found.segments:
        match segment.name:
            case "LIN":
                keep()
                code, quantity, work = segment.get(3), 0, whole
            case "PIA" if not code:
                code = segment.get(2)
            case "QTY" if segment.get(1) == "12":
                quantity += units(segment, faults) or 0
            case "RFF" if segment.get(1) == "ON" and code:
                work = segment.get(1, 1)
    keep()
    return sent


def invoice(found: Message, terms: EdiTerms) -> Meaning:
    """INVOIC: ignored, once its lines add up to what it states."""
    faults = Faults()
    bgm = _first(found, "BGM")
    _count(found, faults)
    lines, amounts, stated = 0, [], None
    in_line = False
    for segment in found.segments:
        match segment.name:
            case "LIN":
                lines, in_line = lines + 1, True
            case "UNS":
                in_line = False
            case "MOA" if segment.get(1) == "203" and in_line:
                amounts.append(number(segment, 1, 1, faults) or ZERO)
            case "MOA" if segment.get(1) == "79" and not in_line:
                stated = (segment, number(segment, 1, 1, faults))
    if stated and stated[1] is not None and len(amounts) == lines and sum(amounts, Decimal(0)) != stated[1]:
        faults.add(stated[0].path, f"states {stated[1]} for all lines, they make {sum(amounts, Decimal(0))}")
    faults.raise_if_any()
    return ignored(f"invoice {bgm.get(2)} adds up; what suppliers bill is booked by the ERP")


def inventory_report(found: Message, terms: EdiTerms) -> Meaning:
    """INVRPT: what the sender believes about stock, each quantity under its own qualifier."""
    faults = Faults()
    place = next((each.get(2) for each in found.segments if each.name == "NAD" and each.get(1) in {"WH", "GY"}), "")
    lines: list[ReportedLine] = []
    codes: tuple[Code, ...] = ()
    here = place
    for segment in found.segments:
        match segment.name:
            case "LIN":
                codes, here = _codes(ids(segment, 3)), place
            case "PIA":
                codes = (*codes, *_codes(ids(segment, 2)))
            case "LOC" if codes:
                here = segment.get(2) or here
            case "QTY" if codes:
                lines.append(_reported(codes, here, segment, faults))
    _count(found, faults)
    faults.raise_if_any()
    if not lines:
        raise Unreadable(FailureClass.BAD_VALUE, Fault("INVRPT", "names no quantity of any item"))
    as_of, exact = _as_of(found, faults)
    taken = IncomingSnapshot(found.ref, as_of, tuple(lines), remarks=tuple(found.remarks), whole_day=not exact)
    return Meaning(acts=(TakeSnapshot(taken, STATUSES),))


def _reported(codes: tuple[Code, ...], place: str, segment: Segment, faults: Faults) -> ReportedLine:
    figure = number(segment, 1, 1, faults) or ZERO
    if figure != figure.to_integral_value() or abs(figure) > LIMIT:
        faults.add(segment.path, f"{segment.get(1, 1)!r} is no whole number of units")
    fault = "" if segment.get(1, 2).upper() in measures.PIECES else "unknown_unit"
    return ReportedLine(codes, place, f"QTY {segment.get(1)}", int(figure), fault)


def _codes(found: list[tuple[str, str]]) -> tuple[Code, ...]:
    known = ((kind, value) for kind, value in found if kind in {*EDIFACT_CODES, *_STOCK_CODES})
    return tuple(
        Code(
            f"{kind.lower()}:{value}" if _STOCK_CODES.get(kind, ALIAS) == ALIAS else value,
            _STOCK_CODES.get(kind, ALIAS),
        )
        for kind, value in known
    )


def _as_of(found: Message, faults: Faults) -> tuple[datetime | None, bool]:
    """The day of DTM 366 (inventory) or 137 (document), as its end in UTC: a local time without a zone says no more."""
    for kind in ("366", "137"):
        for segment in found.segments:
            if segment.name == "DTM" and segment.get(1) == kind:
                reported = day(segment, faults)
                faults.raise_if_any()
                if reported is not None:
                    return datetime.combine(reported, time(23, 59, 59), UTC), False
    return None, True


# --- Shared


def _first(found: Message, name: str) -> Segment:
    segment = next((each for each in found.segments if each.name == name), None)
    if segment is None:
        words = f"is no {found.kind}: its {name} segment is missing"
        raise Unreadable(FailureClass.BAD_VALUE, Fault(found.segments[0].path, words))
    return segment


def _reference(found: Message, kind: str, *, before: str = "") -> str:
    for segment in found.segments:
        if before and segment.name == before:
            break
        if segment.name == "RFF" and segment.get(1) == kind:
            return segment.get(1, 1)
    return ""


def _count(found: Message, faults: Faults) -> None:
    """CNT 2 counts the lines, where the sender says it; another number shows a cut or merged document."""
    lines = sum(segment.name == "LIN" for segment in found.segments)
    for segment in found.segments:
        if segment.name == "CNT" and segment.get(1) == "2":
            stated = number(segment, 1, 1, faults)
            if stated is not None and stated != lines:
                faults.add(segment.path, f"counts {stated} lines, there are {lines}")


READERS: dict[str, Callable[[Message, EdiTerms], Meaning]] = {
    "ORDRSP": answer,
    "DESADV": despatch_advice,
    "INVOIC": invoice,
    "INVRPT": inventory_report,
}
