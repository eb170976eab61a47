"""EDIFACT interchanges as segments, after ISO 9735: service string advice, release characters, character sets. Pure.

Like x12: what is wrong is noted on the smallest part it spoils.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from integrations.failures import Unreadable, unparsable
from integrations.files import envelopes
from integrations.files.x12 import STRAY

# Syntax identifier (UNB 0001) -> code page. Levels A and B are subsets of ASCII.
CHARACTER_SETS = {
    "UNOA": "ascii", "UNOB": "ascii", "UNOC": "iso8859-1", "UNOD": "iso8859-2", "UNOE": "iso8859-5",
    "UNOF": "iso8859-7", "UNOG": "iso8859-3", "UNOH": "iso8859-4", "UNOI": "iso8859-6", "UNOJ": "iso8859-8",
    "UNOK": "iso8859-9", "UNOL": "iso8859-15", "UNOW": "utf-8", "UNOX": "iso2022_jp", "UNOY": "utf-8",
    "IATA": "ascii", "IATB": "ascii",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment and its number in the file. `elements[0]` is the tag; each element is a tuple of its components."""

    n: int
    elements: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        return self.elements[0][0]

    @property
    def path(self) -> str:
        return f"segment {self.n} {self.name}"

    def __getitem__(self, element: int) -> str:
        """The first component of an element, which of plain ones is all of it."""
        return self.get(element)

    def get(self, element: int, component: int = 0) -> str:
        """A component by its element's number (1 is the first after the tag), empty where there is none."""
        found = self.elements[element] if element < len(self.elements) else ()
        return found[component].strip() if component < len(found) else ""


@dataclass(frozen=True, slots=True)
class Marks:
    """The service string advice."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    repeat: str = " "
    end: str = "'"

    @property
    def una(self) -> str:
        return f"UNA{self.component}{self.element}{self.decimal}{self.release}{self.repeat}{self.end}"

    def released(self, text: str) -> str:
        """Text with every service character in it escaped."""
        if self.release == " ":
            return text
        special = {self.component, self.element, self.release, self.end} | ({self.repeat} - {" "})
        return "".join(self.release + c if c in special else c for c in text)

    def written(self, segment: Segment) -> str:
        parts = []
        for element in segment.elements:
            components = [self.released(each) for each in element]
            while len(components) > 1 and not components[-1]:
                components.pop()
            parts.append(self.component.join(components))
        while len(parts) > 1 and not parts[-1]:
            parts.pop()
        return self.element.join(parts) + self.end


@dataclass(slots=True)
class Interchange:
    """UNB to UNZ. `fault` spoils all of it."""

    marks: Marks
    segments: list[Segment]
    messages: list[Message] = field(default_factory=list)
    fault: Unreadable | None = None

    @property
    def unb(self) -> Segment:
        return self.segments[0]

    @property
    def sender(self) -> str:
        return self.unb.get(2)

    @property
    def receiver(self) -> str:
        return self.unb.get(3)

    @property
    def control(self) -> str:
        return self.unb.get(5)

    @property
    def is_test(self) -> bool:
        return self.unb.get(11) == "1"

    def written(self, *, only: Message | None = None) -> str:
        """These segments as text again: all of them, or an interchange that holds this one message."""
        lines = self.segments
        if only is not None:
            ends = [Segment(0, (("UNZ",), ("1",), (self.control,)))]
            if only.group is not None:
                ends = [
                    Segment(0, (("UNE",), ("1",), (only.group.get(5),))),
                    *ends,
                ]
            lines = [self.unb, *([only.group] if only.group else []), *only.segments, *ends]
        return f"{self.marks.una}\n" + "".join(f"{self.marks.written(segment)}\n" for segment in lines)


@dataclass(slots=True)
class Message:
    """UNH to UNT: its type, version, and what of its envelope is wrong."""

    interchange: Interchange
    group: Segment | None
    segments: list[Segment] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    fault: Unreadable | None = None

    @property
    def control(self) -> str:
        return self.segments[0].get(1)

    @property
    def kind(self) -> str:
        return self.segments[0].get(2)

    @property
    def version(self) -> str:
        return self.segments[0].get(2, 1) + self.segments[0].get(2, 2)

    @property
    def ref(self) -> str:
        return f"{self.kind}:{self.interchange.sender}:{self.interchange.control}:{self.control}"


def looks_like(text: str) -> bool:
    return text[:3] in {"UNA", "UNB"}


def interchanges(body: bytes, *, code_page: str = "", forgiving: bool = False) -> list[Interchange]:
    """Every interchange of the file. Raises Unreadable where its first header can't be read."""
    text = decoded(body, code_page)
    found: list[Interchange] = []
    number = 0
    while text:
        mine, text, number = _cut(text, number)
        _Sorter(mine, mine.messages, forgiving=forgiving).sort()
        found.append(mine)
    return found


