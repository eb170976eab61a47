"""X12 846 (inventory advice) and 852 (product activity) as snapshots. Pure.

Status words are the qualifier as it stands ("QTY 17", "ZA QA"). Only those whose X12 wording names one of our measures
have a meaning from the start; partners use the others as they please, so somebody has to say what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from integrations.channels.meaning import TakeSnapshot
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files.x12 import Segment, Transaction
from inventory.snapshots import ALIAS, GTIN, LIMIT, Code, IncomingSnapshot, ReportedLine

_ACTIVITIES = tuple("QB QD QL QM QN QO QP QR QS QT QU QW QX QZ Q1 Q2 Q3 RE TS LS".split())  # noqa: SIM905
STATUSES = {
    # 846 and 852, element 673
    "QTY 17": "on_hand",  # quantity on hand
    "QTY 33": "free",  # quantity available for sale
    "QTY 63": "ignored",  # on order
    # 852, element 859
    "ZA QA": "free",  # current inventory quantity available for shipment or sale
    "ZA QC": "reserved",  # committed
    "ZA QI": "in_transit_in",  # in transit
    "ZA QE": "on_hand",  # ending balance
    "ZA OH": "on_hand",  # gross quantity on hand
    "ZA HL": "quarantined",  # on hold
    "ZA DG": "damaged",  # damaged
    # What happened, or what somebody plans: no level of stock.
    **{f"ZA {code}": "ignored" for code in _ACTIVITIES},
}
ITEM_CODES = {
    "BP": "sku",  # buyer's part number: the buyer is us
    "IN": "sku",  # buyer's item number
    "SK": "sku",  # stock keeping unit
    "UP": GTIN,
    "EN": GTIN,
    "UK": GTIN,
    "UI": GTIN,  # U.P.C. consumer package code
    "VC": ALIAS,
    "VN": ALIAS,
    "VP": ALIAS,
    "MG": ALIAS,
}
PLACES = ("WH", "LO", "RL", "ST", "SF")  # whose stock it is, the most telling first
PIECES = {"", "EA", "PC", "PCE", "UN"}
_DIGITS = re.compile(r"-?[0-9]{1,15}(\.0*)?")
_DATE, _TIME = re.compile(r"[0-9]{8}"), re.compile(r"[0-9]{4,8}")


def snapshot_of(found: Transaction) -> TakeSnapshot:
    """What the set says of stock. Raises nothing but Unreadable."""
    _check_total(found)
    lines = tuple(_lines(found))
    if not lines:
        raise Unreadable(FailureClass.BAD_VALUE, Fault(found.kind, "names no quantity of any item"))
    as_of, exact = _as_of(found)
    remarks = tuple(found.remarks)
    return TakeSnapshot(IncomingSnapshot(found.ref, as_of, lines, remarks=remarks, whole_day=not exact), STATUSES)


def _check_total(found: Transaction) -> None:
    """CTT01 counts the items, where the sender says it; another number shows a cut or merged document."""
    items = sum(segment.name == "LIN" for segment in found.segments)
    for segment in found.segments:
        if segment.name == "CTT" and segment[1] != str(items):
            raise Unreadable(
                FailureClass.BAD_VALUE, Fault(segment.path, f"counts {segment[1]} items, there are {items}")
            )


def _lines(found: Transaction) -> Iterator[ReportedLine]:
    header_place = _place(_before_items(found))
    codes: tuple[Code, ...] = ()
    place, activity = header_place, ""
    segments = found.segments
    for at, segment in enumerate(segments):
        match segment.name:
            case "LIN":
                codes, place, activity = _codes(segment), header_place, ""
            case "N1" if codes:
                place = _place([segment]) or place
            case "ZA" if codes:
                activity = f"ZA {segment[1]} "
                if segment[2]:
                    yield _line(codes, place, activity.strip(), segment, segment[3])
            case "QTY" if codes:
                following = segments[at + 1] if at + 1 < len(segments) else None
                unit = segment[3] or (following[1] if following and following.name == "UIT" else "")
                yield _line(codes, place, f"{activity}QTY {segment[1]}", segment, unit)


def _line(codes: tuple[Code, ...], place: str, status: str, segment: Segment, unit: str) -> ReportedLine:
    if not _DIGITS.fullmatch(segment[2]) or abs(int(segment[2].partition(".")[0])) > LIMIT:
        raise Unreadable(FailureClass.BAD_VALUE, Fault(segment.path, f"{segment[2]!r} is no whole number of units"))
    fault = "" if unit.upper() in PIECES else "unknown_unit"
    return ReportedLine(codes, place, status, int(segment[2].partition(".")[0]), fault)


def _codes(segment: Segment) -> tuple[Code, ...]:
    codes = tuple(
        Code(value if kind != ALIAS else f"{qualifier.lower()}:{value}", kind)
        for qualifier, value in segment.pairs(2)
        if (kind := ITEM_CODES.get(qualifier))
    )
    if not codes:
        raise Unreadable(FailureClass.BAD_VALUE, Fault(segment.path, "names the item by no code Backroom can look up"))
    return codes


def _before_items(found: Transaction) -> list[Segment]:
    header = []
    for segment in found.segments:
        if segment.name == "LIN":
            break
        header.append(segment)
    return header


def _place(segments: list[Segment]) -> str:
    """The code of the party whose stock it is; its name where it has no code."""
    parties = {segment[1]: segment for segment in reversed(segments) if segment.name == "N1"}
    for role in PLACES:
        if role in parties:
            return parties[role][4] or parties[role][2]
    return ""


def _as_of(found: Transaction) -> tuple[datetime | None, bool]:
    """The moment the figures speak of, and whether that is more exact than a day.

    DTM 007 (effective) with its zone, the end of an 852's period, or BIA's date. A date alone means its end in UTC.
    Local time codes other than GMT and UTC are not guessed at: the date counts.
    """
    for segment in _before_items(found):
        if segment.name == "DTM" and segment[1] in {"007", "902"}:
            exact = segment[4] in {"GM", "UT", "Z"}
            return _moment(segment, segment[2], segment[3] if exact else "")
    for segment in _before_items(found):
        if segment.name == "XQ":
            return _moment(segment, segment[3] or segment[2], "")
        if segment.name == "BIA":
            return _moment(segment, segment[4], "")
    return None, True


def _moment(segment: Segment, date: str, time: str) -> tuple[datetime | None, bool]:
    if not date:
        return None, True
    try:
        if not _DATE.fullmatch(date) or (time and not _TIME.fullmatch(time)):
            raise ValueError  # strptime would find a date in 2024111 too
        if time:
            return datetime.strptime(f"{date}{time[:4]}", "%Y%m%d%H%M").replace(tzinfo=UTC), True
        return datetime.strptime(date, "%Y%m%d").replace(hour=23, minute=59, second=59, tzinfo=UTC), False
    except ValueError:
        raise Unreadable(FailureClass.BAD_VALUE, Fault(segment.path, f"{date} {time} is no date")) from None
