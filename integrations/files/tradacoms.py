"""TRADACOMS transmissions as segments: TAG=element+element:component', messages one by one, counted at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from integrations.failures import unparsable
from integrations.files.edifact import Marks, Segment, segment_at
from integrations.files.envelopes import MAX_SEGMENTS, fault, miscounted
from integrations.files.x12 import decoded

MARKS = Marks()


@dataclass(slots=True)
class Message:
    """MHD to MTR: its type and the segments between."""

    head: Segment
    segments: list[Segment] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.head.get(2)


@dataclass(slots=True)
class Transmission:
    """STX to END."""

    stx: Segment
    messages: list[Message] = field(default_factory=list)


def looks_like(text: str) -> bool:
    return text.startswith("STX=")


def transmission(body: bytes, *, code_page: str = "") -> Transmission:
    """The one transmission of the file. Raises Unreadable naming the segment that can't be right.

    MTR counts a message's segments and END the messages: they are how a cut file shows.
    """
    segments = _segments(decoded(body, code_page))
    if not segments or segments[0].name != "STX":
        raise unparsable("no TRADACOMS transmission: it doesn't begin with STX")
    found = Transmission(segments[0])
    open_: Message | None = None
    for segment in segments[1:-1]:
        match segment.name:
            case "MHD":
                if open_ is not None:
                    raise fault(segment, "begins before the message before it has ended")
                open_ = Message(segment)
            case "MTR":
                if open_ is None:
                    raise fault(segment, "ends a message that never began")
                _check(segment, len(open_.segments) + 2, "segments")
                found.messages.append(open_)
                open_ = None
            case _ if open_ is not None:
                open_.segments.append(segment)
            case _:
                raise fault(segment, "stands outside of any message")
    if open_ is not None or segments[-1].name != "END":
        raise unparsable("the transmission breaks off before its END")
    _check(segments[-1], len(found.messages), "messages")
    return found


def _check(segment: Segment, made: int, what: str) -> None:
    if words := miscounted(segment, made, what):
        raise fault(segment, words)


def _segments(text: str) -> list[Segment]:
    found: list[Segment] = []
    place = 0
    while place < len(text):
        elements, place = segment_at(text, place, MARKS)
        if not elements:
            continue
        tag, sign, first = elements[0][0].partition("=")
        if not sign or len(found) >= MAX_SEGMENTS:
            raise fault(Segment(len(found) + 1, elements), "is no segment of TRADACOMS: it has no '='")
        found.append(Segment(len(found) + 1, ((tag,), (first, *elements[0][1:]), *elements[1:])))
    return found
