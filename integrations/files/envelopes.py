"""The envelopes of EDI: messages, perhaps in groups, in an interchange; each trailer counts what it closes. Pure.

X12 and EDIFACT differ in the names of their segments and in what may stand where; how a cut, merged or repeated file
shows is the same. What is wrong is noted on the smallest part it spoils.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Protocol, TypeVar

from integrations.failures import FailureClass, Fault, Unreadable

MAX_SEGMENTS = 500_000


class Segment(Protocol):
    """One segment as its syntax reads it; `segment[n]` is the plain value of its n-th element, empty where none is."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> str: ...

    def __getitem__(self, position: int, /) -> str: ...


class Message(Protocol):
    """What begins and ends within an interchange: a message, a transaction set."""

    remarks: list[str]
    fault: Unreadable | None

    @property
    def control(self) -> str: ...

    @property
    def segments(self) -> list[Any]: ...


class Interchange(Protocol):
    fault: Unreadable | None

    @property
    def control(self) -> str: ...

    @property
    def segments(self) -> list[Any]: ...


M = TypeVar("M", bound=Message)


class Sorter(Generic[M]):
    """Walks the segments of one interchange into `found`, its messages."""

    WORD: ClassVar[str]  # what a message is called
    GROUP: ClassVar[str]  # the segment that begins a group
    GROUP_CONTROL: ClassVar[int]  # which element of it is its number
    BEGIN: ClassVar[str]
    END: ClassVar[str]
    GROUP_END: ClassVar[str]
    TRAILER: ClassVar[str]

    def __init__(self, interchange: Interchange, found: list[M], *, forgiving: bool):
        self.interchange, self.found, self.forgiving = interchange, found, forgiving
        self.open: M | None = None
        self.group: Any = None
        self.in_group: list[str] = []  # the numbers of the messages since it began
        self.groups = 0
        self.closed = False
        self.remarks: list[str] = []

    # --- What a syntax brings

    def begun(self, segment: Any) -> M:
        """The message this segment opens. Raises Unreadable where none may begin."""
        raise NotImplementedError

    def strange(self, name: str) -> str:
        """Why a segment can't be called so; empty where it can."""
        raise NotImplementedError

    def outside(self, segment: Any) -> None:
        """A segment between messages."""
        raise fault(segment, f"stands outside of any {self.WORD}")

    def held(self) -> tuple[int, str]:
        """What the interchange's trailer has to count, and what that is called."""
        return self.groups, "groups"

    # ---

    def sort(self) -> None:
        try:
            self._walk()
        except Unreadable as found:
            self.interchange.fault = found

    def _walk(self) -> None:
        for segment in self.interchange.segments[1:]:
            if self.closed:
                raise fault(segment, "stands after the end of the interchange")
            self._one(segment)
        if self.open is not None or not self.closed:
            words = f"the interchange breaks off before its {self.TRAILER} trailer"
            raise Unreadable(FailureClass.UNPARSABLE, Fault("", words))
        for each in self.found:
            each.remarks.extend(self.remarks)

    def _one(self, segment: Segment) -> None:
        name = segment.name
        if name == self.GROUP:
            if self.group is not None:
                raise fault(segment, f"begins before group {self._group_control!r} has ended")
            self.group, self.in_group = segment, []
        elif name == self.BEGIN:
            if self.open is not None:
                raise fault(segment, f"begins before {self.WORD} {self.open.control!r} has ended")
            self.open = self.begun(segment)
        elif name == self.END:
            self._end_message(segment)
        elif name == self.GROUP_END:
            self._end_group(segment)
        elif name == self.TRAILER:
            self._end(segment)
        elif self.open is not None:
            self.open.segments.append(segment)
            if self.open.fault is None and (why := self.strange(name)):
                self.open.fault = fault(segment, why)
        else:
            self.outside(segment)

    def _end_message(self, segment: Segment) -> None:
        done = self.open
        if done is None:
            raise fault(segment, f"ends a {self.WORD} that never began")
        done.segments.append(segment)
        words = miscounted(segment, len(done.segments), "segments")
        if not words and segment[2] != done.control:
            words = f"ends {self.WORD} {segment[2]!r}, {done.control!r} is open"
        if words and self.forgiving:
            done.remarks.append(f"{segment.path} {words}.")
        elif words:
            done.fault = done.fault or fault(segment, words)
        elif done.control in self.in_group:
            words = f"repeats control number {done.control!r} within its {'group' if self.group else 'interchange'}"
            done.fault = done.fault or fault(done.segments[0], words)
        self.in_group.append(done.control)
        self.found.append(done)
        self.open = None

    def _end_group(self, segment: Segment) -> None:
        if self.open is not None:
            raise fault(segment, f"ends the group before {self.WORD} {self.open.control!r} has ended")
        if self.group is None:
            raise fault(segment, "ends a group that never began")
        self._note(segment, miscounted(segment, len(self.in_group), f"{self.WORD}s"))
        if segment[2] != self._group_control:
            self._note(segment, f"ends group {segment[2]!r}, {self._group_control!r} is open")
        self.group, self.groups, self.in_group = None, self.groups + 1, []

    def _end(self, segment: Segment) -> None:
        if self.open is not None:
            raise fault(segment, f"ends the interchange before {self.WORD} {self.open.control!r} has ended")
        if self.group is not None:
            raise fault(segment, f"ends the interchange before its group {self._group_control!r} has ended")
        self._note(segment, miscounted(segment, *self.held()))
        if segment[2] != self.interchange.control:
            words = f"The trailer names interchange {segment[2]!r}, the header {self.interchange.control!r}."
            self.remarks.append(words)
        self.closed = True

    @property
    def _group_control(self) -> str:
        return str(self.group[self.GROUP_CONTROL])

    def _note(self, segment: Segment, words: str) -> None:
        if words and not self.forgiving:
            raise fault(segment, words)
        if words:
            self.remarks.append(f"{segment.path} {words}.")


def limit(number: int) -> None:
    """Raises Unreadable for the segment of that number where a file is longer than anybody's orders."""
    if number > MAX_SEGMENTS:
        raise Unreadable(FailureClass.TOO_LARGE, Fault("", f"more than {MAX_SEGMENTS} segments"))


def miscounted(segment: Segment, made: int, what: str) -> str:
    """What is wrong with the count in a trailer's first element; empty where it is right."""
    return "" if segment[1].lstrip("0") == str(made or "") else f"counts {segment[1]} {what}, there are {made}"


def fault(segment: Segment, words: str) -> Unreadable:
    return Unreadable(FailureClass.BAD_VALUE, Fault(segment.path, words))
