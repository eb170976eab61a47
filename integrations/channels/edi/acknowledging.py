"""997, TA1 and CONTRL: what came from a partner, said back set by set, with the segment and element of each refusal.

TA1 speaks of an interchange as a whole: it refuses one whose own envelope is wrong, of which no set is looked at then.

A feed like any other, only that it reads our own inbox: messages that have been understood or refused, in their order.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils import timezone

from integrations.channels.edi import translate
from integrations.channels.edi.selling import post, wants
from integrations.channels.edi.terms import EdiTerms, terms_of
from integrations.channels.edi.writing import Line, Style, style_of
from integrations.channels.vendor import Page
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files import edifact, x12
from integrations.files.x12 import Interchange, Segment, Transaction
from integrations.models import Connection, InboundMessage

AT_ONCE, AT_FIRST = 50, timedelta(days=2)
_PLACE = re.compile(r"segment (\d+) (\S{2,}?)(\d{2})?(?:$|:)")
_MISSING = re.compile(
    r"\b([A-Z][A-Z0-9]{1,2}) (?:or \w+ )?segment (?:or number )?is missing|\bhas no ([A-Z][A-Z0-9]{1,2}) segment"
)
# Codes of the syntax rules (ISO 9735): actions 0083, errors 0085, and the version of a CONTRL itself.
REJECTED, TAKEN, CONTRL = "4", "7", "D:3:UN"
INVALID, DUPLICATE, CHARACTERS, UNSPECIFIED = "12", "26", "21", "18"
_SYNTAX_ERRORS = {
    "breaks off": "13", " has ended": "13", "counts ": "29", "ends message": "28", "ends group": "28",
    "repeats control number": DUPLICATE, "stands outside": "33", "stands after": "33", "never began": "33",
    "has no message": "17",
}  # fmt: skip
_SEGMENT_ERRORS = {"should hold a number": "37", "is no segment": "15", "missing": "13", "names no": "13",
                   "by no number": "13", "it has no": "13"}  # fmt: skip
_UNENDED = "before transaction set"  # where a set has no SE
# X12's codes of errors: of a set (718), of a group (716) and of an interchange (I18).
_SET_ERRORS = {
    "repeats control number": "23", "control number": "3", "ends transaction set": "3",
    " segments, there are ": "4", "has no transaction set": "1",
}  # fmt: skip
_GROUP_ERRORS = {_UNENDED: "", "ends group": "4", " has ended": "3", " transaction sets, there are ": "5"}
_INTERCHANGE_ERRORS = {"breaks off": "023", " groups, there are ": "021"}
_OUT_OF_ORDER, _TRAILER_DIFFERS, _USED_BEFORE = "022", "001", "025"
_OVER = ("PROCESSED", "DUPLICATE", "IGNORED", "FAILED")


def acknowledge(connection: Connection, cursor: str) -> Page:
    """Answer the messages after the one the cursor names. Safe to repeat: a group is answered once by its number."""
    after = int(cursor) if cursor.isdigit() else 0
    came = InboundMessage.objects.filter(connection=connection, pk__gt=after).order_by("pk")
    if not cursor:  # what came long before the partner was first answered isn't answered any more
        came = came.filter(received_at__gte=timezone.now() - AT_FIRST)
    messages = list(came[: AT_ONCE + 1])
    for message in messages[:AT_ONCE]:
        if message.status not in _OVER and not message.waits_for:
            break  # nobody has looked at it yet
        if wants(connection, "997"):
            _answer(connection, bytes(message.body), reused=message.failure_class == FailureClass.DUPLICATE)
        after = message.pk
    return Page((), str(after), more=len(messages) > AT_ONCE and after == messages[AT_ONCE - 1].pk)


def _answer(connection: Connection, body: bytes, *, reused: bool) -> None:
    """`reused`: its number stood for something else before, so that what it brings was refused."""
    terms, style = terms_of(connection), style_of(connection)
    reused_by = f":{hashlib.sha256(body).hexdigest()[:16]}" if reused else ""
    try:
        if style.is_x12:
            _answer_x12(connection, body, terms, style, reused_by)
        else:
            _answer_edifact(connection, body, terms, style, reused_by)
    except Unreadable:
        return  # no envelope, nothing that could be named in an answer


def _answer_x12(connection: Connection, body: bytes, terms: EdiTerms, style: Style, reused_by: str) -> None:
    for interchange in x12.interchanges(body, code_page=terms.code_page, forgiving=terms.forgiving):
        isa = interchange.isa
        error = _USED_BEFORE if reused_by else _envelope_error(interchange)
        if error or isa[14] == "1":
            noted = _TRAILER_DIFFERS if interchange.trailer_differs else ""
            line = ("TA1", interchange.control, isa[9], isa[10], "R" if error else "E" if noted else "A",
                    error or noted or "000")  # fmt: skip
            about = f"{interchange.sender}:{isa[9]}:{interchange.control}{reused_by}"
            post(connection, style, "TA1", about, interchange.control, lambda line=line: ([line], {}))  # type: ignore[misc]
        if error:
            continue
        for group in (segment for segment in interchange.segments if segment.name == "GS"):
            if group[1] == "FA":  # nobody acknowledges acknowledgements
                continue
            about = f"{interchange.sender}:{interchange.isa[9]}:{interchange.control}:{group[6]}"
            lines = list(functional(interchange, group, terms))
            reference = f"{group[1]} {group[6]}"
            post(connection, style, "997", about, reference, lambda lines=lines: (lines, {}))  # type: ignore[misc]


def _envelope_error(interchange: Interchange) -> str:
    """Why TA1 refuses the interchange as a whole; empty where it is right, or its 997 says which group is wrong."""
    fault = interchange.fault
    if fault is None or _code(fault, _GROUP_ERRORS, "997") != "997":
        return ""
    return _code(fault, _INTERCHANGE_ERRORS, _OUT_OF_ORDER)


def _answer_edifact(connection: Connection, body: bytes, terms: EdiTerms, style: Style, reused_by: str) -> None:
    error = DUPLICATE if reused_by else ""
    try:
        found = edifact.interchanges(body, code_page=terms.code_page, forgiving=terms.forgiving)
    except Unreadable as refused:
        if "is no character of" not in refused.reason:
            raise
        # Its header can be answered all the same: that is in letters every code page has.
        found, error = edifact.interchanges(body, code_page="latin-1", forgiving=True), CHARACTERS
    for interchange in found:
        if any(message.kind == "CONTRL" for message in interchange.messages):
            continue
        about = f"{interchange.sender}:{interchange.control}{reused_by}"
        lines = list(syntax(interchange, terms, error))
        written = replace(style, version=CONTRL)
        post(connection, written, "CONTRL", about, interchange.control, lambda lines=lines: (lines, {}))  # type: ignore[misc]


def syntax(interchange: edifact.Interchange, terms: EdiTerms, error: str = "") -> Iterable[Line]:
    """The segments of a CONTRL for one interchange: taken or not, and each message of it. `error` refuses all of it."""
    unb = interchange.unb
    ends = (unb.elements[2], unb.elements[3])
    if interchange.fault:
        error = error or _code(interchange.fault, _SYNTAX_ERRORS, INVALID)
    yield ("UCI", interchange.control, *ends, *((REJECTED, error) if error else (TAKEN,)))
    if error:
        return
    for message in interchange.messages:
        header = message.segments[0]
        kind = tuple(filter(None, (header.get(2, n) for n in range(5))))
        refused = _unread(message, terms)
        if refused is None:
            yield ("UCM", message.control, kind, TAKEN)
            continue
        code, places = _code(refused, _SYNTAX_ERRORS, ""), _segments_at_fault(refused, message)
        # UCM's own code is for what is wrong with UNH and UNT; what lies between is told segment by segment.
        yield ("UCM", message.control, kind, REJECTED, code or ("" if places else UNSPECIFIED))
        for place, error in () if code else places:
            yield ("UCS", place, error)


def _unread(message: edifact.Message, terms: EdiTerms) -> Unreadable | None:
    if message.fault:
        return message.fault
    try:
        translate.read_edifact(message, terms)
    except Unreadable as error:
        return error
    return None


def _segments_at_fault(refused: Unreadable, message: edifact.Message) -> list[tuple[int, str]]:
    """The places of the segments the faults name, counted from UNH, and the code of each one's first fault."""
    places = {each.n: at for at, each in enumerate(message.segments, 1)}
    found: dict[int, str] = {}
    for fault in refused.faults:
        named = _PLACE.search(fault.path)
        if named and (place := places.get(int(named[1]))):
            found.setdefault(place, _said(fault.message, _SEGMENT_ERRORS, INVALID))
    return sorted(found.items())


