"""X12 180 (return merchandise authorisation and notification): a partner asks to send goods back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from integrations.channels.edi.terms import EdiTerms
from integrations.channels.edi.x12_reading import day, element, units
from integrations.channels.meaning import Meaning, TakeReturn, ignored
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files.x12 import Segment, Transaction
from integrations.reading import Faults
from returns.incoming import IncomingReturn, IncomingReturnLine, State
from returns.models import ReturnReason as R

# BGN01, element 353: originals, changes, replacements and re-submissions ask; confirmations and responses agreed.
PURPOSES: dict[str, State] = {
    "00": "requested", "01": "cancelled", "03": "cancelled", "04": "requested", "05": "requested", "13": "requested",
    "15": "requested", "18": "requested", "06": "approved", "11": "approved", "CF": "approved", "44": "declined",
}  # fmt: skip
# RDR02, element 1292: why it comes back, as far as it says so.
REASONS = {
    "DA": R.DAMAGED, "DE": R.DEFECTIVE, "DF": R.DEFECTIVE, "CD": R.DEFECTIVE, "WI": R.WRONG_ITEM, "WR": R.WRONG_ITEM,
    "OV": R.UNWANTED, "OS": R.UNWANTED, "NW": R.UNWANTED, "LS": R.LATE, "MP": R.MISSING_PARTS, "QU": R.NOT_AS_DESCRIBED,
}  # fmt: skip


def authorisation(found: Transaction, terms: EdiTerms) -> Meaning:
    """One return for each purchase order its lines name."""
    faults = Faults()
    begin = next((segment for segment in found.segments if segment.name == "BGN"), None)
    if begin is None or not begin[2]:
        path = found.segments[0].path
        raise Unreadable(FailureClass.BAD_VALUE, Fault(path, "is no return: its BGN segment or number is missing"))
    state = PURPOSES.get(begin[1])
    if state is None:
        faults.add(element(begin, 1), f"is no purpose of a return Backroom knows: {begin[1][:10]}")
    written = day(begin, 3, faults)
    orders: dict[str, list[IncomingReturnLine]] = {}
    for lines in _items(found):
        order, line = _line(lines, len(orders), faults)
        orders.setdefault(order or _of_all(found), []).append(line)
    faults.raise_if_any()
    if not orders:
        return ignored("the return lists no articles")
    at = datetime(written.year, written.month, written.day, tzinfo=UTC) if written else None
    number = _reference(found.segments, "RZ") or begin[2]
    shared = {"state": state or "requested", "number": number, "at": at, "edi": True}
    alone = len(orders) == 1
    return Meaning(
        acts=tuple(
            TakeReturn(
                IncomingReturn(
                    ref=begin[2] if alone else f"{begin[2]}/{order}"[:120],
                    order_ref=order,
                    lines=tuple(lines),
                    **shared,  # type: ignore[arg-type]
                )
            )
            for order, lines in orders.items()
        )
    )


def _items(found: Transaction) -> list[list[Segment]]:
    """The segments of each line, its BLI (or LIN) first."""
    lines: list[list[Segment]] = []
    for segment in found.segments[1:-1]:
        if segment.name == "BLI":
            lines.append([segment])
        elif lines:
            lines[-1].append(segment)
    return lines


def _line(segments: list[Segment], n: int, faults: Faults) -> tuple[str, IncomingReturnLine]:
    head = segments[0]
    quantity = units(head, 3, faults)
    if not quantity:
        faults.add(element(head, 3), "should be at least one unit")
    if not head[2]:
        faults.add(element(head, 2), "names no article")
    named = {segment.name: segment for segment in reversed(segments)}
    reason = named["RDR"][2].upper() if "RDR" in named else ""
    notes = [segment[2] for segment in segments if segment.name == "NTE" and segment[2]]
    serials = tuple(segment[2] for segment in segments if segment.name == "N9" and segment[1] == "SE" and segment[2])
    order = (named["PRF"][1] if "PRF" in named else "") or _reference(segments, "PO")
    return order, IncomingReturnLine(
        ref=f"{head.n}",
        sku=head[2],
        title=named["PID"][5][:255] if "PID" in named else "",
        quantity=quantity or 1,
        reason=REASONS.get(reason, R.OTHER if reason else R.UNKNOWN),
        reason_text="; ".join(notes)[:1000],
        serials=serials[: quantity or 0],
    )


def _of_all(found: Transaction) -> str:
    """The purchase order the header names for all lines; else the only one that any line names."""
    lines = [n for n, segment in enumerate(found.segments) if segment.name == "BLI"]
    head = found.segments[: lines[0]] if lines else found.segments
    for segment in head:
        if segment.name == "PRF" and segment[1]:
            return segment[1]
    named = {s[1] for s in found.segments if s.name == "PRF" and s[1]}
    named |= {s[2] for s in found.segments if s.name == "N9" and s[1] == "PO" and s[2]}
    return _reference(head, "PO") or (min(named) if len(named) == 1 else "")


def _reference(segments: Sequence[Segment], qualifier: str) -> str:
    return next((s[2] for s in segments if s.name == "N9" and s[1] == qualifier and s[2]), "")