def decoded(body: bytes, code_page: str = "") -> str:
    """The text in the character set its UNB names, or in the connection's. Raises Unreadable for what isn't in it.

    A byte order mark says UTF-8 whatever the header says; levels A and B are believed to be what they are called.
    """
    chosen = code_page or _named(body)
    if body.startswith(b"\xef\xbb\xbf") and chosen in {"ascii", "utf-8"}:
        chosen = "utf-8-sig"
    try:
        text = body.decode(chosen)
    except UnicodeDecodeError as error:
        words = f"byte {error.start} (0x{body[error.start]:02X}) is no character of {chosen}"
        hint = "" if code_page else ", which is what its UNB names; say what the partner uses with code_page"
        raise unparsable(words + hint) from None
    except LookupError:
        raise unparsable(f"the connection's setting code_page names none: {code_page[:40]!r}") from None
    return text.translate(dict.fromkeys(map(ord, STRAY))).strip()


def _named(body: bytes) -> str:
    place = body.find(b"UNB")
    level = body[place + 4 : place + 8].decode("latin-1") if place >= 0 else ""
    if place >= 0 and level not in CHARACTER_SETS:
        raise unparsable(f"segment UNB names the syntax {level!r}, which ISO 9735 doesn't know")
    return CHARACTER_SETS.get(level, "ascii")


def _marks(text: str) -> tuple[Marks, str]:
    if not text.startswith("UNA"):
        return Marks(), text
    if len(text) < 9:
        raise unparsable("the service string advice (UNA) breaks off")
    component, element, decimal, release, repeat, end = list(text[3:9])
    if len({component, element, end}) < 3 or any(c.isalnum() or c.isspace() for c in (component, element)):
        raise unparsable(f"the service string advice (UNA) can't be right: {text[:9]!r}")
    if end == "\r" and text[9:10] == "\n":
        end = "\n"
    return Marks(component, element, decimal, release, repeat, end), text[9:].lstrip()


def _cut(text: str, number: int) -> tuple[Interchange, str, int]:
    marks, text = _marks(text)
    if not text.startswith("UNB"):
        raise unparsable(f"no EDIFACT interchange: where its UNB should be stands {text[:20]!r}")
    segments: list[Segment] = []
    place = 0
    while place < len(text):
        elements, place = segment_at(text, place, marks)
        if not elements:
            continue
        number += 1
        envelopes.limit(number)
        segments.append(Segment(number, elements))
        rest = text[place : place + 40].lstrip()
        if segments[-1].name == "UNZ" or rest.startswith("UNA") or _begins(rest, marks):
            break
    return Interchange(marks, segments), text[place:].strip(), number


def _begins(rest: str, marks: Marks) -> bool:
    return rest.startswith(f"UNB{marks.element}")


def segment_at(text: str, place: int, marks: Marks) -> tuple[tuple[tuple[str, ...], ...], int]:
    """The segment that begins here, and where the next does. Line breaks around it don't count."""
    while place < len(text) and text[place].isspace():
        place += 1
    element: list[str] = []
    elements: list[tuple[str, ...]] = []
    word: list[str] = []
    while place < len(text):
        c = text[place]
        place += 1
        if c == marks.release and marks.release != " ":
            word.append(text[place : place + 1])
            place += 1
        elif c == marks.component:
            element.append("".join(word))
            word = []
        elif c in (marks.element, marks.end):
            element.append("".join(word))
            elements.append(tuple(element))
            element, word = [], []
            if c == marks.end:
                return tuple(elements) if elements != [("",)] else (), place
        else:
            word.append(c)
    if word or element or elements:
        element.append("".join(word).rstrip())
        elements.append(tuple(element))
    return tuple(elements), place


class _Sorter(envelopes.Sorter[Message]):
    WORD, BEGIN, END = "message", "UNH", "UNT"
    GROUP, GROUP_END, GROUP_CONTROL = "UNG", "UNE", 5
    TRAILER = "UNZ"

    interchange: Interchange

    def begun(self, segment: Segment) -> Message:
        return Message(self.interchange, self.group, [segment])

    def strange(self, name: str) -> str:
        right = len(name) == 3 and name.isascii() and name.isalnum() and name.isupper()
        return "" if right else "is no segment of EDIFACT: its tag should be three capitals"

    def held(self) -> tuple[int, str]:
        return (self.groups, "groups") if self.groups else (len(self.found), "messages")
