"""An X12 interchange as segments: its own delimiters, its envelopes checked, line breaks and indents forgiven. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from integrations.documents import first_characters
from integrations.failures import FailureClass, Fault, Unreadable, unparsable

ISA_ELEMENTS = 16
MAX_SEGMENTS = 500_000


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment and its number in the interchange, for faults."""

    n: int
    elements: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.elements[0]

    @property
    def path(self) -> str:
        return f"segment {self.n} {self.name}"

    def __getitem__(self, position: int) -> str:
        """The element of that number as X12 counts (ZA02 is segment[2]), empty where there is none."""
        return self.elements[position].strip() if position < len(self.elements) else ""

    def pairs(self, start: int) -> Iterator[tuple[str, str]]:
        """(qualifier, value) from element `start` on, as LIN has them."""
        for position in range(start, len(self.elements) - 1, 2):
            if self[position] and self[position + 1]:
                yield self[position], self[position + 1]


@dataclass(slots=True)
class Transaction:
    """One transaction set (ST to SE) and who sent it to whom."""

    kind: str
    control: str
    sender: str
    receiver: str
    interchange: str
    segments: list[Segment] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def transactions(body: bytes) -> list[Transaction]:
    """Every transaction set of the interchange. Raises Unreadable naming the segment that can't be right.

    The counts of SE, GE and IEA and the control numbers of ST and GS must be right: they are how a cut or merged file
    shows.
    A trailer that names the interchange otherwise than its header is said in the remarks: nothing is lost by it.
    """
    segments = _segments(body)
    isa = segments[0]
    found: list[Transaction] = []
    open_: Transaction | None = None
    group: Segment | None = None
    in_group = groups = 0
    closed = False
    for segment in segments[1:]:
        if closed:
            raise _fault(segment, "stands after the end of the interchange")
        match segment.name:
            case "GS":
                group, in_group = segment, 0
            case "ST":
                if open_ is not None:
                    raise _fault(segment, "begins before the transaction set before it has ended")
                open_ = Transaction(segment[1], segment[2], isa[6], isa[8], isa[13], [segment])
            case "SE":
                found.append(_ended(open_, segment))
                open_, in_group = None, in_group + 1
            case "GE":
                _check_group(group, segment, in_group)
                group, groups = None, groups + 1
            case "IEA":
                closed = True
                _check_end(group, segment, groups)
                _compare_names(isa, segment, found)
            case _ if open_ is not None:
                open_.segments.append(segment)
            case _:
                raise _fault(segment, "stands outside of any transaction set")
    if open_ is not None or not closed:
        raise Unreadable(FailureClass.UNPARSABLE, Fault("", "the interchange breaks off before its IEA trailer"))
    return found


def _compare_names(isa: Segment, iea: Segment, found: list[Transaction]) -> None:
    if iea[2] != isa[13]:
        for each in found:
            each.remarks.append(f"The trailer names interchange {iea[2]!r}, the header {isa[13]!r}.")


def _ended(open_: Transaction | None, segment: Segment) -> Transaction:
    if open_ is None:
        raise _fault(segment, "ends a transaction set that never began")
    open_.segments.append(segment)
    if segment[1] != str(len(open_.segments)):
        raise _fault(segment, f"counts {segment[1]} segments, there are {len(open_.segments)}")
    if segment[2] != open_.control:
        raise _fault(segment, f"ends transaction set {segment[2]!r}, {open_.control!r} is open")
    return open_


def _check_group(group: Segment | None, segment: Segment, sets: int) -> None:
    if group is None:
        raise _fault(segment, "ends a group that never began")
    if segment[1] != str(sets):
        raise _fault(segment, f"counts {segment[1]} transaction sets, there are {sets}")
    if segment[2] != group[6]:
        raise _fault(segment, f"ends group {segment[2]!r}, {group[6]!r} is open")


def _check_end(group: Segment | None, segment: Segment, groups: int) -> None:
    if group is not None:
        raise _fault(segment, f"ends the interchange before its group {group[6]!r} has ended")
    if segment[1].lstrip("0") != str(groups or ""):
        raise _fault(segment, f"counts {segment[1]} groups, there are {groups}")


def _segments(body: bytes) -> list[Segment]:
    """Delimiters stand in the ISA segment itself: the element separator is its fourth character, and what follows the
    one character of ISA16 ends a segment."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    text = text.strip().replace("\x00", "")
    if not text.startswith("ISA") or len(text) < 20:
        raise unparsable(f"no X12 interchange: it starts with {first_characters(body)!r}")
    between = text[3]
    place = 3
    for _ in range(ISA_ELEMENTS - 1):
        place = text.find(between, place + 1)
        if place < 0:
            raise unparsable("the ISA header has too few elements")
    end = text[place + 2 : place + 3]
    if not end or end.isalnum() or end == between:
        raise unparsable("the ISA header does not say how a segment ends")
    parts = [part.strip() for part in text.split(end)]
    if len(parts) > MAX_SEGMENTS:
        raise Unreadable(FailureClass.TOO_LARGE, Fault("", f"more than {MAX_SEGMENTS} segments"))
    return [Segment(n, tuple(part.split(between))) for n, part in enumerate(filter(None, parts), 1)]


def _fault(segment: Segment, words: str) -> Unreadable:
    return Unreadable(FailureClass.BAD_VALUE, Fault(segment.path, words))