def functional(interchange: Interchange, group: Segment, terms: EdiTerms) -> Iterable[Line]:
    """The segments of a 997 for one group."""
    yield ("AK1", group[1], group[6])
    if interchange.fault:
        stated = _stated(interchange, group)
        if _UNENDED in interchange.fault.reason:
            last = [each for each in _of_group(interchange, group) if each.name == "ST"][-1]
            yield ("AK2", last[1], last[2])
            yield ("AK5", "R", "2")
        yield ("AK9", "R", stated, len(_sets(interchange, group)), 0, _code(interchange.fault, _GROUP_ERRORS, ""))
        return
    found = _sets(interchange, group)
    accepted = 0
    for each in found:
        refused = _refusal(each, terms)
        accepted += refused is None
        yield ("AK2", each.kind, each.control)
        if refused is None:
            yield ("AK5", "A")
            continue
        for fault in refused.faults:
            yield from _noted(fault, each)
        yield ("AK5", "R", _code(refused, _SET_ERRORS, "5"))
    verdict = "A" if accepted == len(found) else "P" if accepted else "R"
    yield ("AK9", verdict, len(found), len(found), accepted)


def _sets(interchange: Interchange, group: Segment) -> list[Transaction]:
    return [each for each in interchange.transactions if each.group is group]


