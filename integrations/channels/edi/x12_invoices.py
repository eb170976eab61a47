"""X12 810 (invoice): what a supplier bills us, added up. Pure. Nothing is done with it here: bills are the ERP's."""

from __future__ import annotations

from decimal import Decimal

from integrations.channels.edi.terms import EdiTerms
from integrations.channels.edi.x12_reading import cents, day, element, number
from integrations.channels.edi.x12_reading import units as whole
from integrations.channels.meaning import Meaning, ignored
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files.x12 import Segment, Transaction
from integrations.reading import ZERO, Faults


def invoice(found: Transaction, terms: EdiTerms) -> Meaning:
    """Ignored, once it adds up. Raises Unreadable naming the figure that doesn't."""
    faults = Faults()
    big = next((segment for segment in found.segments if segment.name == "BIG"), None)
    if big is None:
        raise Unreadable(FailureClass.BAD_VALUE, Fault(found.segments[0].path, "is no invoice: it has no BIG segment"))
    day(big, 1, faults)
    if not big[2]:
        faults.add(element(big, 2), "names no invoice")
    _add_up(found, faults)
    faults.raise_if_any()
    order = f" for order {big[4]}" if big[4] else ""
    return ignored(f"invoice {big[2]}{order} adds up; what suppliers bill is booked by the ERP")


def _add_up(found: Transaction, faults: Faults) -> None:
    """TDS01 against lines, charges, allowances and taxes. A summary that repeats what the lines charged counts once."""
    goods, of_lines, of_whole, taxes = ZERO, ZERO, ZERO, ZERO
    lines, quantities, line, stated = 0, ZERO, None, None
    for segment in found.segments:
        match segment.name:
            case "IT1":
                line, lines = segment, lines + 1
                quantity = number(segment, 2, faults) or ZERO
                quantities += quantity
                goods += quantity * (number(segment, 4, faults) or ZERO)
            case "SAC" if line is not None and stated is None:
                of_lines += _signed(segment, faults)
            case "SAC":
                of_whole += _signed(segment, faults)
            case "TXI" if segment[6] != "1":
                taxes += number(segment, 2, faults) or ZERO
            case "TDS":
                stated = (segment, cents(segment, 1, faults))
            case "CTT":
                _count(segment, lines, quantities, faults)
    if stated is None:
        faults.add(found.segments[-1].path, "comes without a total: the TDS segment is missing")
        return
    segment, total = stated
    base = goods + taxes
    possible = {_round(base + of_lines + of_whole), _round(base + of_lines), _round(base + of_whole), _round(goods)}
    if total is not None and total not in possible:
        made = _round(base + of_lines + of_whole)
        faults.add(element(segment, 1), f"bills {total}, the lines, charges and taxes make {made}")


def _count(segment: Segment, lines: int, quantities: Decimal, faults: Faults) -> None:
    counted = whole(segment, 1, faults)
    if counted is not None and counted != lines:
        faults.add(element(segment, 1), f"counts {counted} lines, there are {lines}")
    hashed = number(segment, 2, faults)
    if hashed is not None and hashed != quantities:
        faults.add(element(segment, 2), f"adds the quantities up to {hashed}, they make {quantities}")


def _signed(segment: Segment, faults: Faults) -> Decimal:
    if segment[1] not in {"A", "C"}:
        return ZERO
    amount = cents(segment, 5, faults) or ZERO
    return amount if segment[1] == "C" else -amount


def _round(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))
