"""X12 interchanges as segments: their own delimiters, their envelopes checked, line breaks and indents forgiven. Pure.

A file may hold several interchanges, each with groups of transaction sets. What is wrong is noted on the smallest part
it spoils (the set, or the interchange as a whole), so that a partner's one bad set doesn't stop the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from integrations.documents import first_characters
from integrations.failures import Unreadable, unparsable
from integrations.files import envelopes

ISA_ELEMENTS = 16
STRAY = "\x00\x1a\ufeff"  # what editors, mainframes and FTP leave between segments


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment and its number in the file, for faults."""

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
class Interchange:
    """ISA to IEA. `fault` spoils all of it: something of its own envelope can't be right."""

    isa: Segment
    between: str
    end: str
    transactions: list[Transaction] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    fault: Unreadable | None = None

    @property
    def acknowledgements(self) -> list[Segment]:
        """The TA1 it carries, which speak of interchanges of ours."""
        return [segment for segment in self.segments if segment.name == "TA1"]

    @property
    def trailer_differs(self) -> bool:
        """Whether its trailer names another interchange than its header, which is nothing but remarked on."""
        return any(segment.name == "IEA" and segment[2] != self.control for segment in self.segments)

    @property
    def sender(self) -> str:
        return self.isa[6]

    @property
    def receiver(self) -> str:
        return self.isa[8]

    @property
    def control(self) -> str:
        return self.isa[13]

    @property
    def is_test(self) -> bool:
        return self.isa[15] == "T"

    @property
    def component(self) -> str:
        return self.isa[16][:1]

    def written(self, *, only: Transaction | None = None) -> str:
        """These segments as text again: all of them, or an interchange that holds this one set."""
        if only is None:
            return self._lines(self.segments)
        group = only.group
        elements = {"GE": ("GE", "1", group[6]), "IEA": ("IEA", "1", self.control)}
        trailers = [Segment(0, elements["GE"]), Segment(0, elements["IEA"])]
        return self._lines([self.isa, group, *only.segments, *trailers])

    def _lines(self, segments: list[Segment]) -> str:
        ending = self.end if self.end in "\r\n" else f"{self.end}\n"
        return "".join(self.between.join(segment.elements) + ending for segment in segments)


@dataclass(slots=True)
class Transaction:
    """One transaction set (ST to SE), where it stood, and what of its envelope is wrong."""

    kind: str
    control: str
    interchange: Interchange
    group: Segment
    segments: list[Segment] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    fault: Unreadable | None = None

    @property
    def sender(self) -> str:
        return self.interchange.sender

    @property
    def ref(self) -> str:
        return f"{self.kind}:{self.sender}:{self.interchange.control}:{self.control}"


def interchanges(body: bytes, *, code_page: str = "", forgiving: bool = False) -> list[Interchange]:
    """Every interchange of the file. Raises Unreadable where not even its first header can be read.

    The counts of SE, GE and IEA and the control numbers of ST and GS must be right: they are how a cut or merged file
    shows. With `forgiving` (an agreement with the partner) a wrong count is only remarked on; a file that breaks off is
    refused all the same. A trailer that names the interchange otherwise than its header is always a remark: nothing is
    lost by it.
    """
    text = decoded(body, code_page)
    found: list[Interchange] = []
    number = 0
    while text:
        head, rest = _opened(text, body, first=not found)
        mine, text, number = _cut(head, rest, number)
        _Sorter(mine, mine.transactions, forgiving=forgiving).sort()
        found.append(mine)
    return found


def transactions(body: bytes, *, code_page: str = "", forgiving: bool = False) -> list[Transaction]:
    """Every transaction set of a file that is right as a whole. Raises Unreadable naming the segment that isn't."""
    found: list[Transaction] = []
    for interchange in interchanges(body, code_page=code_page, forgiving=forgiving):
        if interchange.fault:
            raise interchange.fault
        for each in interchange.transactions:
            if each.fault:
                raise each.fault
            found.append(each)
    return found


def decoded(body: bytes, code_page: str = "") -> str:
    """The file's text by the agreed code page; else UTF-8, or Latin-1 where it is none. Raises Unreadable."""
    if code_page:
        try:
            text = body.decode("utf-8-sig" if code_page.lower() in {"utf-8", "utf8"} else code_page)
        except UnicodeDecodeError as error:
            words = (
                f"byte {error.start} (0x{body[error.start]:02X}) is no character of the agreed code page {code_page}"
            )
            raise unparsable(words) from None
        except LookupError:
            raise unparsable(f"the connection's setting code_page names none: {code_page[:40]!r}") from None
    else:
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = body.decode("latin-1")
    return text.translate(dict.fromkeys(map(ord, STRAY))).strip()


@dataclass(frozen=True, slots=True)
class _Head:
    between: str
    end: str


def _opened(text: str, body: bytes, *, first: bool) -> tuple[_Head, str]:
    """Delimiters stand in the ISA segment itself: the element separator is its fourth character, and what follows the
    one character of ISA16 ends a segment."""
    if not text.startswith("ISA") or len(text) < 20:
        beginning = first_characters(body) if first else text[:20]
        raise unparsable(f"no X12 interchange: it starts with {beginning!r}")
    between = text[3]
    place = 3
    for _ in range(ISA_ELEMENTS - 1):
        place = text.find(between, place + 1)
        if place < 0:
            raise unparsable("the ISA header has too few elements")
    end = text[place + 2 : place + 3]
    if between.isalnum() or not end or end.isalnum() or end == between:
        raise unparsable("the ISA header does not say how a segment ends")
    return _Head(between, end), text


def _cut(head: _Head, text: str, number: int) -> tuple[Interchange, str, int]:
    """The segments up to this interchange's IEA, and the text after it."""
    segments: list[Segment] = []
    while text:
        part, _, rest = text.partition(head.end)
        part = part.strip()
        if segments and part.startswith("ISA") and _is_header(part):
            break  # the next interchange begins, though this one has not ended
        text = rest
        if not part:
            continue
        number += 1
        envelopes.limit(number)
        segments.append(Segment(number, tuple(part.split(head.between))))
        if segments[-1].name == "IEA":
            following = text.lstrip()
            if not following or following.startswith("ISA"):
                text = following
                break
    return Interchange(segments[0], head.between, head.end, segments=segments), text.strip(), number


def _is_header(part: str) -> bool:
    return len(part) > 4 and not part[3].isalnum() and part.count(part[3]) >= ISA_ELEMENTS - 1


class _Sorter(envelopes.Sorter[Transaction]):
    WORD, BEGIN, END = "transaction set", "ST", "SE"
    GROUP, GROUP_END, GROUP_CONTROL = "GS", "GE", 6
    TRAILER = "IEA"

    interchange: Interchange

    def begun(self, segment: Segment) -> Transaction:
        if self.group is None:
            raise envelopes.fault(segment, "stands outside of any group")
        return Transaction(segment[1], segment[2], self.interchange, self.group, [segment])

    def strange(self, name: str) -> str:
        right = 2 <= len(name) <= 3 and name.isalnum() and name.isascii() and name.isupper()
        return "" if right else "is no segment of X12: its name should be two or three capitals or digits"

    def outside(self, segment: Segment) -> None:
        if segment.name != "TA1" or self.group is not None:
            super().outside(segment)