def _of_group(interchange: Interchange, group: Segment) -> Iterable[Segment]:
    """The segments from this group's header to the next one's."""
    after = (segment for segment in interchange.segments if segment.n > group.n)
    return itertools.takewhile(lambda segment: segment.name != "GS", after)


def _stated(interchange: Interchange, group: Segment) -> str:
    ends = (segment for segment in _of_group(interchange, group) if segment.name == "GE")
    trailer = next(ends, None)
    return trailer[1] if trailer and trailer[1].isdigit() else "0"


def _refusal(found: Transaction, terms: EdiTerms) -> Unreadable | None:
    """Why the set can't be read; None for one that can, whatever becomes of it."""
    if found.fault:
        return found.fault
    try:
        translate.read_x12(found, terms)
    except Unreadable as error:
        return error
    return None


@dataclass(frozen=True, slots=True)
class _Place:
    position: int
    name: str
    element: int


def _place(fault: Fault, found: Transaction) -> _Place | None:
    match = _PLACE.search(fault.path)
    if match is None:
        return None
    number = int(match[1])
    segment = next((each for each in found.segments if each.n == number), None)
    if segment is None:
        return None
    rest = fault.path[match.start() :].removeprefix(f"segment {number} {segment.name}")[:2]
    return _Place(number - found.segments[0].n + 1, segment.name, int(rest) if rest.isdigit() else 0)


def _noted(fault: Fault, found: Transaction) -> Sequence[Line]:
    """AK3 with the segment (element 720: 1 unknown, 3 missing, 8 what it holds), AK4 with the element and its value."""
    place = _place(fault, found)
    if place is None:
        return []
    if place.name in {"ST", "SE"}:
        missing = _MISSING.search(fault.message)
        return [("AK3", missing[1] or missing[2], place.position + (place.name == "ST"), "", "3")] if missing else []
    segment = found.segments[place.position - 1]
    if not place.element:
        return [("AK3", place.name, place.position, "", "1" if "is no segment" in fault.message else "8")]
    held = segment[place.element]
    return [
        ("AK3", place.name, place.position, "", "8"),
        ("AK4", place.element, "", _element_code(fault.message, held), held[:99]),
    ]


def _element_code(words: str, held: str) -> str:
    """Element 723."""
    if not held:
        return "1"
    if "date" in words:
        return "8"
    return "6" if "number" in words else "7"


def _code(refused: Unreadable, errors: Mapping[str, str], other: str) -> str:
    """The partner's own code of the first of these errors that the words speak of."""
    return _said(refused.reason, errors, other)


def _said(text: str, errors: Mapping[str, str], other: str) -> str:
    return next((code for words, code in errors.items() if words in text), other)
